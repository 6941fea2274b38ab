//! Fake of the plugins: two detectors, one test runner, and a hook.

use super::fault::{Fault, Faults};
use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Mutex};
use windlass_engine::{
    ports::{DetectRequest, Detections, Detectors, Hooks, TestRunners, Tree},
    recorder::Recorder,
};
use windlass_model::{
    app::App,
    error::PluginError,
    hook::{About, Action, ActionResult, Batch, Done, Hook, HookPhase, HookStep, Policy},
    job::Stage,
    recipe::{BuildStage, ImagePlan, Recipe, Refusal},
    testing::{TestOutput, TestPlan, TestSummary},
};

/// Fake of all plugins of a job.
pub(crate) struct FakePlugins {
    faults: Faults,
    /// Hooks of the operator.
    hooks: Mutex<Vec<Hook>>,
    /// Answers of the detectors. `None` means those of `go` and `other`.
    answers: Mutex<Option<Detections>>,
    /// Questions to the detectors.
    asked: Mutex<Vec<DetectRequest>>,
}

impl FakePlugins {
    pub(super) fn new(faults: &Faults) -> Self {
        Self {
            faults: faults.clone(),
            hooks: Mutex::default(),
            answers: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    pub(super) fn set_answers(&self, answers: Detections) {
        *self.answers.lock().unwrap() = Some(answers);
    }

    /// Returns the questions to the detectors.
    pub(super) fn asked(&self) -> Vec<DetectRequest> {
        self.asked.lock().unwrap().clone()
    }

    fn detections(&self) -> Detections {
        if let Some(answers) = &*self.answers.lock().unwrap() {
            return answers.clone();
        }
        let mut detected = Detections::default();
        for name in ["go", "other"] {
            if self.faults.has(&Fault::DetectorRefuses(name)) {
                detected.refusals.push(refusal(name));
            } else {
                detected.recipes.push(recipe(name));
            }
        }
        detected
    }

    pub(super) fn set_hooks(&self, hooks: Vec<Hook>) {
        *self.hooks.lock().unwrap() = hooks;
    }
}

#[async_trait]
impl Detectors for FakePlugins {
    async fn detect(
        &self,
        _: &dyn Tree,
        request: &DetectRequest,
        recorder: &Recorder,
    ) -> Result<Detections, PluginError> {
        if self.faults.call() {
            return Err(PluginError {
                plugin: "all".into(),
                call: "markers".into(),
                message: "no tree".into(),
                hint: None,
            });
        }
        recorder.log_line(Stage::Detect, "go", "looking").await;
        self.asked.lock().unwrap().push(request.clone());
        let mut detected = self.detections();
        if let Some(named) = &request.named {
            detected.recipes.retain(|recipe| recipe.detector == *named);
            detected.refusals.retain(|refusal| refusal.detector == *named);
            detected.failures.retain(|failure| failure.plugin == *named);
        }
        Ok(detected)
    }

    fn names(&self) -> Vec<String> {
        vec!["go".into(), "other".into()]
    }
}

pub(crate) fn refusal(name: &str) -> Refusal {
    Refusal {
        detector: name.into(),
        language: name.into(),
        score: 50,
        reason: format!("nothing to start for {name}"),
        hint: format!("add one for {name}"),
        ..Refusal::default()
    }
}

pub(crate) fn recipe(name: &str) -> Recipe {
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
                ..BuildStage::default()
            }],
            test_in: Some("build".into()),
            start: vec!["/app".into()],
            port: None,
            health: None,
            env: vec![],
            user: 10001,
        },
        ..Recipe::default()
    }
}

#[async_trait]
impl TestRunners for FakePlugins {
    async fn plan(
        &self,
        _: &dyn Tree,
        recipe: &Recipe,
        _: &str,
        recorder: &Recorder,
    ) -> Result<Option<TestPlan>, PluginError> {
        recorder.log_line(Stage::Test, "tester", "planning").await;
        Ok(Some(TestPlan {
            runner: "tester".into(),
            command: vec![recipe.language.clone(), "test".into()],
            env: vec![],
            caches: vec![],
            reports: vec![],
            tells: true,
            evidence: vec!["main_test.go: tests".into()],
        }))
    }

    async fn read(
        &self,
        _: &str,
        _: Option<&str>,
        output: &TestOutput,
        recorder: &Recorder,
    ) -> Result<Option<TestSummary>, PluginError> {
        recorder.log_line(Stage::Test, "tester", "reading").await;
        let runner = "tester".into();
        Ok(Some(TestSummary { runner, passed: 3, failed: output.exit, ..TestSummary::default() }))
    }
}

/// Returns a hook of the fake plugin: before traffic a Job, after a release a command that is run once,
/// else a wait.
pub(crate) fn hook(phase: HookPhase, policy: Policy) -> Hook {
    Hook {
        name: format!("{phase}").replace(' ', "-"),
        plugin: "hook".into(),
        phase,
        policy,
        settings: "{}".into(),
        app_settings: "{}".into(),
        secrets: BTreeMap::new(),
    }
}

#[async_trait]
impl Hooks for FakePlugins {
    fn of(&self, _: &App, _: &BTreeMap<String, String>) -> Vec<Hook> {
        self.hooks.lock().unwrap().clone()
    }

    fn takes_command(&self, hook: &Hook) -> bool {
        !["command", "url"].iter().any(|key| hook.settings.contains(&format!("\"{key}\"")))
    }

    async fn next(
        &self,
        hook: &Hook,
        _: &About,
        earlier: Option<(&[u8], &[ActionResult])>,
        recorder: &Recorder,
    ) -> Result<HookStep, PluginError> {
        recorder.log_line(Stage::Hooks, "hook", "deciding").await;
        let Some((state, results)) = earlier else {
            let actions = vec![wanted(hook.phase)];
            return Ok(HookStep::Run(Batch { actions, state: b"1".into() }));
        };
        assert_eq!((state, results.len()), (&b"1"[..], 1), "its own state, all results");
        let failed = |r: &ActionResult| matches!(r, ActionResult::Exited { code: 1.., .. });
        Ok(HookStep::Done(Done {
            ok: !results.iter().any(failed),
            message: format!("{} result", results.len()),
            request_rollback: false,
        }))
    }
}

fn wanted(phase: HookPhase) -> Action {
    let command = vec!["do".into()];
    let timeout_ms = 1000;
    match phase {
        HookPhase::BeforeTraffic => Action::RunJob { command, timeout_ms },
        HookPhase::AfterRelease => Action::PodExec { command, timeout_ms, once: true },
        HookPhase::AfterFailure | HookPhase::AfterRollback => Action::Wait { ms: 10 },
    }
}
