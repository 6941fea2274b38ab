//! Tests of the wall between projects: what one may not take from another, however it asks.

use crate::{
    dry_run::planned,
    failed, job, live, rollback, run,
    world::{Fault, World, release},
};
use windlass_model::{
    app::App,
    diagnosis::Diagnosis,
    exposure::{Exposure, HostRule},
    job::{Job, Release, Source},
    outcome::Outcome,
    runtime::{Expose, Route, Volume, VolumeSource},
    spec::Spec,
};

/// Returns a release that exposes this host.
fn exposed(project: &str, host: &str) -> Release {
    let mut release = release("job-00", "old");
    release.app = App::new(project, "web", "").unwrap();
    let route = Some(Route::Ingress { class: "public".into(), tls: None });
    let hosts = vec![host.to_owned()];
    release.runtime.expose = Expose { hosts, route, path: "/".into(), ..Expose::default() };
    release
}

fn job_with(spec: &str) -> Job {
    Job { spec: Spec::from_toml(spec).unwrap(), ..job() }
}

/// Returns the diagnosis of a job that is refused before it builds, as its plan is.
async fn refused(world: &World, job: &Job) -> Diagnosis {
    let planned = planned(world, job).await.unwrap_err();
    let failed = failed(run(world, job).await);
    assert_eq!((&planned.code, &planned.what), (&failed.code, &failed.what));
    assert_eq!((&*failed.code, world.builder.built()), ("spec-invalid", 0));
    failed
}

const SHOP: &str =
    "expose = { hosts = [\"shop.example.com\"], path = \"/login\", gateway = \"infra/public\" }";

#[tokio::test(start_paused = true)]
async fn a_host_of_another_project_is_refused_before_anything_is_built() {
    let world = || World::new().beside(&exposed("other", "shop.example.com"));
    let diagnosis = refused(&world(), &job_with(SHOP)).await;
    assert!(diagnosis.what.contains("is taken by a release of another project"), "{diagnosis:?}");
    // A host of its own project, and a host that nobody has.
    let own = World::new().beside(&exposed("shop", "shop.example.com"));
    for (world, spec) in [(own, SHOP.to_owned()), (world(), SHOP.replace("shop.", "free."))] {
        let outcome = run(&world, &job_with(&spec)).await;
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_operators_rules_hold_for_hosts_and_annotations() {
    let projects = vec!["other".to_owned()];
    let hosts = vec![HostRule { pattern: "*.example.com".into(), projects }];
    let rules = || Exposure { hosts: hosts.clone(), ..Exposure::default() };
    let diagnosis = refused(&World::new().exposing(rules()), &job_with(SHOP)).await;
    assert!(diagnosis.what.contains("gives `*.example.com` to them"), "{diagnosis:?}");
    let snippet = "expose.annotations = { \"nginx.ingress.kubernetes.io/server-snippet\" = \"x\" }";
    let diagnosis = refused(&World::new(), &job_with(snippet)).await;
    assert!(diagnosis.what.contains("is not among the annotations"), "{diagnosis:?}");
}

/// A release of an older version was never checked, and its host may be that of another project by now.
#[tokio::test(start_paused = true)]
async fn a_rollback_leads_to_nothing_that_is_refused() {
    let mut mounts = release("job-00", "old");
    let source = VolumeSource::Secret("web-pull".into());
    let volume = Volume { path: "/c".into(), read_only: true, source };
    mounts.runtime.processes[0].volumes.insert("c".into(), volume);
    let taken = exposed("shop", "shop.example.com");
    for (release, problem) in
        [(mounts, "holds the operator's login"), (taken, "is taken by a release of another")]
    {
        let world = World::new().running("new").beside(&exposed("other", "shop.example.com"));
        let job = Job { source: Source::Release(Box::new(release)), ..rollback() };
        let diagnosis = failed(run(&world, &job).await);
        assert!(diagnosis.what.contains(problem), "{diagnosis:?}");
        assert_eq!(world.serves().as_deref(), Some("new"));
    }
}

/// From its plan on a release has its hosts, though the journal lists none before it has ended.
#[tokio::test(start_paused = true)]
async fn a_host_of_a_release_on_its_way_is_refused() {
    let shop = World::new().running("old").with(Fault::HiccupOfReleases);
    let job = job_with(SHOP);
    live(&shop, &job).await.unwrap_err();
    let evil = || Job {
        id: "job-2".into(),
        app: App::new("evil", "web", "").unwrap(),
        ..job_with(&SHOP.replace("/login", "/"))
    };
    let world = World::new().sharing(&shop);
    let diagnosis = failed(run(&world, &evil()).await);
    assert!(diagnosis.what.contains("is taken by a release of another project"), "{diagnosis:?}");
    let outcome = run(&shop, &job).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    // From here on the journal knows; this one has not heard of it.
    let outcome = run(&World::new().sharing(&shop), &evil()).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
}
