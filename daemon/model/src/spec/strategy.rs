//! Keys of the strategy: how requests get to the new version, and what has to be well meanwhile.

use crate::runtime::{Source, StrategyKind, Traffic};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use std::collections::BTreeMap;

pub(super) mod rules;

/// Way of the requests from the version that serves to the new one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct StrategySpec {
    /// `rolling`, `recreate`, `blue-green` or `canary`. Default `rolling`.
    pub kind: Option<StrategyKind>,
    /// Percentages of requests that a canary gets, one after the other: 1–100, rising, the last 100. Default
    /// 5, 25, 50, 100.
    pub weights: Vec<u32>,
    /// Seconds at each weight below 100, and before the switch of `blue-green`, 0–86400. Default 60 for `canary`, 0
    /// for `blue-green`.
    pub hold_seconds: Option<u32>,
    /// Weights that a person approves before requests are shared so. The switch of `blue-green` is 100. Default: none.
    pub gates: Vec<u32>,
    /// Seconds for which each approval is waited for, 60–2592000. Default: seven days.
    pub gate_seconds: Option<u32>,
    /// Seconds for which the old version's pods are kept for a quick rollback, 0–86400. Default 600 for `blue-green`, 0
    /// for `canary`.
    pub keep_seconds: Option<u32>,
    /// Maker of a canary's share: `gateway` (weights of the HTTPRoute), `istio` (weights of a VirtualService) or
    /// `replicas` (number of pods). Default: `gateway` with `expose.gateway`, else `replicas`.
    pub traffic: Option<Traffic>,
    /// HTTP path that must answer 2xx or 3xx at the new version before it gets requests. Default: nothing is asked.
    pub check: Option<String>,
    /// Metrics that are measured during each hold, by name.
    pub metrics: BTreeMap<String, MetricSpec>,
}

/// A metric that has to be well. It has either `query` or `builtin`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MetricSpec {
    /// PromQL expression with one value. `$APP`, `$NAMESPACE`, `$SERVICE`, `$WORKLOAD` and `$WINDOW` stand for the
    /// app, its namespace, the new version's Service and Deployment, and the interval, at least 30 s.
    pub query: Option<String>,
    /// `success-rate` (percent of answers without a 5xx) or `latency` (99th percentile in seconds) of the new version. With
    /// `nginx` it is of both versions together.
    pub builtin: Option<Builtin>,
    /// Software whose metrics `builtin` reads: `traefik`, `istio` or `nginx`. Default: `istio` with `traffic =
    /// "istio"`, `nginx` with an `expose.ingress-class` that is not Traefik's, else `traefik`.
    pub source: Option<Source>,
    /// Least value that is well.
    pub min: Option<Number>,
    /// Largest value that is well.
    pub max: Option<Number>,
    /// Seconds between measurements, 1–3600. Default 15.
    pub interval_seconds: Option<u32>,
    /// Number of measurements that may be out of bounds, 0–100. Default 0.
    pub failures: Option<u32>,
    /// Number of measurements in a row without a value, 0–100, such as before the first request. Default 4.
    pub inconclusive: Option<u32>,
}

/// A metric that needs no expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Builtin {
    SuccessRate,
    Latency,
}
