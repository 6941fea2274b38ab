//! `bun test`: `(fail) sums > subtracts [0.5ms]` for each failure, then ` 2 pass`, ` 1 fail`, `Ran 3 tests across 1 file.`

use crate::{
    Summary,
    reports::{case, none_if_zero, note, place, summary},
};

/// Reads the output of a run. `None` means that the closing line is missing.
pub(super) fn read(text: &str) -> Option<Summary> {
    let closing = text.lines().rev().find(|line| {
        let line = line.trim();
        line.starts_with("Ran ") && line.contains(" test") && line.contains(" across ")
    })?;
    let number = |word: &str| {
        text.lines().rev().find_map(|line| {
            let (number, name) = line.trim().split_once(' ')?;
            (name == word).then(|| number.parse::<u32>().ok()).flatten()
        })
    };
    let mut all = summary();
    all.passed = number("pass").unwrap_or_default();
    all.failed = number("fail").unwrap_or_default();
    all.failed = all.failed.saturating_add(number("error").unwrap_or_default());
    all.skipped = number("skip").unwrap_or_default();
    all.skipped = all.skipped.saturating_add(number("todo").unwrap_or_default());
    // The file comes first, in a line of its own, then what its tests print, and the verdict last.
    let mut file = "";
    let mut message: Vec<&str> = Vec::new();
    let mut at = None;
    for line in text.lines() {
        let trimmed = line.trim();
        let verdict = |word: &str| trimmed.strip_prefix(word).map(|rest| rest.trim_start());
        if let Some(name) = trimmed.strip_suffix(':').filter(|name| is_test_file(name)) {
            file = name;
            (message, at) = (Vec::new(), None);
        } else if let Some(name) = verdict("(fail)").or_else(|| verdict("✗ ")) {
            let name = name.rsplit_once(" [").map_or(name, |(name, _)| name);
            let mut case = case(file, name, &message.join("\n"));
            if let Some((file, line)) = at.take() {
                (case.file, case.line) = (Some(file), Some(line));
            }
            note(&mut all, case);
            message.clear();
        } else if verdict("(pass)").or_else(|| verdict("(skip)")).is_some() {
            (message, at) = (Vec::new(), None);
        } else if let Some(frame) = trimmed.strip_prefix("at ") {
            let inner = frame.rsplit_once('(').map_or(frame, |(_, inner)| inner);
            at = at.or_else(|| place(inner.trim_end_matches(')')));
        } else if !trimmed.is_empty() && message.len() < 10 && !is_frame(trimmed) {
            message.push(trimmed);
        }
    }
    Some(none_if_zero(all, closing))
}

fn is_test_file(name: &str) -> bool {
    !name.contains(' ')
        && [".test.", ".spec.", "_test.", "_spec."].iter().any(|part| name.contains(part))
}

/// Returns whether a line shows the source: `7 | expect(1).toBe(2)`, or `  ^`.
fn is_frame(line: &str) -> bool {
    line == "^"
        || line.split_once('|').is_some_and(|(number, _)| number.trim().parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    #[test]
    fn verdicts_and_counts() {
        let text = "bun test v1.2.0

money.test.ts:
(pass) sums > adds [0.10ms]
3 | test(\"subtracts\", () => {
4 |   expect(1).toBe(2)
                ^
error: expect(received).toBe(expected)

Expected: 2
Received: 1

      at <anonymous> (/app/money.test.ts:4:13)
(fail) sums > subtracts [0.50ms]
(skip) sums > later

 1 pass
 1 skip
 1 fail
 2 expect() calls
Ran 3 tests across 1 file. [10.00ms]
";
        let read = super::read(text).unwrap();
        assert_eq!((read.passed, read.failed, read.skipped), (1, 1, 1));
        let case = &read.failures[0];
        assert_eq!((&*case.suite, &*case.name), ("money.test.ts", "sums > subtracts"));
        assert_eq!((case.file.as_deref(), case.line), (Some("money.test.ts"), Some(4)));
        // Wherever the host cut it.
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let _ = super::read(text.get(..at).unwrap_or_default());
            let _ = super::read(text.get(at..).unwrap_or_default());
        }
        assert!(
            case.message.contains("Received: 1") && !case.message.contains('|'),
            "{}",
            case.message
        );
        let none = super::read(" 0 pass\n 0 fail\nRan 0 tests across 0 files. [5ms]\n").unwrap();
        assert!(none.none_yet.is_some());
        assert!(super::read("eslint: 3 problems").is_none());
    }
}
