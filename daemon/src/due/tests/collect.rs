//! Releases that are kept no more, and their images.

use super::*;
use windlass_engine::ports::store::{COLLECTED_REMEMBERED, Collected, Collection, Releases};
use windlass_registry::Deleted;

/// A registry that gives the same answer each time.
struct Images {
    answer: Result<Option<Deleted>, String>,
    /// Digests of the images that were to be deleted, in order.
    asked: Mutex<Vec<String>>,
}

impl Images {
    fn that(answer: Result<Option<Deleted>, String>) -> Arc<Self> {
        Arc::new(Self { answer, asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl ImageDeletion for Images {
    async fn delete(&self, _: &App, _: &str, digest: &str) -> Result<Option<Deleted>, String> {
        self.asked.lock().unwrap().push(digest.to_owned());
        self.answer.clone()
    }
}

/// Releases an image that differs from those before.
async fn released(store: &MemoryStore, id: &str, app: &App) -> Release {
    let claim = begin_of(store, id, app.clone()).await;
    let mut release = Release { app: app.clone(), ..release(id) };
    release.image.digest = format!("sha256:{id}");
    let ended = Event::Ended(Outcome::Succeeded(Box::new(release.clone())));
    store.append(&claim, ended).await.unwrap();
    release
}

async fn ids(store: &MemoryStore) -> Vec<String> {
    let releases = store.releases(&app(), None, 100).await.unwrap();
    releases.into_iter().map(|(release, _)| release.id).collect()
}

fn collecting(store: &MemoryStore, keep: usize, images: Option<Arc<Images>>) -> DueLoop {
    let images = images.map(|images| images as Arc<dyn ImageDeletion>);
    due_loop(store, Vec::new()).with_releases(keep, images)
}

/// A store with two releases that were forgotten two hours ago, and one that serves.
async fn forgotten() -> MemoryStore {
    let store = MemoryStore::default();
    let mut old = Vec::new();
    for id in ["1", "2", "3"] {
        let release = released(&store, id, &app()).await;
        old.push(Collected::of(&release, now_ms() - 7_200_000));
    }
    assert_eq!(store.collect(&app(), &old).await.unwrap(), 2);
    store
}

#[tokio::test]
async fn ten_releases_are_kept_by_default_and_the_others_remembered() {
    let store = MemoryStore::default();
    for number in 1..=12 {
        released(&store, &format!("{number:02}"), &app()).await;
    }
    let due = due_loop(&store, Vec::new());
    assert_eq!(due.collect(&app()).await, Ok(None));
    let kept = ids(&store).await;
    assert!(kept.len() == 10 && kept.last().unwrap() == "03", "{kept:?}");
    assert!(store.collected(&app(), "02").await.unwrap().is_some());
    assert_eq!(store.left_images(&app()).await.unwrap().len(), 2, "nobody deletes them");
    // Once more changes nothing.
    assert_eq!(due.collect(&app()).await, Ok(None));
    assert_eq!(ids(&store).await, kept);
}

#[tokio::test]
async fn nothing_is_forgotten_while_a_job_of_the_app_is_there() {
    let store = MemoryStore::default();
    for id in ["1", "2", "3"] {
        released(&store, id, &app()).await;
    }
    begin(&store, "4").await;
    let due = collecting(&store, 2, None);
    let next = due.collect(&app()).await.unwrap().unwrap();
    assert!(next >= now_ms() && next <= now_ms() + AGAIN_MS, "{next}");
    assert_eq!(ids(&store).await, ["3", "2", "1"]);
}

/// Releases of a preview would stay for ever, with their images.
#[tokio::test]
async fn no_release_of_an_app_that_was_removed_from_everywhere_is_kept() {
    let store = MemoryStore::default();
    for id in ["1", "2"] {
        released(&store, id, &app()).await;
    }
    let clusters = store.releases(&app(), None, 1).await.unwrap()[0].0.clusters.clone();
    let removes = async |id: &str, clusters: Vec<String>| {
        let claim = begin(&store, id).await;
        let removed = Outcome::Removed(Removed { job: id.into(), app: app(), clusters });
        store.append(&claim, Event::Ended(removed)).await.unwrap();
    };
    let due = collecting(&store, 2, None);
    removes("3", vec!["another".into()]).await;
    assert_eq!(due.collect(&app()).await, Ok(None));
    assert_eq!(ids(&store).await, ["2", "1"]);
    removes("4", clusters).await;
    assert_eq!(due.collect(&app()).await, Ok(None));
    assert!(ids(&store).await.is_empty());
    assert!(!store.has_image("sha256:2").await.unwrap());
    assert_eq!(store.left_images(&app()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn images_are_deleted_an_hour_later_and_once() {
    let store = MemoryStore::default();
    for id in ["1", "2", "3"] {
        released(&store, id, &app()).await;
    }
    let images = Images::that(Ok(Some(Deleted::Deleted)));
    let due = collecting(&store, 2, Some(images.clone()));
    let next = due.collect(&app()).await.unwrap().unwrap();
    assert!(next > now_ms() + 3_500_000, "{next}");
    assert!(images.asked().is_empty());

    for answer in [Deleted::Deleted, Deleted::Absent, Deleted::NotAllowed] {
        let store = forgotten().await;
        let images = Images::that(Ok(Some(answer)));
        let due = collecting(&store, 2, Some(images.clone()));
        assert_eq!(due.collect(&app()).await, Ok(None));
        assert_eq!(images.asked(), ["sha256:1", "sha256:2"], "{answer:?}");
        assert_eq!(due.collect(&app()).await, Ok(None));
        assert_eq!(images.asked().len(), 2, "{answer:?}: it is not tried again");
    }
    // Without the operator's wish nobody is asked.
    let due = collecting(&forgotten().await, 2, None);
    assert_eq!(due.collect(&app()).await, Ok(None));
}

#[tokio::test]
async fn an_image_of_several_releases_is_deleted_once_and_when_the_youngest_is_due() {
    for (second_ms, expected) in [(now_ms() - 7_000_000, &["sha256:1"][..]), (now_ms(), &[][..])] {
        let store = MemoryStore::default();
        let mut old = Vec::new();
        for id in ["1", "2", "3"] {
            old.push(Collected::of(&released(&store, id, &app()).await, now_ms() - 7_200_000));
        }
        old[1] = Collected { digest: old[0].digest.clone(), at_ms: second_ms, ..old[1].clone() };
        assert_eq!(store.collect(&app(), &old).await.unwrap(), 2);
        let images = Images::that(Ok(Some(Deleted::Deleted)));
        let due = collecting(&store, 2, Some(images.clone()));
        assert_eq!(due.collect(&app()).await.unwrap().is_some(), expected.is_empty());
        assert_eq!(images.asked(), expected);
    }
}

#[tokio::test]
async fn a_registry_that_fails_is_asked_again_and_not_for_ever() {
    let store = forgotten().await;
    let images = Images::that(Err("away".into()));
    let due = collecting(&store, 2, Some(images.clone()));
    let next = due.collect(&app()).await.unwrap().unwrap();
    assert!(next > now_ms() + UNKNOWN_MS / 2, "{next}");
    for _ in 1..24 {
        due.collect(&app()).await.unwrap();
    }
    assert_eq!(images.asked().len(), 48);
    assert_eq!(due.collect(&app()).await, Ok(None));
    assert_eq!(images.asked().len(), 48);
}

/// The repository is that of the app in all environments.
#[tokio::test]
async fn an_image_that_a_release_of_any_app_has_is_never_deleted() {
    let store = forgotten().await;
    let staging = App::new("shop", "web", "staging").unwrap();
    let claim = begin_of(&store, "s1", staging.clone()).await;
    let images = Images::that(Ok(Some(Deleted::Deleted)));
    let due = collecting(&store, 2, Some(images.clone()));
    let next = due.collect(&app()).await.unwrap();
    assert!(next.is_some() && images.asked().is_empty(), "a build may push the image again");
    let mut same = Release { app: staging, ..release("s1") };
    same.image.digest = "sha256:1".into();
    let ended = Event::Ended(Outcome::Succeeded(Box::new(same)));
    store.append(&claim, ended).await.unwrap();
    assert_eq!(due.collect(&app()).await, Ok(None));
    assert_eq!(images.asked(), ["sha256:2"]);
}

/// An app that was released for years before the operator wanted images deleted. A store forgets what it collected at last.
#[tokio::test]
async fn more_releases_than_are_remembered_go_in_turns_with_their_images() {
    let store = MemoryStore::default();
    let many = COLLECTED_REMEMBERED + 3;
    for number in 0..many {
        released(&store, &format!("{number:04}"), &app()).await;
    }
    let images = Images::that(Ok(Some(Deleted::Deleted)));
    let due = collecting(&store, 2, Some(images.clone()));
    assert!(due.collect(&app()).await.unwrap().is_some());
    assert_eq!(store.left_images(&app()).await.unwrap().len(), 200);
    assert_eq!(ids(&store).await, ["0202", "0201", "0200"], "the oldest go first");
    // None goes before images of those are deleted.
    assert!(due.collect(&app()).await.unwrap().is_some());
    assert_eq!(ids(&store).await.len(), 3);
    store.tried_image(&app(), "sha256:0000", None).await.unwrap();
    assert!(due.collect(&app()).await.unwrap().is_some());
    assert_eq!(ids(&store).await, ["0202", "0201"]);
    assert!(store.collected(&app(), "0000").await.unwrap().is_none(), "its image is gone");
    let left = store.left_images(&app()).await.unwrap();
    assert_eq!(left.len(), 200);
}

/// It is deleted once the last release that has it is collected.
#[tokio::test]
async fn an_image_that_was_needed_is_deleted_with_the_last_release_that_has_it() {
    let store = forgotten().await;
    let claim = begin(&store, "4").await;
    let mut same = release("4");
    same.image.digest = "sha256:1".into();
    let ended = Event::Ended(Outcome::Succeeded(Box::new(same.clone())));
    store.append(&claim, ended).await.unwrap();
    let images = Images::that(Ok(Some(Deleted::Deleted)));
    let due = collecting(&store, 2, Some(images.clone()));
    assert_eq!(due.collect(&app()).await, Ok(None));
    assert_eq!(images.asked(), ["sha256:2"]);
    for id in ["5", "6"] {
        released(&store, id, &app()).await;
    }
    let old = [Collected::of(&same, now_ms() - 7_200_000)];
    assert_eq!(store.collect(&app(), &old).await.unwrap(), 1);
    due.collect(&app()).await.unwrap();
    assert_eq!(images.asked(), ["sha256:2", "sha256:1"]);
}
