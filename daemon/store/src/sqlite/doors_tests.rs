//! Tests of the tables of the doors: sealed hooks, and rows that cannot be read or stored.

use super::{
    SqliteStore,
    tests::{begin, execute, open, release},
};
use std::path::Path;
use windlass_engine::ports::store::{
    Deliveries, DeliveryFilter, ForgeHooks, HookRecord, Jobs, Outbox, OutboxFilter, Projects, Runs,
    StoreError,
};
use windlass_model::{
    delivery::{Change, Delivery, Report},
    event::Event,
    job::Stage,
    outbox::{MessageState, Moment},
    outcome::{Outcome, Stop},
    project::ProjectSpec,
    secret::Secret,
};

/// Column `receivers` of a job of which one endpoint hears.
const ONE_ENDPOINT: &str = r#"UPDATE jobs SET receivers = '[{"endpoint":{"name":"chat"}}]'"#;

/// Column `receivers` of jobs that set the status of a commit each.
const ONE_STATUS: &str = r#"UPDATE jobs SET receivers =
    '[{"status":{"repository":"code","commit":"' || id || '","context":"windlass/web/production"}}]'"#;

fn hook(id: &str, project: &str) -> HookRecord {
    HookRecord {
        id: id.into(),
        project: project.into(),
        repository: "code".into(),
        created_ms: 1,
        by: "me".into(),
        previous_until_ms: None,
        seen_ms: None,
        repository_id: None,
    }
}

fn delivery(id: &str) -> Delivery {
    let report = Report {
        event: "push".into(),
        forge_id: String::new(),
        repository_id: "1".into(),
        repository_name: "acme/shop".into(),
        sender: "me".into(),
        change: Change::Ping,
    };
    Delivery {
        id: id.into(),
        hook: "h".into(),
        project: "shop".into(),
        repository: "code".into(),
        report,
        body_sha256: "00".into(),
        at_ms: 1,
        verdicts: Vec::new(),
    }
}

async fn messages(store: &SqliteStore) -> Vec<(Moment, MessageState)> {
    let filter = OutboxFilter { project: "shop".into(), limit: 9, ..OutboxFilter::default() };
    let messages = store.messages(&filter).await.unwrap();
    messages.into_iter().rev().map(|message| (message.moment, message.state)).collect()
}

fn holds(folder: &Path, text: &[u8]) -> bool {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|file| !file.ends_with("reserve"));
    let mut contents = files.map(|file| std::fs::read(file).unwrap());
    contents.any(|bytes| bytes.windows(text.len()).any(|window| window == text))
}

#[tokio::test]
async fn a_hooks_secret_opens_in_its_own_row_alone_and_is_nowhere_in_clear_text() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for (id, project) in [("a", "shop"), ("b", "blog")] {
        let secret = Secret::new(format!("hunter-of-{id}").into_bytes());
        store.create_hook(&hook(id, project), &secret).await.unwrap();
    }
    let newer = Secret::new(b"hunter-newer".into());
    assert!(store.rotate_hook("a", &newer, 100).await.unwrap());
    assert!(!holds(folder.path(), b"hunter"));
    for (damage, mend) in [
        (
            "UPDATE hooks SET project = 'blog' WHERE id = 'a'",
            Some("UPDATE hooks SET project = 'shop' WHERE id = 'a'"),
        ),
        (
            "UPDATE hooks SET repository = 'x' WHERE id = 'a'",
            Some("UPDATE hooks SET repository = 'code' WHERE id = 'a'"),
        ),
        (
            "UPDATE hooks SET sealed = (SELECT sealed FROM hooks WHERE id = 'b') WHERE id = 'a'",
            None,
        ),
    ] {
        let opened = store.open_hook("a", 1).await.unwrap().unwrap();
        assert_eq!(opened.secret.reveal(), b"hunter-newer");
        assert_eq!(opened.previous.unwrap().reveal(), b"hunter-of-a");
        execute(&store, damage).await;
        let error = store.open_hook("a", 1).await.unwrap_err();
        assert!(matches!(error, StoreError::Unreadable { .. }), "{damage}: {error}");
        assert!(error.to_string().contains("hook a"), "{error}");
        if let Some(mend) = mend {
            execute(&store, mend).await;
        }
    }
    assert_eq!(store.open_hook("b", 1).await.unwrap().unwrap().secret.reveal(), b"hunter-of-b");
}

/// A worker would never come to the others.
#[tokio::test]
async fn a_delivery_that_cannot_be_read_keeps_no_other_from_a_worker() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for id in ["1", "2", "3"] {
        store.add_delivery(&delivery(id)).await.unwrap();
    }
    execute(&store, "UPDATE deliveries SET version = 99 WHERE id = '1'").await;
    let ids = |all: Vec<Delivery>| all.into_iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(ids(store.undecided(1).await.unwrap()), ["2"]);
    let filter = DeliveryFilter { project: "shop".into(), limit: 9, ..DeliveryFilter::default() };
    assert_eq!(ids(store.deliveries(&filter).await.unwrap()), ["3", "2"]);
    let error = store.delivery("1").await.unwrap_err();
    assert!(matches!(error, StoreError::TooNew { version: 99, .. }), "{error}");
}

/// Many come at once, and are one transaction. One of them has an id that is taken.
#[tokio::test]
async fn a_delivery_that_fails_fails_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    store.add_delivery(&delivery("05")).await.unwrap();
    let all: Vec<_> = (0..20).map(|number| delivery(&format!("{number:02}"))).collect();
    let stored = futures::future::join_all(all.iter().map(|one| store.add_delivery(one))).await;
    let failed: Vec<_> = (0..20).filter(|place| stored[*place].is_err()).collect();
    assert_eq!(failed, [5]);
    assert_eq!(store.undecided(99).await.unwrap().len(), 20);
}

#[tokio::test]
async fn a_project_that_cannot_be_read_is_left_out_and_replaced_by_the_next_version() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for name in ["blog", "shop"] {
        let spec = ProjectSpec { project: name.into(), ..ProjectSpec::default() };
        store.apply_project(&spec, "me", Some(0)).await.unwrap();
    }
    execute(&store, "UPDATE project_versions SET spec = '{\"unheard\":1}' WHERE project = 'shop'")
        .await;
    let names = async || {
        let all = store.projects().await.unwrap();
        all.into_iter().map(|one| (one.spec.project, one.version)).collect::<Vec<_>>()
    };
    assert_eq!(names().await, [("blog".to_owned(), 1)]);
    let error = store.project("shop").await.unwrap_err();
    assert!(error.to_string().contains("version 1 of project shop"), "{error}");
    let spec = ProjectSpec { project: "shop".into(), ..ProjectSpec::default() };
    store.apply_project(&spec, "me", Some(1)).await.unwrap();
    assert_eq!(names().await, [("blog".to_owned(), 1), ("shop".to_owned(), 2)]);
}

/// The end of a job that nobody hears of, or a message of an end that is not stored, would be a lie.
#[tokio::test]
async fn a_message_is_stored_with_its_event_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let claim = begin(&store, "1").await;
    execute(&store, ONE_ENDPOINT).await;
    let ended = Event::Ended(Outcome::Succeeded(Box::new(release("1"))));
    // Each with a name of its own: another connection of the pool may still know a trigger that is gone.
    for (refuse, accept) in [
        (
            "CREATE TRIGGER no_release BEFORE INSERT ON releases BEGIN SELECT RAISE(ABORT, 'no'); END",
            "DROP TRIGGER no_release",
        ),
        (
            "CREATE TRIGGER no_message BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END",
            "DROP TRIGGER no_message",
        ),
    ] {
        execute(&store, refuse).await;
        store.append(&claim, ended.clone()).await.unwrap_err();
        assert_eq!(store.job("1").await.unwrap().unwrap().outcome, None);
        assert!(messages(&store).await.is_empty());
        execute(&store, accept).await;
    }
    let mut new = store.new_messages();
    store.append(&claim, ended).await.unwrap();
    assert_eq!(messages(&store).await, [(Moment::Succeeded, MessageState::Waiting)]);
    new.try_recv().unwrap();
}

/// A status that stays pending keeps a merge request from being merged, for ever.
#[tokio::test]
async fn a_job_that_another_took_the_place_of_has_a_last_status_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for (id, why) in [
        ("1", Stop::Superseded { by: "2".into() }),
        ("2", Stop::Cancelled { by: "ann".into() }),
        ("3", Stop::TimedOut { seconds: 1 }),
    ] {
        let claim = begin(&store, id).await;
        execute(&store, ONE_STATUS).await;
        store.append(&claim, Event::Claimed { daemon: "bed".into() }).await.unwrap();
        store
            .append(&claim, Event::Ended(Outcome::Stopped { at: Stage::Clone, why }))
            .await
            .unwrap();
        let last = messages(&store).await.pop();
        assert_eq!(last, Some((Moment::Stopped, MessageState::Waiting)), "job {id}");
        // Nothing comes after it, also where a moment of before is told once more.
        store.append(&claim, Event::Claimed { daemon: "bed".into() }).await.unwrap_err();
        assert_eq!(messages(&store).await.pop(), last);
    }
}

/// The journal goes on: an operator can still end the job.
#[tokio::test]
async fn receivers_that_cannot_be_read_are_no_error_of_the_event() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for (id, damage) in [
        ("1", "UPDATE jobs SET receivers = '[{\"unheard\":{}}]'"),
        ("2", "UPDATE jobs SET receivers = '[{}]', version = 99 WHERE id = '2'"),
        ("3", "UPDATE jobs SET receivers = CAST(x'ff' AS TEXT) WHERE id = '3'"),
    ] {
        let claim = begin(&store, id).await;
        execute(&store, damage).await;
        store.append(&claim, Event::Claimed { daemon: "bed".into() }).await.unwrap();
    }
    assert!(messages(&store).await.is_empty());
}

#[tokio::test]
async fn a_message_that_cannot_be_read_keeps_no_other_from_being_sent() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for id in ["1", "2"] {
        let claim = begin(&store, id).await;
        execute(&store, ONE_ENDPOINT).await;
        store.append(&claim, Event::Claimed { daemon: "bed".into() }).await.unwrap();
    }
    execute(&store, "UPDATE outbox SET receiver = '{\"unheard\":{}}' WHERE job = '1'").await;
    let now = windlass_model::clock::now_ms() + 1000;
    let taken = store.take_messages(now, now + 10, 9).await.unwrap();
    assert_eq!(taken.iter().map(|message| &*message.job).collect::<Vec<_>>(), ["2"]);
    assert_eq!(store.next_message().await.unwrap(), Some(now + 10), "and not at once");
    assert_eq!(messages(&store).await.len(), 1);
}
