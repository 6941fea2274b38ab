//! Tests of Elixir: `mix test`, read from its output.

use windlass_plugin_sdk::{
    App, Error, Ran, Refusal, RunnerRequest, Summary, TestPlan, Tree, reports::plain, test_runner,
};

mod exunit;

/// Number of files that are searched for tests.
const LOOKED_AT: usize = 50;

/// Plans `mix test` where there is a file of tests.
///
/// # Errors
/// None.
pub fn plan(app: &App<'_>, _: &RunnerRequest) -> Result<Option<TestPlan>, Refusal> {
    let Some(first) = app.matched.first() else { return Ok(None) };
    let text = |path: &str| app.read(path).ok().flatten().map(|file| file.text);
    let holds_tests = |path: &&String| {
        let words = ["test ", "test(", "property ", "doctest "];
        text(path).is_some_and(|text| {
            text.lines()
                .map(str::trim_start)
                .any(|line| words.iter().any(|word| line.starts_with(word)))
        })
    };
    let holding = app.matched.iter().take(LOOKED_AT).find(holds_tests);
    let mut plan = TestPlan::new(&["mix", "test"]);
    plan.env = vec![("MIX_ENV".into(), "test".into())];
    plan.tells = holding.is_some();
    plan.evidence.push(format!("{}: tests", holding.unwrap_or(first)));
    Ok(Some(plan))
}

/// Reads the output.
///
/// # Errors
/// None.
pub fn parse(ran: Ran, _: &Tree<'_>) -> Result<Option<Summary>, Error> {
    Ok(exunit::read(&plain(&ran.output)))
}

test_runner!(plan: plan, parse: parse);

#[cfg(test)]
mod tests {
    use windlass_plugin_sdk::{testing::runner_plan, tree};

    #[test]
    fn a_file_that_holds_tests_tells_and_an_empty_one_does_not() {
        let plan = |text: &str| {
            let files = tree! { "mix.exs" => "", "test/app_test.exs" => text };
            runner_plan(crate::plan, include_str!("../plugin.toml"), "elixir", &files).unwrap()
        };
        let one = plan("defmodule AppTest do\n  test \"adds\" do\n  end\nend\n");
        assert_eq!((one.command.join(" "), one.tells), ("mix test".to_owned(), true));
        assert_eq!(one.env, [("MIX_ENV".to_owned(), "test".to_owned())]);
        assert!(!plan("defmodule AppTest do\nend\n").tells);
    }
}
