//! Metrics in the text of OpenMetrics.
//!
//! Gauges are read from the store at each scrape. Counters and durations grow while the daemon lives, and begin at zero
//! with it, as Prometheus expects.

mod deliveries;
mod endpoints;
mod jobs;
mod labels;
mod queue;
mod state;

pub use endpoints::EndpointReader;
pub use queue::{QueueReader, QueueState};

use deliveries::CountedDeliveries;
use endpoints::EndpointMetrics;
use jobs::JobMetrics;
use prometheus_client::{encoding::text::encode, registry::Registry};
use queue::QueueMetrics;
use state::StateMetrics;
use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};
use tokio::sync::Mutex;
use windlass_engine::ports::store::{Deliveries, Store, StoreError};

/// All metrics of a daemon. Clones are the same metrics.
#[derive(Clone)]
pub struct Metrics {
    jobs: JobMetrics,
    state: StateMetrics,
    deliveries: deliveries::Counted,
    /// Empty means that jobs come from no queue.
    queue: Arc<OnceLock<QueueMetrics>>,
    /// Empty means that nobody sends messages.
    endpoints: Arc<OnceLock<EndpointMetrics>>,
    /// Held by the one scrape that fills the gauges.
    registry: Arc<Mutex<Registry>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        Self {
            jobs: JobMetrics::new(&mut registry),
            state: StateMetrics::new(&mut registry),
            deliveries: deliveries::Counted::new(&mut registry),
            queue: Arc::default(),
            endpoints: Arc::default(),
            registry: Arc::new(Mutex::new(registry)),
        }
    }
}

impl Metrics {
    /// Returns the deliveries as a port that counts their verdicts.
    #[must_use]
    pub fn counting(&self, deliveries: Arc<dyn Deliveries>) -> Arc<dyn Deliveries> {
        Arc::new(CountedDeliveries { inner: deliveries, counted: self.deliveries.clone() })
    }

    /// Shows the queue that jobs come from, from now on. A daemon has one.
    pub async fn show_queue(&self, read: QueueReader) {
        let mut registry = self.registry.lock().await;
        self.queue.get_or_init(|| QueueMetrics::new(&mut registry, read));
    }

    /// Names the operator's clusters: all others are of projects' own. The first call counts.
    pub fn set_operators(&self, clusters: BTreeSet<String>) {
        self.jobs.set_operators(clusters);
    }

    /// Shows endpoints of projects that take no messages, from now on. A daemon has one sender.
    pub async fn show_endpoints(&self, read: EndpointReader) {
        let mut registry = self.registry.lock().await;
        self.endpoints.get_or_init(|| EndpointMetrics::new(&mut registry, read));
    }

    /// Counts jobs as they end, for ever.
    pub async fn follow(&self, store: Arc<dyn Store>) {
        self.jobs.follow(store).await;
    }

    /// Returns the text of all metrics.
    ///
    /// # Errors
    /// The store cannot be read: a scrape with half of the metrics would look like an idle daemon.
    pub(crate) async fn scrape(&self, store: &dyn Store) -> Result<String, StoreError> {
        let registry = self.registry.lock().await;
        self.state.read(store).await?;
        if let Some(queue) = self.queue.get() {
            queue.fill();
        }
        if let Some(endpoints) = self.endpoints.get() {
            endpoints.fill();
        }
        let mut text = String::new();
        encode(&mut text, &registry).map_err(|error| StoreError::Other(error.to_string()))?;
        Ok(text)
    }

    /// Returns the clusters to which jobs went since the daemon started, each with whether the last job reached it.
    pub(crate) fn reached(&self) -> Vec<(String, bool)> {
        self.jobs.reached()
    }
}
