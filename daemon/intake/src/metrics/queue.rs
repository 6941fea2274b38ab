//! Metrics of the queue that jobs come from.

use super::labels::Labels;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use std::sync::{Arc, atomic::Ordering};

/// State of the queue, as its door has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Messages come. They do not while the broker, or the journal, is away.
    pub is_open: bool,
    /// Messages that are not acknowledged.
    pub held: usize,
    /// Seconds for which the oldest of them has been held. 0 means that none is.
    pub held_seconds: u64,
    /// Messages since the daemon's start that became jobs, or cancelled one.
    pub accepted: u64,
    /// Messages since the daemon's start that can become no job.
    pub refused: u64,
}

/// Returns the state of the queue.
pub type QueueReader = Arc<dyn Fn() -> QueueState + Send + Sync>;

/// Metrics of a daemon that has a queue.
pub(super) struct QueueMetrics {
    read: QueueReader,
    open: Gauge,
    held: Gauge,
    held_age: Gauge,
    messages: Family<Labels, Counter>,
}

impl QueueMetrics {
    pub(super) fn new(registry: &mut Registry, read: QueueReader) -> Self {
        let all = Self {
            read,
            open: Gauge::default(),
            held: Gauge::default(),
            held_age: Gauge::default(),
            messages: Family::default(),
        };
        let help =
            "1 means that messages of the queue come, 0 that the broker or the journal is away";
        registry.register("windlass_queue_open", help, all.open.clone());
        let help = "Messages of the queue that are not acknowledged";
        registry.register("windlass_queue_held", help, all.held.clone());
        let help = "Age of the oldest message of the queue that is not acknowledged";
        let held_age = all.held_age.clone();
        registry.register_with_unit("windlass_queue_held_age", help, Unit::Seconds, held_age);
        let help = "Messages of the queue, by what came of them";
        registry.register("windlass_queue_messages", help, all.messages.clone());
        all
    }

    /// Fills the metrics.
    pub(super) fn fill(&self) {
        let QueueState { is_open, held, held_seconds, accepted, refused } = (self.read)();
        self.open.set(i64::from(is_open));
        self.held.set(i64::try_from(held).unwrap_or(i64::MAX));
        self.held_age.set(i64::try_from(held_seconds).unwrap_or(i64::MAX));
        for (outcome, count) in [("accepted", accepted), ("refused", refused)] {
            let labels = vec![("outcome", outcome.to_owned())];
            // The door counts; this shows its number.
            self.messages.get_or_create(&labels).inner().store(count, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;

    #[test]
    fn a_scrape_shows_the_queue_as_it_is_now() {
        let mut registry = Registry::default();
        let state =
            QueueState { is_open: false, held: 2, held_seconds: 40, accepted: 7, refused: 1 };
        let metrics = QueueMetrics::new(&mut registry, Arc::new(move || state));
        metrics.fill();
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "windlass_queue_open 0",
            "windlass_queue_held 2",
            "windlass_queue_held_age_seconds 40",
            "windlass_queue_messages_total{outcome=\"accepted\"} 7",
            "windlass_queue_messages_total{outcome=\"refused\"} 1",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}: {text}");
        }
    }
}
