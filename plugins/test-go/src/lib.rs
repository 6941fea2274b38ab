//! Go's own tests: `go test -v`, read as it prints, or as `-json` wraps it.

use windlass_plugin_sdk::{
    Error, Ran, Summary, TestPlan, Tree,
    reports::{case, note, place, plain, summary},
    test_runner,
};

mod output;

fn plan(repo: &Tree, _: String, matched: Vec<String>) -> Result<Option<TestPlan>, Error> {
    let modules = repo.glob("**/go.mod", 100)?;
    let other: Vec<&str> = modules.iter().filter_map(|path| path.strip_suffix("/go.mod")).collect();
    // What `./...` does not reach (`go help packages`): other modules, vendored and hidden folders.
    let reached = |path: &&String| {
        let inside = |folder: &&str| path.starts_with(&format!("{folder}/"));
        let left_out =
            |part: &str| part.starts_with(['.', '_']) || part == "testdata" || part == "vendor";
        !other.iter().any(inside) && !path.split('/').any(left_out)
    };
    let mut evidence = Vec::new();
    let mut tells = false;
    for path in matched.iter().filter(reached).take(50) {
        let text = repo.read_text(path, 1 << 20)?.unwrap_or_default();
        let has_tests = ["func Test", "func Example", "func Fuzz"]
            .iter()
            .any(|start| text.lines().any(|line| line.starts_with(start)));
        if !has_tests {
            continue;
        }
        let tagged = text.lines().any(|line| line.starts_with("//go:build"));
        evidence.push(match tagged {
            true => format!("{path}: tests, behind a build tag"),
            false => format!("{path}: tests"),
        });
        tells |= !tagged;
    }
    if evidence.is_empty() {
        return Ok(None);
    }
    evidence.truncate(5);
    let command = ["go", "test", "-v", "./..."].map(str::to_owned).to_vec();
    let (env, reports, attrs) = (Vec::new(), Vec::new(), Vec::new());
    Ok(Some(TestPlan { command, env, reports, tells, evidence, attrs }))
}

fn parse(ran: Ran, _: &Tree) -> Result<Option<Summary>, Error> {
    Ok(output::read(&ran.output))
}

test_runner!(plan: plan, parse: parse);
