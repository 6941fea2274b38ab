//! Tests of .NET: `dotnet test`, read from its TRX reports or from its output.

use windlass_plugin_sdk::{
    App, Error, Ran, Refusal, RunnerRequest, Summary, TestPlan, Tree,
    reports::{files, none, none_if_zero, plain, summary, trx},
    test_runner,
};

/// Folder of the reports, in the folder that tests run in.
const FOLDER: &str = "windlass-trx";

/// Packages that make a project one of tests.
const PACKAGES: [&str; 4] = ["Microsoft.NET.Test.Sdk", "MSTest.Sdk", "xunit.v3", "TUnit"];

/// Number of projects that are searched.
const LOOKED_AT: usize = 100;

/// Plans `dotnet test` where a project has tests.
///
/// # Errors
/// None.
pub fn plan(app: &App<'_>, _: &RunnerRequest) -> Result<Option<TestPlan>, Refusal> {
    let is_project = |path: &&String| path.ends_with(".csproj") || path.ends_with(".fsproj");
    let text = |path: &str| app.read(path).ok().flatten().map(|file| file.text);
    let found = app.matched.iter().filter(is_project).take(LOOKED_AT).find_map(|path| {
        let text = text(path)?;
        PACKAGES.iter().find(|package| text.contains(**package)).map(|package| (path, package))
    });
    let Some((project, package)) = found else { return Ok(None) };
    let mut plan = TestPlan::new(&["dotnet", "test"]);
    // Only what is alone in the folder is found without its path: beside a solution, a project makes the command
    // fail, and a project without tests would be the one that is tested.
    let solutions = app.glob(&["*.{sln,slnx}"], 2);
    let projects = app.glob(&["*.{csproj,fsproj}"], 2);
    match (solutions.as_slice(), projects.as_slice()) {
        ([_], []) => {}
        ([one], _) => plan.command.push(one.clone()),
        ([], [one]) if one == project => {}
        _ => plan.command.push(project.clone()),
    }
    plan.command.extend(["--logger", "trx", "--results-directory", FOLDER].map(str::to_owned));
    plan.tells = true;
    plan.reports = vec![format!("{FOLDER}/*.trx")];
    plan.env = vec![("DOTNET_NOLOGO".into(), "1".into())];
    plan.evidence.push(format!("{project}: {package}"));
    Ok(Some(plan))
}

/// Reads the reports, or else the output.
///
/// # Errors
/// The reports cannot be listed.
pub fn parse(ran: Ran, reports: &Tree<'_>) -> Result<Option<Summary>, Error> {
    let has_tests = |all: &Summary| all.passed > 0 || all.failed > 0 || all.skipped > 0;
    let all = files(reports, &["**/*.trx"], trx)?.filter(has_tests);
    Ok(all.or_else(|| printed(&plain(&ran.output))))
}

/// Reads `Failed!  - Failed:     1, Passed:     2, Skipped:     1, Total:     4`, a line for each project, and
/// `No test is available in …`.
fn printed(text: &str) -> Option<Summary> {
    let mut all = summary();
    let mut closing = None;
    for line in text.lines().map(str::trim) {
        let Some((_, counts)) = line.split_once("! ").filter(|(_, rest)| rest.contains("Passed:"))
        else {
            continue;
        };
        closing = Some(line);
        let count = |name: &str| {
            let found = counts.split([',', '-']).find_map(|part| part.trim().strip_prefix(name));
            found.and_then(|number| number.trim().parse::<u32>().ok()).unwrap_or_default()
        };
        all.passed = all.passed.saturating_add(count("Passed:"));
        all.failed = all.failed.saturating_add(count("Failed:"));
        all.skipped = all.skipped.saturating_add(count("Skipped:"));
    }
    match closing {
        Some(closing) => Some(none_if_zero(all, closing)),
        None => text.lines().find(|line| line.contains("No test is available")).map(none),
    }
}

test_runner!(plan: plan, parse: parse);

#[cfg(test)]
mod tests {
    use windlass_plugin_sdk::{
        testing::{parse, runner_plan},
        tree,
    };

    const MANIFEST: &str = include_str!("../plugin.toml");
    const TESTS: &str = "<Project><ItemGroup><PackageReference Include=\"Microsoft.NET.Test.Sdk\" /></ItemGroup></Project>";

    #[test]
    fn a_project_of_tests_is_run_by_the_solution_or_by_its_path() {
        let command =
            |files| runner_plan(crate::plan, MANIFEST, "dotnet", &files).unwrap().command.join(" ");
        let files = tree! { "Shop.sln" => "", "Shop.Tests/Shop.Tests.csproj" => TESTS };
        assert_eq!(command(files), "dotnet test --logger trx --results-directory windlass-trx");
        let files = tree! { "Shop.Tests/Shop.Tests.csproj" => TESTS };
        assert!(
            command(files).starts_with("dotnet test Shop.Tests/Shop.Tests.csproj --logger trx")
        );
        let files = tree! { "Shop.sln" => "", "Shop.csproj" => "<Project/>", "Shop.Tests/Shop.Tests.csproj" => TESTS };
        assert!(command(files).starts_with("dotnet test Shop.sln --logger trx"));
        let files =
            tree! { "Shop.csproj" => "<Project/>", "Shop.Tests/Shop.Tests.csproj" => TESTS };
        assert!(command(files).starts_with("dotnet test Shop.Tests/Shop.Tests.csproj --logger"));
        let files = tree! { "Shop.csproj" => "<Project/>" };
        assert!(runner_plan(crate::plan, MANIFEST, "dotnet", &files).is_none());
    }

    #[test]
    fn reports_count_and_without_them_the_output() {
        let report = tree! { "windlass-trx/a.trx" => "<TestRun><Results><UnitTestResult testName='a' outcome='Failed'/></Results></TestRun>" };
        assert_eq!(parse(crate::parse, "", 1, &report).unwrap().failed, 1);
        let text = "Failed!  - Failed:     1, Passed:     2, Skipped:     1, Total:     4, Duration: 5 ms - Shop.Tests.dll (net8.0)\n";
        let all = parse(crate::parse, text, 1, &tree! {}).unwrap();
        assert_eq!((all.passed, all.failed, all.skipped), (2, 1, 1));
        let text = "No test is available in /app/bin/Shop.Tests.dll.\n";
        assert!(parse(crate::parse, text, 0, &tree! {}).unwrap().none_yet.is_some());
    }
}
