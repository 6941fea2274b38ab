//! Tests of Go: `go test -v`, read as text, or as the events of `-json`.

use windlass_plugin_sdk::{
    App, Error, Ran, Refusal, RunnerRequest, Summary, TestPlan, Tree,
    gomod::{is_passed_by, module_of, used},
    leads_out, reports, test_runner,
};

mod events;
mod output;

/// Plans `go test` over the modules of the app.
///
/// # Errors
/// None: a file that cannot be read is no reason to run no tests.
pub fn plan(app: &App<'_>, _: &RunnerRequest) -> Result<Option<TestPlan>, Refusal> {
    let modules = app.glob(&["**/go.mod"], 1_000);
    let folder =
        |path: &String| path.strip_suffix("go.mod").map(|at| at.trim_end_matches('/').into());
    let modules: Vec<String> = modules.iter().filter_map(folder).collect();
    let text = |path: &str| app.read(path).ok().flatten().map(|file| file.text);
    let work = text("go.work");
    let mut tested = work.as_deref().map_or_else(|| vec![String::new()], used);
    tested.retain(|folder| !leads_out(folder));
    // `./...` does not reach other modules, vendored and hidden folders.
    let reached = |path: &&String| {
        let module = module_of(path, &modules).unwrap_or_default();
        tested.iter().any(|folder| folder == module) && !is_passed_by(path)
    };
    let mut evidence = Vec::new();
    let mut tells = false;
    for path in app.matched.iter().filter(reached).take(50) {
        let Some(text) = text(path) else {
            evidence.push(format!("{path}: may hold tests"));
            continue;
        };
        if !text.lines().any(is_test) {
            continue;
        }
        // A tag, or a system in the file's name (`go help buildconstraint`), may leave it out.
        let tagged = text.lines().any(|line| line.starts_with("//go:build"))
            || path
                .trim_end_matches("_test.go")
                .rsplit('/')
                .next()
                .is_some_and(|name| name.contains('_'));
        evidence.push(if tagged {
            format!("{path}: tests, behind a build tag")
        } else {
            format!("{path}: tests")
        });
        tells |= !tagged;
    }
    if evidence.is_empty() {
        return Ok(None);
    }
    evidence.truncate(5);
    let mut plan = TestPlan::new(&["go", "test", "-v"]);
    // In a workspace a pattern reaches one module.
    plan.command.extend(tested.iter().map(|folder| match &**folder {
        "" => "./...".to_owned(),
        folder => format!("./{folder}/..."),
    }));
    plan.tells = tells;
    plan.evidence = evidence;
    Ok(Some(plan))
}

/// Returns whether a line begins a test, `func TestX(`. No lower case letter follows `Test` (`go help testfunc`),
/// and TestMain is no test.
fn is_test(line: &str) -> bool {
    let name = line.strip_prefix("func Test").or_else(|| line.strip_prefix("func Fuzz"));
    name.is_some_and(|rest| {
        !rest.starts_with(|c: char| c.is_lowercase()) && !rest.starts_with("Main(")
    })
}

/// Reads the events of `-json`, or else the text of `-v`.
///
/// # Errors
/// None.
pub fn parse(ran: Ran, _: &Tree<'_>) -> Result<Option<Summary>, Error> {
    let read = events::read(&ran.output).or_else(|| output::read(&ran.output));
    let none = ["no test files", "no packages to test", "no tests to run"];
    let words = ran.output.lines().find(|line| none.iter().any(|words| line.contains(words)));
    Ok(read.map(|read| reports::none_if_zero(read, words.unwrap_or("no test files"))))
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
    fn files_of_tests_tell_and_those_behind_a_tag_do_not() {
        let files = tree! { "go.mod" => "module a\n", "a_test.go" => "package a\n\nfunc TestA(t *testing.T) {}\n" };
        let plan = runner_plan(crate::plan, MANIFEST, "go", &files).unwrap();
        assert_eq!((plan.command.join(" "), plan.tells), ("go test -v ./...".to_owned(), true));
        let files = tree! { "go.mod" => "module a\n", "a_test.go" => "//go:build slow\npackage a\n\nfunc TestA(t *testing.T) {}\n" };
        assert!(!runner_plan(crate::plan, MANIFEST, "go", &files).unwrap().tells);
        let files = tree! { "go.mod" => "module a\n", "a_test.go" => "package a\n" };
        assert!(runner_plan(crate::plan, MANIFEST, "go", &files).is_none());
    }

    #[test]
    fn no_test_files_is_the_tools_own_word() {
        let none = parse(crate::parse, "?   \ta\t[no test files]\n", 0, &tree! {}).unwrap();
        assert!(none.none_yet.unwrap().contains("no test files"));
        let some = parse(crate::parse, "--- PASS: TestA (0.00s)\nok  \ta\t0.1s\n", 0, &tree! {});
        assert_eq!(some.unwrap().none_yet, None);
    }
}
