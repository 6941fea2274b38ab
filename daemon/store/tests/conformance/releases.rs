//! Releases that succeeded.

use crate::{
    Place,
    data::{app, begin, release, succeeded},
};
use windlass_model::app::App;

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
