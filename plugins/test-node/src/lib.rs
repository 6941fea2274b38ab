//! Tests of Node: the script `test` by the app's own package manager, whatever it runs, read as node:test, vitest, jest
//! and mocha print, or from their JUnit reports.

use windlass_plugin_sdk::{
    App, Error, Ran, Refusal, RunnerRequest, Summary, TestPlan, Tree,
    js::Package,
    reports::{js, junit_files, no_js_tests, plain},
    test_runner,
};

mod script;

/// Plans the script `test` of package.json. `None` means that there is none, or the one of `npm init`.
///
/// # Errors
/// package.json cannot be read.
pub fn plan(app: &App<'_>, request: &RunnerRequest) -> Result<Option<TestPlan>, Refusal> {
    let Some(package) = Package::read(app)? else { return Ok(None) };
    let Some(script) = script::of(&package) else { return Ok(None) };
    let mut plan = TestPlan::new(script::manager(&request.tools));
    plan.evidence.push(format!("{} is `{script}`", package.source(&["scripts", "test"])));
    let files = script::files(app);
    plan.evidence.extend(files.iter().take(4).map(|path| format!("{path}: tests")));
    let reached = script::reached(&package, script);
    plan.tells = !files.is_empty() && script::names_tests(&reached) && !script::passes_without(app);
    plan.reports = ["junit.xml", "reports/*.xml", "test-results/*.xml"].map(str::to_owned).to_vec();
    // Without `CI` some tools wait for changes of files after the last test: `react-scripts test`.
    plan.env = vec![("NO_COLOR".into(), "1".into()), ("CI".into(), "true".into())];
    Ok(Some(plan))
}

/// Reads the output. A report may have been committed, so that it counts only where nothing was printed.
///
/// # Errors
/// The reports cannot be listed.
pub fn parse(ran: Ran, reports: &Tree<'_>) -> Result<Option<Summary>, Error> {
    // Coverage and linters write XML too.
    let has_tests = |all: &Summary| all.passed > 0 || all.failed > 0 || all.skipped > 0;
    let all = junit_files(reports)?.filter(has_tests);
    let text = plain(&ran.output);
    // A sentence that there is no test counts last: another part of the same run may have run some, and the
    // report of a failure explains the exit code better.
    let explains = all.as_ref().is_some_and(|all| all.failed > 0 || ran.exit_code == 0);
    let no_test = || if explains { None } else { no_js_tests(&text) };
    Ok(js(&text).or_else(no_test).or(all))
}

test_runner!(plan: plan, parse: parse);

#[cfg(test)]
mod tests {
    use windlass_plugin_sdk::{
        testing::{parse, runner_plan},
        tree,
    };

    const MANIFEST: &str = include_str!("../plugin.toml");
    const JEST: &str = r#"{"scripts":{"test":"jest"}}"#;

    #[test]
    fn only_files_of_tests_tell_that_there_are_some() {
        let tells = |files| runner_plan(crate::plan, MANIFEST, "node", &files).unwrap().tells;
        assert!(!tells(tree! { "package.json" => JEST }), "a script alone");
        assert!(tells(tree! { "package.json" => JEST, "src/a.test.ts" => "test()" }));
        assert!(tells(tree! { "package.json" => JEST, "src/__tests__/a.js" => "test()" }));
        let lint = r#"{"scripts":{"test":"eslint ."}}"#;
        assert!(!tells(tree! { "package.json" => lint, "a.test.js" => "test()" }));
        let through = r#"{"scripts":{"test":"npm run test:unit","test:unit":"vitest run"}}"#;
        assert!(tells(tree! { "package.json" => through, "a.test.js" => "test()" }));
        let config = "export default { test: { passWithNoTests: true } }";
        assert!(!tells(
            tree! { "package.json" => JEST, "a.test.js" => "", "vite.config.ts" => config }
        ));
        let mocha = r#"{"scripts":{"test":"mocha"}}"#;
        assert!(tells(tree! { "package.json" => mocha, "test/money.js" => "it()" }));
    }

    #[test]
    fn the_apps_own_manager_runs_the_script() {
        let files = tree! { "package.json" => JEST, "a.test.js" => "test()" };
        let plan = |files| runner_plan(crate::plan, MANIFEST, "node", &files).unwrap();
        assert_eq!(plan(files.clone()).command.join(" "), "npm test");
        assert!(plan(files.clone()).env.contains(&("CI".to_owned(), "true".to_owned())));
        assert_eq!(plan(files.tool("pnpm 9.15.9")).command.join(" "), "pnpm test");
    }

    #[test]
    fn without_a_script_or_with_that_of_npm_init_there_are_no_tests() {
        for text in [
            "{}",
            r#"{"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}"#,
            r#"{"scripts":{"test":" "}}"#,
        ] {
            let files = tree! { "package.json" => text, "a.test.js" => "" };
            assert!(runner_plan(crate::plan, MANIFEST, "node", &files).is_none(), "{text}");
        }
    }

    #[test]
    fn the_tools_own_sentence_is_kept() {
        let text = "> jest\n\nNo tests found, exiting with code 1\n";
        let none = parse(crate::parse, text, 1, &tree! {}).unwrap();
        assert_eq!(none.none_yet.as_deref(), Some("No tests found, exiting with code 1"));
        let coverage = tree! { "junit.xml" => "<coverage/>" };
        assert!(parse(crate::parse, "eslint: 3 problems\n", 1, &coverage).is_none());
        let report = tree! { "junit.xml" => "<testsuite><testcase name='a'/></testsuite>" };
        assert_eq!(parse(crate::parse, "done\n", 0, &report).unwrap().passed, 1);
    }
}
