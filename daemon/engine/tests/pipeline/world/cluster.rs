//! Fake of all clusters: changed, watched, looked at.

use super::{
    fault::{Fault, Faults},
    place::{Effects, Place},
};
use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Mutex, time::Duration};
use tokio::sync::mpsc;
use windlass_engine::{
    ports::{
        Cluster, ClusterReader, Inspect, JobEnd, LogLine, LogRequest, MadeObject, Migration,
        ObjectChange, Observation, Watching,
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
    runtime::{MigrationPhase, Track},
};
use windlass_rollout::snapshot::{Container, Pod, Snapshot, Terminated, Workload};

/// All clusters of a world.
#[derive(Default)]
pub(crate) struct FakeCluster {
    faults: Faults,
    places: Mutex<BTreeMap<String, Place>>,
    changed: Mutex<Vec<String>>,
    violations: Mutex<Vec<String>>,
    pruned: Mutex<Vec<String>>,
    acted: Mutex<BTreeMap<String, u32>>,
    /// Jobs of migrations by name, in order, with what serves then.
    migrated: Mutex<Vec<(String, MigrationPhase, String)>>,
    /// Number of watches so far.
    watches: Mutex<u32>,
}

impl FakeCluster {
    pub(super) fn new(faults: &Faults) -> Self {
        Self { faults: faults.clone(), ..Self::default() }
    }

    /// Runs a release in all its clusters.
    pub(super) fn run(&self, release: &Release) {
        let mut places = self.places.lock().unwrap();
        for release in release.each() {
            places.entry(release.cluster().into()).or_default().run(&release);
        }
    }

    /// Returns the digests that users get, by cluster.
    pub(super) fn digests(&self) -> BTreeMap<String, String> {
        let places = self.places.lock().unwrap();
        let digest = |(name, place): (&String, &Place)| Some((name.clone(), place.digest()?));
        places.iter().filter_map(digest).collect()
    }

    /// Returns the tracks that have pods, by cluster.
    pub(crate) fn tracks(&self) -> BTreeMap<String, Vec<Track>> {
        let places = self.places.lock().unwrap();
        places.iter().map(|(name, place)| (name.clone(), place.tracks())).collect()
    }

    /// Returns each time that requests went to pods which were not ready, or pods went that got requests.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap().clone()
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

    /// Returns the Jobs of migrations that were made, in order: `expand while old serves`.
    pub(crate) fn migrated(&self) -> Vec<String> {
        let migrated = self.migrated.lock().unwrap();
        migrated.iter().map(|(_, phase, serves)| format!("{phase} while {serves} serves")).collect()
    }

    /// Makes a Job of a migration, unless it is there. Returns how many there were of this phase before it in its cluster.
    fn make_job(&self, release: &Release, migration: &Migration) -> usize {
        let cluster = release.cluster();
        let (name, phase) = (format!("{cluster}/{}", migration.key), migration.phase);
        let serves = self.digests().remove(cluster).unwrap_or_else(|| "nothing".into());
        let mut made = self.migrated.lock().unwrap();
        if made.iter().all(|(known, ..)| *known != name) {
            made.push((name.clone(), phase, serves));
        }
        let of_cluster = format!("{cluster}/");
        let alike =
            made.iter().filter(|(known, of, _)| *of == phase && known.starts_with(&of_cluster));
        alike.take_while(|(known, ..)| *known != name).count()
    }

    fn change(&self, change: &Change) -> Result<(), ClusterError> {
        let cluster = change.release().cluster().to_owned();
        if self.faults.has_in(&cluster, &Fault::Unreachable) {
            return Err(away("connection refused"));
        }
        if let Change::Prune(_) = change {
            if self.faults.has_in(&cluster, &Fault::PruneRefused) {
                let object = "Deployment web-old".to_owned();
                return Err(ClusterError::NotDeleted {
                    object,
                    message: "a webhook said no".into(),
                });
            }
            if self.faults.has_in(&cluster, &Fault::PruneFails) {
                let object = "Service web".to_owned();
                return Err(ClusterError::Rejected { object, message: "a webhook said no".into() });
            }
            self.pruned.lock().unwrap().push(cluster.clone());
        }
        let digest = &*change.release().image.digest;
        let comes_up =
            !self.faults.any_in(&cluster, |fault| fault.crashes(digest) || fault.stalls(digest));
        let mut places = self.places.lock().unwrap();
        let Effects { changed, violations } =
            places.entry(cluster.clone()).or_default().make(change, comes_up);
        self.changed.lock().unwrap().extend(changed.map(|what| format!("{cluster}: {what}")));
        self.violations.lock().unwrap().extend(violations);
        if matches!(change, Change::Prune(_))
            && self.faults.has_in(&cluster, &Fault::PruneBreaksOff)
        {
            return Err(away("connection reset"));
        }
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
        let places = self.places.lock().unwrap();
        let there = places.get(cluster).and_then(|place| place.on(release.track()));
        let revision = there.map(|there| there.id.clone()).unwrap_or_default();
        let is_whole = release.runtime.aside.is_none();
        let fails =
            |fault: &Fault| fault.crashes(digest) || (is_whole && fault.crashes_whole(digest));
        let crashes = !is_leaving && self.faults.any_in(cluster, fails);
        let stalls = is_leaving || self.faults.any_in(cluster, |fault| fault.stalls(digest));
        snapshot(revision, crashes, !crashes && !stalls)
    }

    /// Returns the snapshot that follows where pods beside others are not well for long.
    fn shown_later(&self, release: &Release) -> Option<Snapshot> {
        let (cluster, digest) = (release.cluster(), &*release.image.digest);
        release.runtime.aside?;
        let has = |fault: Fault| self.faults.has_in(cluster, &fault);
        match digest {
            "new" if has(Fault::CrashesLater("new")) => {
                Some(snapshot(release.id.clone(), true, false))
            }
            "new" if has(Fault::UnreadyLater("new")) => {
                Some(snapshot(release.id.clone(), false, false))
            }
            _ => None,
        }
    }
}

fn snapshot(revision: String, crashes: bool, is_ready: bool) -> Snapshot {
    let ready = u32::from(is_ready);
    let workload = Workload {
        kind: "Deployment".into(),
        name: "web".into(),
        revision,
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

    async fn migrate(
        &self,
        release: &Release,
        migration: &Migration,
        recorder: &Recorder,
    ) -> Result<JobEnd, ClusterError> {
        if self.faults.call() {
            return Err(away("refused"));
        }
        let name = format!("{}/{}", release.cluster(), migration.key);
        let is_made = self.migrated.lock().unwrap().iter().any(|(known, ..)| *known == name);
        if migration.is_ending() && !is_made {
            return Ok(JobEnd::never_ran(ActionResult::Waited));
        }
        let before = self.make_job(release, migration);
        let line = format!("migrates, {}", migration.phase);
        recorder.log_line(Stage::Release, "cluster", &line).await;
        if self.faults.has(&Fault::CancelledIn(migration.phase)) {
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        let is_locked = |fault: &Fault| matches!(fault, Fault::LockTimeouts(all) if before < *all);
        let times_out = self.faults.any(is_locked);
        if !times_out && self.faults.has(&Fault::MigrationNeverRuns(migration.phase)) {
            return Ok(JobEnd::never_ran(ActionResult::Failed("it never ran".into())));
        }
        let output = if is_made && self.faults.has(&Fault::OutputsGone) {
            ""
        } else if times_out {
            "ERROR: 55P03"
        } else {
            "printed hunter22"
        };
        let fails = self.faults.has_in(release.cluster(), &Fault::MigrationFails(migration.phase));
        let code = i32::from(fails || times_out);
        Ok(JobEnd::ran(ActionResult::Exited { code, output: output.into() }))
    }

    async fn observe(
        &self,
        release: &Release,
        _: Watching,
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
        let later = self.shown_later(release);
        let (send, receive) = mpsc::channel(1);
        tokio::spawn(async move {
            let _ = send.send(Ok(snapshot)).await;
            if is_leaving {
                tokio::time::sleep(Duration::from_secs(200)).await;
                let _ = send.send(Err(away("connection refused"))).await;
            }
            if let Some(later) = later {
                tokio::time::sleep(Duration::from_secs(20)).await;
                let _ = send.send(Ok(later)).await;
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
        let places = self.places.lock().unwrap();
        Ok(places.get(release.cluster()).is_some_and(|place| !place.is_empty()))
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
