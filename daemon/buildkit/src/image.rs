//! An image's configuration, as the frontend gives it (OCI image spec, `config`).

use crate::gateway::Gateway;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::Result as Built;
use serde::Deserialize;
use std::collections::BTreeMap;
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
        stages: Option<Vec<String>>,
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
    fn reads_users_and_knows_arguments() {
        let passwd = "root:x:0:0::/root:/bin/sh\napp:x:1001:1001::/app:/bin/sh\n";
        assert_eq!(find_user(passwd, "app"), Some(1001));
        assert_eq!(find_user(passwd, "ap"), None);
        assert!(is_predefined("https_proxy") && !is_predefined("HTTP"));
    }
}
