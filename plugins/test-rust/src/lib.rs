//! Tests of Rust: `cargo test`, read from its output.

use windlass_plugin_sdk::{
    App, Error, Ran, Refusal, RunnerRequest, Summary, TestPlan, Tree, reports::plain, test_runner,
};

mod libtest;

/// Attributes of tests: the standard library's, and those of async runtimes and helpers, which end alike.
const TESTS: [&str; 5] = ["#[test]", "::test]", "::test(", "#[rstest]", "#[test_case("];

/// Number of files that are searched for tests.
const LOOKED_AT: usize = 200;

/// Plans `cargo test` where a file has a test.
///
/// # Errors
/// None: a file that cannot be read is no reason to run no tests.
pub fn plan(app: &App<'_>, _: &RunnerRequest) -> Result<Option<TestPlan>, Refusal> {
    let text = |path: &str| app.read(path).ok().flatten().map(|file| file.text);
    let holds_tests = |path: &&String| {
        !path.starts_with("target/")
            && text(path).is_some_and(|text| TESTS.iter().any(|part| text.contains(part)))
    };
    let holding: Vec<_> = app.matched.iter().take(LOOKED_AT).filter(holds_tests).take(5).collect();
    // A folder of integration tests counts, also where it has only helpers yet.
    let folder = app.matched.iter().find(|path| path.starts_with("tests/"));
    if holding.is_empty() && folder.is_none() {
        return Ok(None);
    }
    let mut plan = TestPlan::new(&["cargo", "test"]);
    if app.read_above("Cargo.lock").is_ok_and(|lock| lock.is_some()) || app.has("Cargo.lock") {
        plan.command.push("--locked".into());
    }
    if let Some(name) = member(app) {
        plan.command.extend(["-p".to_owned(), name]);
    }
    plan.tells = !holding.is_empty();
    plan.env = vec![("CARGO_TERM_COLOR".into(), "never".into())];
    plan.evidence = holding.iter().map(|path| format!("{path}: tests")).collect();
    if let (true, Some(path)) = (holding.is_empty(), folder) {
        plan.evidence.push(format!("{path}: a folder for tests"));
    }
    Ok(Some(plan))
}

/// Returns the package's name where the app is a member of a workspace above it: its tests alone are run, wherever the
/// stage's working directory is.
fn member(app: &App<'_>) -> Option<String> {
    if app.folder.is_empty() {
        return None;
    }
    let manifest = app.read("Cargo.toml").ok().flatten()?;
    let is_root = manifest.lines().any(|(_, line)| line.trim() == "[workspace]");
    let root = app.read_repo("Cargo.toml").ok().flatten()?;
    let has_members = root.lines().any(|(_, line)| line.trim().starts_with("[workspace"));
    if is_root || !has_members {
        return None;
    }
    let mut in_package = false;
    for (_, line) in manifest.lines() {
        let line = line.trim();
        if line.starts_with('[') {
            in_package = line == "[package]";
        } else if let Some(value) = line.strip_prefix("name").filter(|_| in_package) {
            let name = value.trim_start().strip_prefix('=')?.trim().trim_matches(['"', '\'']);
            let is_name = !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
                && !name.starts_with('-');
            return is_name.then(|| name.to_owned());
        }
    }
    None
}

/// Reads the output.
///
/// # Errors
/// None.
pub fn parse(ran: Ran, _: &Tree<'_>) -> Result<Option<Summary>, Error> {
    Ok(libtest::read(&plain(&ran.output)))
}

test_runner!(plan: plan, parse: parse);

#[cfg(test)]
mod tests {
    use windlass_plugin_sdk::{testing::runner_plan, tree};

    const MANIFEST: &str = include_str!("../plugin.toml");

    #[test]
    fn files_with_tests_are_run_with_the_lock_that_there_is() {
        let plan = |files| runner_plan(crate::plan, MANIFEST, "rust", &files);
        let files = tree! { "Cargo.toml" => "[package]\nname = \"a\"\n", "Cargo.lock" => "", "src/main.rs" => "#[test]\nfn a() {}" };
        let one = plan(files).unwrap();
        assert_eq!((one.command.join(" "), one.tells), ("cargo test --locked".to_owned(), true));
        let files =
            tree! { "Cargo.toml" => "", "src/main.rs" => "#[tokio::test]\nasync fn a() {}" };
        assert_eq!(plan(files).unwrap().command.join(" "), "cargo test");
        assert!(plan(tree! { "Cargo.toml" => "", "src/main.rs" => "fn main() {}" }).is_none());
    }

    #[test]
    fn a_member_of_a_workspace_is_tested_alone() {
        let files = tree! {
            "Cargo.toml" => "[workspace]\nmembers = [\"api\"]\n",
            "Cargo.lock" => "",
            "api/Cargo.toml" => "[package]\nname = \"shop-api\"\n",
            "api/src/main.rs" => "#[test]\nfn a() {}",
        };
        let plan = runner_plan(crate::plan, MANIFEST, "rust", &files.app("api")).unwrap();
        assert_eq!(plan.command.join(" "), "cargo test --locked -p shop-api");
    }
}
