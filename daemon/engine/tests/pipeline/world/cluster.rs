//! Fake of all clusters: changed, watched, looked at.

use super::fault::{Fault, Faults};
use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Mutex, time::Duration};
use tokio::sync::mpsc;
use windlass_engine::{
    ports::{
        Cluster, ClusterReader, Inspect, LogLine, LogRequest, MadeObject, ObjectChange, Observation,
    },
    recorder::Recorder,
};
use windlass_model::{
    app::App,
    endpoint::Endpoint,
    error::{ClusterError, SecretError},
    hook::{Action, ActionResult},
    job::{Release, Stage},
    plan::Change,
};
use windlass_rollout::snapshot::{Container, Pod, Snapshot, Terminated, Workload};

/// All clusters of a world.
#[derive(Default)]
pub(crate) struct FakeCluster {
    faults: Faults,
    /// Release that each cluster runs.
    serving: Mutex<BTreeMap<String, Release>>,
    changed: Mutex<Vec<String>>,
    pruned: Mutex<Vec<String>>,
    acted: Mutex<BTreeMap<String, u32>>,
    /// Number of watches so far.
    watches: Mutex<u32>,
}

impl FakeCluster {
    pub(super) fn new(faults: &Faults) -> Self {
        Self { faults: faults.clone(), ..Self::default() }
    }

    /// Runs a release in all its clusters.
    pub(super) fn run(&self, release: &Release) {
        let all = release.clusters.iter().cloned().zip(release.each());
        self.serving.lock().unwrap().extend(all);
    }

    /// Returns the digests that users get, by cluster.
    pub(super) fn digests(&self) -> BTreeMap<String, String> {
        let serving = self.serving.lock().unwrap();
        let digest =
            |(name, release): (&String, &Release)| (name.clone(), release.image.digest.clone());
        serving.iter().map(digest).collect()
    }

    /// Returns each time that a cluster was made to run something else than it ran: `eu: new`.
    pub(crate) fn changed(&self) -> Vec<String> {
        self.changed.lock().unwrap().clone()
    }

    /// Returns the clusters in which what a release no longer has was removed.
    pub(crate) fn pruned(&self) -> Vec<String> {
        self.pruned.lock().unwrap().clone()
    }

    /// Returns how often each action of a hook was done, by its key: a Job made, a command run.
    pub(crate) fn acted(&self) -> BTreeMap<String, u32> {
        self.acted.lock().unwrap().clone()
    }

    fn change(&self, change: &Change) -> Result<(), ClusterError> {
        let cluster = change.release().cluster().to_owned();
        if self.faults.has_in(&cluster, &Fault::Unreachable) {
            return Err(away("connection refused"));
        }
        let next = match change {
            Change::Prepare(_) | Change::Unblock(_) => return Ok(()),
            Change::Prune(_) => {
                self.pruned.lock().unwrap().push(cluster);
                return Ok(());
            }
            Change::Apply(release) | Change::Restore(release) => Some((**release).clone()),
            Change::ScaleToZero(_) | Change::Remove { .. } => None,
        };
        let mut serving = self.serving.lock().unwrap();
        if serving.get(&cluster) != next.as_ref() {
            let digest = next.as_ref().map_or("none", |next| &next.image.digest);
            self.changed.lock().unwrap().push(format!("{cluster}: {digest}"));
        }
        match next {
            Some(next) => serving.insert(cluster, next),
            None => serving.remove(&cluster),
        };
        Ok(())
    }

    /// Counts an action of a hook.
    fn count(&self, key: &str, action: &Action) {
        let mut acted = self.acted.lock().unwrap();
        let times = acted.entry(key.into()).or_insert(0);
        // A Job that is there already is not made again.
        if !matches!(action, Action::RunJob { .. }) || *times == 0 {
            *times += 1;
        }
    }

    /// Counts a watch, and returns how many there were before it.
    fn begin_watch(&self) -> u32 {
        let mut watches = self.watches.lock().unwrap();
        *watches += 1;
        *watches - 1
    }

    /// Returns a snapshot of a release. A cluster that `is_leaving` stops answering before any pod is ready.
    fn shown(&self, release: &Release, is_leaving: bool) -> Snapshot {
        let cluster = release.cluster();
        let digest = &*release.image.digest;
        let serving = self.serving.lock().unwrap()[cluster].clone();
        let crashes = !is_leaving && self.faults.any_in(cluster, |fault| fault.crashes(digest));
        let stalls = is_leaving || self.faults.any_in(cluster, |fault| fault.stalls(digest));
        let ready = u32::from(!crashes && !stalls);
        let workload = Workload {
            kind: "Deployment".into(),
            name: "web".into(),
            revision: serving.id,
            observed: true,
            wanted: 1,
            total: 1,
            updated: 1,
            ready,
            available: ready,
            is_complete: true,
            ..Workload::default()
        };
        let containers = if crashes { vec![crashed()] } else { vec![] };
        let pod = Pod { name: "web-1".into(), containers, ..Pod::default() };
        Snapshot { workloads: vec![workload], pods: vec![pod], ..Snapshot::default() }
    }
}

fn crashed() -> Container {
    let last = Terminated {
        reason: "Error".into(),
        exit: 1,
        message: "boom, hunter22".into(),
        ..Terminated::default()
    };
    Container { restarts: 2, last: Some(last), ..Container::default() }
}

fn away(message: &str) -> ClusterError {
    ClusterError::Unreachable { message: message.into() }
}

#[async_trait]
impl Cluster for FakeCluster {
    async fn make(&self, change: &Change, recorder: &Recorder) -> Result<(), ClusterError> {
        if self.faults.call() {
            return Err(away("refused"));
        }
        if self.faults.has(&Fault::SecretsAway("the cluster")) {
            return Err(SecretError::Unavailable { message: "no answer".into() }.into());
        }
        recorder.log_line(Stage::Release, "cluster", "changing").await;
        self.change(change)?;
        recorder.log_line(Stage::Release, "cluster", "changed").await;
        Ok(())
    }

    async fn act(
        &self,
        _: &Release,
        _: &str,
        key: &str,
        action: &Action,
        recorder: &Recorder,
    ) -> Result<ActionResult, ClusterError> {
        if self.faults.call() {
            return Err(away("refused"));
        }
        self.count(key, action);
        // After the deed: a command that may have run is not run again.
        recorder.log_line(Stage::Hooks, "cluster", "acted").await;
        let code = i32::from(self.faults.has(&Fault::CommandsFail));
        Ok(ActionResult::Exited { code, output: "printed hunter22".into() })
    }

    async fn observe(
        &self,
        release: &Release,
    ) -> Result<mpsc::Receiver<Observation>, ClusterError> {
        if self.faults.call() {
            return Err(away("refused"));
        }
        let before = self.begin_watch();
        let has_outage = |least: u32| {
            let lasts =
                |fault: &Fault| matches!(fault, Fault::Outage { watches } if *watches >= least);
            self.faults.any(lasts)
        };
        if before > 0 && has_outage(before) {
            return Err(away("connection refused"));
        }
        let is_leaving = before == 0 && has_outage(0);
        let snapshot = self.shown(release, is_leaving);
        let (send, receive) = mpsc::channel(1);
        tokio::spawn(async move {
            let _ = send.send(Ok(snapshot)).await;
            if is_leaving {
                tokio::time::sleep(Duration::from_secs(200)).await;
                let _ = send.send(Err(away("connection refused"))).await;
            }
            send.closed().await;
        });
        Ok(receive)
    }

    async fn evidence(&self, _: &Release, _: &Recorder) -> Vec<String> {
        vec!["web-1: last words, hunter22".into()]
    }

    async fn renew(&self, _: &Release, _: &Recorder) -> Result<Option<u64>, ClusterError> {
        Ok(None)
    }
}

#[async_trait]
impl ClusterReader for FakeCluster {
    async fn check(&self, _: &Release) -> Result<(), ClusterError> {
        Ok(())
    }

    async fn serves(&self, release: &Release) -> Result<bool, ClusterError> {
        Ok(self.serving.lock().unwrap().contains_key(release.cluster()))
    }

    async fn manifests(&self, release: &Release) -> Result<Vec<String>, ClusterError> {
        Ok(vec![serde_json::to_string(&release.runtime).unwrap()])
    }

    async fn changes(&self, _: &Release) -> Result<Vec<ObjectChange>, ClusterError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Inspect for FakeCluster {
    async fn endpoints(&self, release: &Release) -> Result<Vec<Endpoint>, ClusterError> {
        Ok(vec![Endpoint::of_service(release, "10.0.0.7", true)])
    }

    async fn look(&self, _: &Release) -> Result<Snapshot, ClusterError> {
        Ok(Snapshot::default())
    }

    async fn made(&self, _: &Release, _: bool) -> Result<Vec<MadeObject>, ClusterError> {
        Ok(Vec::new())
    }

    async fn logs(
        &self,
        _: &App,
        _: &str,
        _: &LogRequest,
    ) -> Result<mpsc::Receiver<LogLine>, ClusterError> {
        Ok(mpsc::channel(1).1)
    }

    async fn compare(
        &self,
        _: Option<&Release>,
        _: &Release,
    ) -> Result<Vec<ObjectChange>, ClusterError> {
        Ok(Vec::new())
    }

    async fn version(&self, _: &str) -> Result<String, ClusterError> {
        Ok("v1.34.1".into())
    }
}
