//! Metrics of endpoints of projects.

use super::labels::Labels;
use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use std::sync::Arc;
use windlass_model::outbox::EndpointHealth;

/// Returns the number of endpoints in a state.
pub type EndpointReader = Arc<dyn Fn(EndpointHealth) -> usize + Send + Sync>;

/// Metrics of endpoints that take no messages.
pub(super) struct EndpointMetrics {
    read: EndpointReader,
    unwell: Family<Labels, Gauge>,
}

impl EndpointMetrics {
    pub(super) fn new(registry: &mut Registry, read: EndpointReader) -> Self {
        let all = Self { read, unwell: Family::default() };
        let help =
            "Endpoints of projects that took nothing when they were tried last: failing, disabled";
        registry.register("windlass_endpoints_unwell", help, all.unwell.clone());
        all
    }

    /// Fills the metrics.
    pub(super) fn fill(&self) {
        for health in EndpointHealth::ALL {
            let labels = vec![("health", health.as_str().to_owned())];
            let count = i64::try_from((self.read)(health)).unwrap_or(i64::MAX);
            self.unwell.get_or_create(&labels).set(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;

    #[test]
    fn both_states_are_shown_also_where_no_endpoint_has_them() {
        let mut registry = Registry::default();
        let read = |health: EndpointHealth| if health == EndpointHealth::Failing { 2 } else { 0 };
        let metrics = EndpointMetrics::new(&mut registry, Arc::new(read));
        metrics.fill();
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "windlass_endpoints_unwell{health=\"failing\"} 2",
            "windlass_endpoints_unwell{health=\"disabled\"} 0",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}: {text}");
        }
    }
}
