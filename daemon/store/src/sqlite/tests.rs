//! Tests of a store's file: lock, disk, rows of other versions. The promises of all stores are in
//! `tests/conformance`.

use super::SqliteStore;
use crate::Key;
use std::{collections::BTreeMap, path::Path, time::Duration};
use windlass_engine::ports::{
    Secrets,
    store::{Claim, Jobs, Runs, SecretRecords, Store, StoreError, Submission},
};
use windlass_model::{
    app::App,
    event::Event,
    job::{Image, Job, Release, Source, Stage},
    outcome::{Outcome, Stop},
    runtime::Runtime,
    secret::Secret,
    spec::{self, Spec},
};

pub(super) async fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder, Key::file(&folder.join("key")).unwrap()).await.unwrap()
}

pub(super) fn release(id: &str) -> Release {
    Release {
        clusters: vec!["default".into()],
        id: id.into(),
        app: App::new("shop", "web", "").unwrap(),
        commit: "abc".into(),
        image: Image { reference: "r/x:1".into(), digest: "sha256:1".into(), bytes: Some(7) },
        hooks: Default::default(),
        runtime: Runtime { processes: vec![spec::web(8080, None)], ..Runtime::default() },
    }
}

pub(super) async fn begin(store: &SqliteStore, id: &str) -> Claim {
    let job = Job {
        clusters: Default::default(),
        id: id.into(),
        app: App::new("shop", "web", "").unwrap(),
        source: Source::Release(Box::new(release("0"))),
        spec: Spec::default(),
        preview: None,
        labels: BTreeMap::new(),
        timeout: Duration::from_secs(1),
        gates: Vec::new(),
        principal: "me".into(),
        created_ms: 0,
    };
    let request = Submission {
        request_id: format!("r{id}"),
        body: b"body".to_vec(),
        job,
        receivers: Vec::new(),
    };
    store.submit(request).await.unwrap();
    store.claim(id, "bed").await.unwrap().unwrap()
}

pub(super) async fn execute(store: &SqliteStore, sql: &'static str) {
    sqlx::query(sql).execute(&store.pool).await.unwrap();
}

#[tokio::test]
async fn one_process_holds_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let second = SqliteStore::open(folder.path(), store.key.clone()).await;
    assert!(matches!(second, Err(StoreError::Held(_))), "one at a time");
    store.check().await.unwrap();
}

/// An older daemon may have stored another stage.
#[tokio::test]
async fn the_stage_of_an_ended_job_is_that_of_its_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let claim = begin(&store, "1").await;
    let why = Stop::Cancelled { by: "someone".into() };
    let stopped = Outcome::Stopped { at: Stage::Test, why };
    store.append(&claim, Event::Ended(stopped)).await.unwrap();
    execute(&store, "UPDATE jobs SET stage = 'clone'").await;
    assert_eq!(store.job("1").await.unwrap().unwrap().stage, Some(Stage::Test));
}

#[tokio::test]
async fn no_secret_is_in_clear_text_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for value in ["hunter-one-1", "hunter-two-2"] {
        store.put("shop", "token", &Secret::new(value.into())).await.unwrap();
    }
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"hunter"));
    }
    // A row moved to another name does not open.
    execute(&store, "UPDATE secrets SET name = 'moved'").await;
    let moved = Secrets::open(&store, "shop", "moved", None).await.unwrap_err();
    assert!(moved.to_string().contains("does not open"));
    assert!(store.delete("shop", "moved").await.unwrap());
}

/// A daemon that was downgraded does not read rows that it does not know.
#[tokio::test]
async fn a_row_of_a_newer_version_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let claim = begin(&store, "1").await;
    store.append(&claim, Event::Started(Stage::Clone)).await.unwrap();
    execute(&store, "UPDATE events SET version = 99, event = '{\"unheard\":{}}'").await;
    let error = store.replay("1").await.unwrap_err();
    assert!(matches!(error, StoreError::TooNew { version: 99, .. }), "{error}");
    assert!(error.to_string().contains("event 1 of job 1"), "{error}");
    execute(&store, "UPDATE jobs SET version = 99").await;
    let error = store.job("1").await.unwrap_err();
    assert!(error.to_string().contains("job 1 in the store has version 99"), "{error}");
}

/// An end with its release and its due work is stored whole, or not at all.
#[tokio::test]
async fn an_append_that_fails_half_way_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let claim = begin(&store, "1").await;
    execute(
        &store,
        "CREATE TRIGGER no_room BEFORE INSERT ON releases BEGIN SELECT RAISE(ABORT, 'no more'); END",
    )
    .await;
    let ended = Event::Ended(Outcome::Succeeded(Box::new(release("1"))));
    let error = store.append(&claim, ended.clone()).await.unwrap_err();
    assert!(error.to_string().contains("no more"), "{error}");
    let record = store.job("1").await.unwrap().unwrap();
    assert_eq!((record.last_seq, record.outcome), (0, None));
    for table in ["SELECT count(*) FROM events", "SELECT count(*) FROM due"] {
        let count: i64 = sqlx::query_scalar(table).fetch_one(&store.pool).await.unwrap();
        assert_eq!(count, 0, "{table}");
    }
    execute(&store, "DROP TRIGGER no_room").await;
    store.append(&claim, ended).await.unwrap();
    assert_eq!(store.job("1").await.unwrap().unwrap().last_seq, 1);
}

/// A full disk refuses a claim when it is committed, after its row was returned. A claim that is not stored
/// would fence the run that has it, and nobody would go on with the job.
#[tokio::test]
async fn a_claim_that_is_not_stored_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let old = begin(&store, "1").await;
    for refused_at_the_commit in [
        "CREATE TABLE room (job TEXT REFERENCES jobs (id) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TRIGGER no_room AFTER UPDATE OF fence ON jobs BEGIN INSERT INTO room VALUES ('none'); END",
    ] {
        execute(&store, refused_at_the_commit).await;
    }
    store.claim("1", "bed").await.unwrap_err();
    execute(&store, "DROP TRIGGER no_room").await;
    store.append(&old, Event::Started(Stage::Clone)).await.unwrap();
    let new = store.claim("1", "bed").await.unwrap().unwrap();
    assert_eq!(new.fence, old.fence + 1);
    store.append(&new, Event::Finished(Stage::Clone)).await.unwrap();
}

/// A full disk ends a transaction within SQLite. Its connection is not used again.
#[tokio::test]
async fn a_transaction_that_sqlite_has_ended_leaves_no_connection_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for _ in 0..8 {
        let mut transaction = store.pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
        sqlx::query("ROLLBACK").execute(&mut *transaction).await.unwrap();
        drop(transaction);
    }
    for _ in 0..8 {
        store.check().await.unwrap();
    }
}
