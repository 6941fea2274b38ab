//! Tests of Java and Kotlin: by Maven or Gradle, read from the reports that both write.

use windlass_plugin_sdk::{
    App, Error, Ran, Refusal, RunnerRequest, Summary, TestPlan, Tree,
    reports::{junit_files, none, plain},
    test_runner,
};

mod maven;

/// Reports of surefire and failsafe, and of Gradle, of all modules.
const REPORTS: [&str; 3] = [
    "**/target/surefire-reports/*.xml",
    "**/target/failsafe-reports/*.xml",
    "**/build/test-results/*/*.xml",
];

/// Texts of files that hold tests: JUnit 3 to 5 and TestNG, Kotest, Spock, ScalaTest.
const TESTS: [&str; 7] =
    ["@Test", "@ParameterizedTest", "@RepeatedTest", "TestCase", "Spec", "kotest", "FunSuite"];

/// Number of files that are searched for tests.
const LOOKED_AT: usize = 50;

/// Plans the tests by the tool of the recipe, or else by the build's own file.
///
/// # Errors
/// None.
pub fn plan(app: &App<'_>, request: &RunnerRequest) -> Result<Option<TestPlan>, Refusal> {
    let sources: Vec<_> = app.matched.iter().filter(|path| is_source(path)).collect();
    let Some(first) = sources.first() else { return Ok(None) };
    let Some(command) = command(app, request) else { return Ok(None) };
    let text = |path: &str| app.read(path).ok().flatten().map(|file| file.text);
    let holds_tests = |path: &&&String| {
        text(path).is_some_and(|text| TESTS.iter().any(|part| text.contains(part)))
    };
    let holding = sources.iter().take(LOOKED_AT).find(holds_tests);
    let mut plan = TestPlan::new(&command);
    plan.tells = holding.is_some();
    plan.evidence.push(format!("{}: tests", holding.unwrap_or(first)));
    plan.reports = REPORTS.map(str::to_owned).to_vec();
    Ok(Some(plan))
}

/// Returns the command. A wrapper need not have its bit for execution in git. Of a build with several modules only the
/// app's own is tested, with those that it needs.
fn command(app: &App<'_>, request: &RunnerRequest) -> Option<Vec<String>> {
    let has = |name: &str| request.tools.iter().any(|tool| tool.split(' ').next() == Some(name));
    let gradle = ["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"];
    let is_gradle = || gradle.iter().any(|path| app.has(path));
    let maven = has("maven") || has("maven-wrapper");
    if maven || !has("gradle") && !has("gradle-wrapper") && app.has("pom.xml") {
        let wrapped = has("maven-wrapper") || !has("maven") && app.has("mvnw");
        let words: &[&str] = if wrapped { &["sh", "./mvnw"] } else { &["mvn"] };
        let mut command: Vec<_> =
            [words, &["-B", "-ntp"]].concat().into_iter().map(str::to_owned).collect();
        if let Some(module) = module(app, request, &["pom.xml"]) {
            command.extend(["-pl".into(), module.into(), "-am".into()]);
        }
        command.push("test".into());
        return Some(command);
    }
    if has("gradle") || has("gradle-wrapper") || is_gradle() {
        let wrapped = has("gradle-wrapper") || !has("gradle") && app.has("gradlew");
        let words: &[&str] = if wrapped { &["sh", "./gradlew"] } else { &["gradle"] };
        let mut command: Vec<_> = words.iter().map(ToString::to_string).collect();
        let module = module(app, request, &["settings.gradle", "settings.gradle.kts"]);
        command.push(
            module.map_or("test".into(), |module| format!(":{}:test", module.replace('/', ":"))),
        );
        command.push("--no-daemon".into());
        return Some(command);
    }
    None
}

/// Returns the app's folder where the build of the repository's root has the app as a module, and where tests run in the
/// folder of that build. `roots` are the names of the root's own file.
fn module<'a>(app: &App<'a>, request: &RunnerRequest, roots: &[&str]) -> Option<&'a str> {
    let folder = app.folder;
    let is_above = !folder.is_empty() && !request.stage_workdir.ends_with(&format!("/{folder}"));
    let is_plain = folder.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    if !is_above || !is_plain || folder.starts_with('-') {
        return None;
    }
    let root = roots.iter().find_map(|path| app.read_repo(path).ok().flatten())?;
    let name = folder.rsplit('/').next().unwrap_or(folder);
    root.text.contains(name).then_some(folder)
}

fn is_source(path: &str) -> bool {
    [".java", ".kt", ".groovy", ".scala"].iter().any(|end| path.ends_with(end))
}

/// Reads the reports, or else what Maven prints.
///
/// # Errors
/// The reports cannot be listed.
pub fn parse(ran: Ran, reports: &Tree<'_>) -> Result<Option<Summary>, Error> {
    let has_tests = |all: &Summary| all.passed > 0 || all.failed > 0 || all.skipped > 0;
    let all = junit_files(reports)?.filter(has_tests);
    let text = plain(&ran.output);
    let sentence = || {
        let words = ["No tests to run", "NO-SOURCE", "There are no tests to run"];
        let line = text.lines().find(|line| words.iter().any(|words| line.contains(words)));
        // A build that fails says so, too, of modules without tests.
        line.filter(|_| ran.exit_code == 0).map(none)
    };
    Ok(all.or_else(|| maven::read(&text)).or_else(sentence))
}

test_runner!(plan: plan, parse: parse);

#[cfg(test)]
mod tests {
    use windlass_plugin_sdk::{
        RunnerRequest,
        testing::{Files, parse, runner_plan},
        tree,
    };

    const MANIFEST: &str = include_str!("../plugin.toml");
    const TEST: &str = "class A { @Test void adds() {} }";

    #[test]
    fn the_builds_own_tool_runs_the_tests() {
        let command =
            |files| runner_plan(crate::plan, MANIFEST, "java", &files).unwrap().command.join(" ");
        let files = tree! { "pom.xml" => "", "src/test/java/ATest.java" => TEST };
        assert_eq!(command(files), "mvn -B -ntp test");
        let files = tree! { "pom.xml" => "", "mvnw" => "", "src/test/java/ATest.java" => TEST };
        assert_eq!(command(files), "sh ./mvnw -B -ntp test");
        let files = tree! { "build.gradle.kts" => "", "gradlew" => "", "app/src/test/kotlin/ATest.kt" => TEST };
        assert_eq!(command(files), "sh ./gradlew test --no-daemon");
    }

    /// Returns the command of an app whose tests run in the folder of the whole build.
    fn in_the_builds_folder(files: &Files) -> String {
        files.run(&["src/test/**".to_owned()], |app| {
            let request = RunnerRequest {
                language: "java".into(),
                app: app.folder.to_owned(),
                matched: app.matched.to_vec(),
                tools: Vec::new(),
                stage_workdir: "/app".into(),
                attrs: Vec::new(),
            };
            crate::plan(app, &request).unwrap().unwrap().command.join(" ")
        })
    }

    #[test]
    fn of_a_build_with_modules_only_the_apps_own_is_tested() {
        let pom = "<project><modules><module>api</module></modules></project>";
        let files =
            tree! { "pom.xml" => pom, "api/pom.xml" => "", "api/src/test/java/ATest.java" => TEST };
        let files = files.app("api");
        assert_eq!(in_the_builds_folder(&files), "mvn -B -ntp -pl api -am test");
        let own = runner_plan(crate::plan, MANIFEST, "java", &files).unwrap().command.join(" ");
        assert_eq!(own, "mvn -B -ntp test", "in the folder of the module");
        let files = tree! { "settings.gradle" => "include 'api'", "api/build.gradle" => "", "api/src/test/java/ATest.java" => TEST };
        assert_eq!(in_the_builds_folder(&files.app("api")), "gradle :api:test --no-daemon");
        let files = tree! { "api/pom.xml" => "", "api/src/test/java/ATest.java" => TEST };
        assert_eq!(
            in_the_builds_folder(&files.app("api")),
            "mvn -B -ntp test",
            "a build of its own"
        );
    }

    #[test]
    fn only_sources_that_hold_tests_tell() {
        let plan = |files| runner_plan(crate::plan, MANIFEST, "java", &files);
        let files = tree! { "pom.xml" => "", "src/test/resources/application.yml" => "" };
        assert!(plan(files).is_none());
        let files = tree! { "pom.xml" => "", "src/test/java/Data.java" => "class Data {}" };
        assert!(!plan(files).unwrap().tells);
    }

    #[test]
    fn reports_of_all_modules_count_and_the_tools_words_where_there_are_none() {
        let suite = "<testsuite><testcase name='a' classname='A'/></testsuite>";
        let files = tree! { "x/target/surefire-reports/TEST-A.xml" => suite, "y/build/test-results/test/TEST-A.xml" => suite };
        assert_eq!(parse(crate::parse, "", 0, &files).unwrap().passed, 2);
        let none =
            parse(crate::parse, "[INFO] No tests to run.\n[INFO] BUILD SUCCESS\n", 0, &tree! {})
                .unwrap();
        assert!(none.none_yet.unwrap().contains("No tests to run"));
        assert!(
            parse(crate::parse, "> Task :test NO-SOURCE\n", 0, &tree! {})
                .unwrap()
                .none_yet
                .is_some()
        );
        assert!(parse(crate::parse, "[ERROR] COMPILATION ERROR :\n", 1, &tree! {}).is_none());
    }
}
