//! Parts of tests: data, a store, and a server on loopback.

mod server;
mod store;

pub(crate) use server::{Reply, Seen, Server};
pub(crate) use store::FakeStore;

use crate::{
    facts::Facts,
    work::{Slot, To, Work},
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use url::Url;
use windlass_engine::ports::store::JobRecord;
use windlass_model::{
    app::App,
    cluster::Clusters,
    forge::ForgeKind,
    job::{Commit, Job, Source},
    outbox::{Message, MessageState, Moment, Receiver},
    project::{EndpointSpec, ForgeSpec, ProjectSpec, Reporting, RepositorySpec},
    replay::JobState,
    spec::Spec,
};

/// Job of all messages.
const JOB: &str = "job-7";

/// Commit of the job.
pub(crate) fn commit() -> String {
    "a".repeat(40)
}

/// A message to the endpoint `hooks` about a job that succeeded. A higher number is a newer message.
pub(crate) fn message(number: u32) -> Message {
    Message {
        id: format!("message-{number:04}"),
        project: "shop".into(),
        receiver: Receiver::Endpoint { name: "hooks".into() },
        moment: Moment::Succeeded,
        job: JOB.into(),
        seq: number.into(),
        state: MessageState::Waiting,
        created_ms: 1_700_000_000_000,
        attempts: 0,
        next_ms: 0,
        code: None,
        error: String::new(),
    }
}

/// The receiver of statuses of a repository.
pub(crate) fn status(repository: &str) -> Receiver {
    Receiver::Status {
        repository: repository.into(),
        commit: commit(),
        context: "windlass/web/production".into(),
    }
}

/// A project with the endpoint `hooks`, and the repositories `web` and `api`, each with a token of its own.
pub(crate) fn project(endpoint: &str, api: &str) -> ProjectSpec {
    let repository = |name: &str, token: &str| {
        let forge = ForgeSpec {
            kind: ForgeKind::Gitea,
            api: Some(api.to_owned()),
            token: Some(token.to_owned()),
            app: None,
            report: vec![Reporting::Status],
        };
        let url = format!("https://git.example/shop/{name}.git");
        let spec = RepositorySpec { url, credential: None, forge: Some(forge), poll: None };
        (name.to_owned(), spec)
    };
    let hooks =
        EndpointSpec { url: endpoint.into(), secret: "hook-key".into(), events: Vec::new() };
    ProjectSpec {
        project: "shop".into(),
        repositories: BTreeMap::from([
            repository("web", "forge-token"),
            repository("api", "other-token"),
        ]),
        endpoints: BTreeMap::from([("hooks".to_owned(), hooks)]),
        ..ProjectSpec::default()
    }
}

/// The record of the job.
pub(crate) fn record() -> JobRecord {
    let commit = Commit {
        repository: "https://git.example/shop/web.git".into(),
        id: commit(),
        branch: "main".into(),
        directory: ".".into(),
        credential: None,
        revision: String::new(),
    };
    let job = Job {
        id: JOB.into(),
        app: App::new("shop", "web", "").unwrap(),
        source: Source::Commit(commit),
        clusters: Clusters::default(),
        spec: Spec::default(),
        preview: None,
        labels: BTreeMap::new(),
        timeout: Duration::from_secs(60),
        gates: Vec::new(),
        principal: "tests".into(),
        created_ms: 0,
    };
    JobRecord {
        job,
        last_seq: 1,
        state: JobState::Running,
        stage: None,
        stop: None,
        held: None,
        paused: None,
        outcome: None,
        started_ms: None,
        ended_ms: None,
    }
}

/// A message that may begin for a minute.
pub(crate) fn work(slot: Slot) -> Work {
    let url = Url::parse("https://hooks.example/in").unwrap();
    let endpoint = EndpointSpec { url: url.to_string(), secret: String::new(), events: Vec::new() };
    Work {
        message: message(1),
        facts: Facts::of(record()),
        to: To::Endpoint { endpoint, url },
        slot,
        begin_by: Instant::now() + Duration::from_secs(60),
    }
}
