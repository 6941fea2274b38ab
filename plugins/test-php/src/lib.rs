//! Tests of PHP: pest or phpunit, read from their JUnit report or from their output.

use windlass_plugin_sdk::{
    App, Error, Ran, Refusal, RunnerRequest, Summary, TestPlan, Tree,
    reports::{junit_files, plain},
    test_runner,
};

mod printed;

/// Report, in the folder that tests run in.
const REPORT: &str = "windlass-phpunit.xml";

/// Key of 32 zeros by which Laravel encrypts sessions of tests.
const KEY: &str = "base64:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Tools by the package that has them, the first before the second.
const TOOLS: [(&str, &str); 4] = [
    ("pestphp/pest", "vendor/bin/pest"),
    ("phpunit/phpunit", "vendor/bin/phpunit"),
    ("symfony/phpunit-bridge", "vendor/bin/simple-phpunit"),
    // Laravel's and Symfony's own packages bring it.
    ("symfony/test-pack", "vendor/bin/phpunit"),
];

/// Plans the tool that composer.json names. `None` means that it names none.
///
/// # Errors
/// composer.json cannot be read.
pub fn plan(app: &App<'_>, _: &RunnerRequest) -> Result<Option<TestPlan>, Refusal> {
    let Some(composer) = app.read("composer.json")? else { return Ok(None) };
    let tool = TOOLS.iter().find(|(package, _)| composer.text.contains(&format!("\"{package}\"")));
    let Some((package, command)) = tool else { return Ok(None) };
    let Some(file) = app.matched.first() else { return Ok(None) };
    let test = app.matched.iter().find(|path| path.ends_with("Test.php"));
    let pest = || app.glob(&["tests/**/*.php"], 200).into_iter().find(|path| has_pest(app, path));
    let test = test.cloned().or_else(pest);
    let mut plan = TestPlan::new(&[*command, "--log-junit", REPORT]);
    let line = composer.line_of(&format!("\"{package}\""));
    plan.evidence.push(format!("{}:{line}: {package}", composer.path));
    plan.evidence.push(format!("{}: tests", test.as_ref().unwrap_or(file)));
    plan.tells = test.is_some();
    plan.reports = vec![REPORT.into()];
    // A page of Laravel fails without a key, which is in no commit: each machine makes its own.
    if app.has("artisan") && !app.has(".env") && !app.has(".env.testing") {
        plan.env = vec![("APP_KEY".into(), KEY.into())];
        plan.evidence.push("artisan: Laravel, with a key for tests alone".into());
    }
    Ok(Some(plan))
}

/// Returns whether a file has tests of pest, which are calls: `it('adds', …)`.
fn has_pest(app: &App<'_>, path: &str) -> bool {
    let text = app.read(path).ok().flatten().map(|file| file.text).unwrap_or_default();
    text.lines()
        .map(str::trim_start)
        .any(|line| line.starts_with("it(") || line.starts_with("test("))
}

/// Reads the report, or else the output.
///
/// # Errors
/// The reports cannot be listed.
pub fn parse(ran: Ran, reports: &Tree<'_>) -> Result<Option<Summary>, Error> {
    let has_tests = |all: &Summary| all.passed > 0 || all.failed > 0 || all.skipped > 0;
    let all = junit_files(reports)?.filter(has_tests);
    Ok(all.or_else(|| printed::read(&plain(&ran.output))))
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
    fn the_tool_is_the_one_that_composer_names() {
        let plan = |files| runner_plan(crate::plan, MANIFEST, "php", &files);
        let files = tree! { "composer.json" => r#"{"require-dev":{"phpunit/phpunit":"^11"}}"#, "tests/ATest.php" => "" };
        let one = plan(files).unwrap();
        assert_eq!(
            (one.command.first().map(String::as_str), one.tells),
            (Some("vendor/bin/phpunit"), true)
        );
        let pest = r#"{"require-dev":{"pestphp/pest":"^3","phpunit/phpunit":"^11"}}"#;
        let files = tree! { "composer.json" => pest, "tests/Pest.php" => "", "tests/money.php" => "<?php\nit('adds', fn() => 1);" };
        let one = plan(files).unwrap();
        assert_eq!(
            (one.command.first().map(String::as_str), one.tells),
            (Some("vendor/bin/pest"), true)
        );
        let files = tree! { "composer.json" => "{}", "tests/ATest.php" => "" };
        assert!(plan(files).is_none());
        let files = tree! { "composer.json" => pest, "phpunit.xml" => "" };
        assert!(!plan(files).unwrap().tells, "a configuration alone");
    }

    #[test]
    fn tests_of_laravel_have_a_key_where_no_file_has_one() {
        let composer = r#"{"require-dev":{"phpunit/phpunit":"^11"}}"#;
        let files = tree! { "composer.json" => composer, "artisan" => "", "tests/ATest.php" => "" };
        let env = |files| runner_plan(crate::plan, MANIFEST, "php", &files).unwrap().env;
        assert!(
            env(files.clone()).iter().any(|(name, key)| name == "APP_KEY" && key == crate::KEY)
        );
        assert!(env(files.with(".env.testing", "APP_KEY=x\n")).is_empty());
        assert!(env(tree! { "composer.json" => composer, "tests/ATest.php" => "" }).is_empty());
    }

    #[test]
    fn the_report_counts_and_without_one_the_output() {
        let report = tree! { "windlass-phpunit.xml" => "<testsuites><testsuite><testcase name='a'/></testsuite></testsuites>" };
        assert_eq!(parse(crate::parse, "", 0, &report).unwrap().passed, 1);
        let none = parse(crate::parse, "No tests executed!\n", 1, &tree! {}).unwrap();
        assert_eq!(none.none_yet.as_deref(), Some("No tests executed!"));
    }
}
