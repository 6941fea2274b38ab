//! Tests of Node: `npm test`, whatever it runs, read as node:test, vitest, jest and mocha print.

use serde_json::Value;
use windlass_plugin_sdk::{
    Error, Ran, Summary, TestPlan, Tree, invalid,
    reports::{add, junit, plain, summary, tap},
    test_runner,
};

mod counts;
mod jest;
mod mocha;
mod node;
mod none;
mod vitest;

/// Tools whose output names each test. A script may also be a linter.
const NAMING: [&str; 5] = ["node --test", "jest", "vitest", "mocha", "react-scripts test"];

/// Files that may configure jest or vitest to pass without tests.
const CONFIGS: [&str; 10] = [
    "jest.config.js",
    "jest.config.ts",
    "jest.config.mjs",
    "jest.config.cjs",
    "jest.config.json",
    "vitest.config.js",
    "vitest.config.ts",
    "vitest.config.mts",
    "vite.config.js",
    "vite.config.ts",
];

fn plan(repo: &Tree, _: String, _: Vec<String>) -> Result<Option<TestPlan>, Error> {
    let Some(text) = repo.read_text("package.json", 1 << 18)? else { return Ok(None) };
    let manifest: Value = serde_json::from_str(&text).map_err(|error| {
        invalid(format!("package.json: {error}"), "correct it and commit again")
    })?;
    // `npm init` writes a script that only fails.
    let script = manifest["scripts"]["test"].as_str();
    let Some(script) = script.filter(|script| !script.contains("no test specified")) else {
        return Ok(None);
    };
    let evidence = vec![format!("package.json: scripts.test is `{script}`")];
    // The option may be in the script, in jest's part of package.json, or in a file of its own.
    let content = |file: &&str| repo.read_text(file, 1 << 16).ok().flatten();
    let none_will_do =
        |text: &str| text.contains("passWithNoTests") || text.contains("pass-with-no-tests");
    let tells = NAMING.iter().any(|tool| script.contains(tool))
        && !none_will_do(&text)
        && !CONFIGS.iter().filter_map(content).any(|text| none_will_do(&text));
    let command = ["npm", "test"].map(str::to_owned).to_vec();
    let reports = ["junit.xml", "reports/*.xml", "test-results/*.xml"].map(str::to_owned).to_vec();
    let env = vec![("NO_COLOR".into(), "1".into())];
    Ok(Some(TestPlan { command, env, reports, tells, evidence, attrs: Vec::new() }))
}

fn parse(ran: Ran, reports: &Tree) -> Result<Option<Summary>, Error> {
    let mut all: Option<Summary> = None;
    for path in reports.glob("**/*.xml", 20)? {
        let text = reports.read_text(&path, 1 << 22)?.unwrap_or_default();
        // Coverage and linters write XML too.
        if let Ok(read) = junit(&text)
            && read.passed + read.failed + read.skipped > 0
        {
            add(all.get_or_insert_with(summary), read);
        }
    }
    let text = plain(&ran.output);
    let readers = [tap, node::read, vitest::read, jest::read, mocha::read];
    // The output is of this run. A report may have been committed.
    let printed = readers.iter().find_map(|read| read(&text));
    // A sentence that there is no test counts last: another part of the same run may have run some, and the
    // report of a failure explains the exit code better.
    let explains = all.as_ref().is_some_and(|all| all.failed > 0 || ran.exit_code == 0);
    let no_test = || if explains { None } else { none::read(&text) };
    Ok(printed.or_else(no_test).or(all))
}

test_runner!(plan: plan, parse: parse);
