//! The store on a real file.

use crate::{Key, Store};
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};
use windlass_engine::{
    journal::Journal,
    ports::Secrets,
    records::{Filter, JobState, Submission},
};
use windlass_model::{
    app::App,
    event::Event,
    job::{Commit, Image, Job, Release, Source, Stage},
    outcome::{Outcome, Stop},
    runtime::Runtime,
    secret::Secret,
    spec::Spec,
};

async fn open(folder: &Path) -> Store {
    Store::open(folder, Key::file(&folder.join("key")).unwrap()).await.unwrap()
}

fn submission(id: &str) -> Submission {
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
        app: App::new("shop", "web", "").unwrap(),
        source: Source::Commit(commit),
        spec: Spec::default(),
        labels: BTreeMap::new(),
        timeout: Duration::from_secs(1),
        principal: "me".into(),
        created_ms: 0,
    };
    Submission { request_id: format!("r{id}"), body: b"body".to_vec(), job }
}

fn release(id: &str) -> Release {
    Release {
        clusters: vec!["default".into()],
        id: id.into(),
        app: App::new("shop", "web", "").unwrap(),
        commit: "abc".into(),
        image: Image { reference: "r/x:1".into(), digest: "sha256:1".into(), bytes: Some(7) },
        hooks: Default::default(),
        runtime: Runtime {
            user: Some(10001),
            processes: vec![windlass_model::spec::web(8080, None)],
            ..Runtime::default()
        },
    }
}

fn log(line: &str) -> Event {
    Event::Log { stage: Stage::Build, source: "s".into(), line: line.into() }
}

#[tokio::test]
async fn a_request_is_one_job_however_often_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let first = store.submit(submission("1")).await.unwrap();
    let again = Submission { request_id: "r1".into(), ..submission("2") };
    let second = store.submit(again.clone()).await.unwrap();
    assert!(first.is_new && !second.is_new);
    assert_eq!(second.record.job.id, "1");
    let known = |body: &'static [u8]| store.submitted("me", "r1", body);
    assert_eq!(known(b"body").await.unwrap().unwrap().job.id, "1");
    assert!(known(b"other").await.unwrap_err().to_string().contains("another request"));
    assert!(store.submitted("you", "r1", b"body").await.unwrap().is_none());
    let other = Submission { body: b"other".to_vec(), ..again };
    assert!(store.submit(other).await.unwrap_err().to_string().contains("another request"));
}

/// Many writers at once: no gap, no number twice, and all there after the file is opened again.
#[tokio::test(flavor = "multi_thread")]
async fn numbers_have_no_gap_across_lives() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = Arc::new(open(folder.path()).await);
        store.submit(submission("1")).await.unwrap();
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for line in 0..50 {
                        store.append("1", log(&format!("{writer} {line}"))).await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        assert!(Store::open(folder.path(), store.key.clone()).await.is_err(), "one at a time");
        store.close().await;
    }
    let store = open(folder.path()).await;
    store.append("1", Event::Started(Stage::Clone)).await.unwrap();
    let events = store.events("1", 0, 1000).await.unwrap();
    let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=401).collect::<Vec<_>>());
    assert_eq!(store.past("1").await.unwrap().len(), 1, "without the lines");
    let record = store.job("1").await.unwrap().unwrap();
    assert_eq!((record.state, record.stage), (JobState::Running, Some(Stage::Clone)));
}

#[tokio::test]
async fn nothing_follows_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.submit(submission("1")).await.unwrap();
    let outcome = Outcome::Succeeded(Box::new(release("1")));
    store.append("1", Event::Ended(outcome.clone())).await.unwrap();
    store.append("1", log("late")).await.unwrap_err();
    assert!(!store.stop("1", &Stop::Cancelled { by: "x".into() }).await.unwrap());
    let record = store.job("1").await.unwrap().unwrap();
    assert_eq!((record.state, record.outcome), (JobState::Succeeded, Some(outcome)));
    assert!(store.unfinished().await.unwrap().is_empty());
    let journal = store.journal("1");
    let last =
        journal.last_release(&App::new("shop", "web", "").unwrap(), "default").await.unwrap();
    assert_eq!(last, Some(release("1")));
    let filter = Filter { states: vec![JobState::Succeeded], limit: 9, ..Filter::default() };
    assert_eq!(store.jobs(&filter).await.unwrap().len(), 1);
    let of = |environment: &str| Some(environment.to_owned());
    let staging = Filter { environment: of("staging"), ..filter.clone() };
    assert!(store.jobs(&staging).await.unwrap().is_empty());
    let production = Filter { environment: of("production"), ..filter };
    assert_eq!(store.jobs(&production).await.unwrap().len(), 1);
}

/// One that never began has no beginning.
#[tokio::test]
async fn a_job_knows_when_it_began_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let stopped =
        Outcome::Stopped { at: Stage::Clone, why: Stop::Cancelled { by: "someone".into() } };
    for (id, begins) in [("1", true), ("2", false)] {
        store.submit(submission(id)).await.unwrap();
        if begins {
            store.append(id, Event::Claimed { daemon: "bed".into() }).await.unwrap();
        }
        let running = store.job(id).await.unwrap().unwrap();
        assert_eq!((running.started_ms.is_some(), running.ended_ms), (begins, None));
        store.append(id, Event::Ended(stopped.clone())).await.unwrap();
        let ended = store.job(id).await.unwrap().unwrap();
        assert_eq!((ended.started_ms, ended.ended_ms.is_some()), (running.started_ms, true));
    }
}

/// A restart takes a job up where it stood, and how it ended says where, whatever was stored by an
/// older daemon.
#[tokio::test]
async fn a_restart_does_not_put_a_job_back_to_its_first_stage() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.submit(submission("1")).await.unwrap();
    let claimed = || Event::Claimed { daemon: "bed".into() };
    let stopped =
        Outcome::Stopped { at: Stage::Test, why: Stop::Cancelled { by: "someone".into() } };
    for (event, state, stage) in [
        (claimed(), JobState::Running, Stage::Clone),
        (Event::Started(Stage::Release), JobState::Running, Stage::Release),
        (claimed(), JobState::Running, Stage::Release),
        (Event::RollingBack(stopped.clone()), JobState::RollingBack, Stage::Release),
        (claimed(), JobState::RollingBack, Stage::Release),
        (Event::Ended(stopped), JobState::Stopped, Stage::Test),
    ] {
        store.append("1", event).await.unwrap();
        let record = store.job("1").await.unwrap().unwrap();
        assert_eq!((record.state, record.stage), (state, Some(stage)));
    }
    sqlx::query("UPDATE jobs SET stage = '\"clone\"'").execute(&store.pool).await.unwrap();
    assert_eq!(store.job("1").await.unwrap().unwrap().stage, Some(Stage::Test));
}

#[tokio::test]
async fn what_is_old_is_forgotten_when_it_is_due() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.submit(submission("1")).await.unwrap();
    store.append("1", log("a line")).await.unwrap();
    store.append("1", Event::Ended(Outcome::Succeeded(Box::new(release("1"))))).await.unwrap();
    assert_eq!(store.in_days(29).await, 0);
    assert_eq!(store.in_days(31).await, 1);
    assert_eq!(store.events("1", 0, 9).await.unwrap().len(), 1, "the line is gone, the end is not");
    assert_eq!(store.in_days(366).await, 1);
    assert!(store.job("1").await.unwrap().is_none());
    assert_eq!(store.releases(&release("1").app, None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn secrets_have_versions_and_no_clear_text_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for value in ["hunter-one-1", "hunter-two-2"] {
        store.put_secret("shop", "token", &Secret::new(value.into())).await.unwrap();
    }
    let open = |version| Secrets::open(&store, "shop", "token", version);
    assert_eq!(open(None).await.unwrap().0.reveal(), b"hunter-two-2");
    assert_eq!(open(Some(1)).await.unwrap().0.reveal(), b"hunter-one-1");
    assert!(Secrets::open(&store, "other", "token", None).await.is_err());
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"hunter"));
    }
    // A row moved to another name does not open.
    sqlx::query("UPDATE secrets SET name = 'moved'").execute(&store.pool).await.unwrap();
    let moved = Secrets::open(&store, "shop", "moved", None).await.unwrap_err();
    assert!(moved.to_string().contains("does not open"));
    assert!(store.delete_secret("shop", "moved").await.unwrap());
}

/// Each cluster has what came to it last, however many releases came to others since.
#[tokio::test]
async fn the_last_release_is_that_of_a_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let app = App::new("shop", "web", "").unwrap();
    let both = ["eu".to_owned(), "us".to_owned()];
    for number in 1..=60 {
        let id = format!("{number:03}");
        let clusters = if number == 2 { &both[..] } else { &both[..1] };
        store.submit(submission(&id)).await.unwrap();
        let ended = Event::Ended(Outcome::Succeeded(Box::new(release(&id).at(clusters))));
        store.append(&id, ended).await.unwrap();
    }
    let last = |cluster| store.last_release(&app, cluster);
    assert_eq!(last("eu").await.unwrap().unwrap().id, "060");
    assert_eq!(last("us").await.unwrap().unwrap().id, "002");
    assert_eq!(last("other").await.unwrap(), None);
}
