//! Deliveries in memory.

use super::MemoryStore;
use async_trait::async_trait;
use std::collections::BTreeMap;
use windlass_engine::ports::store::{
    ACCEPTED_LISTED, Accepted, Arrival, Deliveries, DeliveryFilter, StoreError,
};
use windlass_model::delivery::{Delivery, Verdict};

#[async_trait]
impl Deliveries for MemoryStore {
    async fn add_delivery(&self, delivery: &Delivery) -> Result<Arrival, StoreError> {
        self.tables().deliveries.add(delivery)
    }

    async fn delivery(&self, id: &str) -> Result<Option<Delivery>, StoreError> {
        Ok(self.tables().deliveries.by_id.get(id).cloned())
    }

    async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        let DeliveryFilter { project, repository, before, limit } = filter;
        let tables = self.tables();
        let wanted = tables.deliveries.by_id.values().rev().filter(|delivery| {
            delivery.project == *project
                && repository.as_ref().is_none_or(|name| delivery.repository == *name)
                && before.as_ref().is_none_or(|before| delivery.id < *before)
        });
        Ok(wanted.take(usize::try_from(*limit).unwrap_or(usize::MAX)).cloned().collect())
    }

    async fn undecided(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let tables = self.tables();
        let all = tables.deliveries.by_id.values();
        let undecided = all.filter(|delivery| delivery.verdicts.is_empty());
        let mut turns: BTreeMap<&str, u64> = BTreeMap::new();
        let mut waiting: Vec<_> = undecided
            .map(|delivery| {
                let turn = turns.entry(&delivery.project).or_default();
                *turn += 1;
                (*turn, delivery)
            })
            .collect();
        // It keeps the order of ids.
        waiting.sort_by_key(|(turn, _)| *turn);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(waiting.into_iter().take(limit).map(|(_, delivery)| delivery.clone()).collect())
    }

    async fn decide(&self, id: &str, verdicts: &[Verdict]) -> Result<(), StoreError> {
        if let Some(delivery) = self.tables().deliveries.by_id.get_mut(id) {
            delivery.verdicts = verdicts.to_vec();
        }
        Ok(())
    }

    async fn last_accepted(
        &self,
        project: &str,
        trigger: &str,
        name: &str,
    ) -> Result<Option<Accepted>, StoreError> {
        let place = (project.to_owned(), trigger.to_owned(), name.to_owned());
        Ok(self.tables().accepted.get(&place).cloned())
    }

    async fn accepted_by(&self, project: &str, trigger: &str) -> Result<Vec<Accepted>, StoreError> {
        let tables = self.tables();
        let of_trigger = tables
            .accepted
            .values()
            .filter(|accepted| accepted.project == project && accepted.trigger == trigger);
        let mut newest_first: Vec<_> = of_trigger.cloned().collect();
        newest_first.sort_by(|one, other| (other.at_ms, &other.job).cmp(&(one.at_ms, &one.job)));
        newest_first.truncate(usize::try_from(ACCEPTED_LISTED).unwrap_or(usize::MAX));
        Ok(newest_first)
    }

    async fn accept(&self, accepted: &Accepted) -> Result<(), StoreError> {
        let Accepted { project, trigger, name, .. } = accepted;
        let place = (project.clone(), trigger.clone(), name.clone());
        self.tables().accepted.insert(place, accepted.clone());
        Ok(())
    }

    async fn forget_ref(&self, project: &str, trigger: &str, name: &str) -> Result<(), StoreError> {
        let place = (project.to_owned(), trigger.to_owned(), name.to_owned());
        self.tables().accepted.remove(&place);
        Ok(())
    }

    async fn forget_deliveries(&self, at_ms: u64) -> Result<(), StoreError> {
        self.tables().deliveries.forget(at_ms);
        Ok(())
    }
}
