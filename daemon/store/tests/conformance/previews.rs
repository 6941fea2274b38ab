//! Preview environments.

use crate::Place;
use windlass_engine::ports::store::{PreviewPush, Pushed, Store};
use windlass_model::{
    app::App,
    due::{Due, DueKind},
    preview::{PreviewRecord, PreviewState, environment},
};

fn record(project: &str, name: &str, last_push_ms: u64) -> PreviewRecord {
    PreviewRecord {
        app: App::new(project, "web", &environment(name)).unwrap(),
        state: PreviewState::Open,
        repository: "web".into(),
        number: name.parse().ok(),
        head: format!("head-{last_push_ms}"),
        last_push_ms,
        until_ms: last_push_ms + 1000,
        removal: String::new(),
    }
}

fn push(record: &PreviewRecord) -> PreviewPush {
    PreviewPush { record: record.clone(), reopens: false, limit: 2 }
}

async fn names(store: &dyn Store, project: Option<&str>) -> Vec<String> {
    let found = store.previews(project).await.unwrap();
    found.into_iter().map(|one| one.app.environment).collect()
}

pub(crate) async fn a_push_opens_a_preview_and_schedules_its_end(place: Place) {
    let first = record("shop", "7", 100);
    {
        let store = place.open().await;
        assert_eq!(store.preview(&first.app).await.unwrap(), None);
        assert_eq!(store.push_preview(&push(&first)).await.unwrap(), Pushed::Open);
        store.close().await;
    }
    let store = place.open().await;
    assert_eq!(store.preview(&first.app).await.unwrap(), Some(first.clone()));
    let due = Due::on_app(DueKind::PreviewEnds, &first.app, 1100);
    assert_eq!(store.take_due(1100, 2000, 9).await.unwrap(), std::slice::from_ref(&due));
    // A push meanwhile: the work comes again, and finds a later end.
    let second = record("shop", "7", 500);
    assert_eq!(store.push_preview(&push(&second)).await.unwrap(), Pushed::Open);
    store.finish_due(&due, None).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(1100));
    assert_eq!(store.preview(&first.app).await.unwrap(), Some(second));
}

pub(crate) async fn a_project_has_as_many_open_previews_as_it_may(place: Place) {
    let store = place.open().await;
    for (name, at_ms) in [("1", 1), ("2", 2)] {
        let pushed = store.push_preview(&push(&record("shop", name, at_ms))).await.unwrap();
        assert_eq!(pushed, Pushed::Open);
    }
    let third = push(&record("shop", "3", 3));
    assert_eq!(store.push_preview(&third).await.unwrap(), Pushed::Full(2));
    assert_eq!(store.preview(&third.record.app).await.unwrap(), None);
    // One more push to an open one, and another project.
    let again = push(&record("shop", "1", 4));
    assert_eq!(store.push_preview(&again).await.unwrap(), Pushed::Open);
    let other = push(&record("blog", "1", 5));
    assert_eq!(store.push_preview(&other).await.unwrap(), Pushed::Open);
    store.end_preview(&record("shop", "2", 2), PreviewState::Removed, "job").await.unwrap();
    assert_eq!(store.push_preview(&third).await.unwrap(), Pushed::Open);
    assert_eq!(names(&*store, Some("shop")).await, ["pr-1", "pr-3", "pr-2"]);
    // Of all projects those that are open come first.
    store.end_preview(&other.record, PreviewState::Removed, "job").await.unwrap();
    assert_eq!(names(&*store, None).await, ["pr-1", "pr-3", "pr-1", "pr-2"]);
}

/// A late event does not make again what its pull request's end has removed.
pub(crate) async fn what_is_closed_stays_so_until_it_is_opened_again(place: Place) {
    let store = place.open().await;
    let first = record("shop", "7", 100);
    store.push_preview(&push(&first)).await.unwrap();
    store.end_preview(&first, PreviewState::Closed, "").await.unwrap();
    store.end_preview(&first, PreviewState::Removed, "job").await.unwrap();
    let closed = store.preview(&first.app).await.unwrap().unwrap();
    assert_eq!(
        (closed.state, &*closed.removal, &*closed.head),
        (PreviewState::Closed, "job", "head-100")
    );
    let late = push(&record("shop", "7", 200));
    assert_eq!(store.push_preview(&late).await.unwrap(), Pushed::Closed);
    assert_eq!(store.preview(&first.app).await.unwrap(), Some(closed));
    let again = PreviewPush { reopens: true, ..late };
    assert_eq!(store.push_preview(&again).await.unwrap(), Pushed::Open);
    let open = store.preview(&first.app).await.unwrap().unwrap();
    assert_eq!((open.state, &*open.removal), (PreviewState::Open, ""));
    // An end that nobody saw begin.
    let unknown = record("shop", "9", 100);
    store.end_preview(&unknown, PreviewState::Closed, "").await.unwrap();
    assert_eq!(store.push_preview(&push(&unknown)).await.unwrap(), Pushed::Closed);
}

pub(crate) async fn previews_that_ended_are_forgotten(place: Place) {
    let store = place.open().await;
    for (name, at_ms) in [("1", 100), ("2", 100), ("3", 900)] {
        let record = record("shop", name, at_ms);
        let push = PreviewPush { limit: 9, ..push(&record) };
        store.push_preview(&push).await.unwrap();
        if name != "1" {
            store.end_preview(&record, PreviewState::Closed, "").await.unwrap();
        }
    }
    store.forget_previews(500).await.unwrap();
    assert_eq!(names(&*store, Some("shop")).await, ["pr-3", "pr-1"]);
}
