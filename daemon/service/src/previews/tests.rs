//! Previews by name: their limits, and their ends.

use super::*;
use crate::{
    fakes::{World, app, caller, id_of, release, submit},
    projects::ApplyProject,
    submit::SubmitRequest,
};
use std::sync::Arc;
use windlass_engine::{ports::store::DueWork, queue::Message as Queued};
use windlass_model::{
    cluster::{RolloutOrder, Target, Targets},
    due::DueKind,
    event::Event,
    job::Release,
    outcome::Removed,
};

const SHOP: &str = r#"
project = "shop"

[repositories.web]
url = "https://git.example/web.git"

[apps.web]
[apps.worker]

[previews]
host = "{app}-pr-{n}.preview.example.com"
idle = "10m"
limit = 2
secrets = ["db-preview"]
apps = ["web"]
"#;

/// A world with one cluster for all environments, and a project with previews.
async fn world() -> (World, Caller) {
    let mut world = World::new();
    let target = Target { name: "eu".into(), projects: Vec::new(), environments: Vec::new() };
    let targets = Targets { all: vec![target], order: RolloutOrder::Sequential };
    world.services.targets = Arc::new(targets);
    let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read, Verb::Projects]);
    let request = ApplyProject { toml: SHOP.into(), expected: None, dry_run: false };
    world.services.apply_project(&ci, request).await.unwrap();
    (world, ci)
}

fn to(preview: &str, request_id: &str) -> SubmitRequest {
    SubmitRequest { preview: Some(preview.into()), ..submit(request_id) }
}

fn app_of(name: &str) -> App {
    App { environment: environment_of(name), ..app("shop") }
}

fn environment_of(name: &str) -> String {
    windlass_model::preview::environment(name)
}

/// Makes the end of a preview lie in the past, as where nobody pushed for long.
async fn grows_old(world: &World, name: &str) {
    let mut record = world.services.previews.preview(&app_of(name)).await.unwrap().unwrap();
    record.until_ms = 1;
    let push = windlass_engine::ports::store::PreviewPush { record, reopens: false, limit: 9 };
    world.services.previews.push_preview(&push).await.unwrap();
}

#[tokio::test]
async fn a_preview_has_an_environment_and_a_host_of_its_own_and_few_secrets() {
    let (world, ci) = world().await;
    world.planner.moves_to("first");
    let job = world.services.submit(&ci, to("blue", "one")).await.unwrap().job;
    assert_eq!(job.app, app_of("blue"));
    let limits = job.preview.unwrap();
    assert_eq!(limits.host.as_deref(), Some("web-pr-blue.preview.example.com"));
    assert_eq!(limits.secrets, ["db-preview"]);
    let previews = world.services.list_previews(&ci, "shop").await.unwrap();
    let [preview] = &*previews else { panic!("{previews:?}") };
    assert_eq!((preview.state, &*preview.head), (PreviewState::Open, &*id_of("first")));
    assert_eq!(preview.until_ms, preview.last_push_ms + 600_000);
    // Another environment has no such limits, and one with that prefix has them without a wish.
    assert_eq!(world.services.submit(&ci, submit("two")).await.unwrap().job.preview, None);
    let named = SubmitRequest { app: app_of("blue"), ..submit("three") };
    assert!(world.services.submit(&ci, named).await.unwrap().job.preview.is_some());
}

#[tokio::test]
async fn a_wrong_wish_is_named_with_its_field() {
    let (world, ci) = world().await;
    let secrets = [("DB".to_owned(), "db".to_owned())].into();
    let spec = Spec { secrets, ..Spec::default() };
    let staging = App { environment: "staging".into(), ..app("shop") };
    let worker = App { name: "worker".into(), ..app("shop") };
    for (request, expected) in [
        (
            SubmitRequest { spec, ..to("blue", "1") },
            "spec.secrets.DB: `db` is no secret for previews",
        ),
        (
            SubmitRequest { app: staging, ..to("blue", "2") },
            "app.environment: `staging` stands beside",
        ),
        (SubmitRequest { app: worker, ..to("blue", "3") }, "app.name: `worker` is none of"),
        (to("Blue", "4"), "preview: `Blue` must be"),
        (to(&"x".repeat(18), "5"), "preview: `xxxx"),
        (to("", "6"), "preview: `` must be"),
    ] {
        let error = world.services.submit(&ci, request).await.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(world.accepted().await.is_empty());
    assert!(world.services.list_previews(&ci, "shop").await.unwrap().is_empty());
}

#[tokio::test]
async fn one_preview_too_many_is_refused() {
    let (world, ci) = world().await;
    for name in ["a", "b"] {
        world.services.submit(&ci, to(name, name)).await.unwrap();
    }
    let error = world.services.submit(&ci, to("c", "c")).await.unwrap_err();
    assert_eq!(error.reason(), "too-many-previews");
    assert!(error.to_string().contains("has 2 previews"), "{error}");
    world.services.submit(&ci, to("a", "again")).await.unwrap();
    assert_eq!(world.accepted().await.len(), 3);
}

#[tokio::test]
async fn a_preview_that_nobody_uses_is_removed_with_its_data_and_comes_back_by_a_push() {
    let (world, ci) = world().await;
    let id = world.services.submit(&ci, to("blue", "one")).await.unwrap().job.id;
    let released = Release { app: app_of("blue"), ..release(&id, "new", &["eu"]) };
    world.succeeds(released).await;
    let preview = world.services.previews.preview(&app_of("blue")).await.unwrap().unwrap();
    let end = preview.until_ms;
    let taken = world.store.take_due(end, end + 1, 9).await.unwrap();
    let due = taken.iter().find(|due| due.kind == DueKind::PreviewEnds).unwrap();
    let app = due.app().unwrap();
    // It was pushed to a moment ago: looked at again at its end.
    let until = world.services.end_idle_preview(&app).await.unwrap();
    assert_eq!(until, Some(end));
    assert!(world.accepted().await.is_empty());
    grows_old(&world, "blue").await;
    world.queued();
    for _ in 0..2 {
        assert_eq!(world.services.end_idle_preview(&app).await.unwrap(), None);
    }
    let accepted = world.accepted().await;
    let [removal] = &*accepted else { panic!("{accepted:?}") };
    assert_eq!(removal.job.source, Source::Removal(Removal { data: true }));
    assert_eq!((&removal.job.app, &*removal.job.principal), (&app, "preview:shop"));
    let queued = world.queued();
    assert!(matches!(&*queued, [Queued::Submitted { .. }]), "{queued:?}");
    let id = removal.job.id.clone();
    let removed = Removed { job: id.clone(), app: app.clone(), clusters: vec!["eu".into()] };
    world.append(&id, Event::Ended(Outcome::Removed(removed))).await;
    let record = world.services.previews.preview(&app).await.unwrap().unwrap();
    assert_eq!((record.state, &*record.removal), (PreviewState::Removed, &*id));
    world.services.submit(&ci, to("blue", "two")).await.unwrap();
    let record = world.services.previews.preview(&app).await.unwrap().unwrap();
    assert_eq!(record.state, PreviewState::Open);
}

/// The rest elsewhere still ends with the preview.
#[tokio::test]
async fn a_removal_from_one_of_two_clusters_does_not_end_the_preview() {
    let (mut world, ci) = world().await;
    let target =
        |name: &str| Target { name: name.into(), projects: Vec::new(), environments: Vec::new() };
    let targets =
        Targets { all: vec![target("eu"), target("us")], order: RolloutOrder::Sequential };
    world.services.targets = Arc::new(targets);
    world.services.submit(&ci, to("blue", "one")).await.unwrap();
    let remove = |request_id: &str, clusters: &[&str]| crate::remove::RemoveRequest {
        request_id: request_id.into(),
        body: request_id.into(),
        app: app_of("blue"),
        data: false,
        clusters: clusters.iter().map(ToString::to_string).collect(),
    };
    let state = async || {
        let preview = world.services.previews.preview(&app_of("blue")).await.unwrap().unwrap();
        (preview.state, preview.removal)
    };
    let part = world.services.remove(&ci, remove("part", &["eu"])).await.unwrap().job;
    assert_eq!(part.source, Source::Removal(Removal { data: true }));
    assert_eq!(state().await, (PreviewState::Open, String::new()));
    let whole = world.services.remove(&ci, remove("whole", &["us", "eu"])).await.unwrap().job;
    assert_eq!(state().await, (PreviewState::Removed, whole.id));
}

/// The removal waits: what takes the place of that would stay for good.
#[tokio::test]
async fn a_preview_that_ended_is_not_rolled_back_into() {
    let (world, ci) = world().await;
    for (request_id, digest) in [("one", "old"), ("two", "new")] {
        let id = world.services.submit(&ci, to("blue", request_id)).await.unwrap().job.id;
        world.succeeds(Release { app: app_of("blue"), ..release(&id, digest, &["eu"]) }).await;
    }
    grows_old(&world, "blue").await;
    world.services.end_idle_preview(&app_of("blue")).await.unwrap();
    let back = crate::rollback::RollbackRequest {
        request_id: "back".into(),
        body: Vec::new(),
        app: app_of("blue"),
        to: None,
        clusters: Vec::new(),
        order: None,
    };
    let error = world.services.rollback(&ci, back).await.unwrap_err();
    assert_eq!(error.reason(), "preview-ended");
    let accepted = world.accepted().await;
    assert!(accepted.iter().all(|record| !matches!(record.job.source, Source::Release(_))));
}

/// The app would stay for good else: nobody ends it once more.
#[tokio::test]
async fn a_removal_that_failed_is_tried_again_and_one_that_succeeded_is_not() {
    let (world, ci) = world().await;
    world.services.submit(&ci, to("blue", "one")).await.unwrap();
    grows_old(&world, "blue").await;
    let app = app_of("blue");
    world.services.end_idle_preview(&app).await.unwrap();
    let removals = async || {
        let accepted = world.accepted().await.into_iter().map(|record| record.job);
        let removals = accepted.filter(|job| matches!(job.source, Source::Removal(_)));
        removals.map(|job| job.id).collect::<Vec<_>>()
    };
    let first = removals().await.remove(0);
    world.services.mend_previews().await.unwrap();
    assert_eq!(removals().await, [&*first]);
    let failed = Outcome::Failed(Box::default());
    world.append(&first, Event::Ended(failed)).await;
    world.services.mend_previews().await.unwrap();
    let second = removals().await.remove(0);
    assert_ne!(second, first);
    let removed = Removed { job: second.clone(), app, clusters: vec!["eu".into()] };
    world.append(&second, Event::Ended(Outcome::Removed(removed))).await;
    world.services.mend_previews().await.unwrap();
    assert!(removals().await.is_empty());
}

#[tokio::test]
async fn what_is_no_preview_is_never_ended() {
    let (world, ci) = world().await;
    world.services.submit(&ci, submit("one")).await.unwrap();
    let record = PreviewRecord {
        app: app("shop"),
        state: PreviewState::Open,
        repository: "web".into(),
        number: Some(7),
        head: "abc".into(),
        last_push_ms: 1,
        until_ms: 1,
        removal: String::new(),
    };
    let ending = Ending { state: PreviewState::Closed, by: "a defect", idle: false };
    assert!(world.services.end_preview(&record, &ending, "x").await.unwrap().is_none());
    let accepted = world.accepted().await;
    let [job] = &*accepted else { panic!("{accepted:?}") };
    assert!(job.job.source.is_commit() && job.stop.is_none());
}
