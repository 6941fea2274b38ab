//! Journals and a store of them, for tests.

use async_trait::async_trait;
use std::{collections::BTreeMap, time::Duration};
use windlass_engine::ports::store::{
    Claim, JobRecord, Lapse, Recorded, Replay, Runs, StoreError, Unfinished,
};
use windlass_model::{
    app::App,
    diagnosis::Diagnosis,
    event::Event,
    job::{Commit, Image, Job, Release, Source, Stage},
    outcome::Outcome,
    pause::Interventions,
    replay::JobState,
    runtime::Runtime,
    spec::Spec,
};

/// Id of the job.
pub(crate) const JOB: &str = "01980f2a-7d3e-7c41-9b1d-2f6a3c5e7a90";

/// Time of the job's acceptance, in milliseconds since 1970.
pub(crate) const CREATED: u64 = 1_000_000;

pub(crate) fn release() -> Box<Release> {
    Box::new(Release {
        id: JOB.into(),
        app: App::new("shop", "web", "").unwrap(),
        clusters: vec!["default".into()],
        commit: "abc".into(),
        image: Image { reference: "r/x:1".into(), digest: "sha256:1".into(), bytes: None },
        runtime: Runtime::default(),
        hooks: BTreeMap::new(),
    })
}

pub(crate) fn succeeded() -> Outcome {
    Outcome::Succeeded(release())
}

pub(crate) fn failed(code: &str, stage: Stage) -> Outcome {
    let (code, what) = (code.to_owned(), "it does not work".to_owned());
    Outcome::Failed(Box::new(Diagnosis { code, stage, what, ..Diagnosis::default() }))
}

/// Returns the journal of a job whose events came at these milliseconds after its acceptance. The last one ends it.
pub(crate) fn replay(events: Vec<(u64, Event)>) -> Replay {
    let outcome = match events.last() {
        Some((_, Event::Ended(outcome))) => Some(outcome.clone()),
        _ => None,
    };
    let ended_ms = events.last().map(|(after, _)| CREATED + after);
    let numbered = (1..).zip(events);
    let events: Vec<_> = numbered
        .map(|(seq, (after, event))| Recorded { seq, at_ms: CREATED + after, event })
        .collect();
    let commit = Commit {
        repository: "https://git.example/web.git".into(),
        id: "abc".into(),
        branch: String::new(),
        directory: ".".into(),
        credential: None,
        revision: "main".into(),
    };
    let job = Job {
        id: JOB.into(),
        app: App::new("shop", "web", "").unwrap(),
        source: Source::Commit(commit),
        clusters: Default::default(),
        spec: Spec::default(),
        preview: None,
        labels: BTreeMap::new(),
        timeout: Duration::from_secs(1),
        gates: Vec::new(),
        principal: "ci".into(),
        created_ms: CREATED,
    };
    let record = JobRecord {
        job,
        last_seq: u64::try_from(events.len()).unwrap(),
        state: JobState::Succeeded,
        stage: None,
        stop: None,
        held: None,
        paused: None,
        outcome,
        started_ms: None,
        ended_ms,
    };
    Replay { record, events, approvals: Vec::new(), logged: BTreeMap::new() }
}

/// A store that has one answer for whoever asks for a journal.
pub(crate) struct OneJob(pub(crate) Result<Option<Replay>, StoreError>);

fn not_asked<T>() -> Result<T, StoreError> {
    Err(StoreError::Other("only journals are read".into()))
}

#[async_trait]
impl Runs for OneJob {
    async fn unfinished(&self) -> Result<Unfinished, StoreError> {
        not_asked()
    }

    async fn has_unfinished(&self, _: &App) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn set_aside(&self, _: &str, _: &str) -> Result<(), StoreError> {
        not_asked()
    }

    async fn claim(&self, _: &str, _: &str) -> Result<Option<Claim>, StoreError> {
        not_asked()
    }

    async fn append(&self, _: &Claim, _: Event) -> Result<(), StoreError> {
        not_asked()
    }

    async fn lapse(&self, _: &str, _: u64) -> Result<Lapse, StoreError> {
        not_asked()
    }

    async fn supersede(&self, _: &str, _: &str) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn interventions(&self, _: &str) -> Result<Interventions, StoreError> {
        not_asked()
    }

    async fn replay(&self, _: &str) -> Result<Option<Replay>, StoreError> {
        self.0.clone()
    }
}
