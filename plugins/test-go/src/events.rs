//! Events of `go test -json` (`go doc test2json`). Events of several packages are mixed: each names its package and
//! test. Actions decide, and output is only the text of failures.

use crate::output::{Test, Verdict, close, does_not_build, glued, is_parent};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use windlass_plugin_sdk::{
    Summary,
    reports::{case, note, plain, summary},
};

/// Number of lines that are kept of a package that fails outside of its tests.
const OUTSIDE: usize = 20;

/// All events, by package.
#[derive(Default)]
struct Events {
    packages: BTreeMap<String, Package>,
    /// Compilers' output, by build.
    builds: BTreeMap<String, String>,
    /// Compilers' output that Go before 1.24 prints between events, by package.
    loose: BTreeMap<String, String>,
    /// The package that lines between events are about.
    current: Option<String>,
}

/// The tests of one package.
#[derive(Default)]
struct Package {
    tests: BTreeMap<String, Test>,
    /// Output by test. `""` is the output outside of tests. An event may end in the middle of a line, so that lines
    /// are read from the whole.
    printed: BTreeMap<String, String>,
    /// Tests that wait for others.
    paused: BTreeSet<String>,
    result: Option<Verdict>,
    /// The build that failed.
    failed_build: Option<String>,
}

/// Reads events. `None` means that there are none.
pub(crate) fn read(output: &str) -> Option<Summary> {
    let mut events = Events::default();
    for line in output.lines() {
        match serde_json::from_str::<Value>(line) {
            Ok(event) if is_event(&event) => events.take(&event),
            _ => events.beside(line),
        }
    }
    if events.packages.is_empty() {
        return None;
    }
    let mut all = summary();
    for (name, package) in std::mem::take(&mut events.packages) {
        let compiler = package.failed_build.as_ref().and_then(|id| events.builds.get(id));
        let compiler = compiler.or_else(|| events.loose.get(&name));
        package.close(&name, compiler.map(String::as_str), &mut all);
    }
    Some(all)
}

/// Returns whether a line is an event of Go's: other tools print JSON, too.
fn is_event(event: &Value) -> bool {
    let known = [
        "start",
        "run",
        "pause",
        "cont",
        "pass",
        "bench",
        "fail",
        "skip",
        "output",
        "attr",
        "artifacts",
        "build-output",
        "build-fail",
    ];
    let of = ["Package", "ImportPath", "Test", "Output"];
    event["Action"].as_str().is_some_and(|action| known.contains(&action))
        && of.iter().any(|key| event[*key].is_string())
}

impl Events {
    fn take(&mut self, event: &Value) {
        let text = |key: &str| event[key].as_str().unwrap_or_default();
        let action = text("Action");
        if action.starts_with("build-") {
            let build = self.builds.entry(text("ImportPath").into()).or_default();
            build.push_str(&plain(text("Output")));
            return;
        }
        let package = self.packages.entry(text("Package").into()).or_default();
        let name = text("Test");
        let verdict = match action {
            "pass" => Verdict::Pass,
            "fail" => Verdict::Fail,
            "skip" => Verdict::Skip,
            "output" => {
                package.printed.entry(name.into()).or_default().push_str(text("Output"));
                return;
            }
            "run" => {
                package.tests.entry(name.into()).or_default();
                return;
            }
            "pause" => {
                package.paused.insert(name.into());
                return;
            }
            "cont" => {
                package.paused.remove(name);
                return;
            }
            _ => return,
        };
        if name.is_empty() {
            package.result = Some(verdict);
            package.failed_build = event["FailedBuild"].as_str().map(str::to_owned);
        } else {
            package.tests.entry(name.into()).or_default().ends(verdict);
        }
    }

    /// Keeps a line that is no event: a compiler's output about the package that an earlier line named.
    fn beside(&mut self, line: &str) {
        if let Some(named) = line.strip_prefix("# ") {
            self.current = named.split(' ').next().map(str::to_owned);
        } else if let Some(current) = &self.current {
            let output = self.loose.entry(current.clone()).or_default();
            output.push_str(&plain(line));
            output.push('\n');
        }
    }
}

impl Package {
    /// Counts the package's tests. `compiler` is the compiler's output about the package.
    fn close(mut self, name: &str, compiler: Option<&str>, all: &mut Summary) {
        let mut outside = Vec::new();
        for (test, printed) in std::mem::take(&mut self.printed) {
            for line in plain(&printed).lines() {
                if test.is_empty() {
                    outside.push(line.to_owned());
                } else {
                    self.take_line(&test, line);
                }
            }
        }
        self.blame();
        let failed_before = all.failed;
        close(all, self.tests, name);
        if self.result != Some(Verdict::Fail) || all.failed > failed_before {
            return;
        }
        let is_unbuilt = |line: &String| line.starts_with("FAIL\t") && line.ends_with("failed]");
        if self.failed_build.is_some() || outside.iter().any(is_unbuilt) {
            does_not_build(all, name, compiler.unwrap_or_default());
            return;
        }
        all.failed += 1;
        let own = outside.iter().filter(|line| !line.is_empty() && !line.starts_with("FAIL"));
        let own: Vec<_> = own.take(OUTSIDE).map(String::as_str).collect();
        note(all, case(name, "fails outside its tests", &own.join("\n")));
    }

    fn take_line(&mut self, test: &str, line: &str) {
        let trimmed = line.trim_start();
        if trimmed.starts_with("=== ") {
            return;
        }
        let test = self.tests.entry(test.to_owned()).or_default();
        match glued(trimmed) {
            Some(("", ..)) => {}
            Some((before, ..)) => test.lines.push(before.to_owned()),
            None => test.take_line(line),
        }
    }

    /// Fails tests that began and did not end, where the package did not pass and no test failed: the process died in
    /// one of them. Tests that waited for others are blamed only where none ran.
    fn blame(&mut self) {
        let failed = self.tests.values().any(|test| test.result == Some(Verdict::Fail));
        let passed = matches!(self.result, Some(Verdict::Pass | Verdict::Skip));
        let is_open = |(_, test): &(&String, &Test)| test.result.is_none();
        let open = self.tests.iter().filter(is_open).map(|(name, _)| name.clone());
        let (parents, leaves): (Vec<_>, Vec<_>) =
            open.partition(|name| is_parent(&self.tests, name));
        let ran: Vec<_> = leaves.iter().filter(|name| !self.paused.contains(*name)).collect();
        for name in parents.iter().chain(&leaves) {
            let blamed = if ran.is_empty() { leaves.contains(name) } else { ran.contains(&name) };
            let Some(test) = self.tests.get_mut(name) else { continue };
            if failed || passed || !blamed {
                // The test's log is no sign of failure.
                test.lines.clear();
                continue;
            }
            test.ends(Verdict::Fail);
            if test.lines.is_empty() {
                test.lines.push("it began and did not end".into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One event: package, test, action, and what was printed.
    fn event(package: &str, test: &str, action: &str, output: &str) -> String {
        let mut event = serde_json::json!({ "Action": action, "Package": package });
        for (key, value) in [("Test", test), ("Output", output)] {
            if !value.is_empty() {
                event[key] = value.into();
            }
        }
        format!("{event}\n")
    }

    fn stream(events: &[(&str, &str, &str, &str)]) -> String {
        events
            .iter()
            .map(|(package, test, action, text)| event(package, test, action, text))
            .collect()
    }

    fn counts(read: &Summary) -> (u32, u32, u32) {
        (read.passed, read.failed, read.skipped)
    }

    /// `money` ends while `TestSlow` of `basket`, which has logged, still runs.
    #[test]
    fn packages_that_run_side_by_side() {
        let text = stream(&[
            ("shop", "", "start", ""),
            ("shop", "", "output", "?   \tshop\t[no test files]\n"),
            ("shop", "", "skip", ""),
            ("money", "TestRound", "run", ""),
            ("money", "TestRound", "output", "=== RUN   TestRound\n"),
            ("basket", "TestSlow", "run", ""),
            ("basket", "TestSlow", "output", "=== RUN   TestSlow\n"),
            ("basket", "TestSlow", "output", "    basket_test.go:11: round 0\n"),
            ("money", "TestRound", "output", "--- PASS: TestRound (0.70s)\n"),
            ("money", "TestRound", "pass", ""),
            ("money", "", "output", "ok  \tmoney\t0.705s\n"),
            ("money", "", "pass", ""),
            ("basket", "TestSlow", "output", "    basket_test.go:11: round 1\n"),
            ("basket", "TestSlow", "output", "--- PASS: TestSlow (1.81s)\n"),
            ("basket", "TestSlow", "pass", ""),
            ("basket", "", "pass", ""),
        ]);
        let read = read(&text).unwrap();
        assert_eq!(counts(&read), (2, 0, 0));
    }

    #[test]
    fn failures_are_of_the_package_and_test_of_their_events() {
        let text = stream(&[
            ("a", "TestSum", "run", ""),
            ("b", "TestSum", "run", ""),
            ("a", "TestSum/negative", "run", ""),
            ("b", "TestSum", "output", "    b_test.go:7: fine\n"),
            ("a", "TestSum/negative", "output", "    a_test.go:12: got 1, "),
            ("b", "TestSum", "pass", ""),
            ("b", "TestLater", "skip", ""),
            ("b", "", "pass", ""),
            ("a", "TestSum/negative", "output", "want 2\n"),
            ("a", "TestSum/negative", "output", "    --- FAIL: TestSum/negative (0.00s)\n"),
            ("a", "TestSum/negative", "fail", ""),
            ("a", "TestSum", "fail", ""),
            ("a", "", "output", "FAIL\ta\t0.003s\n"),
            ("a", "", "fail", ""),
        ]);
        let read = read(&text).unwrap();
        assert_eq!(counts(&read), (1, 1, 1));
        let case = &read.failures[0];
        assert_eq!((&*case.suite, &*case.name), ("a", "TestSum/negative"));
        assert_eq!((case.file.as_deref(), case.line), (Some("a_test.go"), Some(12)));
        assert_eq!(case.message, "got 1, want 2");
    }

    /// With `-count=2` the second run does not make good the first.
    #[test]
    fn a_test_that_failed_once_failed() {
        let text = stream(&[
            ("a", "TestX", "fail", ""),
            ("a", "TestX", "pass", ""),
            ("a", "", "fail", ""),
        ]);
        assert_eq!(counts(&read(&text).unwrap()), (0, 1, 0));
    }

    #[test]
    fn what_began_and_did_not_end() {
        let died = [
            ("a", "TestDone", "run", ""),
            ("a", "TestDone", "pass", ""),
            ("a", "TestWaits", "run", ""),
            ("a", "TestWaits", "pause", ""),
            ("a", "TestHangs", "run", ""),
            ("a", "TestHangs", "output", "panic: test timed out after 1s\n"),
        ];
        let ended = [&died[..], &[("a", "", "fail", "")]].concat();
        // With and without the package's own end: it may have been killed.
        for text in [stream(&ended), stream(&died)] {
            let read = read(&text).unwrap();
            assert_eq!(counts(&read), (1, 1, 0));
            assert_eq!(read.failures[0].name, "TestHangs");
            assert!(read.failures[0].message.contains("timed out"));
        }
        // The test that has a failure of its own is the one.
        let panicked = [&ended[..], &[("a", "TestDone", "fail", "")]].concat();
        assert_eq!(counts(&read(&stream(&panicked)).unwrap()), (0, 1, 0));
        let waits = read(&stream(&[("a", "TestWaits", "pause", ""), died[2], died[3]])).unwrap();
        assert_eq!(waits.failures[0].message, "it began and did not end");
        let passed = read(&stream(&[died[4], died[5], ("a", "", "pass", "")])).unwrap();
        assert_eq!(counts(&passed), (0, 0, 0));
    }

    #[test]
    fn what_does_not_build_and_what_fails_outside() {
        let compiler = "# example.com/a [example.com/a.test]\n./a_test.go:5:2: undefined: sum\n";
        let end = event("example.com/a", "", "output", "FAIL\texample.com/a [build failed]\n");
        let newer = serde_json::json!({
            "Action": "build-output", "ImportPath": "example.com/a [example.com/a.test]", "Output": compiler
        });
        let id = "example.com/a [example.com/a.test]";
        let fail =
            serde_json::json!({ "Action": "fail", "Package": "example.com/a", "FailedBuild": id });
        let older = event("example.com/a", "", "fail", "");
        for text in [format!("{newer}\n{end}{fail}\n"), format!("{compiler}{end}{older}")] {
            let read = read(&text).unwrap();
            assert_eq!(counts(&read), (0, 1, 0), "{text}");
            let case = &read.failures[0];
            assert_eq!((&*case.name, case.line), ("does not build", Some(5)), "{text}");
            assert!(case.message.contains("undefined: sum"), "{text}");
        }
        let text = stream(&[
            ("b", "", "output", "no database\n"),
            ("b", "", "output", "FAIL\tb\t0.01s\n"),
            ("b", "", "fail", ""),
        ]);
        let outside = read(&text).unwrap();
        assert_eq!((outside.failed, &*outside.failures[0].message), (1, "no database"));
        assert!(read("{\"Action\":\"deploy\",\"Package\":\"x\"}\nok\n").is_none());
    }
}
