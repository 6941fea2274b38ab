//! Rules and logins of registries, as a test decides.

use crate::{
    error::ServiceError,
    ports::{RegistryAdmin, RegistryFinding},
};
use async_trait::async_trait;
use std::sync::Mutex;
use windlass_model::own::registry::{LoginUse, OwnRegistry, PASSWORD, RegistrySecrets};

/// Password that every registry takes.
const RIGHT: &str = "hunter22";

/// Registries below `example.com`, which take one password.
#[derive(Default)]
pub(crate) struct FakeRegistries {
    changed: Mutex<Vec<String>>,
    withheld: Mutex<Option<String>>,
}

impl FakeRegistries {
    /// Returns the projects whose logins were changed, in their order.
    pub(crate) fn changed(&self) -> Vec<String> {
        self.changed.lock().unwrap().clone()
    }

    /// Withholds logins from clusters of projects' own, with this advice.
    pub(crate) fn withholds(&self, advice: &str) {
        *self.withheld.lock().unwrap() = Some(advice.to_owned());
    }
}

#[async_trait]
impl RegistryAdmin for FakeRegistries {
    async fn admit(
        &self,
        _: &str,
        registry: &OwnRegistry,
        _: &RegistrySecrets,
    ) -> Result<(), ServiceError> {
        if registry.host.ends_with(".example.com") {
            return Ok(());
        }
        let expected = "is not allowed: set `own-registries.allow`";
        Err(ServiceError::invalid("host", &*registry.host, expected))
    }

    async fn check(
        &self,
        _: &str,
        registry: &OwnRegistry,
        secrets: &RegistrySecrets,
    ) -> Vec<RegistryFinding> {
        let is_wrong = |login: &LoginUse| {
            let password = secrets.of(*login).get(PASSWORD);
            password.and_then(|password| password.reveal_text()) != Some(RIGHT)
        };
        let wrong = registry.logins().map(|(login, _)| login).filter(is_wrong);
        let finding = |login: LoginUse| RegistryFinding {
            login,
            message: format!("{} refuses the login: 401", registry.host),
            fix: "put a password that is valid".into(),
        };
        wrong.map(finding).collect()
    }

    async fn changed(&self, project: &str) {
        self.changed.lock().unwrap().push(project.to_owned());
    }

    async fn withheld(&self, _: &str) -> Option<String> {
        self.withheld.lock().unwrap().clone()
    }
}
