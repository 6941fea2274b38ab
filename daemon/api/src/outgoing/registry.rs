//! Messages about registries of projects' own.

use super::time::timestamp;
use windlass_engine::ports::store::{OwnRegistryRecord, OwnRegistryVersion};
use windlass_model::own::registry::RegistryLogin;
use windlass_proto::v1;
use windlass_service::RegistryFinding;

/// Returns the message for a registry. Its secrets are not in the record.
pub(crate) fn registry(record: OwnRegistryRecord) -> v1::Registry {
    let registry = record.registry;
    v1::Registry {
        project: record.project,
        host: registry.host,
        images: registry.images.unwrap_or_default(),
        push: registry.push.map(account),
        pull: registry.pull.map(account),
        version: record.version,
        by: record.by,
        at: Some(timestamp(record.at_ms)),
        finding: record.finding,
        removed: false,
    }
}

/// Returns the message for a version in the history of a registry. Settings of plugins are left out: a hundred of them may
/// be larger than a message.
pub(crate) fn registry_version(
    project: &str,
    host: &str,
    version: OwnRegistryVersion,
) -> v1::Registry {
    let OwnRegistryVersion { version, registry, finding, by, at_ms } = version;
    let removed = registry.is_none();
    let (images, push, pull) = registry
        .map(|registry| (registry.images, registry.push, registry.pull))
        .unwrap_or_default();
    let login = |login| v1::RegistryAccount { settings_json: String::new(), ..account(login) };
    v1::Registry {
        project: project.to_owned(),
        host: host.to_owned(),
        images: images.unwrap_or_default(),
        push: push.map(login),
        pull: pull.map(login),
        version,
        by,
        at: Some(timestamp(at_ms)),
        finding,
        removed,
    }
}

/// Returns the message for a login that does not work.
pub(crate) fn registry_finding(finding: RegistryFinding) -> v1::RegistryFinding {
    let RegistryFinding { login, message, fix } = finding;
    v1::RegistryFinding { login: login.as_str().into(), message, fix }
}

fn account(login: RegistryLogin) -> v1::RegistryAccount {
    match login {
        RegistryLogin::User(user) => v1::RegistryAccount { user, ..v1::RegistryAccount::default() },
        RegistryLogin::Plugin { name, settings } => v1::RegistryAccount {
            plugin: name,
            settings_json: settings.to_string(),
            ..v1::RegistryAccount::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::own::registry::OwnRegistry;

    #[test]
    fn a_history_has_removals_and_no_settings() {
        let settings = serde_json::json!({ "region": "eu" });
        let plugin = RegistryLogin::Plugin { name: "registry-ecr".into(), settings };
        let registry = OwnRegistry {
            host: "ghcr.io".into(),
            images: Some("ghcr.io/acme".into()),
            push: Some(plugin),
            pull: None,
        };
        let shown = |registry: Option<OwnRegistry>| {
            let (finding, by) = (String::new(), "ann".to_owned());
            let version = OwnRegistryVersion { version: 2, registry, finding, by, at_ms: 1000 };
            registry_version("shop", "ghcr.io", version)
        };
        let put = shown(Some(registry));
        let push = put.push.unwrap();
        assert_eq!((&*push.plugin, &*push.settings_json), ("registry-ecr", ""));
        assert_eq!((&*put.images, put.removed), ("ghcr.io/acme", false));
        let removed = shown(None);
        assert_eq!((&*removed.host, removed.version, removed.removed), ("ghcr.io", 2, true));
        assert_eq!((&*removed.images, removed.push, &*removed.by), ("", None, "ann"));
    }
}
