//! Releases that succeeded.

use crate::{
    Place,
    data::{app, begin, release, succeeded},
};
use windlass_engine::ports::store::Store;
use windlass_model::{
    app::App,
    event::Event,
    outcome::{Outcome, Removed},
    runtime::MigrationPhase,
};

pub(crate) async fn releases_are_listed_newest_first(place: Place) {
    let store = place.open().await;
    for id in ["2", "1", "3"] {
        let claim = begin(&*store, id).await;
        store.append(&claim, succeeded(release(id))).await.unwrap();
    }
    let ids = async |before, limit| {
        let releases = store.releases(&app(), before, limit).await.unwrap();
        assert!(releases.iter().all(|(_, created_ms)| *created_ms > 0));
        releases.into_iter().map(|(release, _)| release.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, 9).await, ["3", "2", "1"]);
    assert_eq!(ids(None, 2).await, ["3", "2"]);
    assert_eq!(ids(Some("3"), 9).await, ["2", "1"]);
    let other = App::new("shop", "web", "staging").unwrap();
    assert!(store.releases(&other, None, 9).await.unwrap().is_empty());
    assert_eq!(store.last_release(&other, "default").await.unwrap(), None);
}

/// A cluster keeps its last release, however many releases other clusters get since.
pub(crate) async fn the_last_release_is_that_of_a_cluster(place: Place) {
    let store = place.open().await;
    let both = ["eu".to_owned(), "us".to_owned()];
    for number in 1..=60 {
        let id = format!("{number:03}");
        let clusters = if number == 2 { &both[..] } else { &both[..1] };
        let claim = begin(&*store, &id).await;
        store.append(&claim, succeeded(release(&id).at(clusters))).await.unwrap();
    }
    let app = app();
    let last = |cluster| store.last_release(&app, cluster);
    assert_eq!(last("eu").await.unwrap().unwrap().id, "060");
    assert_eq!(last("us").await.unwrap().unwrap(), release("002").at(&both));
    assert_eq!(last("other").await.unwrap(), None);
}

/// Hosts are compared with what serves now, in whatever cluster.
pub(crate) async fn what_serves_is_the_newest_release_of_each_app_and_cluster(place: Place) {
    let store = place.open().await;
    let clusters = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    for (id, text, names) in [
        ("1", "one.example.com", &["eu", "us"][..]),
        ("2", "two.example.com", &["eu"][..]),
        ("3", "three.example.com", &["eu"][..]),
    ] {
        let mut release = release(id).at(&clusters(names));
        release.runtime.expose.hosts = vec![text.into()];
        let claim = begin(&*store, id).await;
        store.append(&claim, succeeded(release)).await.unwrap();
    }
    let ids = async |text: &str| {
        let serving = store.serving(text).await.unwrap();
        serving.into_iter().map(|release| release.id).collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, ["1", "3"]);
    assert_eq!(ids("example.com").await, ["1", "3"]);
    assert_eq!(ids("one.example.com").await, ["1"]);
    assert!(ids("two.example.com").await.is_empty(), "another release came after it");
    assert!(ids("other.test").await.is_empty());
}

/// In the transaction of the removal's end: no daemon sees an app that is gone and serves.
pub(crate) async fn what_was_removed_serves_no_more_and_can_be_released_again(place: Place) {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let ends = async |store: &dyn Store, id: &str, outcome: Outcome| {
        let claim = begin(store, id).await;
        store.append(&claim, Event::Ended(outcome)).await.unwrap();
    };
    let released = |id: &str| Outcome::Succeeded(Box::new(release(id).at(&names(&["eu", "us"]))));
    let removed = |id: &str| {
        Outcome::Removed(Removed { job: id.into(), app: app(), clusters: names(&["eu"]) })
    };
    let last = async |store: &dyn Store, cluster| {
        store.last_release(&app(), cluster).await.unwrap().map(|release| release.id)
    };
    {
        let store = place.open().await;
        ends(&*store, "1", released("1")).await;
        assert_eq!(store.removal(&app(), "eu").await.unwrap(), None);
        ends(&*store, "2", removed("2")).await;
        assert!(store.job("2").await.unwrap().unwrap().outcome.is_some());
        store.close().await;
    }
    let store = place.open().await;
    assert_eq!(store.removal(&app(), "eu").await.unwrap().as_deref(), Some("2"));
    assert_eq!(store.removal(&app(), "us").await.unwrap(), None);
    assert_eq!(last(&*store, "eu").await, None);
    assert_eq!(last(&*store, "us").await.as_deref(), Some("1"));
    // It still serves in the other cluster.
    assert_eq!(store.serving("").await.unwrap().len(), 1);
    assert_eq!(store.releases(&app(), None, 9).await.unwrap().len(), 1, "the past stays");
    let other = App::new("shop", "web", "staging").unwrap();
    assert_eq!(store.removal(&other, "eu").await.unwrap(), None);
    ends(&*store, "3", released("3")).await;
    assert_eq!(last(&*store, "eu").await.as_deref(), Some("3"));
    ends(&*store, "4", removed("4")).await;
    let all = Removed { job: "5".into(), app: app(), clusters: names(&["eu", "us"]) };
    ends(&*store, "5", Outcome::Removed(all)).await;
    assert_eq!((last(&*store, "eu").await, last(&*store, "us").await), (None, None));
    assert!(store.serving("").await.unwrap().is_empty());
}

/// A later job of the same image asks for it, and so does one after a restart.
pub(crate) async fn a_migration_is_done_until_its_app_is_removed(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    for at_ms in [7, 8] {
        let (cluster, key) = ("eu".into(), "k".into());
        store
            .append(&claim, migrated("1", MigrationPhase::Expand, cluster, key, at_ms))
            .await
            .unwrap();
    }
    store.append(&claim, succeeded(release("1"))).await.unwrap();
    let done = async |cluster: &str, key: &str| store.migrated(&app(), cluster, key).await.unwrap();
    assert_eq!(done("eu", "k").await, Some(7), "the first time stays");
    assert_eq!((done("us", "k").await, done("eu", "other").await), (None, None));
    let other = App::new("shop", "web", "staging").unwrap();
    assert_eq!(store.migrated(&other, "eu", "k").await.unwrap(), None);
    let claim = begin(&*store, "2").await;
    let removed = Removed { job: "2".into(), app: app(), clusters: vec!["eu".into()] };
    store.append(&claim, Event::Ended(Outcome::Removed(removed))).await.unwrap();
    assert_eq!(done("eu", "k").await, None);
}

fn migrated(id: &str, phase: MigrationPhase, cluster: String, key: String, at_ms: u64) -> Event {
    let (release, digest) = (id.to_owned(), format!("sha256:{id}"));
    Event::Migrated { cluster, release, digest, phase, key, at_ms }
}

/// Rollbacks ask for the last one, and so do they after a restart.
pub(crate) async fn the_last_contraction_stays_until_its_app_is_removed(place: Place) {
    let last = async |store: &dyn Store, cluster: &str| {
        store
            .contraction(&app(), cluster)
            .await
            .unwrap()
            .map(|it| (it.release, it.digest, it.at_ms))
    };
    {
        let store = place.open().await;
        assert_eq!(last(&*store, "eu").await, None);
        for (id, phase, at_ms) in [
            ("1", MigrationPhase::Expand, 1),
            ("2", MigrationPhase::Contract, 2),
            ("3", MigrationPhase::Contract, 3),
            ("4", MigrationPhase::Backup, 4),
        ] {
            let claim = begin(&*store, id).await;
            let event = migrated(id, phase, "eu".into(), format!("key {id}"), at_ms);
            store.append(&claim, event).await.unwrap();
            store.append(&claim, succeeded(release(id))).await.unwrap();
        }
        store.close().await;
    }
    let store = place.open().await;
    assert_eq!(last(&*store, "eu").await, Some(("3".into(), "sha256:3".into(), 3)));
    assert_eq!(last(&*store, "us").await, None);
    let other = App::new("shop", "web", "staging").unwrap();
    assert_eq!(store.contraction(&other, "eu").await.unwrap(), None);
    let claim = begin(&*store, "5").await;
    let removed = Removed { job: "5".into(), app: app(), clusters: vec!["eu".into()] };
    store.append(&claim, Event::Ended(Outcome::Removed(removed))).await.unwrap();
    assert_eq!(last(&*store, "eu").await, None);
}
