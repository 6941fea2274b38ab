//! Output of `go test` (`cmd/internal/test2json` reads the same lines).

use std::collections::BTreeMap;
use windlass_plugin_sdk::{
    Summary,
    reports::{case, note, place, plain, summary},
};

/// One test. Names are Go's: `TestSum/negative` is a subtest of `TestSum`.
#[derive(Default)]
pub(crate) struct Test {
    pub(crate) result: Option<Verdict>,
    pub(crate) lines: Vec<String>,
    at: Option<(String, u32)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Fail,
    Skip,
}

impl Test {
    /// Records a verdict. With `-count` a test ends several times: one failure is enough.
    pub(crate) fn ends(&mut self, verdict: Verdict) {
        if self.result != Some(Verdict::Fail) {
            self.result = Some(verdict);
        }
    }

    /// Keeps a line of the test's log or panic.
    pub(crate) fn take_line(&mut self, line: &str) {
        if !line.starts_with([' ', '\t']) && !line.starts_with("panic: ") {
            return;
        }
        let trimmed = line.trim_start();
        match head(trimmed).and_then(place) {
            // A goroutine's stack ends in such lines, too: the first is the test's own.
            Some(at) if self.at.is_none() => {
                self.at = Some(at);
                let message = trimmed.splitn(3, ':').nth(2).unwrap_or_default();
                self.lines.push(message.trim().to_owned());
            }
            _ => self.lines.push(trimmed.to_owned()),
        }
    }
}

/// Reads the output of a run. `None` means that no line is of `go test`.
pub(crate) fn read(output: &str) -> Option<Summary> {
    let text = plain(output);
    let mut all = summary();
    let mut recognised = false;
    let mut tests: BTreeMap<String, Test> = BTreeMap::new();
    let mut current = String::new();
    let mut compiler = Vec::new();
    let mut outside = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim_start();
        if let Some(rest) = trimmed.strip_prefix("=== ") {
            // RUN, PAUSE, CONT, NAME
            if let Some(name) = rest.split_whitespace().nth(1) {
                current = name.into();
            }
        } else if let Some((before, verdict, name)) = glued(trimmed) {
            recognised = true;
            let test = tests.entry(name.into()).or_default();
            test.ends(verdict);
            if !before.is_empty() {
                test.lines.push(before.into());
            }
            current = name.into();
        } else if let Some((ok, package, note_of)) = package(line) {
            recognised = true;
            let failed_before = all.failed;
            close(&mut all, std::mem::take(&mut tests), package);
            if !ok && all.failed == failed_before && !note_of.contains("failed]") {
                all.failed += 1;
                note(&mut all, case(package, "fails outside its tests", &outside.join("\n")));
            }
            outside.clear();
            if !ok && note_of.contains("failed]") {
                does_not_build(&mut all, package, &compiler.join("\n"));
            }
            (current, compiler) = (String::new(), Vec::new());
        } else if line == "no packages to test" {
            recognised = true;
        } else if line.starts_with("# ") {
            compiler.clear();
        } else if current.is_empty() {
            if head(line).and_then(place).is_some() {
                compiler.push(line.to_owned());
            } else if outside.len() < 20 && !line.is_empty() {
                outside.push(line.to_owned());
            }
        } else {
            tests.entry(current.clone()).or_default().take_line(line);
        }
    }
    // A process that died prints no package.
    close(&mut all, tests, "");
    recognised.then_some(all)
}

/// Counts a package that does not compile as one failure.
pub(crate) fn does_not_build(all: &mut Summary, package: &str, compiler: &str) {
    all.failed += 1;
    let mut failed = case(package, "does not build", compiler);
    if let Some((file, line)) = compiler.lines().find_map(|line| place(head(line)?)) {
        (failed.file, failed.line) = (Some(file), Some(line));
    }
    note(all, failed);
}

/// Reads a verdict, also one that follows what a test printed without a line end.
pub(crate) fn glued(line: &str) -> Option<(&str, Verdict, &str)> {
    let at = line.rfind("--- ")?;
    let before = line.get(..at)?;
    let rest = line.get(at..)?;
    let (verdict, name) = verdict(rest)?;
    (before.is_empty() || rest.ends_with("s)")).then_some((before, verdict, name))
}

/// Reads a verdict and the test: `--- FAIL: TestSum (0.00s)`.
fn verdict(line: &str) -> Option<(Verdict, &str)> {
    let rest = line.strip_prefix("--- ")?;
    let (word, rest) = rest.split_once(": ")?;
    let verdict = match word {
        "PASS" => Verdict::Pass,
        "FAIL" => Verdict::Fail,
        "SKIP" => Verdict::Skip,
        _ => return None,
    };
    Some((verdict, rest.split(' ').next()?))
}

/// Reads a package's result: `ok  \tpkg\t0.01s`, `FAIL\tpkg\t0.01s`, `FAIL\tpkg [build failed]`,
/// `?   \tpkg\t[no test files]`.
fn package(line: &str) -> Option<(bool, &str, &str)> {
    let (word, rest) = line.split_once('\t')?;
    let ok = match word.trim() {
        "ok" | "?" => true,
        "FAIL" => false,
        _ => return None,
    };
    let (package, note) = rest.split_once(['\t', ' ']).unwrap_or((rest, ""));
    Some((ok, package, note))
}

/// Reads the place that a line begins with: `main_test.go:12` of `main_test.go:12: got 1`, `./main.go:5:2` of
/// `./main.go:5:2: undefined: x`.
fn head(line: &str) -> Option<&str> {
    let end = line.find(": ")?;
    line.get(..end).filter(|head| head.contains(".go:"))
}

/// Returns whether a test has subtests.
pub(crate) fn is_parent(tests: &BTreeMap<String, Test>, name: &str) -> bool {
    let below = format!("{name}/");
    tests.range(below.clone()..).next().is_some_and(|(other, _)| other.starts_with(&below))
}

/// Counts tests that have no subtests, and adds those that failed with their text.
pub(crate) fn close(all: &mut Summary, tests: BTreeMap<String, Test>, package: &str) {
    let is_parent = |name: &str| is_parent(&tests, name);
    for (name, test) in &tests {
        let failed = match test.result {
            // The test began and did not end: the process died in it.
            None => !is_parent(name) && !test.lines.is_empty(),
            Some(verdict) => verdict == Verdict::Fail,
        };
        let own = !test.lines.is_empty();
        if failed && (own || !is_parent(name)) {
            all.failed += 1;
            let mut case = case(package, name, &test.lines.join("\n"));
            if let Some((file, line)) = &test.at {
                (case.file, case.line) = (Some(file.clone()), Some(*line));
            }
            note(all, case);
        } else if !is_parent(name) {
            match test.result {
                Some(Verdict::Pass) => all.passed += 1,
                Some(Verdict::Skip) => all.skipped += 1,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERBOSE: &str = "=== RUN   TestSum
=== RUN   TestSum/positive
=== RUN   TestSum/negative
    main_test.go:12: got 1, want 2
--- FAIL: TestSum (0.00s)
    --- PASS: TestSum/positive (0.00s)
    --- FAIL: TestSum/negative (0.00s)
=== RUN   TestLater
    main_test.go:20: not yet
--- SKIP: TestLater (0.00s)
FAIL
FAIL\texample.com/app\t0.003s
?   \texample.com/app/cmd\t[no test files]
=== RUN   TestOther
--- PASS: TestOther (0.00s)
PASS
ok  \texample.com/app/other\t0.002s
FAIL
";

    #[test]
    fn leaves_are_counted_and_failures_are_placed() {
        let read = read(VERBOSE).unwrap();
        assert_eq!((read.passed, read.failed, read.skipped), (2, 1, 1));
        let case = &read.failures[0];
        assert_eq!((&*case.suite, &*case.name), ("example.com/app", "TestSum/negative"));
        assert_eq!((case.file.as_deref(), case.line), (Some("main_test.go"), Some(12)));
        assert_eq!(case.message, "got 1, want 2");
    }

    #[test]
    fn what_does_not_build_and_what_dies() {
        let text = "# example.com/app [example.com/app.test]
./main_test.go:5:2: undefined: sum
FAIL\texample.com/app [build failed]
FAIL
";
        let failed = read(text).unwrap();
        assert_eq!((failed.failed, failed.failures[0].line), (1, Some(5)));
        assert!(failed.failures[0].message.contains("undefined: sum"));
        let text = "=== RUN   TestBoom
--- FAIL: TestBoom (0.00s)
panic: boom [recovered]
\tpanic: boom

goroutine 7 [running]:
FAIL\texample.com/app\t0.004s
";
        let died = read(text).unwrap();
        assert!(died.failed == 1 && died.failures[0].message.contains("boom"));
        assert!(read("sh: go: not found\n").is_none());
        let none = "go: warning: \"./...\" matched no packages\nno packages to test\n";
        assert_eq!(read(none).unwrap().failed, 0);
        let outside = read("no database\nFAIL\texample.com/app\t0.01s\nFAIL\n").unwrap();
        assert!(outside.failed == 1 && outside.failures[0].message.contains("no database"));
        let text = "=== RUN   TestPrint\nhi--- PASS: TestPrint (0.00s)\nPASS\nok  \tx\t0.1s\n";
        assert_eq!(read(text).unwrap().passed, 1);
    }
}
