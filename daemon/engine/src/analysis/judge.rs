//! Judges measurements of a metric. Pure: no function measures.

use std::fmt;
use windlass_model::{event::Measurement, runtime::Metric};

/// Digits of a value that are shown.
const DIGITS: usize = 6;

/// Judge of one metric during one hold.
pub(crate) struct Judge<'a> {
    metric: &'a Metric,
    /// Number of measurements that were within bounds.
    well: u32,
    /// Number of measurements that were out of bounds.
    failed: u32,
    /// Number of measurements since the first value that had none.
    lacking: u32,
    /// Number of the last measurements that had no value.
    without: u32,
    /// Reason why the last of them had none. Empty means that none was without.
    reason: String,
}

/// The reason why a metric fails its release.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The value was out of its bounds more often than it may be.
    OutOfBounds {
        /// The last value.
        value: f64,
        /// Bounds as a text: `at least 99`.
        bounds: String,
        /// Number of measurements that were out of bounds.
        times: u32,
        /// Number of measurements that may be.
        allowed: u32,
    },
    /// More measurements in a row had no value than may have none.
    NoValue {
        /// Number of measurements in a row without a value.
        times: u32,
        /// The reason for the last one.
        reason: String,
    },
    /// More than half of the measurements of the hold since the first value had none.
    SeldomValue {
        /// Number of measurements without a value.
        times: u32,
        /// Number of all measurements since the first value.
        of: u32,
        /// The reason for the last one.
        reason: String,
    },
    /// No measurement of the hold was within bounds, and none too many was out of them.
    NeverWell {
        /// The reason why the last measurement had no value. Empty means that each had one.
        reason: String,
    },
}

impl<'a> Judge<'a> {
    pub(crate) fn new(metric: &'a Metric) -> Self {
        Self { metric, well: 0, failed: 0, lacking: 0, without: 0, reason: String::new() }
    }

    /// Takes a measurement: a value, or the reason why there is none. Returns its result, and the fault that fails the
    /// release. `None` means that the hold goes on.
    pub(crate) fn take(&mut self, measured: Result<f64, String>) -> (Measurement, Option<Fault>) {
        match measured {
            Ok(value) if self.is_within(value) => {
                (self.well, self.without) = (self.well.saturating_add(1), 0);
                (Measurement::Well, None)
            }
            Ok(value) => {
                (self.failed, self.without) = (self.failed.saturating_add(1), 0);
                let (times, allowed) = (self.failed, self.metric.failures);
                let fault = || Fault::OutOfBounds { value, bounds: self.bounds(), times, allowed };
                (Measurement::Failed, (times > allowed).then(fault))
            }
            Err(reason) => {
                self.without = self.without.saturating_add(1);
                // Before the first request there is nothing to measure.
                let is_lost = self.well.saturating_add(self.failed) > 0;
                self.lacking = self.lacking.saturating_add(u32::from(is_lost));
                self.reason.clone_from(&reason);
                let times = self.without;
                let fault =
                    (times > self.metric.inconclusive).then_some(Fault::NoValue { times, reason });
                (Measurement::Inconclusive, fault)
            }
        }
    }

    /// Returns the fault at the end of the hold. `None` means that the release goes on: a metric that was never well, or
    /// that nobody knows for most of the hold, is no reason to.
    pub(crate) fn end(&self) -> Option<Fault> {
        let reason = || self.reason.clone();
        if self.well == 0 {
            return Some(Fault::NeverWell { reason: reason() });
        }
        let (times, valued) = (self.lacking, self.well.saturating_add(self.failed));
        let of = valued.saturating_add(times);
        (times > valued).then(|| Fault::SeldomValue { times, of, reason: reason() })
    }

    /// Returns the bounds as a text: `at least 99`.
    pub(crate) fn bounds(&self) -> String {
        match (&self.metric.min, &self.metric.max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("at least {min}"),
            (None, Some(max)) => format!("at most {max}"),
            (None, None) => "without bounds".to_owned(),
        }
    }

    /// Rounds a value to six digits: 52.4345 of 52.434481124965004. One that would come into its bounds so, or leave
    /// them, stays as it is.
    pub(crate) fn short(&self, value: f64) -> f64 {
        let short = format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value);
        if self.is_within(short) == self.is_within(value) { short } else { value }
    }

    fn is_within(&self, value: f64) -> bool {
        let number =
            |bound: &Option<serde_json::Number>| bound.as_ref().and_then(|one| one.as_f64());
        let is_low = number(&self.metric.min).is_some_and(|min| value < min);
        let is_high = number(&self.metric.max).is_some_and(|max| value > max);
        !is_low && !is_high
    }
}

impl Fault {
    /// Returns whether no value decided: the metric may be well, and nobody knows.
    #[must_use]
    pub fn is_inconclusive(&self) -> bool {
        match self {
            Self::OutOfBounds { .. } => false,
            Self::NoValue { .. } | Self::SeldomValue { .. } | Self::NeverWell { .. } => true,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfBounds { value, bounds, times: 1, allowed: 0 } => {
                write!(f, "{value} is not {bounds}")
            }
            Self::OutOfBounds { value, bounds, times, allowed } => {
                write!(
                    f,
                    "{value} is not {bounds}; out of bounds {times} times, and {allowed} may be"
                )
            }
            Self::NoValue { times, reason } => {
                write!(f, "no value, {times} times in a row: {reason}")
            }
            Self::SeldomValue { times, of, reason } => {
                write!(
                    f,
                    "no value in {times} of {of} measurements since the first value: {reason}"
                )
            }
            Self::NeverWell { reason } if reason.is_empty() => {
                f.write_str("not once within bounds during the hold")
            }
            Self::NeverWell { reason } => {
                write!(f, "not once within bounds during the hold; without a value: {reason}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Number;
    use windlass_model::runtime::{Query, Source};

    fn metric(min: Option<u32>, max: Option<u32>) -> Metric {
        Metric {
            query: Query::SuccessRate(Source::Traefik),
            min: min.map(Number::from),
            max: max.map(Number::from),
            interval_seconds: 15,
            failures: 0,
            inconclusive: 2,
        }
    }

    fn none() -> Result<f64, String> {
        Err("no series".into())
    }

    /// Digits that nobody reads are left out, and not those that show why the value is out of bounds.
    #[test]
    fn a_value_is_rounded_as_long_as_it_stays_out_of_bounds() {
        for (value, shown) in [
            (52.434_481_124_965_004, "52.4345 is not at least 99"),
            (98.999_999_9, "98.9999999 is not at least 99"),
            (-0.000_012_345_678, "-0.0000123457 is not at least 99"),
            (0.0, "0 is not at least 99"),
            (f64::NEG_INFINITY, "-inf is not at least 99"),
        ] {
            let metric = metric(Some(99), None);
            let mut judge = Judge::new(&metric);
            let (_, fault) = judge.take(Ok(judge.short(value)));
            assert_eq!(fault.unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_value_is_well_up_to_its_bounds() {
        for (min, max, value, is_well) in [
            (Some(99), None, 99.0, true),
            (Some(99), None, 98.9, false),
            (None, Some(2), 2.0, true),
            (None, Some(2), f64::INFINITY, false),
            (Some(1), Some(2), 1.5, true),
            (Some(1), Some(2), -1.0, false),
        ] {
            let metric = metric(min, max);
            let (result, fault) = Judge::new(&metric).take(Ok(value));
            assert_eq!(result == Measurement::Well, is_well, "{value} {min:?} {max:?}");
            assert_eq!(fault.is_none(), is_well, "{value} {min:?} {max:?}");
        }
    }

    #[test]
    fn as_many_failures_are_let_go_as_the_metric_allows() {
        let metric = Metric { failures: 2, ..metric(Some(99), None) };
        let mut judge = Judge::new(&metric);
        for value in [50.0, 100.0, 50.0, 100.0] {
            assert_eq!(judge.take(Ok(value)).1, None, "{value}");
        }
        assert_eq!(judge.end(), None);
        let fault = judge.take(Ok(50.0)).1.unwrap();
        assert!(!fault.is_inconclusive());
        assert_eq!(fault.to_string(), "50 is not at least 99; out of bounds 3 times, and 2 may be");
    }

    #[test]
    fn only_measurements_in_a_row_without_a_value_count() {
        let metric = metric(Some(99), None);
        let mut judge = Judge::new(&metric);
        for measured in [none(), none(), Ok(100.0), none(), none()] {
            assert_eq!(judge.take(measured).1, None);
        }
        let (result, fault) = judge.take(none());
        assert_eq!(result, Measurement::Inconclusive);
        let fault = fault.unwrap();
        assert!(fault.is_inconclusive());
        assert_eq!(fault.to_string(), "no value, 3 times in a row: no series");
    }

    #[test]
    fn a_hold_without_one_good_measurement_is_no_success() {
        let metric = Metric { failures: 1, ..metric(Some(99), None) };
        let mut judge = Judge::new(&metric);
        assert!(judge.end().unwrap().is_inconclusive(), "nothing was measured");
        judge.take(none());
        judge.take(Ok(1.0));
        let end = Fault::NeverWell { reason: "no series".into() };
        assert_eq!(judge.end(), Some(end));
        judge.take(Ok(99.0));
        assert_eq!(judge.end(), None);
        // A Prometheus that is down since then lets no version pass either.
        for _ in 0..2 {
            judge.take(none());
            assert_eq!(judge.end(), None);
        }
        judge.take(none());
        let text = judge.end().unwrap().to_string();
        assert_eq!(text, "no value in 3 of 5 measurements since the first value: no series");
    }
}
