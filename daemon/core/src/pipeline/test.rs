//! Runs the tests in the stage that has the tools, live.

use super::detect::Decided;
use crate::{
    event::Event,
    job::Stage,
    ports::{Build, Dockerfile, TestRun},
    run::{Cause, Run},
};
use std::time::Duration;

/// Seconds until tests are taken to hang, where nobody says otherwise.
const PATIENCE: u64 = 600;

pub(super) async fn test(decided: &Decided, build: &dyn Build, run: &Run) -> Result<(), Cause> {
    let spec = &decided.decision.spec.test;
    let test = match plan(decided, &build.config().stages) {
        Ok(test) => test,
        Err(why) => return Ok(run.say(Event::Skipped(Stage::Test, why)).await?),
    };
    let seconds = spec.timeout_seconds.map_or(PATIENCE, u64::from);
    let running = build.test(&test, run.voice());
    let output = tokio::time::timeout(Duration::from_secs(seconds), running).await;
    let Ok(output) = output else {
        return Err(Cause::TestsHang { command: test.command, seconds });
    };
    match output? {
        output if output.exit == 0 => Ok(()),
        failed => {
            Err(Cause::Tests { command: failed.command, exit: failed.exit, tail: failed.tail })
        }
    }
}

/// What to run, or why nothing.
fn plan(decided: &Decided, stages: &[String]) -> Result<TestRun, String> {
    let spec = &decided.decision.spec.test;
    if spec.off == Some(true) {
        return Err("the spec says `test.off`".into());
    }
    let recipe = decided.decision.recipe.as_ref();
    match &decided.decision.dockerfile {
        Dockerfile::Text(_) => {
            let own = recipe.and_then(|recipe| recipe.test.clone());
            let command = Some(spec.command.clone()).filter(|command| !command.is_empty()).or(own);
            let command = command.ok_or("the detector found no tests, and the spec names none")?;
            let stage = spec.stage.clone();
            let stage = stage.or_else(|| recipe.and_then(|recipe| recipe.image.test_in.clone()));
            Ok(TestRun { stage, command })
        }
        Dockerfile::Path(path) => {
            let own = stages.iter().any(|stage| stage == "test").then(|| "test".to_owned());
            let stage = spec.stage.clone().or(own);
            if stage.is_none() && spec.command.is_empty() {
                return Err(format!("{path} has no stage `test`, and the spec names no command"));
            }
            Ok(TestRun { stage, command: spec.command.clone() })
        }
    }
}
