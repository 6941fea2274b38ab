//! `prometheus` of a cluster: where releases are measured.

use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use windlass_prometheus::PrometheusSettings;

/// The Prometheus with the metrics of a cluster, for releases that measure (`[strategy.metrics]` of `windlass.toml`).
/// Every project may ask it for all that it has. Whatever speaks its HTTP API does: Thanos, Mimir, VictoriaMetrics.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Prometheus {
    /// URL without `/api/v1/query`, such as `https://prometheus.example.com`, and without a login.
    pub(crate) address: String,
    /// File with a token, which is sent as `authorization: Bearer …`, at most 64 KiB. It is read at each request. It
    /// needs `https`, or a server on this machine's loopback.
    pub(crate) token_file: Option<PathBuf>,
    /// PEM file with certificate authorities of the server. They are trusted beside the system's.
    pub(crate) ca: Option<PathBuf>,
}

impl Prometheus {
    /// Checks the table, and returns what the adapter needs. The error begins with the key.
    pub(crate) fn settings(&self) -> Result<PrometheusSettings, String> {
        let Self { address, token_file, ca } = self;
        let settings = PrometheusSettings::new(address, token_file.clone(), ca.clone());
        settings.map_err(|error| format!("prometheus.{error}"))
    }
}
