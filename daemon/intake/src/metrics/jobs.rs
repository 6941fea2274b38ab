//! Jobs, counted as they end, by their journals.

use super::labels::Labels;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, timeout_at},
};
use windlass_engine::{
    blame,
    ports::store::{Filter, Replay, Store, StoreError},
};
use windlass_model::{
    approval::waited, clock::now_ms, event::Event, outcome::Outcome, replay::JobState,
};

/// Time for which updates are gathered before the store is asked.
const GATHER: Duration = Duration::from_secs(1);

/// Number of counted jobs that are remembered, so that none is counted twice.
const MOST_COUNTED: usize = 10_000;

/// Number of ended jobs that are looked at after updates were lost.
const MOST_MISSED: u32 = 500;

/// Upper bounds of the durations, in seconds.
const BOUNDS: [f64; 13] =
    [0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0];

/// Codes of failures by which a cluster was not reached.
const NOT_REACHED: [&str; 2] = ["cluster-not-trusted", "cluster-unreachable"];

/// Codes of failures that whoever brought the cluster mends.
const OF_CLUSTER: [&str; 3] = ["cluster-not-trusted", "cluster-unknown", "cluster-unreachable"];

/// Counters and durations of jobs, named as OpenTelemetry's CI/CD conventions name them where they do.
#[derive(Clone)]
pub(super) struct JobMetrics {
    ended: Family<Labels, Counter>,
    durations: Family<Labels, Histogram>,
    errors: Family<Labels, Counter>,
    waits: Histogram,
    stages: Family<Labels, Histogram>,
    /// Clusters of jobs that ended, each with whether the last one reached it.
    reached: Arc<Mutex<BTreeMap<String, bool>>>,
    /// Names of the operator's clusters. Empty means that all are.
    operators: Arc<OnceLock<BTreeSet<String>>>,
}

impl JobMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let all = Self {
            ended: Family::default(),
            durations: Family::new_with_constructor(histogram),
            errors: Family::default(),
            waits: histogram(),
            stages: Family::new_with_constructor(histogram),
            reached: Arc::default(),
            operators: Arc::default(),
        };
        let help = "Jobs that ended, by result";
        registry.register("windlass_jobs", help, all.ended.clone());
        let help = "Time from a job's beginning to its end, without its waits for approvals";
        let name = "cicd_pipeline_run_duration";
        registry.register_with_unit(name, help, Unit::Seconds, all.durations.clone());
        let help = "Jobs that failed, by code, and by whose fault it is: app or operator";
        registry.register("cicd_pipeline_run_errors", help, all.errors.clone());
        let (name, help) = ("windlass_job_wait", "Time from a job's acceptance to its beginning");
        registry.register_with_unit(name, help, Unit::Seconds, all.waits.clone());
        let (name, help) = ("windlass_stage_duration", "Time of a stage that finished");
        registry.register_with_unit(name, help, Unit::Seconds, all.stages.clone());
        all
    }

    pub(super) fn reached(&self) -> Vec<(String, bool)> {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        reached.iter().map(|(name, is_reached)| (name.clone(), *is_reached)).collect()
    }

    /// Names the operator's clusters: all others are of projects' own, which the operator does not mend.
    pub(super) fn set_operators(&self, clusters: BTreeSet<String>) {
        self.operators.get_or_init(|| clusters);
    }

    /// Counts jobs as they end, for ever.
    pub(super) async fn follow(&self, store: Arc<dyn Store>) {
        let mut updates = store.updates();
        let since_ms = now_ms();
        let mut waiting = BTreeSet::new();
        let mut counted = BTreeSet::new();
        loop {
            if !gather(&mut updates, &mut waiting, &*store, since_ms).await {
                // The store was closed: the daemon ends.
                std::future::pending::<()>().await;
            }
            for id in std::mem::take(&mut waiting) {
                if counted.contains(&id) {
                    continue;
                }
                match self.count(&id, &*store).await {
                    Ok(true) => {
                        counted.insert(id);
                    }
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(job = id, %error, "the job is missing in metrics");
                    }
                }
                while counted.len() > MOST_COUNTED {
                    // Ids sort by age.
                    counted.pop_first();
                }
            }
        }
    }

    /// Counts a job if it has ended.
    async fn count(&self, id: &str, store: &dyn Store) -> Result<bool, StoreError> {
        let has_ended = store.job(id).await?.is_some_and(|record| record.outcome.is_some());
        if !has_ended {
            return Ok(false);
        }
        if let Some(replay) = store.replay(id).await? {
            self.ended(&replay);
        }
        Ok(true)
    }

    fn ended(&self, replay: &Replay) {
        let Some(outcome) = &replay.record.outcome else { return };
        let labels = vec![("cicd_pipeline_result", blame::result(outcome).to_owned())];
        self.ended.get_or_create(&labels).inc();
        let (mut began, mut started) = (None, BTreeMap::new());
        for recorded in &replay.events {
            let at_ms = recorded.at_ms;
            match &recorded.event {
                Event::Claimed { .. } if began.is_none() => {
                    began = Some(at_ms);
                    self.waits.observe(seconds(replay.record.job.created_ms, at_ms));
                }
                Event::Started(stage) => {
                    started.insert(*stage, at_ms);
                }
                Event::Finished(stage) => {
                    if let Some(since_ms) = started.remove(stage) {
                        let labels = vec![("stage", stage.to_string())];
                        self.stages.get_or_create(&labels).observe(seconds(since_ms, at_ms));
                    }
                }
                Event::Ended(_) => {
                    // People may take days, and no daemon is slow for that.
                    let waited =
                        waited(replay.events.iter().map(|one| (one.at_ms, &one.event)), at_ms);
                    let took = seconds(began.unwrap_or(at_ms), at_ms) - waited.as_secs_f64();
                    self.durations.get_or_create(&labels).observe(took.max(0.0));
                }
                _ => {}
            }
        }
        self.judge(outcome, &replay.record.job.clusters.names);
    }

    /// Counts a failure, and notes which clusters were reached.
    fn judge(&self, outcome: &Outcome, clusters: &[String]) {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let is_operators =
            |name: &String| self.operators.get().is_none_or(|own| own.contains(name));
        let mut note = |names: &[String]| {
            let noted = names.iter().filter(|name| is_operators(name));
            reached.extend(noted.map(|name| (name.clone(), true)));
        };
        match outcome {
            Outcome::Succeeded(release) => note(&release.clusters),
            Outcome::Removed(removed) => note(&removed.clusters),
            Outcome::Contracted(contracted) => note(&contracted.clusters),
            Outcome::Failed(diagnosis) => {
                let is_own =
                    OF_CLUSTER.contains(&&*diagnosis.code) && !clusters.iter().any(is_operators);
                let is_of_operator = !is_own && blame::is_of_operator(&diagnosis.code);
                let whose = if is_of_operator { "operator" } else { "app" };
                let labels =
                    vec![("error_type", diagnosis.code.clone()), ("whose", whose.to_owned())];
                self.errors.get_or_create(&labels).inc();
                // Of several it is not known which one it was.
                if let [only] = clusters
                    && is_operators(only)
                    && NOT_REACHED.contains(&&*diagnosis.code)
                {
                    reached.insert(only.clone(), false);
                }
            }
            Outcome::Stopped { .. } => {}
        }
    }
}

/// Waits for updates, and gathers the jobs that they are about. `false` means that there are none to come.
async fn gather(
    updates: &mut Receiver<String>,
    waiting: &mut BTreeSet<String>,
    store: &dyn Store,
    since_ms: u64,
) -> bool {
    let mut until = None;
    loop {
        let update = match until {
            None => updates.recv().await,
            Some(until) => match timeout_at(until, updates.recv()).await {
                Ok(update) => update,
                Err(_) => return true,
            },
        };
        match update {
            Ok(id) => {
                waiting.insert(id);
            }
            Err(RecvError::Lagged(lost)) => {
                tracing::info!(
                    lost,
                    "updates of jobs were lost to metrics: the newest jobs are read"
                );
                waiting.extend(newest_ended(store, since_ms).await);
            }
            Err(RecvError::Closed) => return false,
        }
        until.get_or_insert_with(|| Instant::now() + GATHER);
    }
}

/// Returns the newest jobs that ended since a time, in milliseconds since 1970. The daemon before counted those that
/// ended before it.
async fn newest_ended(store: &dyn Store, since_ms: u64) -> Vec<String> {
    let filter = Filter {
        states: vec![JobState::Succeeded, JobState::Failed, JobState::Stopped],
        limit: MOST_MISSED,
        ..Filter::default()
    };
    match store.jobs(&filter).await {
        Ok(list) => {
            let is_new = |ended_ms: Option<u64>| ended_ms.is_some_and(|at_ms| at_ms >= since_ms);
            let new = list.jobs.into_iter().filter(|record| is_new(record.ended_ms));
            new.map(|record| record.job.id).collect()
        }
        Err(error) => {
            tracing::warn!(%error, "jobs may be missing in metrics");
            Vec::new()
        }
    }
}

fn histogram() -> Histogram {
    Histogram::new(BOUNDS)
}

fn seconds(since_ms: u64, at_ms: u64) -> f64 {
    Duration::from_millis(at_ms.saturating_sub(since_ms)).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_engine::explain;

    #[test]
    fn each_code_of_a_cluster_out_of_reach_is_one_that_there_is() {
        for code in NOT_REACHED.into_iter().chain(OF_CLUSTER) {
            assert!(explain::find(code).is_some(), "{code}");
        }
    }
}
