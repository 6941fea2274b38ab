//! Tests of the three languages, run in the stage that was built and read by plugins.

use windlass_bed::Repository;
use windlass_tests::{SMALL, TestEnv, bed};

fn example(env: &TestEnv, language: &str) -> Repository {
    let name = format!("{}-{language}", env.name);
    let repository = Repository::example(&bed().layout, &name, language).unwrap();
    repository.write("windlass.toml", SMALL).unwrap();
    repository
}

/// Returns the runner and its counts: passed, failed, skipped.
fn counted(env: &TestEnv, id: &str) -> Option<(String, u64, u64, u64)> {
    let events = env.events(id);
    let tested = events.iter().map(|event| &event["tested"]).find(|tested| tested.is_object())?;
    let number = |key: &str| tested[key].as_u64().unwrap();
    let runner = tested["runner"].as_str().unwrap().to_owned();
    Some((runner, number("passed"), number("failed"), number("skipped")))
}

/// Breaks what the example's one test expects, and asserts that the failure is named with its place and message.
fn a_failing_test_is_named(name: &'static str, language: &str, file: &str, expected: [&str; 2]) {
    let env = TestEnv::new(name);
    let repository = example(&env, language);
    repository.edit(file, "Hello from", "Goodbye from").unwrap();
    repository.commit("expect something else").unwrap();
    let ended = env.submit(language, repository.url(), &[]);
    let text = ended.failed_with("test", "tests-failed");
    for line in expected {
        assert!(text.contains(line), "{line}: {text}");
    }
    let runner =
        if language == "python" { "test-pytest".into() } else { format!("test-{language}") };
    assert_eq!(counted(&env, &ended.id), Some((runner, 0, 1, 0)), "{text}");
    let pushed = env.events(&ended.id).iter().any(|event| event["pushed"].is_object());
    assert!(!pushed, "nothing is pushed");
}

#[test]
fn a_failing_test_of_node() {
    let expected = ["app.test.js:5: the page says hello", "Goodbye from Node"];
    a_failing_test_is_named("t-fail-node", "node", "app.test.js", expected);
}

#[test]
fn a_failing_test_of_python() {
    let expected = ["test_app.py:5: test_app: test_the_page_says_hello", "Goodbye from Python"];
    a_failing_test_is_named("t-fail-python", "python", "test_app.py", expected);
}

#[test]
fn a_failing_test_of_go() {
    let expected = ["main_test.go:12: ", "TestThePageSaysHello: the page says"];
    a_failing_test_is_named("t-fail-go", "go", "main_test.go", expected);
}

/// With `-json` the events of packages are mixed: one package ends while a test of another runs and has logged.
#[test]
fn go_packages_that_are_tested_side_by_side() {
    let env = TestEnv::new("t-go-json");
    let repository = example(&env, "go");
    let json = "[test]\ncommand = [\"go\", \"test\", \"-json\", \"./...\"]\n";
    repository.write("windlass.toml", &format!("{SMALL}{json}")).unwrap();
    let test = |package: &str, rounds: u32| {
        let text = format!(
            "package {package}\n\nimport (\n\t\"testing\"\n\t\"time\"\n)\n\nfunc TestSlow(t *testing.T) {{\n\tfor round := range {rounds} {{\n\t\tt.Logf(\"round %d\", round)\n\t\ttime.Sleep(300 * time.Millisecond)\n\t}}\n}}\n"
        );
        repository.write(&format!("{package}/{package}_test.go"), &text).unwrap();
    };
    test("basket", 6);
    test("money", 2);
    repository.commit("two packages").unwrap();
    let ended = env.submit("go", repository.url(), &[]);
    ended.succeeded();
    assert_eq!(counted(&env, &ended.id), Some(("test-go".into(), 3, 0, 0)), "{}", ended.text);

    repository.edit("basket/basket_test.go", "t.Logf", "t.Errorf").unwrap();
    repository.commit("one fails").unwrap();
    let ended = env.submit("go", repository.url(), &[]);
    let text = ended.failed_with("test", "tests-failed");
    assert!(text.contains("example.com/hello/basket: TestSlow"), "{text}");
    assert_eq!(counted(&env, &ended.id), Some(("test-go".into(), 2, 1, 0)), "{text}");
}

#[test]
fn no_tests_are_said_and_the_job_goes_on() {
    let env = TestEnv::new("t-no-tests");
    let repository = example(&env, "go");
    std::fs::remove_file(repository.folder().join("main_test.go")).unwrap();
    repository.commit("no tests").unwrap();
    let ended = env.submit("go", repository.url(), &[]);
    ended.succeeded();
    assert!(ended.text.contains("no tests were found for go"), "{}", ended.text);
    assert_eq!(counted(&env, &ended.id), None);
}

/// A runner that dies without naming any test is distinguished from tests that exist and are not run.
#[test]
fn a_runner_that_dies_and_tests_that_are_not_run() {
    let env = TestEnv::new("t-not-run");
    let repository = example(&env, "python");
    repository.write("test_app.py", "def check_the_page():\n    pass\n").unwrap();
    repository.commit("a function that is no test").unwrap();
    let text = env.submit("python", repository.url(), &[]).failed_with("test", "no-tests-ran");
    assert!(
        text.contains("test_app.py: tests") && text.contains("requirements.txt: pytest"),
        "{text}"
    );

    repository.edit("requirements.txt", "pytest==8.3.4\n", "").unwrap();
    repository.write("pytest.ini", "[pytest]\n").unwrap();
    repository.commit("forget to install pytest").unwrap();
    let text = env.submit("python", repository.url(), &[]).failed_with("test", "tests-died");
    assert!(text.contains("No module named pytest"), "{text}");
}

/// A tool that exits with an error because it found no test is no test that failed.
#[test]
fn tools_that_find_no_test() {
    let env = TestEnv::new("t-none-yet");
    let repository = Repository::new(&bed().layout, "t-none-yet-node", true).unwrap();
    let scripts = "{ \"scripts\": { \"start\": \"node server.js\", \"test\": \"node jest.js\" } }";
    repository.write("package.json", scripts).unwrap();
    let page = "require('http').createServer((_, r) => r.end()).listen(process.env.PORT);\n";
    repository.write("server.js", page).unwrap();
    // The output of jest, without the two hundred packages that jest consists of.
    let jest = "console.error('No tests found, exiting with code 1'); process.exitCode = 1;\n";
    repository.write("jest.js", jest).unwrap();
    repository.write("windlass.toml", SMALL).unwrap();
    repository.commit("jest, and no test yet").unwrap();
    // No file holds a test: the job goes on, and the tool's words are in it.
    let ended = env.submit("node", repository.url(), &[]);
    assert!(ended.text.contains("No tests found, exiting with code 1"), "{}", ended.text);
    assert_eq!(counted(&env, &ended.id), Some(("test-node".into(), 0, 0, 0)), "{}", ended.text);
    ended.succeeded();

    // A file of tests is there, and the tool does not find it.
    let scripts = scripts.replace("node jest.js", "node ./bin/jest");
    repository.write("package.json", &scripts).unwrap();
    repository.write("bin/jest", jest).unwrap();
    repository.write("src/money.test.js", "test('adds', () => {});\n").unwrap();
    repository.commit("a test that is not found").unwrap();
    let text = env.submit("node", repository.url(), &[]).failed_with("test", "no-tests-ran");
    assert!(text.contains("No tests found, exiting with code 1"), "{text}");
    assert!(text.contains("test.command") && text.contains("test.off"), "{text}");

    let repository = Repository::new(&bed().layout, "t-none-yet-python", true).unwrap();
    repository.write("requirements.txt", "# the standard library will do\n").unwrap();
    repository.write("main.py", "if __name__ == '__main__':\n    pass\n").unwrap();
    let test = "import unittest\n\n\nclass Money(unittest.TestCase):\n    def test_cents(self):\n        pass\n";
    repository.write("tests/test_money.py", test).unwrap();
    repository.write("windlass.toml", SMALL).unwrap();
    repository.commit("tests that discovery does not find").unwrap();
    let text = env.submit("python", repository.url(), &[]).failed_with("test", "no-tests-ran");
    assert!(text.contains("tests/test_money.py") && text.contains("Ran 0 tests"), "{text}");
}
