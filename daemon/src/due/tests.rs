//! The loop over a store in memory, and a cluster with prepared answers.

use super::*;
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use tokio::sync::mpsc;
use windlass_engine::{
    ports::{
        Observation,
        store::{Claim, DueWork, Jobs, Runs, Submission},
    },
    recorder::Recorder,
};
use windlass_model::due::LOGS_KEPT_MS;
use windlass_model::{
    cluster::{RolloutOrder, Target},
    error::ClusterError,
    event::Event,
    hook::{Action, ActionResult},
    job::{Image, Job, Release, Source, Stage},
    outcome::{Outcome, Stop},
    plan::Change,
    runtime::Runtime,
    spec::Spec,
};
use windlass_store::MemoryStore;

/// A cluster that renews with the next answer. Without one it has nothing to renew.
struct Renewing(Mutex<Vec<Result<Option<u64>, ClusterError>>>);

#[async_trait]
impl Cluster for Renewing {
    async fn make(&self, _: &Change, _: &Recorder) -> Result<(), ClusterError> {
        Ok(())
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

    async fn observe(&self, _: &Release) -> Result<mpsc::Receiver<Observation>, ClusterError> {
        Ok(mpsc::channel(1).1)
    }

    async fn evidence(&self, _: &Release) -> Vec<String> {
        Vec::new()
    }

    async fn renew(&self, _: &Release, _: &Recorder) -> Result<Option<u64>, ClusterError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or(Ok(None))
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
    let job = Job {
        id: id.into(),
        app: app(),
        source: Source::Release(Box::new(release("0"))),
        clusters: Default::default(),
        spec: Spec::default(),
        labels: BTreeMap::new(),
        timeout: Duration::from_secs(1),
        principal: "me".into(),
        created_ms: 0,
    };
    store.submit(Submission { request_id: id.into(), body: Vec::new(), job }).await.unwrap();
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
    let target = Target { name: "default".into(), projects: Vec::new(), environments: Vec::new() };
    DueLoop {
        store: Arc::new(store.clone()),
        targets: Arc::new(Targets { all: vec![target], order: RolloutOrder::Sequential }),
        cluster: Arc::new(Renewing(Mutex::new(answers))),
    }
}

#[tokio::test]
async fn what_was_renewed_is_due_at_its_next_time() {
    let next = now_ms() + 3_600_000;
    let (due, store) = released(vec![Ok(Some(next))]).await;
    assert_eq!(due.round().await.unwrap(), Some(next));
    assert_eq!(store.next_due().await.unwrap(), Some(next));
}

#[tokio::test]
async fn a_renewal_that_fails_is_tried_again_and_not_at_once() {
    let away = || Err(ClusterError::Unreachable { message: "away".into() });
    // A login that has expired as it comes is no reason to hurry either.
    for answer in [away(), Ok(Some(1))] {
        let (due, _) = released(vec![answer]).await;
        let before = now_ms();
        let next = due.round().await.unwrap().unwrap();
        assert!(next >= before + AGAIN_MS && next <= now_ms() + AGAIN_MS, "{next}");
    }
}

#[tokio::test]
async fn an_app_that_was_deleted_is_not_renewed_again() {
    let (due, _) = released(vec![Ok(None)]).await;
    let next = due.round().await.unwrap().unwrap();
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
    assert!(due.round().await.unwrap().is_some());
    let why = Stop::Cancelled { by: "me".into() };
    let ended = Event::Ended(Outcome::Stopped { at: Stage::Release, why });
    store.append(&claim, ended).await.unwrap();
    assert_eq!(due.renew(&app()).await, Ok(None), "the release was never made");
}
