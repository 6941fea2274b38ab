//! Registries of projects' own, as the service asks about them.

use crate::{
    due::Renewals,
    registries::{NotAllowed, Registries},
};
use async_trait::async_trait;
use futures::future::join_all;
use std::sync::Arc;
use windlass_model::own::registry::{OwnRegistry, RegistrySecrets};
use windlass_registry::Fault;
use windlass_service::{RegistryAdmin, RegistryFinding, ServiceError};

/// Rules and checks of registries that projects bring.
pub(crate) struct OwnRegistryAdmin {
    registries: Arc<Registries>,
    renewals: Renewals,
}

impl OwnRegistryAdmin {
    pub(crate) fn new(registries: Arc<Registries>, renewals: Renewals) -> Self {
        Self { registries, renewals }
    }
}

#[async_trait]
impl RegistryAdmin for OwnRegistryAdmin {
    async fn admit(
        &self,
        registry: &OwnRegistry,
        secrets: &RegistrySecrets,
    ) -> Result<(), ServiceError> {
        let refused = |error: NotAllowed| {
            let NotAllowed { field, value, expected } = error;
            ServiceError::Invalid { field, value, expected }
        };
        self.registries.admit(registry).map_err(refused)?;
        self.registries.admit_parts(registry, secrets).await.map_err(refused)
    }

    async fn check(
        &self,
        project: &str,
        registry: &OwnRegistry,
        secrets: &RegistrySecrets,
    ) -> Vec<RegistryFinding> {
        let logins: Vec<_> = registry.logins().map(|(login, _)| login).collect();
        let tried = logins.into_iter().map(|login| async move {
            let tried = self.registries.try_login(project, registry, secrets, login).await;
            tried.err().map(|Fault { message, fix }| RegistryFinding { login, message, fix })
        });
        join_all(tried).await.into_iter().flatten().collect()
    }

    async fn changed(&self, project: &str) {
        self.renewals.hasten(Some(project)).await;
    }
}
