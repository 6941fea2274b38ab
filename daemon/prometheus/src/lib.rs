//! Metrics of releases, read from the Prometheus of each cluster.
//!
//! One measurement is one request of Prometheus' HTTP API. Nothing is tried twice and nothing is kept: whoever measures
//! decides what an answer without a value means.

mod answer;
mod prometheus;
mod server;
mod settings;

pub use prometheus::Prometheus;
pub use settings::PrometheusSettings;
