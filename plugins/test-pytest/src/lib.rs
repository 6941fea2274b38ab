//! Tests of Python: pytest, read from its JUnit report, and unittest, read from its output.

use windlass_plugin_sdk::{
    Error, Ran, Summary, TestPlan, Tree,
    reports::{add, case, junit, note, summary},
    test_runner,
};

mod pytest;
mod unittest;

/// Report of pytest, in the folder that tests run in.
const REPORT: &str = "windlass-pytest.xml";

/// Files that name pytest as a dependency, or configure it.
const DECLARED: [&str; 7] = [
    "requirements.txt",
    "requirements-dev.txt",
    "dev-requirements.txt",
    "pyproject.toml",
    "setup.cfg",
    "tox.ini",
    "pytest.ini",
];

/// Number of files that are searched for tests.
const LOOKED_AT: usize = 50;

fn plan(repo: &Tree, _: String, matched: Vec<String>) -> Result<Option<TestPlan>, Error> {
    let Some(file) = matched.first() else { return Ok(None) };
    let mut evidence = vec![format!("{file}: tests")];
    for path in DECLARED {
        let text = repo.read_text(path, 1 << 18)?;
        if path == "pytest.ini" && text.is_some()
            || text.is_some_and(|text| text.contains("pytest"))
        {
            evidence.push(format!("{path}: pytest"));
            let report = format!("--junitxml={REPORT}");
            // With `-v`, pytest prints each test's name before the test runs, which is all that shows one that hangs.
            let command = ["python", "-m", "pytest", "-v", &report].map(str::to_owned).to_vec();
            let reports = vec![REPORT.to_owned()];
            let env = Vec::new();
            let attrs = Vec::new();
            let tells = true;
            return Ok(Some(TestPlan { command, env, reports, tells, evidence, attrs }));
        }
    }
    evidence.push("nothing names pytest: unittest".into());
    let command = ["python", "-m", "unittest", "discover", "-v"].map(str::to_owned).to_vec();
    // A script may be named `test_….py`, too. A file may hold tests although unittest does not discover them: its
    // discovery searches packages only, and does not know tests that are written for pytest.
    let holds_tests = |path: &String| {
        let text = repo.read_text(path, 1 << 20).ok().flatten().unwrap_or_default();
        text.contains("TestCase") || text.contains("def test")
    };
    let tells = matched.iter().take(LOOKED_AT).any(holds_tests);
    let env = Vec::new();
    let reports = Vec::new();
    let attrs = Vec::new();
    Ok(Some(TestPlan { command, env, reports, tells, evidence, attrs }))
}

fn parse(ran: Ran, reports: &Tree) -> Result<Option<Summary>, Error> {
    let mut all: Option<Summary> = None;
    for path in reports.glob("**/*.xml", 20)? {
        let text = reports.read_text(&path, 1 << 22)?.unwrap_or_default();
        match junit(&text) {
            Ok(read) => add(all.get_or_insert_with(summary), read),
            // The report is cut short: the process died while writing it.
            Err(error) => {
                let all = all.get_or_insert_with(summary);
                all.failed += 1;
                note(all, case("", &path, &format!("the report cannot be read: {error}")));
            }
        }
    }
    Ok(all.or_else(|| pytest::read(&ran.output)).or_else(|| unittest::read(&ran.output)))
}

test_runner!(plan: plan, parse: parse);
