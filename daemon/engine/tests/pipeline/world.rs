//! A whole pretend world: fakes that behave, not mocks that expect.

use crate::workshop::Workshop;
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::{mpsc, watch};
use windlass_engine::{
    journal::{Journal, JournalLost},
    ports::*,
    recorder::Recorder,
};
use windlass_model::error::*;
use windlass_model::{
    app::App,
    cluster::{Clusters, DEFAULT, RolloutOrder, Target, Targets},
    event::Event,
    hook::{About, Action, ActionResult, Batch, Done, Hook, HookPhase, HookStep, Policy},
    job::{Commit, CommitInfo, Image, Release},
    outcome::{Outcome, Stop},
    plan::{Change, Cursor},
    revision::{Resolved, Revision},
    runtime::Runtime,
    secret::Secret,
    testing::{TestOutput, TestPlan, TestSummary},
};
use windlass_rollout::snapshot::{Container, Pod, Snapshot, Terminated, Workload};

#[derive(Default)]
pub(crate) struct World {
    /// What each cluster runs.
    pub(crate) serving: Mutex<BTreeMap<String, Release>>,
    /// Each time that a cluster was made to run something else than it ran.
    pub(crate) changes: Mutex<Vec<String>>,
    /// As stored: JSON, since what cannot be read back is not an event.
    pub(crate) events: Mutex<Vec<String>>,
    pub(crate) released: Mutex<BTreeMap<String, Release>>,
    pub(crate) calls: Mutex<u32>,
    /// The call with this number fails, counting from one.
    pub(crate) fail_call: Option<u32>,
    /// So do all after it: a blip, or for good.
    pub(crate) for_good: bool,
    /// The call with this number panics.
    pub(crate) panic_call: Option<u32>,
    /// The journal takes this many events more; then the daemon is as good as killed.
    pub(crate) lives: Mutex<Option<u32>>,
    /// An image of this digest crashes; `any`: all do.
    pub(crate) sick: Option<String>,
    /// In this cluster alone.
    pub(crate) sick_in: Option<String>,
    /// An image of this digest never gets ready, and says nothing.
    pub(crate) slow: Option<String>,
    /// How often the cluster does not answer, once it went away in the middle of the first rollout.
    pub(crate) outage: Option<u32>,
    pub(crate) observed: Mutex<u32>,
    /// The operator took this cluster from all apps.
    pub(crate) taken: Mutex<Option<&'static str>>,
    /// This cluster takes no change.
    pub(crate) away_in: Option<String>,
    /// Clusters in which what is no longer said was removed.
    pub(crate) pruned: Mutex<Vec<String>>,
    /// The job is cancelled once this step is done.
    pub(crate) stop_after: Option<Cursor>,
    pub(crate) stop: watch::Sender<Option<Stop>>,
    pub(crate) failing_test: bool,
    /// Tests never end.
    pub(crate) hanging_test: bool,
    /// Detectors that plan nothing.
    pub(crate) refusing: &'static [&'static str],
    /// Images in the registry, and how often they were pushed.
    pub(crate) pushed: Mutex<BTreeMap<String, u32>>,
    /// Steps of the build cache: what was really built.
    pub(crate) built: Mutex<u32>,
    /// The operator's.
    pub(crate) hooks: Vec<Hook>,
    /// What hooks had done, by the action's key: Jobs that were made, commands that were run.
    pub(crate) done: Mutex<BTreeMap<String, u32>>,
    /// The code that commands of hooks exit with.
    pub(crate) exit: i32,
}

/// A hook of the pretend plugin: before traffic a Job, after a release a command that is run once,
/// else nothing.
pub(crate) fn hook(phase: HookPhase, policy: Policy) -> Hook {
    Hook {
        name: format!("{phase}").replace(' ', "-"),
        plugin: "hook".into(),
        phase,
        policy,
        settings: "{}".into(),
        app_settings: "{}".into(),
        secrets: BTreeMap::new(),
    }
}

pub(crate) fn app() -> App {
    App::new("shop", "web", "").unwrap()
}

pub(crate) fn release(id: &str, digest: &str) -> Release {
    Release {
        id: id.into(),
        app: app(),
        clusters: Clusters::default().names,
        commit: "abc".into(),
        image: Image { reference: "r/shop/web:abc".into(), digest: digest.into(), bytes: None },
        runtime: Runtime {
            user: Some(1),
            processes: vec![windlass_model::spec::web(8080, None)],
            ..Runtime::default()
        },
        hooks: BTreeMap::new(),
    }
}

impl World {
    /// A world where `digest` serves, released by an earlier job.
    pub(crate) fn running(self, digest: Option<&str>) -> Arc<Self> {
        self.running_in(&[DEFAULT], digest)
    }

    /// The same in several clusters.
    pub(crate) fn running_in(self, clusters: &[&str], digest: Option<&str>) -> Arc<Self> {
        let clusters: Vec<_> = clusters.iter().map(ToString::to_string).collect();
        if let Some(digest) = digest {
            let release = release("job-0", digest).at(&clusters);
            let all = clusters.into_iter().zip(release.each());
            *self.serving.lock().unwrap() = all.collect();
            self.record(&release);
        }
        Arc::new(self)
    }

    fn record(&self, release: &Release) {
        let all = release.clusters.iter().map(|cluster| (cluster.clone(), release.clone()));
        self.released.lock().unwrap().extend(all);
    }

    pub(crate) fn call(&self) -> bool {
        let call = {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            *calls
        };
        assert_ne!(self.panic_call, Some(call), "an adapter's defect");
        self.fail_call.is_some_and(|fail| call == fail || self.for_good && call > fail)
    }

    /// The digest that users get.
    pub(crate) fn state(&self) -> Option<String> {
        self.states().remove(DEFAULT)
    }

    /// The same, by cluster.
    pub(crate) fn states(&self) -> BTreeMap<String, String> {
        let serving = self.serving.lock().unwrap();
        let digest =
            |(name, release): (&String, &Release)| (name.clone(), release.image.digest.clone());
        serving.iter().map(digest).collect()
    }

    pub(crate) fn past(&self) -> Vec<Event> {
        let events = self.events.lock().unwrap();
        events.iter().map(|event| serde_json::from_str(event).unwrap()).collect()
    }

    fn targets(&self) -> Targets {
        let taken = *self.taken.lock().unwrap();
        let left = [DEFAULT, "eu", "us"].into_iter().filter(|name| taken != Some(name));
        let open =
            |name: &str| Target { name: name.into(), projects: vec![], environments: vec![] };
        Targets { all: left.map(open).collect(), order: RolloutOrder::default() }
    }

    pub(crate) fn ports(self: &Arc<Self>) -> Ports {
        Ports {
            git: self.clone(),
            detectors: self.clone(),
            runners: self.clone(),
            hooks: self.clone(),
            builder: Arc::new(Workshop(self.clone())),
            cluster: self.clone(),
            preview: self.clone(),
            inspect: self.clone(),
            targets: Arc::new(self.targets()),
            secrets: self.clone(),
            registry: "r".into(),
            forbid_root: false,
        }
    }
}

struct Files(CommitInfo);

impl Tree for Files {
    fn root(&self) -> &Path {
        Path::new("/nowhere")
    }
    fn commit(&self) -> Option<&CommitInfo> {
        Some(&self.0)
    }
    fn read(&self, _: &str, _: u64) -> Result<Option<String>, GitError> {
        Ok(None)
    }
}

#[async_trait]
impl Git for World {
    async fn checkout(
        &self,
        commit: &Commit,
        _: Option<&Secret>,
        _: &Recorder,
    ) -> Result<Box<dyn Tree>, GitError> {
        if self.call() {
            let (repository, message) = (commit.repository.clone(), "no route".into());
            return Err(GitError::Unreachable { repository, message });
        }
        let summary = "Say hello".into();
        Ok(Box::new(Files(CommitInfo { id: commit.id.clone(), summary, ..CommitInfo::default() })))
    }

    async fn resolve(
        &self,
        commit: &Commit,
        revision: &Revision,
        credential: Option<&Secret>,
    ) -> Result<Resolved, GitError> {
        let (repository, revision) = (commit.repository.clone(), revision.to_string());
        if revision == "main" {
            return Ok(Resolved { commit: "abc".into(), branch: revision });
        }
        // A server that repeats what it was sent.
        let sent = credential.and_then(Secret::reveal_text).unwrap_or_default();
        let message = format!("you sent {sent}");
        Err(GitError::NoRevision { repository, revision, message })
    }
}

#[async_trait]
impl TestRunners for World {
    async fn plan(
        &self,
        _: &dyn Tree,
        language: &str,
        _: &Recorder,
    ) -> Result<Option<TestPlan>, PluginError> {
        Ok(Some(TestPlan {
            runner: "tester".into(),
            command: vec![language.into(), "test".into()],
            env: vec![],
            reports: vec![],
            tells: true,
            evidence: vec!["main_test.go: tests".into()],
        }))
    }

    async fn read(
        &self,
        _: &str,
        _: Option<&str>,
        output: &TestOutput,
        _: &Recorder,
    ) -> Result<Option<TestSummary>, PluginError> {
        let runner = "tester".into();
        Ok(Some(TestSummary { runner, passed: 3, failed: output.exit, ..TestSummary::default() }))
    }
}

#[async_trait]
impl Preview for World {
    async fn check(&self, _: &Release) -> Result<(), ClusterError> {
        Ok(())
    }

    async fn serves(&self, release: &Release) -> Result<bool, ClusterError> {
        Ok(self.serving.lock().unwrap().contains_key(release.cluster()))
    }

    fn manifests(&self, release: &Release) -> Result<Vec<String>, ClusterError> {
        Ok(vec![serde_json::to_string(&release.runtime).unwrap()])
    }

    async fn changes(&self, _: &Release) -> Result<Vec<ObjectChange>, ClusterError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Cluster for World {
    async fn make(&self, change: &Change, _: &Recorder) -> Result<(), ClusterError> {
        if self.call() {
            return Err(ClusterError::Unreachable { message: "refused".into() });
        }
        let cluster = change.release().cluster().to_owned();
        if self.away_in.as_ref() == Some(&cluster) {
            return Err(ClusterError::Unreachable { message: "connection refused".into() });
        }
        let next = match change {
            Change::Prepare(_) | Change::Unblock(_) => return Ok(()),
            Change::Prune(_) => {
                self.pruned.lock().unwrap().push(cluster);
                return Ok(());
            }
            Change::Apply(release) | Change::Restore(release) => Some((**release).clone()),
            Change::ScaleToZero(_) => None,
        };
        let mut serving = self.serving.lock().unwrap();
        if serving.get(&cluster) != next.as_ref() {
            let digest = next.as_ref().map_or("none", |next| &next.image.digest);
            self.changes.lock().unwrap().push(format!("{cluster}: {digest}"));
        }
        match next {
            Some(next) => serving.insert(cluster, next),
            None => serving.remove(&cluster),
        };
        Ok(())
    }

    async fn act(
        &self,
        _: &Release,
        _: &str,
        key: &str,
        action: &Action,
        _: &Recorder,
    ) -> Result<ActionResult, ClusterError> {
        if self.call() {
            return Err(ClusterError::Unreachable { message: "refused".into() });
        }
        let mut done = self.done.lock().unwrap();
        let times = done.entry(key.into()).or_insert(0);
        // A Job that is there already is not made again.
        if !matches!(action, Action::RunJob { .. }) || *times == 0 {
            *times += 1;
        }
        Ok(ActionResult::Exited { code: self.exit, output: "said hunter22".into() })
    }

    async fn observe(
        &self,
        release: &Release,
    ) -> Result<mpsc::Receiver<Observation>, ClusterError> {
        if self.call() {
            return Err(ClusterError::Unreachable { message: "refused".into() });
        }
        let observed = {
            let mut observed = self.observed.lock().unwrap();
            *observed += 1;
            *observed - 1
        };
        let goes = self.outage.is_some() && observed == 0;
        let away = ClusterError::Unreachable { message: "connection refused".into() };
        if observed > 0 && self.outage.is_some_and(|outage| observed <= outage) {
            return Err(away);
        }
        let serving = self.serving.lock().unwrap()[release.cluster()].clone();
        let is = |digest: &Option<String>| {
            digest.as_ref().is_some_and(|it| *it == release.image.digest || it == "any")
        };
        let here = self.sick_in.as_ref().is_none_or(|name| name == release.cluster());
        let (sick, slow) = (is(&self.sick) && here && !goes, is(&self.slow) || goes);
        let ready = u32::from(!sick && !slow);
        let crash = Container {
            restarts: 2,
            last: Some(Terminated {
                reason: "Error".into(),
                exit: 1,
                message: "boom, hunter22".into(),
                ..Terminated::default()
            }),
            ..Container::default()
        };
        let containers = if sick { vec![crash] } else { vec![] };
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
        let pod = Pod { name: "web-1".into(), containers, ..Pod::default() };
        let snapshot =
            Snapshot { workloads: vec![workload], pods: vec![pod], ..Snapshot::default() };
        let (send, receive) = mpsc::channel(1);
        tokio::spawn(async move {
            let _ = send.send(Ok(snapshot)).await;
            if goes {
                tokio::time::sleep(Duration::from_secs(200)).await;
                let _ = send.send(Err(away)).await;
            }
            send.closed().await;
        });
        Ok(receive)
    }

    async fn evidence(&self, _: &Release) -> Vec<String> {
        vec!["web-1: last words, hunter22".into()]
    }

    async fn renew(&self, _: &Release, _: &Recorder) -> Result<Option<u64>, ClusterError> {
        Ok(None)
    }
}

#[async_trait]
impl Hooks for World {
    fn of(&self, _: &App, _: &BTreeMap<String, String>) -> Vec<Hook> {
        self.hooks.clone()
    }

    async fn next(
        &self,
        hook: &Hook,
        _: &About,
        earlier: Option<(&[u8], &[ActionResult])>,
        _: &Recorder,
    ) -> Result<HookStep, PluginError> {
        let (command, timeout_ms) = (vec!["do".into()], 1000);
        let action = match hook.phase {
            HookPhase::BeforeTraffic => Action::RunJob { command, timeout_ms },
            HookPhase::AfterRelease => Action::PodExec { command, timeout_ms, once: true },
            HookPhase::AfterFailure | HookPhase::AfterRollback => Action::Wait { ms: 10 },
        };
        Ok(match earlier {
            None => HookStep::Run(Batch { actions: vec![action], state: b"1".into() }),
            Some((state, results)) => {
                assert_eq!((state, results.len()), (&b"1"[..], 1), "its own state, all results");
                let failed = |r: &ActionResult| matches!(r, ActionResult::Exited { code: 1.., .. });
                let message = format!("{} result", results.len());
                let ok = !results.iter().any(failed);
                HookStep::Done(Done { ok, message, request_rollback: false })
            }
        })
    }
}

#[async_trait]
impl Secrets for World {
    async fn open(
        &self,
        project: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<(Secret, u32), SecretError> {
        match name {
            "password" => Ok((Secret::new(b"hunter22".into()), 3)),
            _ => Err(SecretError::Missing { project: project.into(), name: name.into(), version }),
        }
    }
}

#[async_trait]
impl Journal for World {
    async fn append(&self, event: Event) -> Result<(), JournalLost> {
        if let Some(lives) = &mut *self.lives.lock().unwrap() {
            *lives = lives.checked_sub(1).ok_or_else(|| JournalLost("killed".into()))?;
        }
        if let (Event::StepFinished(cursor), Some(after)) = (&event, &self.stop_after)
            && cursor == after
        {
            self.stop.send_replace(Some(Stop::Cancelled { by: "someone".into() }));
        }
        if let Event::Ended(Outcome::Succeeded(release)) = &event {
            self.record(release);
        }
        self.events.lock().unwrap().push(serde_json::to_string(&event).unwrap());
        Ok(())
    }

    async fn last_release(&self, _: &App, cluster: &str) -> Result<Option<Release>, JournalLost> {
        Ok(self.released.lock().unwrap().get(cluster).cloned())
    }
}
