//! Tests of bad days: rows that cannot be read, a newer journal, one write that fails, files that others could open.

use super::{
    SqliteStore, format,
    tests::{begin, execute, open, release},
    writer::{self, Done, Request, Write},
};
use crate::Key;
use std::{os::unix::fs::PermissionsExt, path::Path};
use tokio::sync::oneshot;
use windlass_engine::{
    journal::JournalLost,
    ports::store::{
        DueWork, Filter, Jobs, Releases, Runs, SecretRecords, Store, StoreError, UnreadableJob,
    },
};
use windlass_model::{
    app::App,
    event::Event,
    job::{Release, Stage},
    outcome::Outcome,
    secret::Secret,
};

fn log(line: &str) -> Event {
    Event::Log { stage: Stage::Build, source: "s".into(), line: line.into() }
}

async fn listed(store: &SqliteStore) -> (Vec<String>, Vec<UnreadableJob>) {
    let list = store.jobs(&Filter { limit: 9, ..Filter::default() }).await.unwrap();
    (list.jobs.into_iter().map(|record| record.job.id).collect(), list.unreadable)
}

/// A newer daemon wrote a word into one spec that this one does not know.
#[tokio::test]
async fn a_job_that_cannot_be_read_is_no_error_of_others() {
    for damage in [
        "UPDATE jobs SET version = 99 WHERE id = '2'",
        "UPDATE jobs SET body = json_set(body, '$.spec.unheard', 1) WHERE id = '2'",
        "UPDATE jobs SET state = 'unheard' WHERE id = '2'",
        "UPDATE jobs SET stop = '{\"unheard\":{}}' WHERE id = '2'",
        "UPDATE jobs SET body = CAST(x'ff' AS TEXT) WHERE id = '2'",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await;
        for id in ["1", "2", "3"] {
            begin(&store, id).await;
        }
        execute(&store, damage).await;
        let unfinished = store.unfinished().await.unwrap();
        let ids: Vec<_> = unfinished.jobs.iter().map(|job| &*job.id).collect();
        assert_eq!(ids, ["1", "3"], "{damage}");
        let (readable, unreadable) = listed(&store).await;
        assert_eq!((&*readable, unreadable.len()), (&["3".to_owned(), "1".into()][..], 1));
        assert_eq!(unreadable, unfinished.unreadable);
        assert_eq!(unreadable[0].app, App::new("shop", "web", "").unwrap());
        assert!(unreadable[0].why.contains("job 2") || damage.contains("ff"), "{unreadable:?}");
        store.job("2").await.unwrap_err();
        // What the dispatcher leaves alone, since its journal cannot be read, counts too.
        store.set_aside("3", "event 1 of job 3 has version 99").await.unwrap();
        let counts = store.run_counts().await.unwrap();
        assert_eq!((counts.pending, counts.left_alone), (1, 2), "{damage}: {counts:?}");
    }
}

/// A run of the job would read the same again: this is no store that is away.
#[tokio::test]
async fn an_event_that_cannot_be_read_is_shown_as_such_and_ends_only_its_own_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let claim = begin(&store, "1").await;
    for event in [Event::Started(Stage::Clone), log("a line"), Event::Finished(Stage::Clone)] {
        store.append(&claim, event).await.unwrap();
    }
    execute(&store, "UPDATE events SET event = '{\"unheard\":{}}' WHERE seq = 1").await;
    execute(&store, "UPDATE logs SET version = 99").await;
    let events = store.events("1", 0, 9).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
    for (event, named) in [(&events[0], "event 1 of job 1"), (&events[1], "version 99")] {
        let Event::Warning { message, .. } = &event.event else { panic!("{event:?}") };
        assert!(message.contains(named), "{message}");
    }
    assert_eq!(events[2].event, Event::Finished(Stage::Clone));
    let lost = JournalLost::from(store.replay("1").await.unwrap_err());
    assert!(matches!(lost, JournalLost::Unreadable(_)), "{lost}");
    // Its own events are appended all the same: its end by an operator is one.
    store.append(&claim, Event::Started(Stage::Detect)).await.unwrap();
}

#[tokio::test]
async fn a_release_that_cannot_be_read_is_left_out_and_never_replaced_by_an_older_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for id in ["1", "2"] {
        let claim = begin(&store, id).await;
        let ended = Event::Ended(Outcome::Succeeded(Box::new(release(id))));
        store.append(&claim, ended).await.unwrap();
    }
    execute(&store, "UPDATE releases SET version = 99 WHERE id = '2'").await;
    let app = App::new("shop", "web", "").unwrap();
    let ids = |all: Vec<(Release, u64)>| all.into_iter().map(|(one, _)| one.id).collect::<Vec<_>>();
    assert_eq!(ids(store.releases(&app, None, 9).await.unwrap()), ["1"]);
    let error = store.releases(&app, None, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::TooNew { .. }), "there is one: {error}");
    let error = store.last_release(&app, "default").await.unwrap_err();
    assert!(matches!(error, StoreError::TooNew { .. }), "a rollback to 1 would be wrong: {error}");
}

#[tokio::test]
async fn due_work_that_cannot_be_read_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for row in [
        "INSERT INTO due (kind, key, at_ms) VALUES ('forget_logs', CAST(x'ff' AS TEXT), 1)",
        "INSERT INTO due (kind, key, at_ms) VALUES ('unheard', 'x', 1)",
        "INSERT INTO due (kind, key, at_ms) VALUES ('forget_logs', 'good', 2)",
    ] {
        execute(&store, row).await;
    }
    let taken = store.take_due(10, 20, 9).await.unwrap();
    assert_eq!(taken.iter().map(|due| &*due.key).collect::<Vec<_>>(), ["good"]);
    store.finish_due(&taken[0], None).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(20), "it is tried again, and not at once");
}

#[tokio::test]
async fn a_newer_journal_is_refused_with_the_versions_named_and_an_older_one_is_raised() {
    let folder = tempfile::tempdir().unwrap();
    {
        let store = open(folder.path()).await;
        begin(&store, "1").await;
        execute(&store, "PRAGMA user_version = 99").await;
        execute(&store, "UPDATE written_by SET version = '7.8.9'").await;
        store.close().await;
    }
    let key = || Key::file(&folder.path().join("key")).unwrap();
    let error = SqliteStore::open(folder.path(), key()).await.err().unwrap();
    let text = error.to_string();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{text}");
    for named in ["windlassd 7.8.9", "format 99", &format!("up to {}", format::FORMAT)] {
        assert!(text.contains(named), "{named}: {text}");
    }
    let file = folder.path().join("windlass.db");
    let file = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let pool = sqlx::SqlitePool::connect_with(file).await.unwrap();
    sqlx::query("PRAGMA user_version = 0").execute(&pool).await.unwrap();
    pool.close().await;
    let store = open(folder.path()).await;
    let format: i64 =
        sqlx::query_scalar("PRAGMA user_version").fetch_one(&store.pool).await.unwrap();
    assert_eq!(format, format::FORMAT);
    assert_eq!(store.unfinished().await.unwrap().jobs.len(), 1);
}

/// Events that come together are one transaction. Events of one job cannot be stored; all others are.
#[tokio::test]
async fn a_write_that_fails_fails_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let bad = begin(&store, "bad").await;
    let good = begin(&store, "good").await;
    execute(
        &store,
        "CREATE TRIGGER bad BEFORE INSERT ON logs WHEN NEW.job = 'bad' \
         BEGIN SELECT RAISE(ABORT, 'no more'); END",
    )
    .await;
    let writes = (0..100).map(|number| {
        let claim = if number % 10 == 0 { &bad } else { &good };
        store.append(claim, log(&number.to_string()))
    });
    let results = futures::future::join_all(writes).await;
    let failed: Vec<_> = (0..100).filter(|index| results[*index].is_err()).collect();
    assert_eq!(failed, (0..100).step_by(10).collect::<Vec<_>>());
    let events = store.events("good", 0, 999).await.unwrap();
    let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=90).collect::<Vec<_>>());
}

/// The limit of pages is that of one connection: no other disk has to be filled for this.
#[tokio::test]
async fn a_full_disk_takes_the_reserve_and_then_is_no_verdict_on_a_job() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let claim = begin(&store, "1").await;
    let mut connection = store.pool.acquire().await.unwrap().detach();
    let pages: i64 =
        sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut connection).await.unwrap();
    let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {}", pages + 4));
    sqlx::query(limit).execute(&mut connection).await.unwrap();
    let writes = writer::start(
        connection,
        store.updates.clone(),
        store.messages.clone(),
        store.disk.clone(),
    );
    let reserve = folder.path().join("reserve");
    assert!(reserve.exists());
    let mut refused = None;
    while refused.is_none() {
        let (done, stored) = oneshot::channel();
        let write =
            Write { claim: claim.clone(), event: log(&"x".repeat(2000)), done: Done::Waits(done) };
        assert!(writes.send(Request::Append(write)).await.is_ok());
        refused = stored.await.unwrap().err();
    }
    let error = refused.unwrap();
    assert!(matches!(error, StoreError::Full(_)), "{error}");
    assert!(!reserve.exists(), "it was used");
    assert!(matches!(JournalLost::from(error), JournalLost::Unavailable(_)));
    // Its disk has room: the reserve is made again, and all goes on.
    assert!(!store.room().await.unwrap().uses_reserve && reserve.exists());
    store.append(&claim, log("again")).await.unwrap();
}

/// Also where an older daemon made the files with the rights of its umask.
#[tokio::test]
async fn no_file_of_the_journal_can_be_opened_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let key = folder.path().join("key");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for _ in 0..2 {
        let store = SqliteStore::open(&journal, Key::file(&key).unwrap()).await.unwrap();
        store.put("shop", "token", &Secret::new(b"hunter-one".into())).await.unwrap();
        let mut names = Vec::new();
        for file in std::fs::read_dir(&journal).unwrap() {
            let path = file.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            names.push(path.file_name().unwrap().to_owned());
        }
        for name in ["lock", "reserve", "windlass.db", "windlass.db-wal", "windlass.db-shm"] {
            assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
        }
        assert_eq!((mode(&journal), mode(&key)), (0o700, 0o600));
        store.close().await;
        for path in [&journal.join("lock"), &journal.join("windlass.db"), &key] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        std::fs::set_permissions(&journal, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[tokio::test]
async fn a_closed_store_takes_nothing_and_its_end_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let claim = begin(&store, "1").await;
    store.append(&claim, log("the last line")).await.unwrap();
    store.close().await;
    store.ended().await;
    store.append(&claim, log("late")).await.unwrap_err();
    let log = std::fs::metadata(folder.path().join("windlass.db-wal"));
    assert!(log.map_or(0, |log| log.len()) == 0, "all is in the file itself");
}
