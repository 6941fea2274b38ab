//! Registries of projects' own, as the service asks about them.

use crate::{
    due::Renewals,
    registries::{NotAllowed, Registries},
};
use async_trait::async_trait;
use futures::future::join_all;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use windlass_model::own::registry::{OwnRegistry, RegistrySecrets};
use windlass_registry::Fault;
use windlass_service::{RegistryAdmin, RegistryFinding, ServiceError};

/// Rules and checks of registries that projects bring.
pub(crate) struct OwnRegistryAdmin {
    registries: Arc<Registries>,
    renewals: Renewals,
    turns: Turns,
}

/// Turns of projects: each resolves names and tries logins one after the other. The hosts are strangers', and a name
/// server that does not answer holds a thread of the daemon for longer than anybody waits.
#[derive(Default)]
struct Turns(Mutex<BTreeMap<String, Arc<AsyncMutex<()>>>>);

impl Turns {
    /// Waits for the turn of a project, which ends when the guard is dropped.
    async fn take(&self, project: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever has a turn, or waits for it, holds it beside the map.
            all.retain(|_, turn| Arc::strong_count(turn) > 1);
            all.entry(project.to_owned()).or_default().clone()
        };
        turn.lock_owned().await
    }
}

impl OwnRegistryAdmin {
    pub(crate) fn new(registries: Arc<Registries>, renewals: Renewals) -> Self {
        Self { registries, renewals, turns: Turns::default() }
    }
}

#[async_trait]
impl RegistryAdmin for OwnRegistryAdmin {
    async fn admit(
        &self,
        project: &str,
        registry: &OwnRegistry,
        secrets: &RegistrySecrets,
    ) -> Result<(), ServiceError> {
        let refused = |error: NotAllowed| {
            let NotAllowed { field, value, expected } = error;
            ServiceError::Invalid { field, value, expected }
        };
        self.registries.admit(registry).map_err(refused)?;
        let _turn = self.turns.take(project).await;
        self.registries.admit_parts(registry, secrets).await.map_err(refused)
    }

    async fn check(
        &self,
        project: &str,
        registry: &OwnRegistry,
        secrets: &RegistrySecrets,
    ) -> Vec<RegistryFinding> {
        let _turn = self.turns.take(project).await;
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

    async fn withheld(&self, project: &str) -> Option<String> {
        self.registries.withheld_place(project).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn a_project_has_one_turn_and_holds_up_no_other() {
        let turns = Turns::default();
        let shop = turns.take("shop").await;
        assert!(turns.take("shop").now_or_never().is_none());
        assert!(turns.take("blog").now_or_never().is_some());
        drop(shop);
        let _shop = turns.take("shop").now_or_never().expect("a turn");
        assert_eq!(turns.0.lock().unwrap().len(), 1, "what nobody holds is forgotten");
    }
}
