//! Deliveries in memory, with what finds them: a hook may have ten thousand.

use std::collections::{BTreeMap, VecDeque};
use windlass_engine::ports::store::{Arrival, DELIVERIES_KEPT, StoreError};
use windlass_model::delivery::Delivery;

/// Hook, project and repository. A poll has no hook, and is of one repository too.
type Hook = (String, String, String);

/// All deliveries.
#[derive(Default)]
pub(super) struct Delivered {
    /// Deliveries by id, which is the order of their arrival.
    pub(super) by_id: BTreeMap<String, Delivery>,
    /// Ids of the deliveries of each hook, the oldest first.
    by_hook: BTreeMap<Hook, VecDeque<String>>,
    /// Ids by hook and by the forge's id.
    known: BTreeMap<(Hook, String), String>,
}

impl Delivered {
    /// Stores a delivery unless it is known.
    pub(super) fn add(&mut self, delivery: &Delivery) -> Result<Arrival, StoreError> {
        let hook = (delivery.hook.clone(), delivery.project.clone(), delivery.repository.clone());
        let place = (hook.clone(), delivery.report.forge_id.clone());
        if let Some(known) = self.known.get(&place).and_then(|id| self.by_id.get(id)) {
            return Ok(Arrival::Known(Box::new(known.clone())));
        }
        if self.by_id.contains_key(&delivery.id) {
            return Err(StoreError::Other(format!("there is a delivery {} already", delivery.id)));
        }
        if !delivery.report.forge_id.is_empty() {
            self.known.insert(place, delivery.id.clone());
        }
        self.by_id.insert(delivery.id.clone(), delivery.clone());
        let of_hook = self.by_hook.entry(hook).or_default();
        of_hook.push_back(delivery.id.clone());
        if of_hook.len() > usize::try_from(DELIVERIES_KEPT).unwrap_or(usize::MAX)
            && let Some(oldest) = of_hook.pop_front()
        {
            self.by_id.remove(&oldest);
            self.known.retain(|_, id| *id != oldest);
        }
        Ok(Arrival::New)
    }

    /// Deletes those that came before a time and have a verdict.
    pub(super) fn forget(&mut self, at_ms: u64) {
        let Self { by_id, by_hook, known } = self;
        by_id.retain(|_, delivery| delivery.at_ms >= at_ms || delivery.verdicts.is_empty());
        known.retain(|_, id| by_id.contains_key(id));
        for ids in by_hook.values_mut() {
            ids.retain(|id| by_id.contains_key(id));
        }
    }
}
