//! Answers of components of 0.1.0, as those of 0.2.0.

use crate::bindings::{
    detector::exports::windlass::plugin::detector as old,
    detector_next::exports::windlass::plugin::detector as new,
    test_runner::exports::windlass::plugin::test_runner as old_tests,
    test_runner_next::exports::windlass::plugin::test_runner as new_tests, types,
};

/// Returns the answer of a detector. An error that is about the source is a refusal; `language` is empty then.
pub(super) fn answer(
    app: &str,
    found: Result<Option<old::Detection>, types::Error>,
) -> Result<new::Answer, types::Error> {
    use types::ErrorKind::{InvalidInput, NotFound, Unsupported};
    match found {
        Ok(None) => Ok(new::Answer::NotMine),
        Ok(Some(found)) => Ok(new::Answer::Plan(detection(app, found))),
        Err(error) if matches!(error.kind, InvalidInput | NotFound | Unsupported) => {
            Ok(new::Answer::Refused(new::Refusal {
                language: String::new(),
                score: 0,
                reason: error.message,
                hint: error.hint.unwrap_or_default(),
                evidence: Vec::new(),
                candidates: Vec::new(),
                assets: None,
                attrs: Vec::new(),
            }))
        }
        Err(error) => Err(error),
    }
}

fn detection(app: &str, found: old::Detection) -> new::Detection {
    let tool = |tool: old::Toolchain| new::Toolchain { name: tool.name, version: tool.version };
    new::Detection {
        language: found.language,
        score: found.score,
        context: app.to_owned(),
        toolchains: found.toolchains.into_iter().map(tool).collect(),
        evidence: found.evidence,
        decisions: Vec::new(),
        warnings: Vec::new(),
        image: image(found.image),
        serves: None,
        processes: Vec::new(),
        candidates: Vec::new(),
        build_secrets: Vec::new(),
        assets: None,
        attrs: found.attrs,
    }
}

fn image(image: old::ImagePlan) -> new::ImagePlan {
    let step = |step| match step {
        old::Step::Copy(old::CopyFiles { from, sources, dest }) => {
            new::Step::Copy(new::CopyFiles { from, sources, dest, owned: false, why: None })
        }
        old::Step::Run(old::RunCommand { command, caches }) => {
            new::Step::Run(new::RunCommand { command, caches, secrets: Vec::new(), why: None })
        }
    };
    let stage = |stage: old::Stage| new::Stage {
        name: stage.name,
        base: stage.base,
        workdir: None,
        env: stage.env,
        packages: Vec::new(),
        steps: stage.steps.into_iter().map(step).collect(),
        why: None,
    };
    new::ImagePlan {
        stages: image.stages.into_iter().map(stage).collect(),
        test_in: image.test_in,
        start: image.start,
        port: image.port,
        health: image.health,
        env: image.env,
        user: image.user,
    }
}

/// Returns the plan of a test runner.
pub(super) fn plan(plan: old_tests::TestPlan) -> new_tests::TestPlan {
    new_tests::TestPlan {
        command: plan.command,
        env: plan.env,
        caches: Vec::new(),
        reports: plan.reports,
        tells: plan.tells,
        evidence: plan.evidence,
        attrs: plan.attrs,
    }
}

/// Returns the summary of a test runner.
pub(super) fn summary(summary: old_tests::Summary) -> new_tests::Summary {
    let case = |case: old_tests::TestCase| new_tests::TestCase {
        suite: case.suite,
        name: case.name,
        message: case.message,
        file: case.file,
        line: case.line,
    };
    new_tests::Summary {
        passed: summary.passed,
        failed: summary.failed,
        skipped: summary.skipped,
        none_yet: None,
        failures: summary.failures.into_iter().map(case).collect(),
        attrs: summary.attrs,
    }
}

/// Returns a run as components of 0.1.0 read it.
pub(super) fn downgraded(ran: new_tests::Ran) -> old_tests::Ran {
    old_tests::Ran { command: ran.command, exit_code: ran.exit_code, output: ran.output }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: types::ErrorKind) -> Result<Option<old::Detection>, types::Error> {
        Err(types::Error { kind, message: "no start".into(), hint: Some("add one".into()) })
    }

    #[test]
    fn an_error_about_the_source_is_a_refusal_and_any_other_stays_one() {
        for kind in [
            types::ErrorKind::InvalidInput,
            types::ErrorKind::NotFound,
            types::ErrorKind::Unsupported,
        ] {
            let Ok(new::Answer::Refused(refusal)) = answer("a", error(kind)) else { panic!() };
            assert_eq!((&*refusal.reason, &*refusal.hint), ("no start", "add one"));
            assert_eq!((refusal.score, &*refusal.language), (0, ""));
        }
        for kind in [types::ErrorKind::Failed, types::ErrorKind::BudgetExceeded] {
            assert_eq!(answer("a", error(kind)).unwrap_err().kind, kind);
        }
        assert!(matches!(answer("a", Ok(None)), Ok(new::Answer::NotMine)));
    }

    #[test]
    fn a_plan_keeps_what_it_has_and_its_context_is_the_app() {
        let copy = old::CopyFiles { from: None, sources: vec![".".into()], dest: "./".into() };
        let run = old::RunCommand { command: vec!["make".into()], caches: vec!["/c".into()] };
        let stage = old::Stage {
            name: "run".into(),
            base: "debian".into(),
            env: vec![("A".into(), "1".into())],
            steps: vec![old::Step::Copy(copy), old::Step::Run(run)],
        };
        let found = old::Detection {
            language: "c".into(),
            score: 80,
            toolchains: vec![old::Toolchain { name: "make".into(), version: None }],
            evidence: vec!["Makefile".into()],
            image: old::ImagePlan {
                stages: vec![stage],
                test_in: Some("run".into()),
                start: vec!["./app".into()],
                port: Some(8080),
                health: None,
                env: vec![],
                user: 10001,
            },
            attrs: vec![],
        };
        let Ok(new::Answer::Plan(plan)) = answer("apps/web", Ok(Some(found))) else { panic!() };
        assert_eq!((&*plan.language, plan.score, &*plan.context), ("c", 80, "apps/web"));
        assert_eq!((plan.image.start, plan.image.user), (vec!["./app".to_owned()], 10001));
        assert_eq!(plan.image.test_in.as_deref(), Some("run"));
        let [new::Step::Copy(copy), new::Step::Run(run)] = &*plan.image.stages[0].steps else {
            panic!("{:?}", plan.image.stages)
        };
        assert!(!copy.owned && run.secrets.is_empty());
        assert_eq!(run.caches, ["/c"]);
    }

    #[test]
    fn a_test_plan_and_a_summary_keep_what_they_have() {
        let old = old_tests::TestPlan {
            command: vec!["go".into()],
            env: vec![],
            reports: vec!["*.xml".into()],
            tells: true,
            evidence: vec!["a_test.go".into()],
            attrs: vec![],
        };
        let plan = plan(old);
        assert_eq!((plan.reports.len(), plan.tells, plan.caches.len()), (1, true, 0));
        let old = old_tests::Summary {
            passed: 1,
            failed: 2,
            skipped: 3,
            failures: vec![],
            attrs: vec![],
        };
        let summary = summary(old);
        assert_eq!((summary.passed, summary.failed, summary.skipped), (1, 2, 3));
        assert_eq!(summary.none_yet, None);
    }
}
