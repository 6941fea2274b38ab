//! Tests of Go: `go test -v`, read as text, or as the events of `-json`.

use windlass_plugin_sdk::{
    Error, Ran, Summary, TestPlan, Tree,
    gomod::{is_passed_by, module_of, used},
    leads_out, test_runner,
};

mod events;
mod output;

fn plan(repo: &Tree, _: String, matched: Vec<String>) -> Result<Option<TestPlan>, Error> {
    // A tree that is too large to look through is no reason to run no tests.
    let modules = repo.glob("**/go.mod", 1_000).unwrap_or_default();
    let folder =
        |path: &String| path.strip_suffix("go.mod").map(|at| at.trim_end_matches('/').into());
    let modules: Vec<String> = modules.iter().filter_map(folder).collect();
    let work = repo.read_text("go.work", 1 << 16).unwrap_or_default();
    let mut tested = work.as_deref().map_or_else(|| vec![String::new()], used);
    tested.retain(|folder| !leads_out(folder));
    // `./...` does not reach other modules, vendored and hidden folders.
    let reached = |path: &&String| {
        let module = module_of(path, &modules).unwrap_or_default();
        tested.iter().any(|folder| folder == module) && !is_passed_by(path)
    };
    let mut evidence = Vec::new();
    let mut tells = false;
    for path in matched.iter().filter(reached).take(50) {
        let Ok(text) = repo.read_text(path, 1 << 20) else {
            evidence.push(format!("{path}: may hold tests"));
            continue;
        };
        let text = text.unwrap_or_default();
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
    let mut command = ["go", "test", "-v"].map(str::to_owned).to_vec();
    // In a workspace a pattern reaches one module.
    command.extend(tested.iter().map(|folder| match &**folder {
        "" => "./...".to_owned(),
        folder => format!("./{folder}/..."),
    }));
    let env = Vec::new();
    let reports = Vec::new();
    let attrs = Vec::new();
    Ok(Some(TestPlan { command, env, reports, tells, evidence, attrs }))
}

/// Returns whether a line begins a test, `func TestX(`. No lower case letter follows `Test` (`go help testfunc`),
/// and TestMain is no test.
fn is_test(line: &str) -> bool {
    let name = line.strip_prefix("func Test").or_else(|| line.strip_prefix("func Fuzz"));
    name.is_some_and(|rest| {
        !rest.starts_with(|c: char| c.is_lowercase()) && !rest.starts_with("Main(")
    })
}

fn parse(ran: Ran, _: &Tree) -> Result<Option<Summary>, Error> {
    Ok(events::read(&ran.output).or_else(|| output::read(&ran.output)))
}

test_runner!(plan: plan, parse: parse);
