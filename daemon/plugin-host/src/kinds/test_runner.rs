//! Test runners: plans of test commands, and summaries of their results.

use super::{
    Guest, OutputError,
    invoke::{Call, PlanRequest, Return},
};
use crate::{
    bindings::test_runner_next::exports::windlass::plugin::test_runner,
    host::State,
    text::{sanitize, sanitize_lines},
    tree::TreeHandle,
};
use std::collections::BTreeMap;
use windlass_model::{
    job::Stage,
    testing::{TestCase, TestOutput, TestPlan, TestSummary},
};

/// Most failures that are kept of one run.
const MOST_FAILURES: usize = 100;
/// Most globs of one plan. Each may be a walk.
const MOST_REPORTS: usize = 20;

/// Most caches of one plan.
const MOST_CACHES: usize = 20;

/// Call of `make-plan`.
pub(crate) struct MakePlan {
    /// Tree of the whole repository.
    pub(crate) repo: TreeHandle,
    /// Tree of the app's folder.
    pub(crate) app_tree: TreeHandle,
    pub(crate) request: PlanRequest,
}

/// Call of `parse`.
pub(crate) struct Parse {
    pub(crate) ran: test_runner::Ran,
    pub(crate) reports: BTreeMap<String, String>,
}

impl Guest for MakePlan {
    const CALL: &'static str = "make-plan";
    const STAGE: Stage = Stage::Test;
    type Output = Option<test_runner::TestPlan>;

    fn into_call(self, state: &mut State) -> wasmtime::Result<Call> {
        let Self { repo, app_tree, request } = self;
        Ok(Call::MakePlan { repo: state.lend(repo)?, app_tree: state.lend(app_tree)?, request })
    }

    fn output(_: &mut State, returned: Return) -> Result<Self::Output, OutputError> {
        match returned {
            Return::Plan(plan) => Ok(plan),
            _ => Err(OutputError::UnexpectedReply),
        }
    }
}

impl Parse {
    pub(crate) fn of(output: &TestOutput) -> Self {
        let ran = test_runner::Ran {
            command: output.command.clone(),
            exit_code: output.exit,
            output: output.output.clone(),
        };
        Self { ran, reports: output.reports.clone() }
    }
}

impl Guest for Parse {
    const CALL: &'static str = "parse";
    const STAGE: Stage = Stage::Test;
    type Output = Option<test_runner::Summary>;

    fn into_call(self, state: &mut State) -> wasmtime::Result<Call> {
        let reports = state.lend(TreeHandle::memory(self.reports))?;
        Ok(Call::Parse { ran: self.ran, reports })
    }

    fn output(_: &mut State, returned: Return) -> Result<Self::Output, OutputError> {
        match returned {
            Return::Summary(summary) => Ok(summary),
            _ => Err(OutputError::UnexpectedReply),
        }
    }
}

/// Checks a plan. The error names what no command can hold.
pub(crate) fn plan(plugin: &str, plan: test_runner::TestPlan) -> Result<TestPlan, String> {
    if plan.command.first().is_none_or(String::is_empty) {
        return Err("its plan has no command".into());
    }
    let odd = |name: &str| {
        name.is_empty()
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            || name.starts_with(|c: char| c.is_ascii_digit())
    };
    if let Some((name, _)) = plan.env.iter().find(|(name, _)| odd(name)) {
        return Err(format!("`{}` is no name of a variable", sanitize(name)));
    }
    let texts = plan.command.iter().chain(plan.env.iter().map(|(_, value)| value));
    if texts.chain(&plan.reports).any(|text| text.contains('\0')) {
        return Err("its plan holds a NUL".into());
    }
    let outside =
        |path: &&String| path.starts_with('/') || path.split('/').any(|part| part == "..");
    if let Some(path) = plan.reports.iter().find(outside) {
        return Err(format!("`{}` leads out of the working directory", sanitize(path)));
    }
    let is_odd = |path: &&String| !is_cache(path);
    if let Some(path) = plan.caches.iter().find(is_odd) {
        return Err(format!("`{}` is no absolute path of a cache", sanitize(path)));
    }
    if plan.caches.len() > MOST_CACHES {
        return Err(format!("it names {} caches; {MOST_CACHES} are allowed", plan.caches.len()));
    }
    if plan.reports.len() > MOST_REPORTS {
        return Err(format!("it names {} reports; {MOST_REPORTS} are allowed", plan.reports.len()));
    }
    Ok(TestPlan {
        runner: plugin.into(),
        command: plan.command,
        env: plan.env,
        caches: plan.caches,
        reports: plan.reports,
        tells: plan.tells,
        evidence: plan.evidence.iter().map(|line| sanitize(line)).collect(),
    })
}

/// Returns whether a path can be a cache of the test's container: absolute, without `..`, and not the root.
fn is_cache(path: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || "._-/+@".contains(c);
    path.len() <= 1024
        && path.starts_with('/')
        && !path.trim_matches('/').is_empty()
        && path.chars().all(letters)
        && !path.split('/').any(|part| part == "..")
}

pub(crate) fn summary(plugin: &str, summary: test_runner::Summary) -> TestSummary {
    let case = |case: test_runner::TestCase| TestCase {
        suite: sanitize(&case.suite),
        name: sanitize(&case.name),
        message: sanitize_lines(&case.message),
        file: case.file.as_deref().map(sanitize),
        line: case.line.filter(|line| *line > 0),
    };
    TestSummary {
        runner: plugin.into(),
        passed: summary.passed,
        failed: summary.failed,
        skipped: summary.skipped,
        none_yet: summary.none_yet.as_deref().map(sanitize),
        failures: summary.failures.into_iter().take(MOST_FAILURES).map(case).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(caches: &[&str]) -> Result<TestPlan, String> {
        let found = test_runner::TestPlan {
            command: vec!["go".into(), "test".into()],
            env: vec![],
            caches: caches.iter().map(ToString::to_string).collect(),
            reports: vec![],
            tells: true,
            evidence: vec![],
            attrs: vec![],
        };
        plan("go", found)
    }

    #[test]
    fn a_cache_is_an_absolute_path_within_the_container() {
        assert_eq!(planned(&["/root/.cache/go-build"]).unwrap().caches.len(), 1);
        for bad in ["", "/", "//", "cache", "/a/../etc", "/a b", "/a,id=other"] {
            assert!(planned(&[bad]).unwrap_err().contains("no absolute path"), "{bad}");
        }
        assert!(planned(&["/a"; 21]).unwrap_err().contains("21 caches; 20 are allowed"));
    }
}
