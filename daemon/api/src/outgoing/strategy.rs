//! Messages of a release that goes step by step: migrations, shares of requests, metrics, pauses, and what is kept.

use super::time::timestamp;
use windlass_model::{event::Measurement, job::Release, pause::Pause};
use windlass_proto::v1;

/// Returns the message for a share of the requests. `pods` has those of the new version and of the old one.
pub(super) fn shifted(
    cluster: String,
    weight: u32,
    pods: Option<(u32, u32)>,
) -> v1::TrafficShifted {
    let (new_pods, old_pods) = pods.unzip();
    v1::TrafficShifted { cluster, weight, new_pods, old_pods }
}

/// Returns the message for a measurement.
pub(super) fn measured(
    cluster: String,
    metric: String,
    value: Option<f64>,
    result: Measurement,
    detail: String,
) -> v1::Measured {
    let result = match result {
        Measurement::Well => "well",
        Measurement::Failed => "failed",
        Measurement::Inconclusive => "inconclusive",
    };
    v1::Measured { cluster, metric, value, result: result.into(), detail }
}

/// Returns the message for what is kept of the release before.
pub(super) fn kept(release: &Release, until_ms: u64) -> v1::Kept {
    v1::Kept { cluster: release.cluster().to_owned(), until: Some(timestamp(until_ms)) }
}

/// Returns the message for a pause.
pub(super) fn pause(pause: Pause) -> v1::Pause {
    let Pause { by, note, at_ms } = pause;
    v1::Pause { by, note, at: Some(timestamp(at_ms)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_by_weights_has_no_pods() {
        let by_weights = shifted("eu".into(), 25, None);
        assert_eq!((by_weights.new_pods, by_weights.old_pods), (None, None));
        let by_pods = shifted("eu".into(), 25, Some((1, 2)));
        assert_eq!((by_pods.new_pods, by_pods.old_pods), (Some(1), Some(2)));
    }

    #[test]
    fn a_measurement_without_a_value_is_not_zero() {
        for (result, word) in [
            (Measurement::Well, "well"),
            (Measurement::Failed, "failed"),
            (Measurement::Inconclusive, "inconclusive"),
        ] {
            let none = measured("eu".into(), "latency".into(), None, result, String::new());
            assert_eq!((none.value, &*none.result), (None, word));
        }
    }
}
