//! Tests of Python: pytest, read from its JUnit report, and unittest, read from its output.

use windlass_plugin_sdk::{
    App, Error, Ran, Refusal, RunnerRequest, Summary, TestPlan, Tree,
    reports::{junit_files, plain},
    test_runner,
};

mod pytest;
mod unittest;

/// Report of pytest, in the folder that tests run in.
const REPORT: &str = "windlass-pytest.xml";

/// Files that name pytest as a dependency, or configure it.
const DECLARED: [&str; 15] = [
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-test.txt",
    "dev-requirements.txt",
    "test-requirements.txt",
    "requirements/dev.txt",
    "requirements/test.txt",
    "requirements/tests.txt",
    "pyproject.toml",
    "Pipfile",
    "setup.py",
    "setup.cfg",
    "tox.ini",
    "pytest.ini",
    "conftest.py",
];

/// Number of files that are searched for tests.
const LOOKED_AT: usize = 50;

/// Plans pytest where it is named, else Django's tests, else unittest.
///
/// # Errors
/// None.
pub fn plan(app: &App<'_>, _: &RunnerRequest) -> Result<Option<TestPlan>, Refusal> {
    let text = |path: &str| app.read(path).ok().flatten().map(|file| file.text);
    // A file may hold tests although no tool discovers them: unittest searches packages only, and does not know tests
    // that are written for pytest.
    let holds_tests = |path: &&String| {
        text(path).is_some_and(|text| text.contains("TestCase") || text.contains("def test"))
    };
    let holding = app.matched.iter().take(LOOKED_AT).find(holds_tests);
    let named = app.matched.iter().find(|path| is_named(path));
    let Some(file) = holding.or(named) else { return Ok(None) };
    let pytest = DECLARED.iter().find(|path| {
        text(path).is_some_and(|text| text.contains("pytest") || **path == "pytest.ini")
    });
    let mut plan = match pytest {
        Some(path) => {
            // With `-v`, pytest prints each test's name before the test runs, which is all that shows one that hangs.
            let report = format!("--junitxml={REPORT}");
            let mut plan = TestPlan::new(&["python", "-m", "pytest", "-v", &report]);
            plan.evidence.push(format!("{path}: pytest"));
            plan.reports = vec![REPORT.into()];
            plan
        }
        None if app.has("manage.py") => {
            let mut plan = TestPlan::new(&["python", "manage.py", "test", "-v", "2"]);
            plan.evidence.push("manage.py: nothing names pytest: Django's own tests".into());
            plan
        }
        None => {
            let mut plan = TestPlan::new(&["python", "-m", "unittest", "discover", "-v"]);
            plan.evidence.push("nothing names pytest: unittest".into());
            plan
        }
    };
    plan.evidence.insert(0, format!("{file}: tests"));
    // A script may have the name of a test, too: then only its content tells, or that there is a tool for it.
    plan.tells = holding.is_some() || pytest.is_some();
    Ok(Some(plan))
}

/// Returns whether pytest takes a file by its name.
fn is_named(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("test_") || name.ends_with("_test.py")
}

/// Reads the report, or else what pytest or unittest prints.
///
/// # Errors
/// The reports cannot be listed.
pub fn parse(ran: Ran, reports: &Tree<'_>) -> Result<Option<Summary>, Error> {
    let text = plain(&ran.output);
    let is_empty = |all: &Summary| all.passed == 0 && all.failed == 0 && all.skipped == 0;
    let all = junit_files(reports)?.filter(|all| !is_empty(all));
    Ok(all.or_else(|| pytest::read(&text)).or_else(|| unittest::read(&text)))
}

test_runner!(plan: plan, parse: parse);

#[cfg(test)]
mod tests {
    use windlass_plugin_sdk::{
        testing::{parse, runner_plan},
        tree,
    };

    const MANIFEST: &str = include_str!("../plugin.toml");
    const TEST: &str =
        "import unittest\n\nclass Money(unittest.TestCase):\n    def test_a(self): pass\n";

    #[test]
    fn the_tool_is_the_one_that_a_file_names() {
        let command =
            |files| runner_plan(crate::plan, MANIFEST, "python", &files).unwrap().command.join(" ");
        let files = tree! { "test_a.py" => TEST, "requirements/test.txt" => "pytest>=8\n" };
        assert!(command(files).starts_with("python -m pytest -v"));
        let files = tree! { "shop/tests.py" => TEST, "manage.py" => "" };
        assert_eq!(command(files), "python manage.py test -v 2");
        assert_eq!(command(tree! { "test_a.py" => TEST }), "python -m unittest discover -v");
    }

    #[test]
    fn a_file_that_holds_tests_tells_wherever_it_lies() {
        let plan = |files| runner_plan(crate::plan, MANIFEST, "python", &files);
        assert!(plan(tree! { "tests/money.py" => TEST }).unwrap().tells);
        assert!(plan(tree! { "tests/__init__.py" => "" }).is_none(), "no file of tests");
        assert!(!plan(tree! { "test_script.py" => "print(1)" }).unwrap().tells);
        let named = tree! { "test_app.py" => "def check(): pass", "requirements.txt" => "pytest" };
        assert!(plan(named).unwrap().tells);
    }

    #[test]
    fn each_tools_own_words_say_that_there_is_no_test() {
        let report = tree! { "windlass-pytest.xml" => "<testsuites><testsuite name='pytest' tests='0'/></testsuites>" };
        let text = "collected 0 items\n\n===== no tests ran in 0.01s =====\n";
        let none = parse(crate::parse, text, 5, &report).unwrap();
        assert_eq!(none.none_yet.as_deref(), Some("no tests ran in 0.01s"));
        let text = "\nRan 0 tests in 0.000s\n\nNO TESTS RAN\n";
        let none = parse(crate::parse, text, 5, &tree! {}).unwrap();
        assert_eq!(none.none_yet.as_deref(), Some("NO TESTS RAN"));
    }

    #[test]
    fn a_report_that_is_cut_short_is_a_failure() {
        let report = tree! { "windlass-pytest.xml" => "<testsuites><testsuite" };
        let read = parse(crate::parse, "", 1, &report).unwrap();
        assert!(read.failed == 1 && read.failures[0].message.contains("windlass-pytest.xml"));
    }
}
