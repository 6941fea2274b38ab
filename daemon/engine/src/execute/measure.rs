//! Measures the metrics of a release while it holds.

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

impl Deploy<'_> {
    /// Measures all metrics of a release from `began` until the hold has `ended`.
    pub(super) async fn measure(
        &self,
        release: &Release,
        began: Instant,
        ended: watch::Receiver<bool>,
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
        mut ended: watch::Receiver<bool>,
    ) -> Result<(), Cause> {
        let interval = Duration::from_secs(metric.interval_seconds.max(1).into());
        let expression = expression(release, metric);
        let mut judge = Judge::new(metric);
        let mut measured = Vec::new();
        let mut next = began + interval;
        loop {
            // First the time: what is to be measured as the hold ends is measured.
            let is_over = tokio::select! {
                biased;
                () = sleep_until(next) => false,
                () = end_of(&mut ended) => Instant::now() < next,
            };
            let fault = if is_over {
                judge.end()
            } else {
                let value = self.value(release.cluster(), &expression).await;
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
                self.run.record(event).await?;
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

/// Waits for the end of a hold.
async fn end_of(ended: &mut watch::Receiver<bool>) {
    let is_dropped = ended.wait_for(|ended| *ended).await.is_err();
    if is_dropped {
        pending().await
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
