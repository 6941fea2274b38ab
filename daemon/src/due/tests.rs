//! The loop over a store in memory, and a cluster with prepared answers.

mod collect;
mod leases;

use super::*;
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use tokio::{sync::mpsc, time::Instant};
use windlass_engine::{
    ports::{
        JobEnd, Migration, Observation, Watching,
        store::{Claim, DueWork, Jobs, Runs, Submission},
    },
    recorder::Recorder,
};
use windlass_model::due::LOGS_KEPT_MS;
use windlass_model::{
    cluster::{RolloutOrder, Target, Targets},
    error::ClusterError,
    event::Event,
    hook::{Action, ActionResult},
    job::{Gate, Image, Job, Release, Source, Stage},
    outcome::{Outcome, Removed, Stop},
    plan::Change,
    runtime::{Runtime, Strategy, StrategyKind},
    spec::Spec,
};
use windlass_store::MemoryStore;

/// Clusters that renew with the next answer. Without one they have nothing to renew. `hung` never answers.
#[derive(Default)]
struct Renewing {
    answers: Mutex<Vec<Result<Option<u64>, ClusterError>>>,
    /// Clusters that were asked, in order.
    asked: Mutex<Vec<String>>,
    /// Changes that were made, in order.
    made: Mutex<Vec<Change>>,
    /// Changes begin, and never end.
    waits: bool,
}

impl Renewing {
    fn asked(&self, cluster: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|name| *name == cluster).count()
    }
}

#[async_trait]
impl Cluster for Renewing {
    async fn make(&self, change: &Change, _: &Recorder) -> Result<(), ClusterError> {
        self.made.lock().unwrap().push(change.clone());
        if self.waits {
            std::future::pending::<()>().await;
        }
        let answer = self.answers.lock().unwrap().pop();
        answer.unwrap_or(Ok(None)).map(|_| ())
    }

    async fn act(
        &self,
        _: &Release,
        _: &str,
        _: &str,
        _: &Action,
        _: &Recorder,
    ) -> Result<ActionResult, ClusterError> {
        Ok(ActionResult::Waited)
    }

    async fn migrate(
        &self,
        _: &Release,
        _: &Migration,
        _: &Recorder,
    ) -> Result<JobEnd, ClusterError> {
        Ok(JobEnd::never_ran(ActionResult::Waited))
    }

    async fn observe(
        &self,
        _: &Release,
        _: Watching,
    ) -> Result<mpsc::Receiver<Observation>, ClusterError> {
        Ok(mpsc::channel(1).1)
    }

    async fn evidence(&self, _: &Release, _: &Recorder) -> Vec<String> {
        Vec::new()
    }

    async fn renew(&self, release: &Release, _: &Recorder) -> Result<Option<u64>, ClusterError> {
        self.asked.lock().unwrap().push(release.cluster().to_owned());
        if release.cluster() == "hung" {
            std::future::pending::<()>().await;
        }
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or(Ok(None))
    }
}

fn app() -> App {
    App::new("shop", "web", "").unwrap()
}

fn release(id: &str) -> Release {
    Release {
        id: id.into(),
        app: app(),
        clusters: vec!["default".into()],
        commit: "abc".into(),
        image: Image { reference: "r/x:1".into(), digest: "sha256:1".into(), bytes: None },
        runtime: Runtime::default(),
        hooks: BTreeMap::new(),
    }
}

async fn begin(store: &MemoryStore, id: &str) -> Claim {
    begin_of(store, id, app()).await
}

async fn begin_of(store: &MemoryStore, id: &str, app: App) -> Claim {
    let job = Job {
        id: id.into(),
        app,
        source: Source::Release(Box::new(release("0"))),
        clusters: Default::default(),
        spec: Spec::default(),
        preview: None,
        labels: BTreeMap::new(),
        timeout: Duration::from_secs(1),
        gates: Vec::new(),
        principal: "me".into(),
        created_ms: 0,
    };
    let submission =
        Submission { request_id: id.into(), body: Vec::new(), job, receivers: Vec::new() };
    store.submit(submission).await.unwrap();
    store.claim(id, "bed").await.unwrap().unwrap()
}

/// A loop over a store in which a pull secret of a release that succeeded is due.
async fn released(answers: Vec<Result<Option<u64>, ClusterError>>) -> (DueLoop, MemoryStore) {
    let store = MemoryStore::default();
    let claim = begin(&store, "1").await;
    let pull =
        Event::PullSecret { release: Box::new(release("1")), host: "r.example".into(), at_ms: 1 };
    store.append(&claim, pull).await.unwrap();
    let ended = Event::Ended(Outcome::Succeeded(Box::new(release("1"))));
    store.append(&claim, ended).await.unwrap();
    (due_loop(&store, answers), store)
}

fn due_loop(store: &MemoryStore, answers: Vec<Result<Option<u64>, ClusterError>>) -> DueLoop {
    let renewing = Renewing { answers: Mutex::new(answers), ..Renewing::default() };
    due_loop_of(store, Arc::new(renewing))
}

fn due_loop_of(store: &MemoryStore, cluster: Arc<Renewing>) -> DueLoop {
    let target =
        |name: &str| Target { name: name.into(), projects: Vec::new(), environments: Vec::new() };
    let all = ["default", "hung"].map(target).into();
    let targets = Targets { all, order: RolloutOrder::Sequential };
    let (queue, _) = mpsc::unbounded_channel();
    DueLoop::new(Arc::new(store.clone()), Arc::new(targets), cluster, queue)
}

/// Lets the loop collect old releases at once, so that this is not what is due next.
async fn collects_at_once(due: &DueLoop) {
    due.store.hasten(DueKind::Collect, None, 1).await.unwrap();
}

/// Takes what is due, waits until all of it is done, and returns the time of the next.
async fn round(due: &DueLoop) -> Result<Option<u64>, StoreError> {
    let mut progress = InProgress::default();
    due.take(&mut progress).await?;
    while let Some(done) = progress.running.next().await {
        due.finish(&mut progress, done).await;
    }
    due.store.next_due().await
}

#[tokio::test]
async fn what_was_renewed_is_due_at_its_next_time() {
    let next = now_ms() + 3_600_000;
    let (due, store) = released(vec![Ok(Some(next))]).await;
    collects_at_once(&due).await;
    assert_eq!(round(&due).await.unwrap(), Some(next));
    assert_eq!(store.next_due().await.unwrap(), Some(next));
}

#[tokio::test]
async fn a_renewal_that_fails_is_tried_again_and_not_at_once() {
    let away = || Err(ClusterError::Unreachable { message: "away".into() });
    // A login that has expired as it comes is no reason to hurry either.
    for answer in [away(), Ok(Some(1))] {
        let (due, _) = released(vec![answer]).await;
        collects_at_once(&due).await;
        let before = now_ms();
        let next = round(&due).await.unwrap().unwrap();
        assert!(next >= before + AGAIN_MS && next <= now_ms() + AGAIN_MS, "{next}");
    }
}

#[tokio::test]
async fn an_app_that_was_deleted_is_not_renewed_again() {
    let (due, _) = released(vec![Ok(None)]).await;
    collects_at_once(&due).await;
    let next = round(&due).await.unwrap().unwrap();
    assert!(next > now_ms() + LOGS_KEPT_MS / 2, "only the job is to be forgotten");
}

/// The pull secret is there before the release is.
#[tokio::test]
async fn a_first_release_on_its_way_keeps_its_renewal() {
    let store = MemoryStore::default();
    let claim = begin(&store, "1").await;
    let pull =
        Event::PullSecret { release: Box::new(release("1")), host: "r.example".into(), at_ms: 1 };
    store.append(&claim, pull).await.unwrap();
    let due = due_loop(&store, Vec::new());
    assert!(round(&due).await.unwrap().is_some());
    let why = Stop::Cancelled { by: "me".into() };
    let ended = Event::Ended(Outcome::Stopped { at: Stage::Release, why });
    store.append(&claim, ended).await.unwrap();
    assert_eq!(due.renew(&app()).await, Ok(None), "the release was never made");
}

/// Releases an app of this name to a cluster, where its pull secret is due.
async fn released_to(store: &MemoryStore, cluster: &str, name: &str) {
    let app = App::new("shop", name, "").unwrap();
    let claim = begin_of(store, name, app.clone()).await;
    let release = Release { id: name.into(), app, ..release(name) }.at(&[cluster.to_owned()]);
    let release = Box::new(release);
    let pull = Event::PullSecret { release: release.clone(), host: "r.example".into(), at_ms: 1 };
    store.append(&claim, pull).await.unwrap();
    store.append(&claim, Event::Ended(Outcome::Succeeded(release))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_hangs_delays_neither_others_nor_forgetting() {
    let store = MemoryStore::default();
    for number in 0..50 {
        released_to(&store, "hung", &format!("hung-{number}")).await;
    }
    released_to(&store, "default", "web").await;
    let cluster = Arc::new(Renewing::default());
    let due = due_loop_of(&store, cluster.clone());
    let began = Instant::now();
    let mut progress = InProgress::default();
    due.take(&mut progress).await.unwrap();
    let forget = Due { kind: DueKind::ForgetLogs, key: "web".into(), at_ms: 1 };
    due.begin(&mut progress, forget);
    let mut done = Vec::new();
    while done.len() < 2 {
        let next = progress.running.next().await.unwrap();
        if next.0.kind != DueKind::SendTrace {
            done.push(next.0.key.clone());
        }
        due.finish(&mut progress, next).await;
    }
    done.sort();
    assert_eq!(done, ["shop/web/production", "web"]);
    assert_eq!(began.elapsed(), Duration::ZERO, "nothing waited for the cluster that hangs");
    while let Some(next) = progress.running.next().await {
        let is_later = next.1.is_some_and(|next_ms| next_ms >= now_ms() + AGAIN_MS / 2);
        assert!(is_later || next.0.kind == DueKind::SendTrace);
        due.finish(&mut progress, next).await;
    }
    // The first ones wait for an answer; the others do not ask a cluster that is away.
    assert_eq!(cluster.asked("hung"), lanes::AT_ONCE);
    assert!(began.elapsed() <= Duration::from_secs(61), "{:?}", began.elapsed());
    assert_eq!(cluster.asked("default"), 1);
}

/// An event may schedule work that runs.
#[tokio::test]
async fn what_is_taken_again_while_it_runs_is_done_again() {
    let store = MemoryStore::default();
    released_to(&store, "default", "web").await;
    let cluster = Arc::new(Renewing::default());
    let due = due_loop_of(&store, cluster.clone());
    let mut progress = InProgress::default();
    due.take(&mut progress).await.unwrap();
    let app = App::new("shop", "web", "").unwrap();
    due.begin(&mut progress, Due::on_app(DueKind::RenewPull, &app, 1));
    assert_eq!(progress.running.len(), 2, "one renewal and one trace");
    while let Some(done) = progress.running.next().await {
        due.finish(&mut progress, done).await;
    }
    assert_eq!(cluster.asked("default"), 2);
    assert!(progress.again.is_empty());
}

/// Only the one that nobody approved: the work of the other is left to the end of its later wait, or to nobody.
#[tokio::test]
async fn a_job_that_nobody_approves_in_time_ends() {
    let store = MemoryStore::default();
    let held = |digest: &str, until_ms| Event::Held {
        gate: Gate::Release,
        digest: digest.into(),
        until_ms,
    };
    let later = now_ms() + 3_600_000;
    for id in ["late", "approved", "waits"] {
        let claim = begin(&store, id).await;
        let until_ms = if id == "approved" { later } else { 1 };
        store.append(&claim, held("a", until_ms)).await.unwrap();
        if id == "waits" {
            store.append(&claim, held("b", later)).await.unwrap();
        }
    }
    store.approve("approved", "a", "ann", "").await.unwrap();
    let (queue, mut inbox) = mpsc::unbounded_channel();
    let due = DueLoop { queue, ..due_loop(&store, Vec::new()) };
    assert_eq!(round(&due).await.unwrap(), Some(later));
    assert_eq!(inbox.try_recv().unwrap(), Message::Cancelled { id: "late".into() });
    assert!(inbox.try_recv().is_err());
    let late = Stop::NotApproved { seconds: 7 * 24 * 3600 };
    let of_approved = Due { kind: DueKind::HoldEnds, key: "approved".into(), at_ms: later };
    assert_eq!(due.work(&of_approved).await, Ok(None), "once the time is over");
    for (id, stop) in [("late", Some(late)), ("approved", None), ("waits", None)] {
        assert_eq!(store.job(id).await.unwrap().unwrap().stop, stop, "{id}");
    }
}

/// Releases a version beside the one before, which is kept for so many seconds. The work is due at once, as after an
/// earlier release that was kept for less.
async fn kept(store: &MemoryStore, id: &str, kind: StrategyKind, keep_seconds: u32) {
    let strategy = Strategy { kind, keep_seconds, ..Strategy::default() };
    let runtime = Runtime { strategy, ..Runtime::default() };
    let release = Box::new(Release { runtime, ..release(id) });
    let claim = begin(store, id).await;
    let kept = Event::Kept { release: release.clone(), until_ms: 1 };
    store.append(&claim, kept).await.unwrap();
    store.append(&claim, Event::Ended(Outcome::Succeeded(release))).await.unwrap();
}

/// A loop over a store, with the cluster that it changes.
fn due_loop_and_cluster(store: &MemoryStore) -> (DueLoop, Arc<Renewing>) {
    let cluster = Arc::new(Renewing::default());
    (due_loop_of(store, cluster.clone()), cluster)
}

/// Returns the releases beside which all else was deleted.
fn pruned(cluster: &Renewing) -> Vec<String> {
    let made = cluster.made.lock().unwrap();
    let of = |change: &Change| match change {
        Change::Prune(release) => format!("{} in {}", release.id, release.clusters.join(", ")),
        other => panic!("{other:?}"),
    };
    made.iter().map(of).collect()
}

#[tokio::test]
async fn what_was_kept_of_the_release_before_is_deleted_at_its_time() {
    let store = MemoryStore::default();
    kept(&store, "1", StrategyKind::BlueGreen, 0).await;
    let (due, cluster) = due_loop_and_cluster(&store);
    collects_at_once(&due).await;
    let next = round(&due).await.unwrap().unwrap();
    assert_eq!(pruned(&cluster), ["1 in default"]);
    assert!(next > now_ms() + LOGS_KEPT_MS / 2, "once");
}

/// The pods of that job may stand where the kept ones do.
#[tokio::test]
async fn nothing_that_was_kept_is_deleted_while_a_job_of_the_app_is_unfinished() {
    let store = MemoryStore::default();
    kept(&store, "1", StrategyKind::Canary, 0).await;
    let claim = begin(&store, "2").await;
    let (due, cluster) = due_loop_and_cluster(&store);
    collects_at_once(&due).await;
    let before = now_ms();
    let next = round(&due).await.unwrap().unwrap();
    assert!(next >= before + AGAIN_MS && next <= now_ms() + AGAIN_MS, "{next}");
    assert!(pruned(&cluster).is_empty());
    let why = Stop::Cancelled { by: "me".into() };
    let ended = Event::Ended(Outcome::Stopped { at: Stage::Release, why });
    store.append(&claim, ended).await.unwrap();
    assert_eq!(due.end_keep(&app()).await, Ok(None));
    assert_eq!(pruned(&cluster), ["1 in default"]);
}

/// Work of one app comes at the earliest of its times.
#[tokio::test]
async fn a_newer_release_keeps_what_was_before_it_for_its_own_time() {
    let store = MemoryStore::default();
    let before = now_ms();
    kept(&store, "1", StrategyKind::BlueGreen, 60).await;
    kept(&store, "2", StrategyKind::BlueGreen, 3600).await;
    let (due, cluster) = due_loop_and_cluster(&store);
    collects_at_once(&due).await;
    let next = round(&due).await.unwrap().unwrap();
    assert!(next >= before + 3_600_000 && next <= now_ms() + 3_600_000, "{next}");
    assert!(pruned(&cluster).is_empty());
}

#[tokio::test]
async fn what_was_removed_or_stands_alone_keeps_nothing() {
    let store = MemoryStore::default();
    kept(&store, "1", StrategyKind::Rolling, 0).await;
    let (due, cluster) = due_loop_and_cluster(&store);
    assert_eq!(due.end_keep(&app()).await, Ok(None));
    kept(&store, "2", StrategyKind::BlueGreen, 0).await;
    let claim = begin(&store, "3").await;
    let clusters = vec!["default".into()];
    let removed = Outcome::Removed(Removed { job: "3".into(), app: app(), clusters });
    store.append(&claim, Event::Ended(removed)).await.unwrap();
    assert_eq!(due.end_keep(&app()).await, Ok(None));
    assert!(pruned(&cluster).is_empty());
}

#[tokio::test]
async fn what_cannot_be_deleted_is_tried_again() {
    let store = MemoryStore::default();
    kept(&store, "1", StrategyKind::BlueGreen, 0).await;
    let away = Err(ClusterError::Unreachable { message: "away".into() });
    let cluster = Arc::new(Renewing { answers: Mutex::new(vec![away]), ..Renewing::default() });
    let due = due_loop_of(&store, cluster.clone());
    collects_at_once(&due).await;
    let before = now_ms();
    let next = round(&due).await.unwrap().unwrap();
    assert!(next >= before + AGAIN_MS && next <= now_ms() + AGAIN_MS, "{next}");
    assert_eq!(due.end_keep(&app()).await, Ok(None));
    assert_eq!(pruned(&cluster), ["1 in default"; 2]);
}

/// A deletion may wait for a gateway for a minute. A rollback leads requests to the kept pods meanwhile.
#[tokio::test]
async fn a_job_that_begins_ends_the_deletion_of_what_was_kept() {
    let store = MemoryStore::default();
    kept(&store, "1", StrategyKind::BlueGreen, 0).await;
    let cluster = Arc::new(Renewing { waits: true, ..Renewing::default() });
    let due = due_loop_of(&store, cluster.clone());
    let before = now_ms();
    let rollback = async {
        while pruned(&cluster).is_empty() {
            tokio::task::yield_now().await;
        }
        begin(&store, "2").await;
    };
    let web = app();
    let (next, ()) = tokio::join!(due.end_keep(&web), rollback);
    let next = next.unwrap().unwrap();
    assert!(next >= before + AGAIN_MS && next <= now_ms() + AGAIN_MS, "{next}");
    assert_eq!(pruned(&cluster), ["1 in default"], "begun, and given up");
}

/// A cluster's table may be missing for an hour by mistake.
#[tokio::test]
async fn what_is_kept_in_a_cluster_that_is_not_configured_is_looked_at_later() {
    let store = MemoryStore::default();
    let strategy =
        Strategy { kind: StrategyKind::BlueGreen, keep_seconds: 60, ..Strategy::default() };
    let runtime = Runtime { strategy, ..Runtime::default() };
    let release = Box::new(Release { runtime, clusters: vec!["gone".into()], ..release("1") });
    let claim = begin(&store, "1").await;
    store.append(&claim, Event::Ended(Outcome::Succeeded(release))).await.unwrap();
    let (due, cluster) = due_loop_and_cluster(&store);
    let before = now_ms();
    let next = due.end_keep(&app()).await.unwrap().unwrap();
    assert!(next >= before + UNKNOWN_MS && next <= now_ms() + UNKNOWN_MS, "{next}");
    let claim = begin(&store, "2").await;
    let clusters = vec!["gone".into()];
    let removed = Outcome::Removed(Removed { job: "2".into(), app: app(), clusters });
    store.append(&claim, Event::Ended(removed)).await.unwrap();
    assert_eq!(due.end_keep(&app()).await, Ok(None), "it was removed");
    assert!(pruned(&cluster).is_empty());
}
