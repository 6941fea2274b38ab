//! Messages about registries of projects' own.

use super::time::timestamp;
use windlass_engine::ports::store::OwnRegistryRecord;
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
