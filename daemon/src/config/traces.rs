//! `[traces]`: the collector that gets a trace of each job.

use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use windlass_traces::TraceSettings;

/// Traces of jobs, sent to a collector by OTLP over HTTP within half a minute after the end of each job. While the
/// collector is away they wait, for 24 hours after the end of their job.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Traces {
    /// URL of the collector without `/v1/traces`, such as `http://127.0.0.1:4318`.
    pub(crate) endpoint: String,
    /// File with headers of each request, such as `authorization: Bearer …`, one a line, at most 64 KiB. It is read at
    /// each request. It needs `https`, or a collector on this machine's loopback.
    pub(crate) headers_file: Option<PathBuf>,
    /// PEM file with certificate authorities of the collector. They are trusted beside the system's.
    pub(crate) ca: Option<PathBuf>,
}

impl Traces {
    /// Checks the table, and returns what the sender needs.
    pub(crate) fn settings(&self) -> Result<TraceSettings, String> {
        let Self { endpoint, headers_file, ca } = self;
        let settings = TraceSettings::new(endpoint, headers_file.clone(), ca.clone());
        settings.map_err(|error| format!("traces.{error}"))
    }
}
