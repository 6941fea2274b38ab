//! Probes: `startupProbe`, `readinessProbe`, `livenessProbe` of a container.

use serde::{Deserialize, Serialize};

/// Probes of a container. `None` means that there is no such probe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// `startupProbe`: whether the process is up. The other two wait for it.
    pub startup: Option<Probe>,
    /// `readinessProbe`: whether the pod gets requests.
    pub readiness: Option<Probe>,
    /// `livenessProbe`: whether the container keeps running.
    pub liveness: Option<Probe>,
}

/// A check that the kubelet repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    pub check: Check,
    /// `periodSeconds`: seconds from one check to the next.
    pub period: u32,
    /// `timeoutSeconds`: how long to wait for an answer before it counts as a failure.
    pub timeout: u32,
    /// `failureThreshold`: failures in a row after which the probe fails.
    pub failures: u32,
}

/// The action of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// `httpGet`: a GET is answered with 200 to 399.
    Http {
        /// Absolute path.
        path: String,
        port: u16,
    },
    /// `tcpSocket`: a connection is accepted.
    Tcp { port: u16 },
    /// `grpc`: `grpc.health.v1` answers SERVING.
    Grpc {
        port: u16,
        /// Service whose health is asked for. Empty means the server's.
        service: String,
    },
    /// `exec`: a command in the container exits with 0.
    Exec { command: Vec<String> },
}
