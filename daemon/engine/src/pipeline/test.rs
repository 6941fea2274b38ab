//! Test stage: runs the tests in the build stage that has the tools, and has a plugin read their output.

use super::detect::Detection;
use crate::{
    custom,
    deploy::Deploy,
    dockerfile::WORKDIR,
    failure::Cause,
    ports::{Build, Dockerfile, Tree},
};
use std::time::Duration;
use windlass_model::{
    event::Event,
    job::Stage,
    recipe::{BuildStep, Recipe},
    testing::{LastWords, TestOutput, TestPlan, TestRun, TestSummary},
};

/// Seconds until tests are taken to hang, where the spec sets no timeout.
const TIMEOUT: u64 = 600;

/// Test run, and the plan that it comes from. `None` means that no plugin planned it.
type TestRequest = (TestRun, Option<TestPlan>);

impl Deploy<'_> {
    /// Runs the tests of a build.
    pub(super) async fn test(
        &self,
        detection: &Detection,
        tree: &dyn Tree,
        build: &dyn Build,
    ) -> Result<(), Cause> {
        let stages = build.config().stages.as_deref();
        let (test, plan) = match self.test_request(detection, tree, stages).await? {
            Ok(request) => request,
            Err(why) => return Ok(self.run.record(Event::Skipped(Stage::Test, why)).await?),
        };
        let seconds = detection.decision.spec.test.timeout_seconds.map_or(TIMEOUT, u64::from);
        let last = LastWords::default();
        let running = build.test(&test, &last, self.run.recorder());
        let output = tokio::time::timeout(Duration::from_secs(seconds), running).await;
        let Ok(output) = output else {
            return Err(Cause::TestsHang { command: named(test), seconds, tail: last.lines() });
        };
        let output = output?;
        let summary = self.read(detection, &output, plan.as_ref()).await?;
        if let Some(summary) = &summary {
            self.run.record(Event::Tested(summary.clone())).await?;
        }
        match judge(output, plan.as_ref(), summary)? {
            Verdict::Passed => Ok(()),
            Verdict::NothingYet(why) => {
                Ok(self.run.record(Event::Skipped(Stage::Test, why)).await?)
            }
        }
    }

    /// Returns what to run (the spec's command, a Dockerfile's own stage, or a plugin's plan), or the reason
    /// why nothing is run.
    async fn test_request(
        &self,
        detection: &Detection,
        tree: &dyn Tree,
        stages: Option<&[String]>,
    ) -> Result<Result<TestRequest, String>, Cause> {
        let spec = &detection.decision.spec.test;
        if spec.off == Some(true) {
            return Ok(Err("the spec says `test.off`".into()));
        }
        let recipe = detection.decision.recipe.as_ref();
        let own = match &detection.decision.dockerfile {
            Dockerfile::Text(_) => match recipe {
                Some(recipe) => recipe.image.test_in.clone(),
                None => Some(custom::STAGE.to_owned()),
            },
            Dockerfile::Path(_) => stages.and_then(own_stage),
        };
        let stage = spec.stage.clone().or(own);
        let caches = match (&detection.decision.dockerfile, recipe, &stage) {
            (Dockerfile::Text(_), Some(recipe), Some(stage)) => caches(recipe, stage),
            (Dockerfile::Text(_), None, Some(stage)) if stage == custom::STAGE => {
                detection.decision.spec.build.caches.clone()
            }
            _ => Vec::new(),
        };
        let command = spec.command.clone();
        let requested = TestRun { stage, command, caches, ..TestRun::default() };
        if !requested.command.is_empty() {
            return Ok(Ok((requested, None)));
        }
        let recipe = match (&detection.decision.dockerfile, recipe) {
            // The command of a stage's image is its author's choice of how to test.
            (Dockerfile::Path(_), _) if requested.stage.is_some() => {
                return Ok(Ok((requested, None)));
            }
            (Dockerfile::Text(_), Some(recipe)) => recipe,
            (Dockerfile::Path(path), _) if stages.is_some() => {
                let why = format!("{path} has no stage `test`, and the spec names no command");
                return Ok(Err(why));
            }
            (Dockerfile::Path(path), _) => {
                let why = format!("the frontend that reads {path} does not tell its stages");
                let message = format!("{why}: nothing is tested, even if there is a stage `test`");
                let fix = "name the stage in `test.stage`, or say `test.off`".to_owned();
                self.run.record(Event::Warning { stage: Stage::Test, message, fix }).await?;
                return Ok(Err(why));
            }
            (Dockerfile::Text(_), None) => return Ok(Err("nothing says how to test".into())),
        };
        let Some(plan) =
            self.ports.runners.plan(tree, recipe, workdir(recipe), self.run.recorder()).await?
        else {
            let language = &recipe.language;
            return Ok(Err(format!("no tests were found for {language}, and the spec names none")));
        };
        let evidence = plan.evidence.clone();
        let subject = "tests".into();
        let value = format!("{} (`{}`)", plan.command.join(" "), plan.runner);
        self.run.record(Event::Decided { stage: Stage::Test, subject, value, evidence }).await?;
        let command = plan.command.clone();
        let env = plan.env.clone();
        let reports = plan.reports.clone();
        let mut caches = plan.caches.clone();
        caches.extend_from_slice(&requested.caches);
        caches.sort();
        caches.dedup();
        Ok(Ok((TestRun { command, env, caches, reports, ..requested }, Some(plan))))
    }

    /// Has a plugin read the output. A plugin that cannot read the output of its own plan is an error. For a
    /// command that somebody else chose it is a warning, since a summary only adds to the exit code.
    async fn read(
        &self,
        detection: &Detection,
        output: &TestOutput,
        plan: Option<&TestPlan>,
    ) -> Result<Option<TestSummary>, Cause> {
        let decision = &detection.decision;
        let runner = plan.map(|plan| &*plan.runner);
        for language in &decision.languages {
            match self.ports.runners.read(language, runner, output, self.run.recorder()).await {
                Ok(None) => {}
                Ok(summary) => return Ok(summary),
                Err(error) if plan.is_some() => return Err(error.into()),
                Err(error) => {
                    let fix = "the exit code alone decides; tell the plugin's author".to_owned();
                    let message = error.to_string();
                    self.run.record(Event::Warning { stage: Stage::Test, message, fix }).await?;
                }
            }
        }
        Ok(None)
    }
}

/// Names what was run: the command, or the stage whose image has the command.
fn named(test: TestRun) -> Vec<String> {
    if !test.command.is_empty() {
        return test.command;
    }
    test.stage.into_iter().flat_map(|stage| ["stage".to_owned(), stage]).collect()
}

/// Finds a Dockerfile's own stage for tests. The case of a stage's name does not matter, as for the builder.
fn own_stage(stages: &[String]) -> Option<String> {
    stages.iter().find(|stage| stage.eq_ignore_ascii_case("test")).cloned()
}

/// Returns the caches of a stage's steps, and of those of the stages that it is based on, each once.
fn caches(recipe: &Recipe, stage: &str) -> Vec<String> {
    let mut all = Vec::new();
    for step in recipe.image.based(stage).iter().flat_map(|stage| &stage.steps) {
        if let BuildStep::Run { caches, .. } = step {
            all.extend_from_slice(caches);
        }
    }
    all.sort();
    all.dedup();
    all
}

/// Returns the working directory of the stage that has the tools.
fn workdir(recipe: &Recipe) -> &str {
    let stage = recipe.image.test_in.as_deref();
    let stage = stage.and_then(|name| recipe.image.stages.iter().find(|one| one.name == name));
    stage.and_then(|stage| stage.workdir.as_deref()).unwrap_or(WORKDIR)
}

/// End of a test run that fails nothing.
#[derive(Debug)]
enum Verdict {
    Passed,
    /// There is no test yet, and nothing in the tree said that there is one.
    NothingYet(String),
}

fn judge(
    output: TestOutput,
    plan: Option<&TestPlan>,
    summary: Option<TestSummary>,
) -> Result<Verdict, Cause> {
    let TestOutput { command, exit, tail, .. } = output;
    let reporting = plan.filter(|plan| plan.tells);
    match (summary, reporting) {
        (None, Some(plan)) if exit != 0 => {
            Err(Cause::TestsDied { runner: plan.runner.clone(), command, exit, tail })
        }
        (summary, Some(plan)) if summary.as_ref().is_none_or(TestSummary::is_empty) => {
            let words = summary.and_then(|summary| summary.none_yet);
            let tail = tail.into_iter().chain(words).collect();
            Err(Cause::NoTestsRan { command, tail, evidence: plan.evidence.clone() })
        }
        // The tool says so itself, or ends well without one.
        (Some(summary), None)
            if summary.is_empty() && (exit == 0 || summary.none_yet.is_some()) =>
        {
            let why = summary.none_yet.unwrap_or_else(|| "no test was found".into());
            Ok(Verdict::NothingYet(why))
        }
        // The tool itself counts no test, and takes that for a failure: no test failed.
        (Some(summary), _) if exit != 0 && summary.is_empty() => {
            let evidence = plan.map(|plan| plan.evidence.clone()).unwrap_or_default();
            Err(Cause::NoTestsRan { command, tail, evidence })
        }
        (Some(summary), _) if exit != 0 || summary.failed > 0 => {
            Err(Cause::Tests { command, exit, tail, summary: Some(Box::new(summary)) })
        }
        (None, _) if exit != 0 => Err(Cause::Tests { command, exit, tail, summary: None }),
        _ => Ok(Verdict::Passed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::recipe::{BuildStage, ImagePlan};

    fn judged(exit: u32, counts: Option<(u32, u32, u32)>, tells: bool) -> &'static str {
        judged_with(exit, counts, tells, None)
    }

    fn judged_with(
        exit: u32,
        counts: Option<(u32, u32, u32)>,
        tells: bool,
        none_yet: Option<&str>,
    ) -> &'static str {
        let output = TestOutput { exit, ..TestOutput::default() };
        let plan = TestPlan {
            runner: "r".into(),
            command: vec![],
            env: vec![],
            caches: vec![],
            reports: vec![],
            tells,
            evidence: vec![],
        };
        let summary = counts.map(|(passed, failed, skipped)| TestSummary {
            passed,
            failed,
            skipped,
            none_yet: none_yet.map(str::to_owned),
            ..TestSummary::default()
        });
        match judge(output, Some(&plan), summary) {
            Ok(Verdict::Passed) => "passed",
            Ok(Verdict::NothingYet(_)) => "none yet",
            Err(Cause::Tests { .. }) => "failed",
            Err(Cause::TestsDied { .. }) => "died",
            Err(Cause::NoTestsRan { .. }) => "none ran",
            Err(_) => "other",
        }
    }

    #[test]
    fn a_stage_for_tests_is_found_in_any_case() {
        let own =
            |names: &[&str]| own_stage(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(own(&["base", "test", "serve"]).as_deref(), Some("test"));
        assert_eq!(own(&["Test"]).as_deref(), Some("Test"));
        assert_eq!(own(&["tests", "test-only"]), None);
    }

    /// "No test files found" is no failure where nothing says that there are some.
    #[test]
    fn a_tool_that_has_no_test_yet_fails_nothing_unless_there_is_one() {
        let words = Some("no test files found");
        for exit in [0, 1, 5] {
            assert_eq!(judged_with(exit, Some((0, 0, 0)), false, words), "none yet", "{exit}");
            assert_eq!(judged_with(exit, Some((0, 0, 0)), true, words), "none ran", "{exit}");
        }
        assert_eq!(judged_with(1, Some((2, 1, 0)), false, words), "failed");
    }

    #[test]
    fn the_tests_have_the_caches_of_their_stage_and_of_those_below_it() {
        let stage = |name: &str, base: &str, caches: &[&str]| BuildStage {
            name: name.into(),
            base: base.into(),
            steps: vec![BuildStep::Run {
                argv: vec!["make".into()],
                caches: caches.iter().map(ToString::to_string).collect(),
                secrets: vec![],
                why: None,
            }],
            ..BuildStage::default()
        };
        let stages = vec![
            stage("deps", "golang:1", &["/go/pkg/mod"]),
            stage("other", "golang:1", &["/other"]),
            stage("build", "deps", &["/root/.cache/go-build", "/go/pkg/mod"]),
        ];
        let image = ImagePlan { stages, ..ImagePlan::default() };
        let mut recipe = Recipe { image, ..Recipe::default() };
        assert_eq!(caches(&recipe, "build"), ["/go/pkg/mod", "/root/.cache/go-build"]);
        assert!(caches(&recipe, "nowhere").is_empty());
        recipe.image.test_in = Some("build".into());
        assert_eq!(workdir(&recipe), "/app");
        recipe.image.stages[2].workdir = Some("/src".into());
        assert_eq!(workdir(&recipe), "/src");
    }

    #[test]
    fn exit_code_and_report_are_believed_where_they_tell_of_failure() {
        assert_eq!(judged(0, Some((3, 0, 0)), true), "passed");
        assert_eq!(judged(0, Some((0, 0, 3)), true), "passed", "all left out on purpose");
        assert_eq!(judged(1, Some((3, 1, 0)), true), "failed");
        assert_eq!(judged(0, Some((3, 1, 0)), true), "failed", "a runner that hides it");
        assert_eq!(judged(1, Some((3, 0, 0)), true), "failed", "a linter after the tests");
        assert_eq!(judged(1, None, true), "died");
        assert_eq!(judged(0, None, true), "none ran");
        assert_eq!(judged(5, Some((0, 0, 0)), true), "none ran", "as pytest ends then");
        assert_eq!(judged(5, Some((0, 0, 0)), false), "none ran", "as unittest ends since 3.12");
        assert_eq!(judged(0, Some((0, 0, 0)), false), "none yet", "a script of a test's name");
        assert_eq!(judged(0, None, false), "passed", "`npm test` may be a linter");
        assert_eq!(judged(2, None, false), "failed");
    }
}
