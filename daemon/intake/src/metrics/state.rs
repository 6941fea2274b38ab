//! Gauges of what the store holds, read at each scrape.

use super::labels::Labels;
use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use windlass_engine::ports::store::{RunCounts, Store, StoreError};
use windlass_model::{clock::now_ms, outbox::MessageState};

/// Number of undecided deliveries that are counted at most.
const MOST_UNDECIDED: u32 = 1000;

/// Gauges, named as OpenTelemetry's CI/CD conventions name them where they do.
#[derive(Clone, Default)]
pub(super) struct StateMetrics {
    runs: Family<Labels, Gauge>,
    free: Gauge,
    disk: Gauge,
    uses_reserve: Gauge,
    undecided: Gauge,
    undecided_age: Gauge,
    messages: Family<Labels, Gauge>,
    message_age: Gauge,
    due_late: Gauge,
}

impl StateMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let all = Self::default();
        let help = "Jobs that have not ended: pending, executing, finalizing, or left-alone";
        registry.register("cicd_pipeline_run_active", help, all.runs.clone());
        let help = "Room on the disk of the store";
        registry.register_with_unit("windlass_store_free", help, Unit::Bytes, all.free.clone());
        let help = "Size of the disk of the store";
        registry.register_with_unit("windlass_store_disk", help, Unit::Bytes, all.disk.clone());
        let help = "1 means that the disk was full, and that no job is accepted";
        registry.register("windlass_store_uses_reserve", help, all.uses_reserve.clone());
        let help = "Deliveries without a verdict, at most 1000";
        registry.register("windlass_deliveries_undecided", help, all.undecided.clone());
        let (name, help) =
            ("windlass_deliveries_undecided_age", "Age of the oldest delivery without a verdict");
        registry.register_with_unit(name, help, Unit::Seconds, all.undecided_age.clone());
        let help = "Messages to forges and endpoints, by state";
        registry.register("windlass_outbox_messages", help, all.messages.clone());
        let (name, help) = ("windlass_outbox_waiting_age", "Age of the oldest message that waits");
        registry.register_with_unit(name, help, Unit::Seconds, all.message_age.clone());
        let (name, help) = ("windlass_due_work_late", "Time since the oldest due work was due");
        registry.register_with_unit(name, help, Unit::Seconds, all.due_late.clone());
        all
    }

    /// Fills the gauges.
    pub(super) async fn read(&self, store: &dyn Store) -> Result<(), StoreError> {
        let now = now_ms();
        let since = |at_ms: Option<u64>| {
            let ms = at_ms.map_or(0, |at_ms| now.saturating_sub(at_ms));
            i64::try_from(ms / 1000).unwrap_or(i64::MAX)
        };
        self.read_runs(store).await?;
        let room = store.room().await?;
        self.free.set(whole(room.free_bytes));
        self.disk.set(whole(room.disk_bytes));
        self.uses_reserve.set(i64::from(room.uses_reserve));
        let undecided = store.undecided(MOST_UNDECIDED).await?;
        self.undecided.set(count(undecided.len()));
        self.undecided_age.set(since(undecided.first().map(|oldest| oldest.at_ms)));
        let counts = store.message_counts().await?;
        for state in MessageState::ALL {
            // The store counts no state of which there is no message, and a gauge keeps what it was set to.
            let counted = counts.iter().find(|counted| counted.state == state);
            let labels = vec![("state", state.as_str().to_owned())];
            let many = counted.map_or(0, |counted| whole(counted.count));
            self.messages.get_or_create(&labels).set(many);
        }
        let waiting = counts
            .iter()
            .find(|counted| counted.state == MessageState::Waiting && counted.count > 0);
        self.message_age.set(since(waiting.map(|counted| counted.oldest_ms)));
        self.due_late.set(since(store.next_due().await?));
        Ok(())
    }

    async fn read_runs(&self, store: &dyn Store) -> Result<(), StoreError> {
        let RunCounts { pending, executing, finalizing, left_alone } = store.run_counts().await?;
        for (state, count) in [
            ("pending", pending),
            ("executing", executing),
            ("finalizing", finalizing),
            ("left-alone", left_alone),
        ] {
            let labels = vec![("cicd_pipeline_run_state", state.to_owned())];
            self.runs.get_or_create(&labels).set(whole(count));
        }
        Ok(())
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;
    use windlass_store::MemoryStore;

    #[tokio::test]
    async fn a_state_without_messages_is_zero_and_not_as_before() {
        let mut registry = Registry::default();
        let metrics = StateMetrics::new(&mut registry);
        metrics.messages.get_or_create(&vec![("state", "waiting".to_owned())]).set(7);
        metrics.read(&MemoryStore::default()).await.unwrap();
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        assert!(text.contains("windlass_outbox_messages{state=\"waiting\"} 0\n"), "{text}");
    }
}
