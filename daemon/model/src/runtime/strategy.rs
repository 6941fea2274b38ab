//! The strategy of a release: how requests get from the version that serves to the new one.

use serde::{Deserialize, Serialize};
use serde_json::Number;
use std::{collections::BTreeMap, fmt};

/// Seconds for which a release waits for an approval of one of its steps: seven days.
pub const GATE_SECONDS: u32 = 7 * 24 * 3600;

/// The strategy of a release, resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strategy {
    pub kind: StrategyKind,
    /// Percentages of requests that the new version gets, one after the other. They rise, and the last is 100. Of a
    /// canary; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<u32>,
    /// Seconds for which a canary stays at each weight below 100, and for which a blue-green release waits before
    /// the switch.
    #[serde(default)]
    pub hold_seconds: u32,
    /// Weights that a person has to approve before requests are shared so. The switch of a blue-green release is 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<u32>,
    /// Seconds for which the release waits for each of these approvals.
    #[serde(default)]
    pub gate_seconds: u32,
    /// Seconds for which the pods of the version before are kept once it gets no request any more. 0 deletes them at
    /// the end of the release.
    #[serde(default)]
    pub keep_seconds: u32,
    #[serde(default)]
    pub traffic: Traffic,
    /// HTTP path that must answer 2xx or 3xx at the preview address before the first request is shared. `None` asks
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Metrics by name, which are measured while the release holds. Empty means that none are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, Metric>,
    /// New pods come all at once and nothing is held: of a rollback, whose version has served before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_once: bool,
}

/// The kind of a strategy.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyKind {
    /// Old pods end as new ones are ready (`RollingUpdate`).
    #[default]
    Rolling,
    /// Old pods end before new ones start (`Recreate`). Nothing serves meanwhile.
    Recreate,
    /// New pods come up beside the old ones, and all requests are switched at once.
    BlueGreen,
    /// New pods come up beside the old ones, and get a growing share of the requests.
    Canary,
}

/// The way in which a canary's share of the requests is made.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Traffic {
    /// By the number of pods: the `Service` selects those of both versions.
    #[default]
    Replicas,
    /// By weights of an `HTTPRoute`, which its `Gateway` applies.
    Gateway,
    /// By weights of a `VirtualService`, which Istio applies.
    Istio,
}

/// A metric that decides whether a release goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// PromQL expression that has one value, or a built-in one.
    pub query: Query,
    /// Least value that is well. `None` sets no least value.
    pub min: Option<Number>,
    /// Largest value that is well. `None` sets no largest value.
    pub max: Option<Number>,
    /// Seconds between two measurements.
    pub interval_seconds: u32,
    /// Number of measurements that may be out of bounds.
    pub failures: u32,
    /// Number of measurements in a row that may have no value.
    pub inconclusive: u32,
}

/// Source of a metric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Query {
    /// An expression of the user's own.
    Promql(String),
    /// Share of requests to the new version that were answered without a 5xx, in percent. Of [`Source::Nginx`] it is of
    /// both versions.
    SuccessRate(Source),
    /// 99th percentile of the duration of requests to the new version, in seconds. Of [`Source::Nginx`] it is of both
    /// versions.
    Latency(Source),
}

/// The software whose metrics a built-in query reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Traefik (`traefik_service_requests_total`).
    Traefik,
    /// Istio (`istio_requests_total`).
    Istio,
    /// The Ingress controller of nginx (`nginx_ingress_controller_requests`).
    Nginx,
}

/// Name suffix of the objects that run `web`. Two versions of an app stand side by side on two tracks.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Track {
    /// No suffix: the app was never released by blue-green or canary.
    #[default]
    Plain,
    /// `-blue`.
    Blue,
    /// `-green`.
    Green,
}

/// Pods of `web` that run beside those that serve. Nothing else of the release runs yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// Track of the version that serves.
    pub from: Track,
    /// Number of pods, in percent of those that serve, rounded up.
    pub percent: u32,
}

impl Strategy {
    /// Returns whether it is the strategy of a release that names none.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether the new version runs beside the old one before it gets requests.
    #[must_use]
    pub fn has_tracks(&self) -> bool {
        matches!(self.kind, StrategyKind::BlueGreen | StrategyKind::Canary)
    }

    /// Returns the strategy of a rollback: one switch, without holds, approvals and measurements, since the version
    /// has served before.
    #[must_use]
    pub fn at_once(&self) -> Self {
        let kind = match self.kind {
            StrategyKind::Canary => StrategyKind::BlueGreen,
            kind => kind,
        };
        Self { kind, at_once: true, traffic: self.traffic, ..Self::default() }
    }

    /// Returns the weights of the release's steps, which end with 100. A blue-green release has one: the switch.
    #[must_use]
    pub fn steps(&self) -> Vec<u32> {
        match self.kind {
            StrategyKind::Canary => {
                let mut steps = self.weights.clone();
                // The whole release takes all requests: its pods have to be there by then, whatever was stored.
                if steps.last() != Some(&100) {
                    steps.push(100);
                }
                steps
            }
            StrategyKind::BlueGreen => vec![100],
            StrategyKind::Rolling | StrategyKind::Recreate => Vec::new(),
        }
    }

    /// Returns the number of pods that a step needs, in percent of those that serve.
    ///
    /// Where pods make the share, `weight` of all pods are to be new: w / (100 - w) of those that serve.
    #[must_use]
    pub fn pods_percent(&self, weight: u32) -> u32 {
        match self.traffic {
            Traffic::Replicas if weight < 100 => (weight * 100).div_ceil(100 - weight),
            _ => weight.min(100),
        }
    }
}

impl Track {
    /// Returns the track of the next version beside this one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Plain | Self::Green => Self::Blue,
            Self::Blue => Self::Green,
        }
    }

    /// Returns whether it is the track of objects without a suffix.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::Plain
    }

    /// Returns the suffix of names. Empty for [`Track::Plain`].
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Blue => "-blue",
            Self::Green => "-green",
        }
    }
}

impl fmt::Display for StrategyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Rolling => "rolling",
            Self::Recreate => "recreate",
            Self::BlueGreen => "blue-green",
            Self::Canary => "canary",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_versions_never_share_a_track() {
        for track in [Track::Plain, Track::Blue, Track::Green] {
            assert_ne!(track.other(), track);
            assert!(!track.other().is_plain());
        }
    }

    #[test]
    fn a_share_by_pods_counts_those_that_serve_too() {
        let canary = |traffic| Strategy { traffic, ..Strategy::default() };
        let pods = |traffic| [5, 25, 50, 100].map(|weight| canary(traffic).pods_percent(weight));
        assert_eq!(pods(Traffic::Replicas), [6, 34, 100, 100]);
        assert_eq!(pods(Traffic::Gateway), [5, 25, 50, 100]);
    }

    #[test]
    fn the_last_step_has_all_requests() {
        let canary = |weights: &[u32]| {
            let kind = StrategyKind::Canary;
            Strategy { kind, weights: weights.to_vec(), ..Strategy::default() }.steps()
        };
        assert_eq!(
            (canary(&[5, 100]), canary(&[5]), canary(&[])),
            (vec![5, 100], vec![5, 100], vec![100])
        );
        assert!(Strategy::default().steps().is_empty());
    }

    #[test]
    fn a_rollback_waits_for_nobody() {
        let canary = Strategy {
            kind: StrategyKind::Canary,
            weights: vec![5, 100],
            hold_seconds: 60,
            gates: vec![100],
            gate_seconds: GATE_SECONDS,
            keep_seconds: 600,
            traffic: Traffic::Gateway,
            check: Some("/".into()),
            ..Strategy::default()
        };
        let back = canary.at_once();
        assert_eq!((back.kind, back.steps()), (StrategyKind::BlueGreen, vec![100]));
        assert_eq!((back.hold_seconds, back.keep_seconds), (0, 0));
        assert!(back.gates.is_empty() && back.check.is_none() && back.at_once);
        let rolling = Strategy::default().at_once();
        assert_eq!((rolling.kind, rolling.at_once), (StrategyKind::Rolling, true));
    }
}
