//! Tests of Deno: `deno test`, read from its JUnit report or from its output.

use windlass_plugin_sdk::{
    App, Error, Ran, Refusal, RunnerRequest, Summary, TestPlan, Tree,
    reports::{case, junit_files, none, note, plain, summary},
    test_runner,
};

/// Report, in the folder that tests run in.
const REPORT: &str = "windlass-deno.xml";

/// Plans `deno test` where there is a file that it takes.
///
/// # Errors
/// None.
pub fn plan(app: &App<'_>, _: &RunnerRequest) -> Result<Option<TestPlan>, Refusal> {
    if app.matched.is_empty() {
        return Ok(None);
    }
    let mut plan = TestPlan::new(&["deno", "test", "-A", &format!("--junit-path={REPORT}")]);
    plan.tells = true;
    plan.reports = vec![REPORT.into()];
    plan.env = vec![("NO_COLOR".into(), "1".into())];
    plan.evidence = app.matched.iter().take(5).map(|path| format!("{path}: tests")).collect();
    Ok(Some(plan))
}

/// Reads the report, or else the output.
///
/// # Errors
/// The reports cannot be listed.
pub fn parse(ran: Ran, reports: &Tree<'_>) -> Result<Option<Summary>, Error> {
    let has_tests = |all: &Summary| all.passed > 0 || all.failed > 0 || all.skipped > 0;
    let all = junit_files(reports)?.filter(has_tests);
    Ok(all.or_else(|| printed(&plain(&ran.output))))
}

/// Reads `FAILED | 1 passed | 1 failed | 1 ignored (5ms)`, and `error: No test modules found`.
fn printed(text: &str) -> Option<Summary> {
    if let Some(words) = text.lines().find(|line| line.contains("No test modules found")) {
        return Some(none(words));
    }
    let closing = text.lines().rev().find(|line| {
        (line.starts_with("ok | ") || line.starts_with("FAILED | ")) && line.contains(" passed")
    })?;
    let count = |word: &str| {
        let parts = closing.split(['|', '(']).filter_map(|part| part.trim().split_once(' '));
        parts.filter(|(_, name)| *name == word).find_map(|(number, _)| number.parse::<u32>().ok())
    };
    let mut all = summary();
    all.passed = count("passed").unwrap_or_default();
    all.failed = count("failed").unwrap_or_default();
    all.skipped = count("ignored").unwrap_or_default();
    // `rounds => ./money_test.ts:7:6`, below ` FAILURES `.
    let failures = text.split_once(" FAILURES").map_or("", |(_, failures)| failures);
    for line in failures.lines() {
        let Some((name, at)) = line.split_once(" => ") else { continue };
        let mut failed = case("", name.trim(), "");
        if let Some((file, line)) = windlass_plugin_sdk::reports::place(at) {
            (failed.file, failed.line) = (Some(file), Some(line));
        }
        note(&mut all, failed);
    }
    Some(all)
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
    fn files_of_tests_are_run_and_without_one_nothing_is() {
        let files = tree! { "deno.json" => "{}", "money_test.ts" => "Deno.test()" };
        let plan = runner_plan(crate::plan, MANIFEST, "deno", &files).unwrap();
        assert!(plan.tells && plan.command.join(" ").starts_with("deno test -A"));
        let files = tree! { "deno.json" => "{}", "main.ts" => "" };
        assert!(runner_plan(crate::plan, MANIFEST, "deno", &files).is_none());
    }

    #[test]
    fn the_output_counts_where_there_is_no_report() {
        let text = "running 3 tests from ./money_test.ts\n\n ERRORS \n\n FAILURES \n\nrounds => ./money_test.ts:7:6\n\nFAILED | 1 passed | 1 failed | 1 ignored (5ms)\n";
        let read = parse(crate::parse, text, 1, &tree! {}).unwrap();
        assert_eq!((read.passed, read.failed, read.skipped), (1, 1, 1));
        let case = &read.failures[0];
        assert_eq!(
            (&*case.name, case.file.as_deref(), case.line),
            ("rounds", Some("money_test.ts"), Some(7))
        );
        let none = parse(crate::parse, "error: No test modules found\n", 1, &tree! {}).unwrap();
        assert!(none.none_yet.unwrap().contains("No test modules"));
        assert!(parse(crate::parse, "error: Module not found\n", 1, &tree! {}).is_none());
    }
}
