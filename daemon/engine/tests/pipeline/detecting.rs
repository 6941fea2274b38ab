//! Tests of detectors that disagree, and of those that refuse.

use crate::{
    failed, job, run,
    world::{Fault, World},
};
use windlass_model::{
    event::Event,
    job::Job,
    outcome::Outcome,
    spec::{BuildSpec, Spec},
};

fn where_both_refuse() -> World {
    let world = World::new().running("old").with(Fault::DetectorRefuses("go"));
    world.with(Fault::DetectorRefuses("other"))
}

fn with_recipe(name: &str) -> Job {
    let build = BuildSpec { recipe: Some(name.into()), ..BuildSpec::default() };
    Job { spec: Spec { build, ..Spec::default() }, ..job() }
}

/// Returns message and fix of each warning about a detector that refuses.
fn warnings(world: &World) -> Vec<(String, String)> {
    let warning = |event: Event| match event {
        Event::Warning { message, fix, .. } => Some((message, fix)),
        _ => None,
    };
    let all = world.past().into_iter().filter_map(warning);
    all.filter(|(message, _)| message.starts_with("detector ")).collect()
}

#[tokio::test(start_paused = true)]
async fn one_that_refuses_is_reported_and_another_one_plans() {
    let world = World::new().running("old").with(Fault::DetectorRefuses("other"));
    assert!(matches!(run(&world, &job()).await, Outcome::Succeeded(_)));
    let warned = warnings(&world);
    let [(message, fix)] = &*warned else { panic!("{warned:?}") };
    assert!(message.contains("`other`") && message.contains("nothing to start"), "{message}");
    assert!(fix.contains("as `go` plans it") && fix.contains("add one for other"), "{fix}");
    let evidence = world.past().into_iter().find_map(|event| match event {
        Event::Decided { subject, evidence, .. } if subject == "language" => Some(evidence),
        _ => None,
    });
    let evidence = evidence.unwrap().join("\n");
    assert!(evidence.contains("`other` could plan no build: nothing to start"), "{evidence}");
}

/// A base image may have moved meanwhile: it need not be the image that was tested.
#[tokio::test(start_paused = true)]
async fn what_is_built_again_for_a_second_push_is_tested_again() {
    let world = World::new().running("old").with(Fault::RegistryAway);
    assert!(matches!(run(&world, &job()).await, Outcome::Succeeded(_)));
    let is_tested =
        |event: &Event| matches!(event, Event::Log { line, .. } if line.contains("tested"));
    assert_eq!(world.past().iter().filter(|event| is_tested(event)).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn all_that_refuse_are_named() {
    let world = where_both_refuse();
    let diagnosis = failed(run(&world, &job()).await);
    assert_eq!((&*diagnosis.code, &*diagnosis.subject), ("plugin-failed", "go, other"));
    assert_eq!(diagnosis.why, "go: nothing to start for go\nother: nothing to start for other");
    assert_eq!(diagnosis.fixes[0], "go: add one for go");
    assert!(warnings(&world).is_empty(), "the failure has it all");
    assert_eq!(world.serves().as_deref(), Some("old"));
}

#[tokio::test(start_paused = true)]
async fn the_one_that_is_named_is_the_only_one_that_matters() {
    let world = World::new().with(Fault::DetectorRefuses("other"));
    assert!(matches!(run(&world, &with_recipe("go")).await, Outcome::Succeeded(_)));
    assert!(warnings(&world).is_empty());
    let world = World::new().with(Fault::DetectorRefuses("other"));
    let diagnosis = failed(run(&world, &with_recipe("other")).await);
    assert_eq!((&*diagnosis.code, &*diagnosis.subject), ("plugin-failed", "other"));
    assert_eq!(diagnosis.fixes[0], "add one for other");
    let world = World::new();
    assert_eq!(failed(run(&world, &with_recipe("odd")).await).code, "recipe-not-found");
}

/// A refusal still shows the language: that language's test runner reads the tests.
#[tokio::test(start_paused = true)]
async fn with_a_dockerfile_refusals_end_nothing() {
    let world = where_both_refuse();
    let mut job = job();
    job.spec.build.dockerfile = Some("Dockerfile".into());
    job.spec.test.command = vec!["make".into(), "test".into()];
    assert!(matches!(run(&world, &job).await, Outcome::Succeeded(_)));
    let warned = warnings(&world);
    assert_eq!(warned.len(), 2);
    assert_eq!(warned[0].1, "nothing: the build goes on with Dockerfile");
    assert!(world.past().iter().any(|event| matches!(event, Event::Tested(_))));
}

/// A tie goes by the operator's order, and is recorded as evidence.
#[tokio::test(start_paused = true)]
async fn a_recipe_that_loses_is_recorded() {
    let world = World::new();
    run(&world, &job()).await;
    let past = format!("{:?}", world.past());
    assert!(past.contains("`other` plans a build too (score 50)"), "{past}");
}
