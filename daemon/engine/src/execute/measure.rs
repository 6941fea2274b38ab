//! Measures the metrics of a release while it holds.

use super::pace::Pace;
use crate::{
    analysis::{Judge, expression},
    deploy::Deploy,
    failure::Cause,
};
use futures::future::try_join_all;
use std::{future::pending, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use windlass_model::{
    event::{Event, Measurement},
    job::Release,
    runtime::Metric,
};

/// Time in which a Prometheus answers. It is shorter than most intervals.
const ANSWER: Duration = Duration::from_secs(10);

/// Measurements that a diagnosis shows: the last ones.
const SHOWN: usize = 10;

/// Measurements of one metric in one hold that are recorded as they come, and the time between those after them.
const ALL: (u32, Duration) = (100, Duration::from_secs(300));

/// The same for measurements whose result is another than that of the one before. Each is worth a look, unless a metric
/// goes back and forth for hours.
const CHANGED: (u32, Duration) = (200, Duration::from_secs(60));

impl Deploy<'_> {
    /// Measures all metrics of a release from `began` until the hold has `ended`.
    pub(super) async fn measure(
        &self,
        release: &Release,
        began: Instant,
        ended: watch::Receiver<Option<Instant>>,
    ) -> Result<(), Cause> {
        let metrics = release.runtime.strategy.metrics.iter();
        let all = metrics.map(|(name, metric)| {
            Box::pin(self.measure_one(release, name, metric, began, ended.clone()))
        });
        try_join_all(all).await.map(|_| ())
    }

    async fn measure_one(
        &self,
        release: &Release,
        name: &str,
        metric: &Metric,
        began: Instant,
        mut ended: watch::Receiver<Option<Instant>>,
    ) -> Result<(), Cause> {
        let interval = Duration::from_secs(metric.interval_seconds.max(1).into());
        let expression = expression(release, metric);
        let mut judge = Judge::new(metric);
        let mut measured = Vec::new();
        let mut next = began + interval;
        let mut recorded = Recorded::new(began);
        loop {
            // What is to be measured as the hold ends is measured, and nothing after that: a Prometheus that answers more
            // slowly than it is asked would make the hold endless.
            let is_over = tokio::select! {
                biased;
                end = end_of(&mut ended) => end < next,
                () = sleep_until(next) => false,
            };
            let fault = if is_over {
                if let Some(last) = recorded.left_out.take() {
                    self.run.record(last).await?;
                }
                judge.end()
            } else {
                let value = self.value(release.cluster(), &expression).await;
                let value = value.map(|value| judge.short(value));
                next = (next + interval).max(Instant::now());
                let detail = match &value {
                    Ok(_) => judge.bounds(),
                    Err(reason) => reason.clone(),
                };
                let (result, fault) = judge.take(value.clone());
                if measured.len() >= SHOWN {
                    measured.remove(0);
                }
                measured.push(line(name, &value, result, &detail));
                let event = Event::Measured {
                    cluster: release.cluster().to_owned(),
                    metric: name.to_owned(),
                    // The journal has no number for the infinite.
                    value: value.ok().filter(|value| value.is_finite()),
                    result,
                    detail,
                };
                if let Some(event) = recorded.take(event, result, fault.is_some(), Instant::now()) {
                    self.run.record(event).await?;
                }
                fault
            };
            if let Some(fault) = fault {
                let (metric, release) = (name.to_owned(), Box::new(release.clone()));
                return Err(Cause::Metric { metric, fault, expression, release, measured });
            }
            if is_over {
                return Ok(());
            }
        }
    }

    /// Returns the value of an expression, or the reason why there is none.
    async fn value(&self, cluster: &str, expression: &str) -> Result<f64, String> {
        match timeout(ANSWER, self.ports.metrics.measure(cluster, expression)).await {
            Ok(Ok(Some(value))) if !value.is_nan() => Ok(value),
            Ok(Ok(_)) => Err("the expression has no value: no series, or not a number".into()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("Prometheus did not answer within {} s", ANSWER.as_secs())),
        }
    }
}

/// Measurements of a metric in the journal.
struct Recorded {
    all: Pace,
    changed: Pace,
    /// Result of the last measurement. `None` means that there was none.
    last: Option<Measurement>,
    /// The last measurement, which was left out. `None` means that it was recorded.
    left_out: Option<Event>,
}

impl Recorded {
    fn new(began: Instant) -> Self {
        Self {
            all: Pace::new(ALL.0, ALL.1, began),
            changed: Pace::new(CHANGED.0, CHANGED.1, began),
            last: None,
            left_out: None,
        }
    }

    /// Returns a measurement that is recorded: one that fails the release in any case. `None` means that it is left out.
    fn take(
        &mut self,
        event: Event,
        result: Measurement,
        is_fault: bool,
        now: Instant,
    ) -> Option<Event> {
        let is_another = self.last.replace(result).is_some_and(|last| last != result);
        if is_fault || self.all.take(now) || is_another && self.changed.take(now) {
            self.left_out = None;
            return Some(event);
        }
        self.left_out = Some(event);
        None
    }
}

/// Waits for the end of a hold, and returns its time.
async fn end_of(ended: &mut watch::Receiver<Option<Instant>>) -> Instant {
    let end = ended.wait_for(Option::is_some).await.ok().and_then(|end| *end);
    match end {
        Some(end) => end,
        // The hold was dropped, and this with it.
        None => pending().await,
    }
}

fn line(name: &str, value: &Result<f64, String>, result: Measurement, detail: &str) -> String {
    let result = match result {
        Measurement::Well => "well",
        Measurement::Failed => "out of bounds",
        Measurement::Inconclusive => "inconclusive",
    };
    let value = value.as_ref().map_or_else(|_| "no value".to_owned(), ToString::to_string);
    format!("{name}: {value}, {result} ({detail})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(result: Measurement) -> Event {
        Event::Measured {
            cluster: "eu".into(),
            metric: "errors".into(),
            value: None,
            result,
            detail: String::new(),
        }
    }

    /// A day of one metric, measured each 15 s.
    #[test]
    fn a_day_of_one_metric_leaves_some_hundred_records() {
        let began = Instant::now();
        let day = |result: fn(u64) -> Measurement| {
            let mut recorded = Recorded::new(began);
            let times = (1..=5760_u64).filter(|number| {
                let (result, now) = (result(*number), began + Duration::from_secs(number * 15));
                recorded.take(measured(result), result, false, now).is_some()
            });
            times.count()
        };
        assert_eq!(day(|_| Measurement::Well), 100 + 283);
        let flapping = |number: u64| {
            if number.is_multiple_of(2) { Measurement::Well } else { Measurement::Inconclusive }
        };
        assert!(day(flapping) < 2100, "{}", day(flapping));
    }

    #[test]
    fn a_measurement_that_changes_the_course_is_recorded_in_any_case() {
        let began = Instant::now();
        let mut recorded = Recorded::new(began);
        let mut take =
            |result, is_fault| recorded.take(measured(result), result, is_fault, began).is_some();
        assert_eq!((0..200).filter(|_| take(Measurement::Well, false)).count(), 100);
        assert!(take(Measurement::Inconclusive, false), "another result");
        assert!(!take(Measurement::Inconclusive, false));
        assert!(take(Measurement::Inconclusive, true), "it fails the release");
        assert!(recorded.left_out.is_none());
        recorded.take(measured(Measurement::Inconclusive), Measurement::Inconclusive, false, began);
        assert!(recorded.left_out.is_some(), "the hold ends with it");
    }
}
