//! Hooks that forges call.

use crate::Place;
use windlass_engine::ports::store::{HookRecord, Store};
use windlass_model::{project::ProjectSpec, secret::Secret};

fn hook(id: &str, project: &str, created_ms: u64) -> HookRecord {
    HookRecord {
        id: id.into(),
        project: project.into(),
        repository: "code".into(),
        created_ms,
        by: "me".into(),
        previous_until_ms: None,
        seen_ms: None,
        repository_id: None,
    }
}

fn secret(value: &str) -> Secret {
    Secret::new(value.into())
}

/// Returns the secrets that verify at a time.
async fn secrets(store: &dyn Store, id: &str, now_ms: u64) -> Vec<String> {
    let opened = store.open_hook(id, now_ms).await.unwrap().unwrap();
    let secrets = [Some(opened.secret), opened.previous].into_iter().flatten();
    secrets.map(|secret| secret.reveal_text().unwrap().to_owned()).collect()
}

pub(crate) async fn a_hook_opens_with_its_secret(place: Place) {
    {
        let store = place.open().await;
        assert!(store.open_hook("a", 1).await.unwrap().is_none());
        store.create_hook(&hook("a", "shop", 5), &secret("one")).await.unwrap();
        store.create_hook(&hook("a", "blog", 5), &secret("two")).await.unwrap_err();
        store.close().await;
    }
    let store = place.open().await;
    let opened = store.open_hook("a", 1).await.unwrap().unwrap();
    assert_eq!(opened.record, hook("a", "shop", 5));
    assert_eq!(secrets(&*store, "a", 1).await, ["one"]);
    assert!(store.delete_hook("a").await.unwrap());
    assert!(!store.delete_hook("a").await.unwrap());
    assert!(store.open_hook("a", 1).await.unwrap().is_none());
}

pub(crate) async fn the_secret_before_ends_at_its_time(place: Place) {
    let store = place.open().await;
    assert!(!store.rotate_hook("a", &secret("two"), 100).await.unwrap(), "there is none");
    store.create_hook(&hook("a", "shop", 5), &secret("one")).await.unwrap();
    assert!(store.rotate_hook("a", &secret("two"), 100).await.unwrap());
    assert_eq!(secrets(&*store, "a", 99).await, ["two", "one"]);
    assert_eq!(secrets(&*store, "a", 100).await, ["two"]);
    let record = store.open_hook("a", 99).await.unwrap().unwrap().record;
    assert_eq!(record.previous_until_ms, Some(100));
    assert!(store.rotate_hook("a", &secret("three"), 200).await.unwrap());
    assert_eq!(secrets(&*store, "a", 99).await, ["three", "two"], "of those before, only the last");
    assert!(store.rotate_hook("a", &secret("four"), 0).await.unwrap());
    assert_eq!(secrets(&*store, "a", 1).await, ["four"], "at once, where a secret was lost");
}

/// A repository that is renamed keeps its id; another one in its place has another.
pub(crate) async fn a_hook_remembers_its_use_and_its_first_repository(place: Place) {
    let store = place.open().await;
    store.saw_hook("a", 7, "1").await.unwrap();
    store.create_hook(&hook("a", "shop", 5), &secret("one")).await.unwrap();
    for (at_ms, repository_id, seen_ms, known) in [
        (10, "", 10, None),
        (20, "1", 20, Some("1")),
        (15, "2", 20, Some("1")),
        (30, "", 30, Some("1")),
    ] {
        store.saw_hook("a", at_ms, repository_id).await.unwrap();
        let record = store.open_hook("a", 1).await.unwrap().unwrap().record;
        assert_eq!((record.seen_ms, record.repository_id.as_deref()), (Some(seen_ms), known));
    }
    assert_eq!(secrets(&*store, "a", 1).await, ["one"]);
}

pub(crate) async fn hooks_are_listed_by_project_and_end_with_it(place: Place) {
    let store = place.open().await;
    let spec = ProjectSpec { project: "shop".into(), ..ProjectSpec::default() };
    store.apply_project(&spec, "me", None).await.unwrap();
    for (id, project, created_ms) in [("c", "shop", 1), ("a", "shop", 2), ("b", "blog", 3)] {
        store.create_hook(&hook(id, project, created_ms), &secret(id)).await.unwrap();
    }
    let ids = async |project: &str| {
        let hooks = store.hooks(project).await.unwrap();
        hooks.into_iter().map(|hook| hook.id).collect::<Vec<_>>()
    };
    assert_eq!(ids("shop").await, ["c", "a"], "the oldest first");
    assert!(store.delete_project("shop", "me").await.unwrap());
    assert!(ids("shop").await.is_empty());
    assert!(store.open_hook("a", 1).await.unwrap().is_none());
    assert_eq!(ids("blog").await, ["b"]);
    assert_eq!(secrets(&*store, "b", 1).await, ["b"]);
}
