//! Projects and their versions.

use crate::Place;
use windlass_engine::ports::store::{Accepted, Applied, ProjectRecord, Store};
use windlass_model::project::{AppSpec, ProjectSpec};

/// A project with these apps.
fn spec(name: &str, apps: &[&str]) -> ProjectSpec {
    let apps = apps.iter().map(|app| ((*app).to_owned(), AppSpec::default()));
    ProjectSpec { project: name.into(), apps: apps.collect(), ..ProjectSpec::default() }
}

async fn applied(store: &dyn Store, spec: &ProjectSpec, expected: Option<u32>) -> ProjectRecord {
    match store.apply_project(spec, "me", expected).await.unwrap() {
        Applied::Version(record) => *record,
        Applied::Conflict(version) => panic!("a conflict with {version:?}"),
    }
}

pub(crate) async fn a_project_has_versions_with_who_and_when(place: Place) {
    let (first, second) = (spec("shop", &["web"]), spec("shop", &["web", "worker"]));
    {
        let store = place.open().await;
        assert_eq!(store.project("shop").await.unwrap(), None);
        let record = applied(&*store, &first, Some(0)).await;
        assert_eq!((&record.spec, record.version, &*record.by), (&first, 1, "me"));
        assert!(record.at_ms > 0);
        assert_eq!(store.project("shop").await.unwrap(), Some(record));
        assert_eq!(applied(&*store, &second, Some(1)).await.version, 2);
        store.close().await;
    }
    let store = place.open().await;
    let current = store.project("shop").await.unwrap().unwrap();
    assert_eq!((&current.spec, current.version), (&second, 2));
    let versions = store.project_versions("shop", None, 9).await.unwrap();
    assert_eq!(versions.iter().map(|one| one.version).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(versions[1].spec, first);
}

/// Somebody else applied a version meanwhile, by the client or by the page.
pub(crate) async fn a_version_that_was_not_seen_is_not_replaced(place: Place) {
    let store = place.open().await;
    let apply = async |apps: &[&str], expected| {
        store.apply_project(&spec("shop", apps), "me", expected).await.unwrap()
    };
    assert_eq!(apply(&["a"], Some(1)).await, Applied::Conflict(None));
    applied(&*store, &spec("shop", &["a"]), Some(0)).await;
    applied(&*store, &spec("shop", &["b"]), None).await;
    for seen in [0, 1, 3] {
        assert_eq!(apply(&["c"], Some(seen)).await, Applied::Conflict(Some(2)), "{seen}");
        // Also where the file would be the current one.
        assert_eq!(apply(&["b"], Some(seen)).await, Applied::Conflict(Some(2)), "{seen}");
    }
    let current = store.project("shop").await.unwrap().unwrap();
    assert_eq!((current.spec, current.version), (spec("shop", &["b"]), 2));
    // At once: one of them wins, the other sees which.
    let (c, d) = tokio::join!(apply(&["c"], Some(2)), apply(&["d"], Some(2)));
    let conflicts = [c, d].into_iter().filter(|one| *one == Applied::Conflict(Some(3)));
    assert_eq!(conflicts.count(), 1);
}

pub(crate) async fn the_same_file_is_no_new_version(place: Place) {
    let store = place.open().await;
    let (first, second) = (spec("shop", &["web"]), spec("shop", &["api"]));
    let record = applied(&*store, &first, None).await;
    assert_eq!(applied(&*store, &first, None).await, record);
    assert_eq!(applied(&*store, &first, Some(1)).await, record);
    assert_eq!(applied(&*store, &second, None).await.version, 2);
    assert_eq!(
        applied(&*store, &first, None).await.version,
        3,
        "the one before the last is not it"
    );
    assert_eq!(store.project_versions("shop", None, 9).await.unwrap().len(), 3);
}

pub(crate) async fn versions_go_on_after_a_deletion(place: Place) {
    let web = spec("shop", &["web"]);
    {
        let store = place.open().await;
        assert!(!store.delete_project("shop", "me").await.unwrap(), "there is none");
        applied(&*store, &web, None).await;
        assert!(store.delete_project("shop", "me").await.unwrap());
        assert!(!store.delete_project("shop", "me").await.unwrap());
        assert_eq!(store.project("shop").await.unwrap(), None);
        assert!(store.projects().await.unwrap().is_empty());
        assert_eq!(store.project_versions("shop", None, 9).await.unwrap().len(), 1);
        store.close().await;
    }
    let store = place.open().await;
    let stale = store.apply_project(&web, "me", Some(1)).await.unwrap();
    assert_eq!(stale, Applied::Conflict(None), "it was deleted meanwhile");
    assert_eq!(applied(&*store, &web, Some(0)).await.version, 2, "the same file, and yet new");
    assert_eq!(store.project("shop").await.unwrap().unwrap().version, 2);
}

/// Otherwise the poll of a new project with this name takes other commits for unreported pushes, and deploys them.
pub(crate) async fn what_triggers_deployed_ends_with_the_project(place: Place) {
    let store = place.open().await;
    for name in ["shop", "blog"] {
        applied(&*store, &spec(name, &["web"]), None).await;
        let accepted = Accepted {
            project: name.into(),
            trigger: "main".into(),
            name: "refs/heads/main".into(),
            commit: "a".repeat(40),
            job: "1".into(),
            at_ms: 1,
        };
        store.accept(&accepted).await.unwrap();
    }
    assert!(store.delete_project("shop", "me").await.unwrap());
    assert!(store.accepted_by("shop", "main").await.unwrap().is_empty());
    assert_eq!(store.accepted_by("blog", "main").await.unwrap().len(), 1);
}

pub(crate) async fn projects_are_listed_by_name_and_versions_newest_first(place: Place) {
    let store = place.open().await;
    for (name, app) in [("shop", "a"), ("blog", "a"), ("shop", "b"), ("shop", "c")] {
        applied(&*store, &spec(name, &[app]), None).await;
    }
    let listed = store.projects().await.unwrap();
    let names: Vec<_> = listed.iter().map(|one| (&*one.spec.project, one.version)).collect();
    assert_eq!(names, [("blog", 1), ("shop", 3)]);
    let newest = store.project_versions("shop", None, 2).await.unwrap();
    assert_eq!(newest.iter().map(|one| one.version).collect::<Vec<_>>(), [3, 2]);
    let before = store.project_versions("shop", Some(2), 1).await.unwrap();
    assert_eq!(before.iter().map(|one| one.version).collect::<Vec<_>>(), [2]);
    assert!(store.project_versions("other", None, 2).await.unwrap().is_empty());
}
