//! Tests of Bun: the script `test`, or `bun test`, read from its JUnit report or from its output.

use windlass_plugin_sdk::{
    App, Error, Ran, Refusal, RunnerRequest, Summary, TestPlan, Tree,
    js::Package,
    reports::{js, junit_files, no_js_tests, plain},
    test_runner,
};

/// Report of `bun test`, in the folder that tests run in.
const REPORT: &str = "windlass-bun.xml";

/// Files that `bun test` runs.
const FILES: [&str; 2] =
    ["**/*.{test,spec}.{js,ts,mjs,cjs,jsx,tsx}", "**/*_{test,spec}.{js,ts,mjs,cjs,jsx,tsx}"];

/// Plans the script `test`, or else `bun test` where there is a file of tests.
///
/// # Errors
/// package.json cannot be read.
pub fn plan(app: &App<'_>, _: &RunnerRequest) -> Result<Option<TestPlan>, Refusal> {
    let files = app.glob(&FILES, 20);
    let package = Package::read(app)?;
    let script = package.as_ref().and_then(|package| {
        let script = package.script("test")?.trim();
        let is_own = !script.is_empty() && !script.contains("no test specified");
        is_own.then(|| (script, package.source(&["scripts", "test"])))
    });
    let names = script.as_ref().is_none_or(|(script, _)| {
        ["bun test", "vitest", "jest"].iter().any(|tool| script.contains(tool))
    });
    let mut plan = match script {
        // The same, with a report.
        Some(("bun test", source)) => {
            let mut plan = own();
            plan.evidence.push(format!("{source} is `bun test`"));
            plan
        }
        Some((script, source)) => {
            let mut plan = TestPlan::new(&["bun", "run", "test"]);
            plan.evidence.push(format!("{source} is `{script}`"));
            plan.reports = vec!["junit.xml".into(), REPORT.into()];
            plan
        }
        None if files.is_empty() => return Ok(None),
        None => own(),
    };
    plan.tells = names && !files.is_empty();
    plan.evidence.extend(files.iter().take(4).map(|path| format!("{path}: tests")));
    // Without `CI` some tools that scripts run wait for changes of files after the last test.
    plan.env = vec![("NO_COLOR".into(), "1".into()), ("CI".into(), "true".into())];
    Ok(Some(plan))
}

fn own() -> TestPlan {
    let report = format!("--reporter-outfile={REPORT}");
    let mut plan = TestPlan::new(&["bun", "test", "--reporter=junit", &report]);
    plan.reports = vec![REPORT.into()];
    plan
}

/// Reads the report, or else the output.
///
/// # Errors
/// The reports cannot be listed.
pub fn parse(ran: Ran, reports: &Tree<'_>) -> Result<Option<Summary>, Error> {
    let has_tests = |all: &Summary| all.passed > 0 || all.failed > 0 || all.skipped > 0;
    let text = plain(&ran.output);
    let all = junit_files(reports)?.filter(has_tests);
    // `junit.xml` may have been committed: beside what was printed only the report of `bun test` counts.
    let is_own = reports.glob(&[&format!("**/{REPORT}")], 1)?.first().is_some();
    let (first, last) = if is_own { (all, None) } else { (None, all) };
    Ok(first.or_else(|| js(&text)).or(last).or_else(|| no_js_tests(&text)))
}

test_runner!(plan: plan, parse: parse);

#[cfg(test)]
mod tests {
    use windlass_plugin_sdk::{
        testing::{parse, runner_plan},
        tree,
    };

    const MANIFEST: &str = include_str!("../plugin.toml");

    #[test]
    fn a_file_of_tests_is_run_by_bun_itself_and_a_script_by_its_name() {
        let files = tree! { "package.json" => "{}", "money.test.ts" => "test()" };
        let plan = runner_plan(crate::plan, MANIFEST, "bun", &files).unwrap();
        assert!(plan.tells && plan.command.join(" ").starts_with("bun test --reporter=junit"));
        let script = r#"{"scripts":{"test":"vitest run"}}"#;
        let files = tree! { "package.json" => script, "money.test.ts" => "test()" };
        let plan = runner_plan(crate::plan, MANIFEST, "bun", &files).unwrap();
        assert_eq!((plan.command.join(" "), plan.tells), ("bun run test".to_owned(), true));
        let lint = tree! { "package.json" => r#"{"scripts":{"test":"eslint ."}}"# };
        assert!(!runner_plan(crate::plan, MANIFEST, "bun", &lint).unwrap().tells);
        let files = tree! { "package.json" => "{}" };
        assert!(runner_plan(crate::plan, MANIFEST, "bun", &files).is_none());
    }

    #[test]
    fn the_report_counts_and_without_one_the_output() {
        let report = tree! { "windlass-bun.xml" => "<testsuites><testsuite><testcase name='a'/></testsuite></testsuites>" };
        assert_eq!(parse(crate::parse, "", 0, &report).unwrap().passed, 1);
        let stale = tree! { "junit.xml" => "<testsuite><testcase name='a'><failure/></testcase></testsuite>" };
        let printed = " 2 pass\n 0 fail\nRan 2 tests across 1 file. [5.00ms]\n";
        let read = parse(crate::parse, printed, 0, &stale).unwrap();
        assert_eq!((read.passed, read.failed), (2, 0), "a report that was committed");
        let text = "error: 0 test files matching **{.test,.spec}.js in --cwd=\"/app\"\n";
        assert!(parse(crate::parse, text, 1, &tree! {}).unwrap().none_yet.is_some());
    }
}
