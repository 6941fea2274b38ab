//! Tests of dry runs: they decide as a job does, and leave nothing.

use crate::{
    app, job, run,
    world::{Fault, World, release},
};
use windlass_engine::pipeline::{DryRun, DryRunRequest, dry_run};
use windlass_model::{
    cluster::Clusters,
    diagnosis::Diagnosis,
    event::Event,
    job::{Job, Source},
    outcome::Outcome,
    plan::Step,
    runtime::Runtime,
    spec::Spec,
};

pub(crate) async fn planned(world: &World, job: &Job) -> Result<DryRun, Box<Diagnosis>> {
    let Source::Commit(commit) = &job.source else { panic!("a job of a commit") };
    let app = app();
    let clusters = Clusters::default();
    let request =
        DryRunRequest { app: &app, clusters: &clusters, commit, spec: &job.spec, serving: None };
    dry_run(&request, &world.ports()).await
}

#[tokio::test(start_paused = true)]
async fn it_decides_as_a_job_does_and_changes_nothing() {
    let world = World::new().running("old");
    let plan = planned(&world, &job()).await.unwrap();
    assert_eq!(world.serves().as_deref(), Some("old"));
    assert!(world.past().is_empty(), "nothing is recorded");
    let Outcome::Succeeded(release) = run(&world, &job()).await else { panic!("not released") };
    let [manifest] = &*plan.manifests else { panic!("{:?}", plan.manifests) };
    let runtime: Runtime = serde_json::from_str(manifest).unwrap();
    assert_eq!(runtime.processes, release.runtime.processes);
}

#[tokio::test(start_paused = true)]
async fn it_fails_with_the_diagnosis_that_a_job_would_have() {
    let world = World::new().running("old");
    let world = world.with(Fault::DetectorRefuses("go")).with(Fault::DetectorRefuses("other"));
    let diagnosis = planned(&world, &job()).await.unwrap_err();
    let Outcome::Failed(failed) = run(&world, &job()).await else { panic!("not failed") };
    assert_eq!(diagnosis.code, failed.code);
    assert_eq!(diagnosis.stage, failed.stage);
    assert_eq!(diagnosis.why, failed.why);
}

/// A dry run shows exactly the steps that the job takes.
#[tokio::test(start_paused = true)]
async fn it_shows_the_steps_of_the_job_and_of_its_rollback() {
    let world = World::new().running("old").with(Fault::Approves);
    let text = "[strategy]\nkind = \"canary\"\nweights = [20, 100]\ngates = [100]";
    let job = Job { spec: Spec::from_toml(text).unwrap(), ..job() };
    let Source::Commit(commit) = &job.source else { panic!("a job of a commit") };
    let (app, clusters, serving) = (app(), Clusters::default(), release("job-0", "old"));
    let (spec, serving) = (&job.spec, Some(&serving));
    let request = DryRunRequest { app: &app, clusters: &clusters, commit, spec, serving };
    let shown = dry_run(&request, &world.ports()).await.unwrap();
    run(&world, &job).await;
    let past = world.past();
    let plan = past.iter().find_map(|event| match event {
        Event::Planned(plan) => Some(plan),
        _ => None,
    });
    let plan = plan.unwrap();
    let text = |steps: &[Step]| steps.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(shown.steps, text(&plan.forward));
    assert_eq!(shown.rollback, text(&plan.rollback));
    assert_eq!(shown.strategies, plan.strategies());
    assert_eq!(shown.strategies[0], "web: canary");
    assert_eq!(shown.steps[0], "start web at abc beside what serves, with 25 % of its pods");
}

#[tokio::test(start_paused = true)]
async fn metrics_that_nobody_can_measure_are_refused() {
    let text = "[strategy]\nkind = \"canary\"\n[strategy.metrics.m]\nquery = \"up\"\nmin = 1";
    let job = Job { spec: Spec::from_toml(text).unwrap(), ..job() };
    let world = World::new().running("old").with(Fault::NoPrometheus);
    assert_eq!(planned(&world, &job).await.unwrap_err().code, "metrics-not-configured");
}

/// Each byte of a secret costs memory while a job's output is masked.
#[tokio::test(start_paused = true)]
async fn secrets_that_are_too_large_together_are_refused_by_name_and_limit() {
    let world = World::new().running("old");
    let mut job = job();
    job.spec.build.secrets = vec!["large-1".into(), "large-2".into()];
    let planned = planned(&world, &job).await.unwrap_err();
    let Outcome::Failed(failed) = run(&world, &job).await else { panic!("not failed") };
    for diagnosis in [planned, failed] {
        assert_eq!(diagnosis.code, "secrets-too-large");
        assert!(diagnosis.what.contains("at most 1048576"), "{diagnosis}");
        assert_eq!(diagnosis.subject, app().to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_counts_once_for_all_of_its_variables() {
    let world = World::new().running("old");
    let mut job = job();
    job.spec.build.secrets = vec!["large-1".into()];
    job.spec.secrets.insert("LARGE".into(), "large-1".into());
    let plan = planned(&world, &job).await.unwrap();
    assert_eq!(plan.manifests.len(), 1);
}
