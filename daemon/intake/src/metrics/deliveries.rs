//! Deliveries, counted by what came of them.

use super::labels::Labels;
use async_trait::async_trait;
use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use std::sync::Arc;
use windlass_engine::ports::store::{Accepted, Arrival, Deliveries, DeliveryFilter, StoreError};
use windlass_model::delivery::{Delivery, Verdict};

/// Number of verdicts by their outcome, and of repeats.
#[derive(Clone)]
pub(super) struct Counted {
    verdicts: Family<Labels, Counter>,
    repeats: Counter,
}

impl Counted {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let counted = Self { verdicts: Family::default(), repeats: Counter::default() };
        let help = "Verdicts on deliveries and on refs that a poll found, by outcome";
        registry.register("windlass_delivery_verdicts", help, counted.verdicts.clone());
        let help = "Deliveries that a forge had sent before";
        registry.register("windlass_delivery_repeats", help, counted.repeats.clone());
        counted
    }

    fn count(&self, verdicts: &[Verdict]) {
        for verdict in verdicts {
            let labels = vec![("outcome", verdict.outcome.word().to_owned())];
            self.verdicts.get_or_create(&labels).inc();
        }
    }
}

/// Deliveries of a store, whose verdicts are counted once they are stored.
pub(super) struct CountedDeliveries {
    pub(super) inner: Arc<dyn Deliveries>,
    pub(super) counted: Counted,
}

#[async_trait]
impl Deliveries for CountedDeliveries {
    async fn add_delivery(&self, delivery: &Delivery) -> Result<Arrival, StoreError> {
        let arrival = self.inner.add_delivery(delivery).await?;
        match &arrival {
            Arrival::New => self.counted.count(&delivery.verdicts),
            Arrival::Known(_) => {
                self.counted.repeats.inc();
            }
        }
        Ok(arrival)
    }

    async fn delivery(&self, id: &str) -> Result<Option<Delivery>, StoreError> {
        self.inner.delivery(id).await
    }

    async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        self.inner.deliveries(filter).await
    }

    async fn undecided(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        self.inner.undecided(limit).await
    }

    async fn decide(&self, id: &str, verdicts: &[Verdict]) -> Result<(), StoreError> {
        self.inner.decide(id, verdicts).await?;
        self.counted.count(verdicts);
        Ok(())
    }

    async fn last_accepted(
        &self,
        project: &str,
        trigger: &str,
        name: &str,
    ) -> Result<Option<Accepted>, StoreError> {
        self.inner.last_accepted(project, trigger, name).await
    }

    async fn accepted_by(&self, project: &str, trigger: &str) -> Result<Vec<Accepted>, StoreError> {
        self.inner.accepted_by(project, trigger).await
    }

    async fn accept(&self, accepted: &Accepted) -> Result<(), StoreError> {
        self.inner.accept(accepted).await
    }

    async fn forget_ref(&self, project: &str, trigger: &str, name: &str) -> Result<(), StoreError> {
        self.inner.forget_ref(project, trigger, name).await
    }

    async fn forget_deliveries(&self, at_ms: u64) -> Result<(), StoreError> {
        self.inner.forget_deliveries(at_ms).await
    }
}
