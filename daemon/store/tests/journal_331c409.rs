//! A journal of commit 331c409 is read and continued.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say by panicking what is wrong"
)]

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use std::{collections::BTreeSet, path::Path};
use windlass_engine::ports::{
    Secrets,
    store::{DueWork, Filter, Jobs, Outbox, Releases, Runs, SecretRecords, Store},
};
use windlass_model::{
    app::App,
    due::DueKind,
    event::Event,
    job::{Release, Source, Stage},
    outcome::{Outcome, Stop},
    plan::Cursor,
    replay::{JobState, ResumePoint, replay},
    runtime::{Check, Route, VolumeSource},
};
use windlass_store::{Key, SqliteStore};

/// Number of the kinds of events of commit 331c409.
const KINDS: usize = 24;

fn id(number: u32) -> String {
    format!("0193575a-4c00-7000-8000-{number:012}")
}

async fn restore(folder: &Path) {
    std::fs::write(folder.join("key"), [7; 32]).unwrap();
    let file = SqliteConnectOptions::new().filename(folder.join("windlass.db"));
    let mut connection = file.create_if_missing(true).connect().await.unwrap();
    let journal = include_str!("../fixtures/journal-331c409.sql");
    sqlx::raw_sql(journal).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder, Key::file(&folder.join("key")).unwrap()).await.unwrap()
}

async fn resume_point(store: &SqliteStore, number: u32) -> ResumePoint {
    let stored = store.replay(&id(number)).await.unwrap().unwrap();
    let events: Vec<_> = stored.events.into_iter().map(|event| event.event).collect();
    replay(&events).unwrap()
}

#[tokio::test]
async fn its_jobs_and_all_kinds_of_events_are_read() {
    let folder = tempfile::tempdir().unwrap();
    restore(folder.path()).await;
    let store = open(folder.path()).await;
    let jobs = store.jobs(&Filter { limit: 99, ..Filter::default() }).await.unwrap();
    assert!(jobs.unreadable.is_empty(), "{:?}", jobs.unreadable);
    let jobs = jobs.jobs;
    let states: Vec<_> = jobs.iter().rev().map(|record| (record.state, record.stage)).collect();
    let expected = [
        (JobState::Succeeded, Some(Stage::Release)),
        // A daemon of that commit put a job that it took up again to its first stage.
        (JobState::RollingBack, Some(Stage::Clone)),
        (JobState::Running, Some(Stage::Release)),
        (JobState::Failed, Some(Stage::Build)),
        (JobState::Stopped, Some(Stage::Clone)),
        (JobState::Waiting, None),
        (JobState::Stopped, Some(Stage::Build)),
        (JobState::Running, Some(Stage::Hooks)),
    ];
    assert_eq!(states, expected);
    let mut kinds = BTreeSet::new();
    for record in &jobs {
        let events = store.events(&record.job.id, 0, 1000).await.unwrap();
        assert_eq!(u64::try_from(events.len()).unwrap(), record.last_seq, "{}", record.job.id);
        for event in events {
            let json = serde_json::to_value(&event.event).unwrap();
            kinds.extend(json.as_object().unwrap().keys().cloned());
        }
    }
    assert_eq!(kinds.len(), KINDS, "{kinds:?}");
    let known = store.submitted("ci", "request-1", b"").await.unwrap().unwrap();
    assert_eq!((known.job.id, known.started_ms.is_some()), (id(1), true));
    let asked = store.job(&id(2)).await.unwrap().unwrap().stop;
    assert_eq!(asked, Some(Stop::Cancelled { by: "ops".into() }));
    let Source::Release(earlier) = store.job(&id(6)).await.unwrap().unwrap().job.source else {
        panic!("another source")
    };
    assert_eq!(earlier.runtime.web().unwrap().port, Some(8080));
    let Some(Outcome::Failed(diagnosis)) = store.job(&id(4)).await.unwrap().unwrap().outcome else {
        panic!("another outcome")
    };
    assert_eq!(diagnosis.evidence, ["main.go:7: undefined: total"]);
}

#[tokio::test]
async fn its_unfinished_jobs_stand_where_they_stood() {
    let folder = tempfile::tempdir().unwrap();
    restore(folder.path()).await;
    let store = open(folder.path()).await;
    let unfinished = store.unfinished().await.unwrap();
    assert!(unfinished.unreadable.is_empty());
    let ids: Vec<_> = unfinished.jobs.into_iter().map(|job| job.id).collect();
    assert_eq!(ids, [2, 3, 6, 8].map(id));
    let ResumePoint::Planned { next, begun, rolling_back, plan, .. } =
        resume_point(&store, 2).await
    else {
        panic!("not planned")
    };
    assert_eq!((next, begun), (Cursor::Rollback(0), true));
    assert_eq!(rolling_back.unwrap().begun, 2);
    assert_eq!(plan.release.clusters, ["eu", "us"]);
    let ResumePoint::Planned { next, begun, rolling_back, .. } = resume_point(&store, 3).await
    else {
        panic!("not planned")
    };
    assert_eq!((next, begun, rolling_back), (Cursor::Forward(1), true, None));
    assert!(matches!(resume_point(&store, 6).await, ResumePoint::Fresh));
    let ResumePoint::OutcomeDecided { hooks, next, .. } = resume_point(&store, 8).await else {
        panic!("outcome not decided")
    };
    assert_eq!((hooks.len(), next), (1, Cursor::Notify(0)));
}

#[tokio::test]
async fn its_releases_secrets_and_due_work_are_read() {
    let folder = tempfile::tempdir().unwrap();
    restore(folder.path()).await;
    let store = open(folder.path()).await;
    let app = App::new("shop", "web", "").unwrap();
    let last = store.last_release(&app, "default").await.unwrap().unwrap();
    assert_eq!(store.releases(&app, None, 9).await.unwrap()[0].0, last);
    assert_full(&last);

    let token = |version| Secrets::open(&store, "shop", "token", version);
    assert_eq!(token(None).await.unwrap().0.reveal(), b"hunter-two-2");
    assert_eq!(token(Some(1)).await.unwrap().0.reveal(), b"hunter-one-1");
    assert_eq!(store.list("shop").await.unwrap().len(), 2);

    let due = store.take_due(u64::MAX, u64::MAX, 99).await.unwrap();
    let kinds = DueKind::ALL.map(|kind| due.iter().filter(|due| due.kind == kind).count());
    // That commit held no job, sent no traces, had no previews, kept no pods, and neither collected nor contracted.
    assert_eq!(kinds, [4, 4, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!((due[0].app(), due[0].at_ms), (Some(app), 1_795_463_200_000));
}

/// Checks a release that uses every field of that commit's runtime.
fn assert_full(release: &Release) {
    let web = release.runtime.web().unwrap();
    let probes = &web.probes;
    assert!(matches!(probes.startup.as_ref().unwrap().check, Check::Http { .. }));
    assert!(matches!(probes.readiness.as_ref().unwrap().check, Check::Grpc { .. }));
    assert!(matches!(probes.liveness.as_ref().unwrap().check, Check::Exec { .. }));
    assert!(matches!(web.volumes["certs"].source, VolumeSource::Secret(_)));
    assert_eq!(web.placement.tolerations[0].effect.as_deref(), Some("NoSchedule"));
    let database = release.runtime.process("db").unwrap();
    assert!(matches!(database.volumes["data"].source, VolumeSource::Claim { .. }));
    assert_eq!(release.runtime.process("tidy").unwrap().schedule.as_ref().unwrap().cron, "@daily");
    assert!(matches!(release.runtime.expose.route, Some(Route::Ingress { .. })));
    assert_eq!(release.runtime.network.as_ref().unwrap().to[0].port, Some(5432));
    assert_eq!(release.runtime.env["GREETING"], "it's ready");
    assert_eq!(release.hooks["notify"], r##"{"channel":"#shop"}"##);
    assert_eq!(release.image.bytes, None);
}

#[tokio::test]
async fn it_is_continued() {
    let folder = tempfile::tempdir().unwrap();
    restore(folder.path()).await;
    {
        let store = open(folder.path()).await;
        let claim = store.claim(&id(3), "windlass").await.unwrap().unwrap();
        let claimed = Event::Claimed { daemon: "windlass".into() };
        store.append(&claim, claimed).await.unwrap();
        store.append(&claim, Event::StepFinished(Cursor::Forward(1))).await.unwrap();
        store.close().await;
    }
    let store = open(folder.path()).await;
    let ResumePoint::Planned { next, begun, .. } = resume_point(&store, 3).await else {
        panic!("not planned")
    };
    assert_eq!((next, begun), (Cursor::Forward(2), false));
    let record = store.job(&id(3)).await.unwrap().unwrap();
    assert_eq!((record.state, record.stage), (JobState::Running, Some(Stage::Release)));
    assert_eq!(store.next_message().await.unwrap(), None, "nobody hears of it");
}
