//! A job, a release and events to store.

use std::{collections::BTreeMap, time::Duration};
use windlass_engine::ports::store::{Claim, Store, Submission};
use windlass_model::{
    app::App,
    event::Event,
    job::{Commit, Image, Job, Release, Source, Stage},
    outbox::Receiver,
    outcome::{Outcome, Stop},
    runtime::Runtime,
    spec::{self, Spec},
};

/// The daemon that runs jobs where a test does not care which.
pub(crate) const DAEMON: &str = "bed";

pub(crate) fn app() -> App {
    App::new("shop", "web", "").unwrap()
}

pub(crate) fn submission(id: &str) -> Submission {
    let commit = Commit {
        repository: "https://git.example/web".into(),
        id: "abc".into(),
        branch: String::new(),
        directory: ".".into(),
        credential: None,
        revision: String::new(),
    };
    let job = Job {
        clusters: Default::default(),
        id: id.into(),
        app: app(),
        source: Source::Commit(commit),
        spec: Spec::default(),
        preview: None,
        labels: BTreeMap::new(),
        timeout: Duration::from_secs(1),
        gates: Vec::new(),
        principal: "me".into(),
        created_ms: 0,
    };
    Submission { request_id: format!("r{id}"), body: b"body".to_vec(), job, receivers: Vec::new() }
}

pub(crate) fn release(id: &str) -> Release {
    Release {
        clusters: vec!["default".into()],
        id: id.into(),
        app: app(),
        commit: "abc".into(),
        image: Image { reference: "r/x:1".into(), digest: "sha256:1".into(), bytes: Some(7) },
        hooks: Default::default(),
        runtime: Runtime {
            user: Some(10001),
            processes: vec![spec::web(8080, None)],
            ..Runtime::default()
        },
    }
}

pub(crate) fn log(line: &str) -> Event {
    Event::Log { stage: Stage::Build, source: "s".into(), line: line.into() }
}

pub(crate) fn claimed() -> Event {
    Event::Claimed { daemon: DAEMON.into() }
}

pub(crate) fn succeeded(release: Release) -> Event {
    Event::Ended(Outcome::Succeeded(Box::new(release)))
}

pub(crate) fn cancelled(at: Stage) -> Outcome {
    Outcome::Stopped { at, why: Stop::Cancelled { by: "someone".into() } }
}

pub(crate) fn pull_secret(at_ms: u64) -> Event {
    Event::PullSecret { release: Box::new(release("1")), host: "r.example".into(), at_ms }
}

/// A job of which these hear.
pub(crate) fn heard(id: &str, receivers: &[Receiver]) -> Submission {
    Submission { receivers: receivers.to_vec(), ..submission(id) }
}

/// Stores a job, and claims it for [`DAEMON`].
pub(crate) async fn begin(store: &dyn Store, id: &str) -> Claim {
    store.submit(submission(id)).await.unwrap();
    claim(store, id).await
}

pub(crate) async fn claim(store: &dyn Store, id: &str) -> Claim {
    store.claim(id, DAEMON).await.unwrap().unwrap()
}
