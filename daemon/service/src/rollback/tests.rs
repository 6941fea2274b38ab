//! Rollbacks of a daemon in memory.

use super::*;
use crate::fakes::{World, app, caller, release};
use windlass_engine::{
    ports::store::{Collection, DueWork, Jobs},
    queue::Message,
};
use windlass_model::runtime::{Migrate, Track};

fn request(to: Option<&str>, clusters: &[&str]) -> RollbackRequest {
    // Another request has another id.
    let request_id = format!("{}-{}", to.unwrap_or_default(), clusters.join("-"));
    RollbackRequest {
        body: request_id.clone().into(),
        request_id,
        app: app("shop"),
        to: to.map(Into::into),
        clusters: clusters.iter().map(ToString::to_string).collect(),
        order: None,
    }
}

/// Rolls back as a caller who may, and returns the release of the job and its clusters.
async fn rolled(
    world: &World,
    request: RollbackRequest,
) -> Result<(String, Vec<String>), ServiceError> {
    let ci = caller("ci", &["shop"], &[Verb::Deploy]);
    let job = world.services.rollback(&ci, request).await?.job;
    let Source::Release(release) = job.source else { panic!("it is a commit") };
    Ok((release.id, job.clusters.names))
}

#[tokio::test]
async fn a_rollback_leads_to_the_image_before_wherever_the_newest_release_is() {
    let world = World::new();
    world.released(release("job-1", "old", &["eu", "us"])).await;
    world.released(release("job-2", "new", &["eu", "us"])).await;
    world.released(release("job-3", "new", &["eu", "us"])).await;
    let reader = caller("reader", &["shop"], &[Verb::Read]);
    let error = world.services.rollback(&reader, request(None, &[])).await.unwrap_err();
    assert_eq!(error.reason(), "permission-denied");
    assert!(world.queued().is_empty());
    let (to, clusters) = rolled(&world, request(None, &[])).await.unwrap();
    assert_eq!((&*to, clusters), ("job-1", vec!["eu".to_owned(), "us".to_owned()]));
    assert!(matches!(&*world.queued(), [Message::Submitted { begun: false, .. }]));
    // A repeat is the same job.
    rolled(&world, request(None, &[])).await.unwrap();
    assert!(world.queued().is_empty() && world.accepted().await.len() == 1);
}

#[tokio::test]
async fn clusters_that_had_other_releases_before_are_asked_about() {
    let world = World::new();
    world.released(release("job-1", "one", &["eu"])).await;
    world.released(release("job-2", "two", &["us"])).await;
    world.released(release("job-3", "three", &["eu", "us"])).await;
    let error = rolled(&world, request(None, &[])).await.unwrap_err();
    assert_eq!(error.reason(), "clusters-differ");
    let message = "the release before is job-1 in eu and job-2 in us";
    assert_eq!(error.to_string(), message);
    let (to, clusters) = rolled(&world, request(None, &["us"])).await.unwrap();
    assert_eq!((&*to, clusters), ("job-2", vec!["us".to_owned()]));
}

#[tokio::test]
async fn a_release_is_named_by_the_beginning_of_its_id_or_commit() {
    let world = World::new();
    world.released(release("job-0001", "one", &["eu"])).await;
    world.released(release("job-0002", "two", &["us"])).await;
    let (to, clusters) = rolled(&world, request(Some("job-0001"), &["us"])).await.unwrap();
    assert_eq!((&*to, clusters), ("job-0001", vec!["us".to_owned()]));
    let error = rolled(&world, request(Some("job-00"), &[])).await.unwrap_err();
    assert!(error.to_string().starts_with("to: `job-00` must have at least 7"), "{error}");
    let error = rolled(&world, request(Some("job-0003"), &[])).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no release `job-0003`");
    assert_eq!(error.fixes(), ["list them: windlass releases shop/web/production"]);
}

#[tokio::test]
async fn a_beginning_of_several_releases_is_an_error_that_lists_them() {
    let world = World::new();
    for (id, commit) in [("job-0001", "aaaa111"), ("job-00012", "aaaa111"), ("job-0003", "bbbb222")]
    {
        world.released(Release { commit: commit.into(), ..release(id, id, &["us"]) }).await;
    }
    for several in ["job-000", "aaaa111"] {
        let error = rolled(&world, request(Some(several), &[])).await.unwrap_err();
        assert_eq!(error.reason(), "field-invalid");
        for text in ["is the beginning of several", "job-0001 (commit aaaa111, ", "job-00012 ("] {
            assert!(error.to_string().contains(text), "{text}: {error}");
        }
    }
    // A whole id is one release, also where it begins another.
    assert_eq!(rolled(&world, request(Some("job-0001"), &[])).await.unwrap().0, "job-0001");
    assert_eq!(rolled(&world, request(Some("bbbb222"), &[])).await.unwrap().0, "job-0003");
    // What a rollback made is the same once more.
    let again = release("job-0004", "job-0003", &["us"]);
    world.released(Release { commit: "bbbb222".into(), ..again }).await;
    let again = RollbackRequest { request_id: "again".into(), ..request(Some("bbbb222"), &[]) };
    assert_eq!(rolled(&world, again).await.unwrap().0, "job-0004");
    // It came back at once, on the other track.
    let mut beside = release("job-0005", "job-0003", &["us"]);
    beside.commit = "bbbb222".into();
    beside.runtime.strategy = beside.runtime.strategy.at_once();
    beside.runtime.tracks = [("us".to_owned(), Track::Blue)].into();
    world.released(beside).await;
    let again = RollbackRequest { request_id: "beside".into(), ..request(Some("bbbb222"), &[]) };
    assert_eq!(rolled(&world, again).await.unwrap().0, "job-0005");
    // However often the newest was released again, an older one that differs is not passed over in silence.
    for number in 1..=2 * LISTED {
        let again = release(&format!("repeat-{number:02}"), "job-00012", &["us"]);
        world.released(Release { commit: "aaaa111".into(), ..again }).await;
    }
    let named = RollbackRequest { request_id: "named".into(), ..request(Some("aaaa111"), &[]) };
    let error = rolled(&world, named).await.unwrap_err().to_string();
    assert!(error.contains("; job-0001 (") && error.matches("min ago").count() == 2, "{error}");
    for number in 10..30 {
        let id = format!("many-00{number}");
        world.released(release(&id, &id, &["us"])).await;
    }
    let error = rolled(&world, request(Some("many-00"), &[])).await.unwrap_err().to_string();
    assert_eq!(error.matches("min ago").count(), LISTED);
    assert!(error.ends_with("; and more"), "{error}");
}

#[tokio::test]
async fn a_release_that_is_kept_no_more_is_said_with_those_that_are() {
    let world = World::new();
    for (id, commit) in [("job-0001", "aaaa111"), ("job-0002", "bbbb222"), ("job-0003", "cccc333")]
    {
        world.released(Release { commit: commit.into(), ..release(id, id, &["us"]) }).await;
    }
    let first = Release { commit: "aaaa111".into(), ..release("job-0001", "job-0001", &["us"]) };
    let gone = [Collected::of(&first, now_ms())];
    assert_eq!(world.store.collect(&app("shop"), &gone).await.unwrap(), 1);
    for to in ["job-0001", "aaaa111"] {
        let error = rolled(&world, request(Some(to), &[])).await.unwrap_err();
        assert_eq!(error.reason(), "release-collected");
        let kept = "was collected today; kept are job-0003 (cccc333), job-0002 (bbbb222)";
        assert!(error.to_string().ends_with(kept), "{error}");
    }
    let error = rolled(&world, request(Some("dddd444"), &[])).await.unwrap_err();
    assert_eq!(error.reason(), "not-found");
}

/// In a cluster where the release never was, its migration never ran.
#[tokio::test]
async fn a_release_that_migrates_comes_back_only_where_it_was() {
    let world = World::new();
    let mut migrates = release("job-0001", "one", &["eu"]);
    let migrate = Migrate { expand: vec!["expand".into()], ..Migrate::default() };
    migrates.runtime.migrate = Some(migrate);
    world.released(migrates.clone()).await;
    world.released(release("job-0002", "two", &["eu", "us"])).await;
    let error = rolled(&world, request(Some("job-0001"), &["us"])).await.unwrap_err();
    assert_eq!(error.reason(), "not-migrated");
    let message =
        "release job-0001 of shop/web/production has `migrate.expand`, and was never in us";
    assert!(error.to_string().starts_with(message), "{error}");
    assert!(error.fixes()[0].contains("--cluster us"), "{error}");
    assert_eq!(rolled(&world, request(Some("job-0001"), &["eu"])).await.unwrap().0, "job-0001");
    // The newest of the same releases stands for all, and is one of another cluster.
    world
        .released(Release { id: "job-0003".into(), clusters: vec!["us".into()], ..migrates })
        .await;
    let again =
        RollbackRequest { request_id: "again".into(), ..request(Some("job-0003"), &["eu"]) };
    assert_eq!(rolled(&world, again).await.unwrap().0, "job-0003");
}

/// The journal of a job is kept for a year, its release for as long as it is one of the newest.
#[tokio::test]
async fn a_rollback_needs_no_job_of_the_release() {
    let world = World::new();
    for id in ["job-0001", "job-0002"] {
        world.released(release(id, id, &["us"])).await;
        world.store.forget_job(id).await.unwrap();
    }
    assert!(world.store.job("job-0001").await.unwrap().is_none());
    assert_eq!(rolled(&world, request(Some("job-0001"), &[])).await.unwrap().0, "job-0001");
    let before = RollbackRequest { request_id: "before".into(), ..request(None, &["us"]) };
    assert_eq!(rolled(&world, before).await.unwrap().0, "job-0001");
}

#[tokio::test]
async fn the_first_release_has_none_before_it() {
    let world = World::new();
    let error = rolled(&world, request(None, &[])).await.unwrap_err();
    assert_eq!(error.to_string(), "shop/web/production has no earlier release");
    world.released(release("job-1", "one", &["us"])).await;
    let error = rolled(&world, request(None, &[])).await.unwrap_err();
    assert_eq!(error.to_string(), "shop/web/production has no earlier release in us");
    assert_eq!(error.reason(), "no-earlier-release");
}

#[tokio::test]
async fn a_repeat_is_the_job_that_there_is_whatever_serves_by_now() {
    let world = World::new();
    world.released(release("job-1", "old", &["eu", "us"])).await;
    world.released(release("job-2", "new", &["eu", "us"])).await;
    let first = rolled(&world, request(None, &[])).await.unwrap();
    world.released(release("job-3", "three", &["us"])).await;
    world.released(release("job-4", "four", &["eu", "us"])).await;
    // By now the clusters had other releases before.
    assert_eq!(rolled(&world, request(None, &[])).await.unwrap(), first);
    assert_eq!(world.accepted().await.len(), 1);
    let other = RollbackRequest { body: b"other".to_vec(), ..request(None, &[]) };
    let error = rolled(&world, other).await.unwrap_err();
    assert_eq!(error.reason(), "field-invalid");
}
