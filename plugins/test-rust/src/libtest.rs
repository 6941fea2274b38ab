//! Output of libtest: `test money::rounds ... FAILED`, a block for each failure, and `test result: …` for each program.

use std::collections::BTreeMap;
use windlass_plugin_sdk::{
    Summary, TestCase,
    reports::{case, none_if_zero, note, place, summary},
};

/// Reads the output of a run. Counts are those of the programs' closing lines; a program that died has none, and its
/// last test counts as failed. `None` means that no line is of libtest.
pub(crate) fn read(text: &str) -> Option<Summary> {
    let mut all = summary();
    let mut recognised = false;
    let mut suite = String::new();
    // Failures of the program that runs, by the test's name.
    let mut failed: BTreeMap<String, TestCase> = BTreeMap::new();
    // A test that began, and whose verdict is to come: what it prints stands between.
    let mut begun: Option<String> = None;
    let mut closing = "";
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if let Some(name) = program(trimmed) {
            name.clone_into(&mut suite);
        } else if let Some(result) = trimmed.strip_prefix("test result: ") {
            recognised = true;
            closing = trimmed;
            count(&mut all, result);
            for case in std::mem::take(&mut failed).into_values() {
                note(&mut all, case);
            }
            begun = None;
        } else if let Some((name, rest)) = begins(trimmed) {
            recognised = true;
            begun = Some(name.to_owned());
            ends(rest, name, &suite, &mut failed, &mut begun);
        } else if let Some(name) = block(trimmed) {
            let mut message = Vec::new();
            while let Some(line) =
                lines.next_if(|line| block(line.trim()).is_none() && line.trim() != "failures:")
            {
                message.push(line);
            }
            let case = failed.entry(name.to_owned()).or_insert_with(|| case(&suite, name, ""));
            explain(case, &message);
        } else if let Some(name) = begun.clone() {
            ends(trimmed, &name, &suite, &mut failed, &mut begun);
        }
    }
    // The program died in this test.
    if let Some(name) = begun {
        failed
            .entry(name.clone())
            .or_insert_with(|| case(&suite, &name, "it began and did not end"));
    }
    for case in failed.into_values() {
        all.failed = all.failed.saturating_add(1);
        note(&mut all, case);
    }
    recognised.then(|| none_if_zero(all, closing))
}

/// Reads the name of the program that runs: `Running unittests src/lib.rs (target/debug/deps/a-1)`, `Doc-tests shop`.
fn program(line: &str) -> Option<&str> {
    if line.strip_prefix("Doc-tests ").is_some_and(|rest| !rest.contains(' ')) {
        return Some(line);
    }
    let (name, file) = line.strip_prefix("Running ")?.split_once(" (")?;
    file.ends_with(')').then_some(name)
}

/// Reads the beginning of a test's line: `test money::rounds - should panic ... `.
fn begins(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ...")?;
    let name = name.trim_end_matches(" - should panic").trim_end_matches(" - compile fail");
    (!name.is_empty()).then_some((name, rest))
}

/// Reads the verdict at the end of a line, which what the test printed may precede.
fn ends(
    line: &str,
    name: &str,
    suite: &str,
    failed: &mut BTreeMap<String, TestCase>,
    begun: &mut Option<String>,
) {
    let is = |verdict: &str| line.trim_end().ends_with(verdict);
    if is("FAILED") {
        failed.entry(name.to_owned()).or_insert_with(|| case(suite, name, ""));
        *begun = None;
    } else if is("ok")
        || is("ignored")
        || line.trim_start().starts_with("ignored,")
        || line.contains(" ns/iter")
    {
        *begun = None;
    }
}

/// Adds `FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s`.
fn count(all: &mut Summary, result: &str) {
    let count = |word: &str| {
        let parts = result.split(['.', ';']).filter_map(|part| part.trim().split_once(' '));
        let found = parts.filter(|(_, name)| *name == word).map(|(number, _)| number);
        found.filter_map(|number| number.parse::<u32>().ok()).next().unwrap_or_default()
    };
    all.passed = all.passed.saturating_add(count("passed")).saturating_add(count("measured"));
    all.failed = all.failed.saturating_add(count("failed"));
    all.skipped = all.skipped.saturating_add(count("ignored"));
}

/// Reads the head of a failure's block: `---- money::rounds stdout ----`.
fn block(line: &str) -> Option<&str> {
    let name = line.strip_prefix("---- ")?.strip_suffix(" ----")?;
    Some(name.strip_suffix(" stdout").or_else(|| name.strip_suffix(" stderr")).unwrap_or(name))
}

/// Adds message and place: `thread 'money::rounds' panicked at src/lib.rs:12:9:`, the message below it.
fn explain(case: &mut TestCase, lines: &[&str]) {
    let mut message = Vec::new();
    for line in lines {
        let line = line.trim();
        if line.starts_with("thread ")
            && let Some((_, at)) = line.split_once(" panicked at ")
        {
            // Before Rust 1.73 the message came first: `panicked at 'no', src/lib.rs:12:9`.
            let (before, at) = at.rsplit_once("', ").unwrap_or(("", at));
            if !before.is_empty() {
                message.push(before.trim_start_matches('\''));
            }
            if let Some((file, line)) = place(at.trim_end_matches(':')) {
                (case.file, case.line) = (Some(file), Some(line));
            }
        } else if !line.is_empty() && !line.starts_with("note: run with") && message.len() < 10 {
            message.push(line);
        }
    }
    if case.message.is_empty() {
        case.message = message.join("\n");
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn programs_blocks_and_doc_tests() {
        let text = "     Running unittests src/lib.rs (target/debug/deps/shop-1)

running 3 tests
test money::adds ... ok
test money::later ... ignored, not yet
test money::rounds ... FAILED

failures:

---- money::rounds stdout ----

thread 'money::rounds' (77) panicked at src/money.rs:12:9:
assertion `left == right` failed
  left: 1
 right: 2
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace


failures:
    money::rounds

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests shop

running 1 test
test src/lib.rs - cents (line 3) ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
";
        let all = read(text).unwrap();
        assert_eq!((all.passed, all.failed, all.skipped), (2, 1, 1));
        assert_eq!(all.failures.len(), 1);
        let case = &all.failures[0];
        assert_eq!((&*case.suite, &*case.name), ("unittests src/lib.rs", "money::rounds"));
        assert_eq!((case.file.as_deref(), case.line), (Some("src/money.rs"), Some(12)));
        assert!(case.message.contains("left: 1") && !case.message.contains("RUST_BACKTRACE"));
        // Wherever the host cut it.
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let _ = read(text.get(..at).unwrap_or_default());
            let _ = read(text.get(at..).unwrap_or_default());
        }
    }

    /// With `--nocapture` what a test prints stands between its name and its verdict.
    #[test]
    fn what_tests_print_stands_between_a_name_and_its_verdict() {
        let text = "running 2 tests\ntest a ... hello\nworld\nok\ntest b ... bye FAILED\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let all = read(text).unwrap();
        assert_eq!((all.passed, all.failed, &*all.failures[0].name), (1, 1, "b"));
    }

    #[test]
    fn a_program_that_dies_fails_in_the_test_that_it_ran() {
        let died = read("running 2 tests\ntest a ... ok\ntest boom ... error: test failed, to rerun pass `--lib`\n").unwrap();
        assert_eq!((died.failed, &*died.failures[0].name), (1, "boom"));
        assert!(read("error[E0425]: cannot find value `x`\n").is_none());
        let none = read("running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n").unwrap();
        assert!(none.none_yet.unwrap().contains("0 passed"));
    }
}
