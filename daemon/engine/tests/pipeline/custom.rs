//! Tests of a build by the user's own command.

use crate::{
    dry_run::planned,
    failed, job, run,
    world::{Fault, World},
};
use windlass_model::{
    event::Event,
    job::Job,
    outcome::Outcome,
    spec::{BuildSpec, Spec},
};

fn of_command(change: impl Fn(&mut BuildSpec)) -> Job {
    let mut build = BuildSpec {
        command: vec!["make".into(), "image".into()],
        image: Some("debian:bookworm-slim".into()),
        output: Some("dist".into()),
        base: Some("debian:bookworm-slim".into()),
        ..BuildSpec::default()
    };
    change(&mut build);
    Job { spec: Spec { build, ..Spec::default() }, ..job() }
}

/// Detectors that refuse do not matter then.
#[tokio::test(start_paused = true)]
async fn a_command_builds_the_image_and_no_detector_is_asked() {
    let world = World::new().running("old").with(Fault::DetectorRefuses("go"));
    let world = world.with(Fault::DetectorRefuses("other"));
    let job = of_command(|_| {});
    assert!(matches!(run(&world, &job).await, Outcome::Succeeded(_)));
    let decided = world.past().into_iter().find_map(|event| match event {
        Event::Decided { subject, value, evidence, .. } if subject == "build" => {
            Some((value, evidence.join("\n")))
        }
        _ => None,
    });
    let (value, evidence) = decided.unwrap();
    assert_eq!((&*value, evidence.contains("build.command")), ("make image", true));
    let plan = planned(&world, &job).await.unwrap();
    assert!(plan.dockerfile.contains("RUN [\"make\", \"image\"]"), "{}", plan.dockerfile);
    assert!(plan.manifests.iter().any(|manifest| manifest.contains("10001")));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_fails_is_named_as_the_users_own() {
    let world = World::new().running("old").with(Fault::StepFails);
    let diagnosis = failed(run(&world, &of_command(|_| {})).await);
    assert_eq!(diagnosis.code, "build-step-failed");
    assert!(diagnosis.fixes.iter().any(|fix| fix.contains("build.command")), "{diagnosis}");
    assert!(diagnosis.what.contains("exited with 3"), "{diagnosis}");
    let world = World::new().running("old").with(Fault::StepFails);
    let diagnosis = failed(run(&world, &job()).await);
    assert!(!diagnosis.fixes.iter().any(|fix| fix.contains("build.command")), "{diagnosis}");
}

#[tokio::test(start_paused = true)]
async fn a_command_without_its_base_fails_before_the_build() {
    let world = World::new().running("old");
    let diagnosis = failed(run(&world, &of_command(|build| build.base = None)).await);
    assert!(diagnosis.what.contains("build.base"), "{diagnosis}");
    assert_eq!(world.builder.built(), 0);
}
