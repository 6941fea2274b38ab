//! Journal of one job on a store.

use super::{Ahead, Claim, Store};
use crate::journal::{Journal, JournalLost};
use async_trait::async_trait;
use std::sync::Arc;
use windlass_model::{
    app::App, contraction::Contraction, event::Event, job::Release, pause::Interventions,
};

/// Journal of one claimed job, on any store. Log lines are stored behind the run's back, and each other event after
/// all lines before it.
pub struct JobJournal {
    store: Arc<dyn Store>,
    claim: Claim,
    ahead: Arc<Ahead>,
}

impl JobJournal {
    /// Makes the journal to which the run of a claimed job writes.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, claim: Claim) -> Self {
        Self { store, claim, ahead: Arc::default() }
    }
}

#[async_trait]
impl Journal for JobJournal {
    async fn append(&self, event: Event) -> Result<(), JournalLost> {
        if matches!(event, Event::Log { .. }) {
            self.ahead.room().await?;
            return Ok(self.store.take_line(&self.claim, event, &self.ahead).await?);
        }
        self.ahead.all().await?;
        Ok(self.store.append(&self.claim, event).await?)
    }

    async fn lost(&self) -> JournalLost {
        self.ahead.lost().await.into()
    }

    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, JournalLost> {
        Ok(self.store.last_release(app, cluster).await?)
    }

    async fn migrated(
        &self,
        app: &App,
        cluster: &str,
        key: &str,
    ) -> Result<Option<u64>, JournalLost> {
        Ok(self.store.migrated(app, cluster, key).await?)
    }

    async fn contraction(
        &self,
        app: &App,
        cluster: &str,
    ) -> Result<Option<Contraction>, JournalLost> {
        Ok(self.store.contraction(app, cluster).await?)
    }

    async fn interventions(&self) -> Result<Interventions, JournalLost> {
        Ok(self.store.interventions(&self.claim.job).await?)
    }
}
