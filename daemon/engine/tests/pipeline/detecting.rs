//! Detectors that disagree, and those that refuse.

use crate::{failed, job, run, world::World};
use async_trait::async_trait;
use windlass_engine::{
    ports::{Detected, Detectors, Tree},
    recorder::Recorder,
};
use windlass_model::{
    error::PluginError,
    event::Event,
    job::Job,
    outcome::Outcome,
    recipe::{BuildStage, ImagePlan, Recipe},
    spec::{BuildSpec, Spec},
};

#[async_trait]
impl Detectors for World {
    async fn detect(&self, _: &dyn Tree, _: &Recorder) -> Result<Detected, PluginError> {
        if self.call() {
            let (plugin, call, message) = ("all".into(), "markers".into(), "no tree".into());
            return Err(PluginError { plugin, call, message, hint: None });
        }
        let mut detected = Detected::default();
        for name in ["go", "other"] {
            if self.refusing.contains(&name) {
                detected.refusals.push(refusal(name));
            } else {
                detected.recipes.push(recipe(name));
            }
        }
        Ok(detected)
    }

    fn names(&self) -> Vec<String> {
        vec!["go".into(), "other".into()]
    }
}

fn refusal(name: &str) -> PluginError {
    let message = format!("nothing to start for {name}");
    let hint = Some(format!("add one for {name}"));
    PluginError { plugin: name.into(), call: "detect".into(), message, hint }
}

fn recipe(name: &str) -> Recipe {
    Recipe {
        detector: name.into(),
        language: name.into(),
        score: 50,
        toolchains: vec![],
        evidence: vec!["go.mod".into()],
        image: ImagePlan {
            stages: vec![BuildStage {
                name: "build".into(),
                base: "golang:1".into(),
                env: vec![],
                steps: vec![],
            }],
            test_in: Some("build".into()),
            start: vec!["/app".into()],
            port: None,
            health: None,
            env: vec![],
            user: 10001,
        },
    }
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
async fn one_that_refuses_is_told_and_another_one_plans() {
    let world = World { refusing: &["other"], ..World::default() }.running(Some("old"));
    assert!(matches!(run(&world, &job()).await, Outcome::Succeeded(_)));
    let told = warnings(&world);
    let [(message, fix)] = &*told else { panic!("{told:?}") };
    assert!(message.contains("`other`") && message.contains("nothing to start"), "{message}");
    assert!(fix.contains("as `go` plans it") && fix.contains("add one for other"), "{fix}");
    let evidence = world.past().into_iter().find_map(|event| match event {
        Event::Decided { subject, evidence, .. } if subject == "language" => Some(evidence),
        _ => None,
    });
    let evidence = evidence.unwrap().join("\n");
    assert!(evidence.contains("`other` could plan no build: nothing to start"), "{evidence}");
}

#[tokio::test(start_paused = true)]
async fn all_that_refuse_are_named() {
    let world = World { refusing: &["go", "other"], ..World::default() }.running(Some("old"));
    let diagnosis = failed(run(&world, &job()).await);
    assert_eq!((&*diagnosis.code, &*diagnosis.subject), ("plugin-failed", "go, other"));
    assert_eq!(diagnosis.why, "go: nothing to start for go\nother: nothing to start for other");
    assert_eq!(diagnosis.fixes[0], "go: add one for go");
    assert!(warnings(&world).is_empty(), "the failure says it all");
    assert_eq!(world.state(), Some("old".into()));
}

#[tokio::test(start_paused = true)]
async fn the_one_that_is_named_is_the_only_one_that_matters() {
    let world = World { refusing: &["other"], ..World::default() }.running(None);
    assert!(matches!(run(&world, &with_recipe("go")).await, Outcome::Succeeded(_)));
    assert!(warnings(&world).is_empty());
    let world = World { refusing: &["other"], ..World::default() }.running(None);
    let diagnosis = failed(run(&world, &with_recipe("other")).await);
    assert_eq!((&*diagnosis.code, &*diagnosis.subject), ("plugin-failed", "other"));
    assert_eq!(diagnosis.fixes[0], "add one for other");
    let world = World::default().running(None);
    assert_eq!(failed(run(&world, &with_recipe("odd")).await).code, "recipe-not-found");
}

/// A refusal still tells the language: its test runner reads the tests.
#[tokio::test(start_paused = true)]
async fn with_a_dockerfile_refusals_end_nothing() {
    let world = World { refusing: &["go", "other"], ..World::default() }.running(Some("old"));
    let mut job = job();
    job.spec.build.dockerfile = Some("Dockerfile".into());
    job.spec.test.command = vec!["make".into(), "test".into()];
    assert!(matches!(run(&world, &job).await, Outcome::Succeeded(_)));
    let told = warnings(&world);
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].1, "nothing: the build goes on with Dockerfile");
    assert!(world.past().iter().any(|event| matches!(event, Event::Tested(_))));
}

/// A tie goes by the operator's order, and is told.
#[tokio::test(start_paused = true)]
async fn what_was_passed_over_is_told() {
    let world = World::default().running(None);
    run(&world, &job()).await;
    let told = format!("{:?}", world.past());
    assert!(told.contains("`other` plans a build too (score 50)"), "{told}");
}
