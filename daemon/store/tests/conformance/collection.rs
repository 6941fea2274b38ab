//! Releases that are kept no more.

use crate::{
    Place,
    data::{app, begin, release, succeeded},
};
use windlass_engine::ports::store::{COLLECTED_REMEMBERED, Collected, Store};
use windlass_model::{
    app::App,
    event::Event,
    job::Release,
    outcome::{Outcome, Removed},
};

/// Releases to these clusters, with an image of its own.
async fn released(store: &dyn Store, id: &str, clusters: &[&str]) -> Release {
    let names: Vec<_> = clusters.iter().map(ToString::to_string).collect();
    let mut release = release(id).at(&names);
    release.commit = format!("commit-{id}");
    release.image.digest = format!("sha256:{id}");
    let claim = begin(store, id).await;
    store.append(&claim, succeeded(release.clone())).await.unwrap();
    release
}

async fn ids(store: &dyn Store) -> Vec<String> {
    let releases = store.releases(&app(), None, 100).await.unwrap();
    releases.into_iter().map(|(release, _)| release.id).collect()
}

pub(crate) async fn what_is_collected_is_gone_and_remembered(place: Place) {
    let other = App::new("shop", "web", "staging").unwrap();
    {
        let store = place.open().await;
        let mut all = Vec::new();
        for id in ["1", "2", "3"] {
            all.push(Collected::of(&released(&*store, id, &["default"]).await, 7));
        }
        let unknown = Collected { id: "9".into(), ..all[0].clone() };
        assert_eq!(store.collect(&other, &all).await.unwrap(), 0, "they are of another app");
        let two = [all[0].clone(), all[1].clone(), unknown];
        assert_eq!(store.collect(&app(), &two).await.unwrap(), 2);
        assert_eq!(store.collect(&app(), &two).await.unwrap(), 0, "they are gone");
        store.close().await;
    }
    let store = place.open().await;
    assert_eq!(ids(&*store).await, ["3"]);
    let found = async |text: &str| store.collected(&app(), text).await.unwrap();
    let second = found("2").await.unwrap();
    assert_eq!((&*second.commit, &*second.digest, second.at_ms), ("commit-2", "sha256:2", 7));
    assert_eq!(found("commit-1").await.unwrap().id, "1");
    assert_eq!(found("commit-").await.unwrap().id, "2", "the newest of several");
    assert_eq!((found("3").await, found("9").await, found("ommit-1").await), (None, None, None));
    assert_eq!(store.collected(&other, "2").await.unwrap(), None);
    // Its job is another matter.
    assert!(store.job("1").await.unwrap().unwrap().outcome.is_some());
}

/// Whatever was decided before: a release may have come to a cluster meanwhile.
pub(crate) async fn what_serves_in_a_cluster_is_never_collected(place: Place) {
    let store = place.open().await;
    let mut all = Vec::new();
    for (id, clusters) in
        [("1", &["eu", "us"][..]), ("2", &["eu"][..]), ("3", &["ap"][..]), ("4", &["eu"][..])]
    {
        all.push(Collected::of(&released(&*store, id, clusters).await, 7));
    }
    assert_eq!(store.collect(&app(), &all).await.unwrap(), 1);
    assert_eq!(ids(&*store).await, ["4", "3", "1"]);
    let last = store.last_release(&app(), "us").await.unwrap().unwrap();
    assert_eq!(last.id, "1");
    let serving = store.serving("").await.unwrap();
    assert_eq!(serving.into_iter().map(|one| one.id).collect::<Vec<_>>(), ["1", "3", "4"]);
    // Nothing serves in a cluster that the app was removed from.
    let claim = begin(&*store, "5").await;
    let clusters = vec!["us".to_owned(), "ap".to_owned()];
    let removed = Removed { job: "5".into(), app: app(), clusters };
    store.append(&claim, Event::Ended(Outcome::Removed(removed))).await.unwrap();
    all.push(Collected::of(&released(&*store, "6", &["ap"]).await, 7));
    assert_eq!(store.collect(&app(), &all).await.unwrap(), 2);
    assert_eq!(ids(&*store).await, ["6", "4"]);
}

pub(crate) async fn images_of_what_was_collected_are_tried_until_nobody_does(place: Place) {
    let store = place.open().await;
    let mut all = Vec::new();
    for (number, id) in ["1", "2", "3", "4"].into_iter().enumerate() {
        let release = released(&*store, id, &["default"]).await;
        all.push(Collected::of(&release, 100 - u64::try_from(number).unwrap()));
    }
    store.collect(&app(), &all).await.unwrap();
    let left = async || {
        let left = store.left_images(&app()).await.unwrap();
        left.into_iter().map(|one| (one.id, one.tries)).collect::<Vec<_>>()
    };
    let one = |id: &str, tries| (id.to_owned(), Some(tries));
    assert_eq!(left().await, [one("3", 0), one("2", 0), one("1", 0)], "the oldest first");
    store.tried_image(&app(), "sha256:3", Some(1)).await.unwrap();
    store.tried_image(&app(), "sha256:2", None).await.unwrap();
    assert_eq!(left().await, [one("3", 1), one("1", 0)]);
    assert!(store.has_image("sha256:4").await.unwrap(), "it serves");
    assert!(!store.has_image("sha256:3").await.unwrap());
    let claim = begin(&*store, "5").await;
    let mut names = release("5");
    names.runtime.env = [("TOOLS".to_owned(), "r/tools@sha256:3".to_owned())].into();
    store.append(&claim, succeeded(names)).await.unwrap();
    assert!(store.has_image("sha256:3").await.unwrap(), "a release names it");
}

/// A job may fail with pods of it that serve: after a rollback that failed, or a hook that rolls nothing back.
pub(crate) async fn an_image_that_is_pushed_again_is_left_alone(place: Place) {
    let store = place.open().await;
    let mut all = Vec::new();
    for id in ["1", "2", "3", "4"] {
        all.push(Collected::of(&released(&*store, id, &["default"]).await, 7));
    }
    assert_eq!(store.collect(&app(), &all).await.unwrap(), 3);
    let pushes = async |id: &str, digest: &str, of: App| {
        let claim = begin(&*store, id).await;
        let mut pushed = Release { app: of, ..release(id) };
        pushed.image.digest = digest.into();
        store.append(&claim, Event::Pushed(Box::new(pushed))).await.unwrap();
    };
    let left = async || {
        let left = store.left_images(&app()).await.unwrap();
        left.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    pushes("5", "sha256:1", App::new("shop", "web", "staging").unwrap()).await;
    assert_eq!(left().await, ["2", "3"], "the repository is that of all environments");
    pushes("6", "sha256:2", App::new("shop", "api", "production").unwrap()).await;
    assert_eq!(left().await, ["2", "3"], "another app has another repository");
    pushes("7", "sha256:3", app()).await;
    assert_eq!(left().await, ["2"]);
    // Its mark stays.
    assert!(store.collected(&app(), "3").await.unwrap().is_some());
}

/// A rollback to a release needs no job of it: releases stay as long as they are kept.
pub(crate) async fn a_kept_release_outlives_its_job(place: Place) {
    let store = place.open().await;
    for id in ["1", "2"] {
        released(&*store, id, &["default"]).await;
        store.forget_job(id).await.unwrap();
        assert!(store.job(id).await.unwrap().is_none());
    }
    assert_eq!(ids(&*store).await, ["2", "1"]);
    assert_eq!(store.last_release(&app(), "default").await.unwrap().unwrap().id, "2");
}

pub(crate) async fn so_many_collected_releases_are_remembered(place: Place) {
    let store = place.open().await;
    let number = COLLECTED_REMEMBERED + 2;
    let mut all = Vec::new();
    for number in 0..number {
        all.push(Collected::of(&released(&*store, &format!("{number:05}"), &["default"]).await, 7));
    }
    let forgotten = store.collect(&app(), &all).await.unwrap();
    assert_eq!(forgotten, u64::from(number - 1));
    assert_eq!(store.collected(&app(), "00000").await.unwrap(), None);
    assert!(store.collected(&app(), "00001").await.unwrap().is_some());
}
