//! Configuration of an image, as the frontend returns it (OCI image spec, `config`).

use crate::gateway::Gateway;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::Result as Built;
use serde::Deserialize;
use std::collections::BTreeMap;
use windlass_engine::ports::ImageConfig;

/// Key of the image's configuration in the result's metadata.
const KEY: &str = "containerimage.config";

/// Key of the configuration of the image that the first stage in a row of stages begins with.
const BASE_KEY: &str = "containerimage.base.config";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Image {
    pub(crate) config: Config,
    history: Option<Vec<Step>>,
}

/// Entry of `history`: an instruction that the image was made by.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Step {
    created_by: String,
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
        Self::under(KEY, built).unwrap_or_default()
    }

    /// Reads the base image. `None` means that there is none, or that the builder is too old to report it.
    pub(crate) fn base_of(built: &Built) -> Option<Self> {
        Self::under(BASE_KEY, built)
    }

    fn under(key: &str, built: &Built) -> Option<Self> {
        let json = built.metadata.get(key).or_else(|| {
            // A key may end with the platform.
            built.metadata.iter().find(|(name, _)| name.starts_with(key)).map(|(_, json)| json)
        });
        json.and_then(|json| serde_json::from_slice(json).ok())
    }

    /// Lists the TCP ports of `ExposedPorts`, ascending.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let ports = self.config.exposed_ports.iter().flatten();
        let mut ports: Vec<u16> =
            ports.filter_map(|(port, _)| port.trim_end_matches("/tcp").parse().ok()).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Lists the TCP ports that were exposed by steps after those of `base`, ascending.
    pub(crate) fn ports_since(&self, base: &Self) -> Vec<u16> {
        let done = base.history.as_ref().map_or(0, Vec::len);
        let steps = self.history.iter().flatten().skip(done);
        let mut ports: Vec<u16> = steps.flat_map(|step| exposed(&step.created_by)).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    pub(crate) fn command(&self) -> Vec<String> {
        let parts = [&self.config.entrypoint, &self.config.cmd];
        parts.into_iter().flatten().flatten().cloned().collect()
    }

    /// Returns the part that the pipeline reads. A user by name is looked up in the image's own `/etc/passwd`.
    pub(crate) async fn config(
        &self,
        gateway: &Gateway,
        reference: &str,
        stages: Option<Vec<String>>,
        own_ports: Vec<u16>,
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
        let user = user.filter(|user| *user != 0);
        ImageConfig { user, ports: self.ports(), own_ports, command: self.command(), stages }
    }
}

/// Reads the TCP ports of a step of an image's history: `EXPOSE [80/tcp 53/udp]`, and in older
/// builders `EXPOSE map[80/tcp:{}]`.
fn exposed(step: &str) -> impl Iterator<Item = u16> {
    let ports = step.strip_prefix("EXPOSE ").unwrap_or_default();
    let parts = ports.split(|c: char| !c.is_ascii_alphanumeric() && c != '/');
    parts.filter_map(|part| part.strip_suffix("/tcp")?.parse().ok())
}

/// Finds the id of a user in lines such as `name:x:1000:…`.
fn find_user(passwd: &str, name: &str) -> Option<u32> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

/// Returns whether an argument is taken without being declared (Dockerfile reference, "Predefined ARGs"
/// and "BuildKit built-in build args").
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
    fn ports_of_a_stage_are_told_from_those_of_its_base() {
        let base = r#"{"config":{"ExposedPorts":{"80/tcp":{},"443/tcp":{}}},"history":[
            {"created_by":"/bin/sh -c #(nop) ADD file:1 in /"},
            {"created_by":"EXPOSE map[443/tcp:{} 80/tcp:{}]","comment":"buildkit.dockerfile.v0"}]}"#;
        let base: Image = serde_json::from_str(base).unwrap();
        let image = r#"{"config":{"ExposedPorts":{"80/tcp":{},"443/tcp":{},"3000/tcp":{},"53/udp":{}}},
            "history":[{},{"created_by":"EXPOSE map[443/tcp:{} 80/tcp:{}]"},
            {"created_by":"RUN echo EXPOSE 9/tcp # buildkit"},
            {"created_by":"EXPOSE [3000/tcp 53/udp]"},{"created_by":"EXPOSE [443/tcp 443/tcp]"}]}"#;
        let image: Image = serde_json::from_str(image).unwrap();
        assert_eq!(image.ports(), [80, 443, 3000]);
        assert_eq!(image.ports_since(&base), [443, 3000], "also one that is exposed again");
        assert_eq!(image.ports_since(&Image::default()), [80, 443, 3000]);
        let bare: Image = serde_json::from_str(r#"{"history":null}"#).unwrap();
        assert!(bare.ports_since(&base).is_empty());
    }

    #[test]
    fn reads_users_and_knows_arguments() {
        let passwd = "root:x:0:0::/root:/bin/sh\napp:x:1001:1001::/app:/bin/sh\n";
        assert_eq!(find_user(passwd, "app"), Some(1001));
        assert_eq!(find_user(passwd, "ap"), None);
        assert!(is_predefined("https_proxy") && !is_predefined("HTTP"));
    }
}
