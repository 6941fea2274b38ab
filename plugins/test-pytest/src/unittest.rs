//! Output of `python -m unittest`.

use windlass_plugin_sdk::{
    Summary, TestCase,
    reports::{case, none_if_zero, note, place, summary},
};

/// Reads the output of a run. `None` means that there is no count.
pub(crate) fn read(output: &str) -> Option<Summary> {
    let ran = output.lines().rev().find_map(|line| number(line, "Ran ", " test"))?;
    let mut all = summary();
    // `FAILED (failures=1, errors=2, skipped=3)`, `OK (skipped=1)`
    let last =
        output.lines().rev().find(|line| line.starts_with("FAILED") || line.starts_with("OK"));
    let count = |name: &str| {
        let list = last.and_then(|line| line.split_once('(')).map(|(_, list)| list);
        let list = list.unwrap_or_default().trim_end_matches(')').split(", ");
        list.filter_map(|part| part.split_once('='))
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| value.parse::<u32>().ok())
            .unwrap_or_default()
    };
    all.failed = count("failures")
        .saturating_add(count("errors"))
        .saturating_add(count("unexpected successes"));
    all.skipped = count("skipped");
    all.passed = ran.saturating_sub(all.failed).saturating_sub(all.skipped);
    let mut block: Option<TestCase> = None;
    for line in output.lines() {
        if let Some(head) = line.strip_prefix("FAIL: ").or_else(|| line.strip_prefix("ERROR: ")) {
            finish(&mut all, block.take());
            // `test_sum (test_app.Sums.test_sum)`
            let (name, suite) = head.split_once(" (").unwrap_or((head, ""));
            block = Some(case(suite.trim_end_matches(')'), name, ""));
        } else if line.starts_with("Ran ") {
            finish(&mut all, block.take());
        } else if let Some(case) = &mut block {
            // `  File "/app/test_app.py", line 9, in test_sum`: the innermost is the last.
            if let Some(rest) = line.trim().strip_prefix("File \"") {
                let mut parts = rest.splitn(2, "\", line ");
                let file = parts.next().unwrap_or_default();
                let rest = parts.next();
                let line = rest.and_then(|rest| rest.split([',', ' ']).next()).unwrap_or_default();
                if let Some((file, line)) = place(&format!("{file}:{line}")) {
                    (case.file, case.line) = (Some(file), Some(line));
                }
            } else if !line.starts_with([' ', '=', '-']) && !line.starts_with("Traceback") {
                case.message.push_str(line);
                case.message.push('\n');
            }
        }
    }
    finish(&mut all, block);
    let words = output.lines().find(|line| line.starts_with("NO TESTS RAN"));
    Some(none_if_zero(all, words.unwrap_or("Ran 0 tests")))
}

fn finish(all: &mut Summary, block: Option<TestCase>) {
    if let Some(mut case) = block {
        case.message = case.message.trim().to_owned();
        note(all, case);
    }
}

fn number(line: &str, before: &str, after: &str) -> Option<u32> {
    line.strip_prefix(before)?.split_once(after)?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_blocks() {
        let text = "test_ok (test_app.Sums.test_ok) ... ok
test_no (test_app.Sums.test_no) ... FAIL

======================================================================
FAIL: test_no (test_app.Sums.test_no)
----------------------------------------------------------------------
Traceback (most recent call last):
  File \"/app/test_app.py\", line 9, in test_no
    self.assertEqual(1, 2)
AssertionError: 1 != 2

----------------------------------------------------------------------
Ran 2 tests in 0.001s

FAILED (failures=1)
";
        let read = read(text).unwrap();
        assert_eq!((read.passed, read.failed), (1, 1));
        let case = &read.failures[0];
        assert_eq!((case.file.as_deref(), case.line), (Some("test_app.py"), Some(9)));
        assert_eq!(case.message, "AssertionError: 1 != 2");
        assert!(super::read("No module named pytest").is_none());
        assert_eq!(super::read("Ran 0 tests in 0.000s\n\nNO TESTS RAN\n").unwrap().passed, 0);
    }
}
