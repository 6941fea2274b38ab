//! An image's configuration, as the frontend gives it (OCI image spec, `config`).

use crate::gateway::Gateway;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::Result as Built;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use windlass_core::ports::ImageConfig;

/// The key under which the frontend puts it.
const KEY: &str = "containerimage.config";

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Image {
    #[serde(default)]
    pub(crate) config: Config,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Config {
    pub(crate) user: String,
    pub(crate) env: Option<Vec<String>>,
    pub(crate) working_dir: String,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    exposed_ports: Option<BTreeMap<String, serde_json::Value>>,
}

impl Image {
    pub(crate) fn of(built: &Built) -> Self {
        let json = built.metadata.get(KEY).or_else(|| {
            built.metadata.iter().find(|(key, _)| key.starts_with(KEY)).map(|(_, json)| json)
        });
        json.and_then(|json| serde_json::from_slice(json).ok()).unwrap_or_default()
    }

    pub(crate) fn command(&self) -> Vec<String> {
        let parts = [&self.config.entrypoint, &self.config.cmd];
        parts.into_iter().flatten().flatten().cloned().collect()
    }

    /// What the pipeline reads of it. A user by name is looked up in the image's own `/etc/passwd`.
    pub(crate) async fn config(
        &self,
        gateway: &Gateway,
        reference: &str,
        stages: Vec<String>,
    ) -> ImageConfig {
        let name = self.config.user.split(':').next().unwrap_or_default();
        let user = match name.parse::<u32>() {
            Ok(user) => Some(user),
            Err(_) if name.is_empty() || name == "root" => None,
            Err(_) => {
                let passwd = gateway.read(reference, "/etc/passwd").await.unwrap_or_default();
                find_user(&String::from_utf8_lossy(&passwd), name)
            }
        };
        let ports = self.config.exposed_ports.iter().flatten();
        let mut ports: Vec<u16> =
            ports.filter_map(|(port, _)| port.trim_end_matches("/tcp").parse().ok()).collect();
        ports.sort_unstable();
        let user = user.filter(|user| *user != 0);
        ImageConfig { user, ports, command: self.command(), stages }
    }
}

/// `name:x:1000:…`.
fn find_user(passwd: &str, name: &str) -> Option<u32> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

/// The names of a Dockerfile's stages: `FROM image AS name`.
pub(crate) fn stages(dockerfile: &str) -> Vec<String> {
    let lines = dockerfile.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines
        .filter_map(|words| match words.as_slice() {
            [from, .., keyword, name]
                if from.eq_ignore_ascii_case("from") && keyword.eq_ignore_ascii_case("as") =>
            {
                Some((*name).to_owned())
            }
            _ => None,
        })
        .collect()
}

/// The names that a Dockerfile declares: `ARG name`, `ARG name=default other`, over several lines.
pub(crate) fn arguments(dockerfile: &str) -> BTreeSet<String> {
    let joined = dockerfile.replace("\\\n", " ");
    let declared = joined.lines().filter_map(|line| {
        let (keyword, rest) = line.trim().split_once(char::is_whitespace)?;
        keyword.eq_ignore_ascii_case("arg").then_some(rest)
    });
    let names = declared.flat_map(str::split_whitespace);
    names.map(|name| name.split('=').next().unwrap_or(name).to_owned()).collect()
}

/// Taken without being declared (Dockerfile reference, "Predefined ARGs" and "BuildKit built-in
/// build args").
pub(crate) fn is_predefined(name: &str) -> bool {
    let proxies = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];
    name.starts_with("BUILDKIT_")
        || name == "SOURCE_DATE_EPOCH"
        || proxies.contains(&&*name.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_users_and_stages() {
        let passwd = "root:x:0:0::/root:/bin/sh\napp:x:1001:1001::/app:/bin/sh\n";
        assert_eq!(find_user(passwd, "app"), Some(1001));
        assert_eq!(find_user(passwd, "ap"), None);
        let text =
            "FROM --platform=$BUILDPLATFORM go AS build\nRUN x\nfrom build as test\nFROM scratch\n";
        assert_eq!(stages(text), ["build", "test"]);
        let text = "ARG GO=1\nFROM go:$GO\narg A \\\n  B=two\nRUN ARG C\n";
        assert_eq!(arguments(text).into_iter().collect::<Vec<_>>(), ["A", "B", "GO"]);
        assert!(is_predefined("https_proxy") && !is_predefined("HTTP"));
    }
}
