//! Registries of projects' own, within what the operator allows.

use super::refusal::{own_refused, unread};
use crate::config::Config;
use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};
use windlass_engine::ports::store::{OpenedRegistry, OwnRegistries, OwnRegistryRecord};
use windlass_model::{
    error::LoginError,
    own::registry::{OwnRegistry, RegistryLogin, canonical_host},
};
use windlass_plugin_host::RegistrySource;
use windlass_registry::{Checker, Rules};

/// Rule of the operator that a registry breaks.
#[derive(Debug)]
pub(crate) struct NotAllowed {
    /// Field of the registry.
    pub(crate) field: String,
    pub(crate) value: String,
    /// The rule, with the key that the operator has to set.
    pub(crate) expected: String,
}

/// The operator's rules, as the configuration has them.
pub(super) struct Allowed {
    pub(super) rules: Arc<Rules>,
    plugins: Vec<String>,
    ca: Option<PathBuf>,
}

/// Registries that projects have put.
pub(super) struct OwnLogins {
    store: Arc<dyn OwnRegistries>,
    allowed: RwLock<Arc<Allowed>>,
}

impl Allowed {
    fn of(config: &Config) -> Self {
        let own = &config.own_registries;
        // They were checked when the configuration was read. What cannot be read allows nothing.
        let rules = Arc::new(own.rules().unwrap_or_default());
        Self { rules, plugins: own.plugins.clone(), ca: own.ca.clone() }
    }

    /// Returns checks of logins by these rules.
    pub(super) fn checker(&self) -> Checker {
        Checker::new(self.rules.clone(), self.ca.clone())
    }

    /// Checks host and plugins. Nothing is resolved.
    pub(super) fn check(&self, registry: &OwnRegistry) -> Result<(), NotAllowed> {
        let host = &*registry.host;
        let fail = |field: String, value: &str, expected: &str| {
            Err(NotAllowed { field, value: value.into(), expected: expected.into() })
        };
        if self.rules.is_empty() {
            let expected = "is not allowed: no project may bring a registry, unless the operator names its host in `own-registries.allow`";
            return fail("host".into(), host, expected);
        }
        if !self.rules.allows(host) {
            let expected = "is not allowed: the operator has to name it in `own-registries.allow`";
            return fail("host".into(), host, expected);
        }
        for (of, login) in registry.logins() {
            if let RegistryLogin::Plugin { name, .. } = login
                && !self.plugins.contains(name)
            {
                let expected = "is no plugin that projects may use: the operator has to name it in `own-registries.plugins`";
                return fail(format!("{}.plugin", of.as_str()), name, expected);
            }
        }
        Ok(())
    }
}

impl OwnLogins {
    pub(super) fn new(store: Arc<dyn OwnRegistries>, config: &Config) -> Self {
        Self { store, allowed: RwLock::new(Arc::new(Allowed::of(config))) }
    }

    pub(super) fn configure(&self, config: &Config) {
        let next = Arc::new(Allowed::of(config));
        *self.allowed.write().unwrap_or_else(PoisonError::into_inner) = next;
    }

    pub(super) fn allowed(&self) -> Arc<Allowed> {
        self.allowed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns a registry with its secrets. `None` means that the project has none at the host.
    pub(super) async fn open(
        &self,
        project: &str,
        host: &str,
    ) -> Result<Option<OpenedRegistry>, LoginError> {
        self.store.open_registry(project, &canonical_host(host)).await.map_err(unread)
    }

    /// Returns a registry without its secrets. `None` means that the project has none at the host.
    pub(super) async fn find(
        &self,
        project: &str,
        host: &str,
    ) -> Result<Option<OwnRegistryRecord>, LoginError> {
        let host = canonical_host(host);
        let mut all = self.store.registries(project).await.map_err(unread)?.into_iter();
        Ok(all.find(|one| one.registry.host == host))
    }

    /// Returns the registry that a project has at a host, or had there last. `None` means that it never had one.
    pub(super) async fn last(
        &self,
        project: &str,
        host: &str,
    ) -> Result<Option<OwnRegistry>, LoginError> {
        let versions = self.store.registry_versions(project, &canonical_host(host)).await;
        let mut versions = versions.map_err(unread)?.into_iter();
        Ok(versions.find_map(|version| version.registry))
    }

    /// Returns the registry that a project's images are pushed to. `None` means that it is the operator's.
    pub(super) async fn with_place(
        &self,
        project: &str,
    ) -> Result<Option<OwnRegistryRecord>, LoginError> {
        let mut all = self.store.registries(project).await.map_err(unread)?.into_iter();
        Ok(all.find(|one| one.registry.images.is_some()))
    }
}

/// Returns the configuration of a plugin's login for a registry of a project's own. Its secrets come with the call.
pub(super) fn source(
    registry: &OwnRegistry,
    plugin: &str,
    settings: &serde_json::Value,
) -> RegistrySource {
    RegistrySource {
        host: registry.host.clone(),
        plugin: plugin.to_owned(),
        settings: settings.clone(),
        ..RegistrySource::default()
    }
}

/// Returns the command that puts a registry once more, with new secrets.
pub(super) fn command(project: &str, registry: &OwnRegistry) -> String {
    let mut command = format!("windlass registry put {project} {}", registry.host);
    if let Some(images) = &registry.images {
        command.push_str(&format!(" --images {images}"));
    }
    for (of, login) in registry.logins() {
        let of = of.as_str();
        command.push_str(&match login {
            RegistryLogin::User(user) => {
                format!(" --{of}-user {} --{of}-password-file FILE", quoted(user))
            }
            RegistryLogin::Plugin { name, settings } => {
                let is_empty = settings.as_object().is_some_and(serde_json::Map::is_empty);
                let settings =
                    if is_empty { String::new() } else { format!(" --{of}-settings FILE") };
                format!(" --{of}-plugin {name}{settings} --{of}-secret NAME=FILE")
            }
        });
    }
    command
}

/// Returns a text as a shell takes it for one word.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._@/:+-".contains(c);
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Returns the error for a registry that the operator does not allow any more.
pub(super) fn no_longer_allowed(project: &str, error: &NotAllowed) -> LoginError {
    let NotAllowed { field, value, expected } = error;
    own_refused(
        format!("a registry of project `{project}`: {field}: `{value}` {expected}"),
        "ask the operator, or put another registry: windlass help registry put",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_command_renews_all_logins_at_once() {
        let mut registry = OwnRegistry {
            host: "ghcr.io".into(),
            images: Some("ghcr.io/acme".into()),
            push: Some(RegistryLogin::User("robot$ci's".into())),
            pull: Some(RegistryLogin::User("nodes".into())),
        };
        assert_eq!(
            command("shop", &registry),
            "windlass registry put shop ghcr.io --images ghcr.io/acme --push-user 'robot$ci'\\''s' --push-password-file FILE --pull-user nodes --pull-password-file FILE"
        );
        let plugin = |settings| RegistryLogin::Plugin { name: "registry-ecr".into(), settings };
        registry.images = None;
        registry.push = Some(plugin(json!({})));
        registry.pull = Some(plugin(json!({ "region": "eu" })));
        assert_eq!(
            command("shop", &registry),
            "windlass registry put shop ghcr.io --push-plugin registry-ecr --push-secret NAME=FILE --pull-plugin registry-ecr --pull-settings FILE --pull-secret NAME=FILE"
        );
    }
}
