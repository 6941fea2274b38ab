//! Jest: `Tests:       1 failed, 2 passed, 3 total`, and a `●` block for each failure.

use super::counts::count;
use crate::{
    Summary,
    reports::{case, note, place, summary},
};

/// Reads the output of a run. `None` means that the closing line is missing.
pub(super) fn read(text: &str) -> Option<Summary> {
    let counts = text.lines().rev().find_map(|line| line.trim().strip_prefix("Tests:"))?;
    let mut all = summary();
    all.passed = count(counts, "passed");
    all.failed = count(counts, "failed");
    all.skipped = count(counts, "skipped").saturating_add(count(counts, "todo"));
    let mut file = "";
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        // The rest repeats all failures.
        if line.starts_with("Summary of all failing tests") {
            break;
        }
        if let Some(path) = line.strip_prefix("FAIL ") {
            file = path.split_whitespace().next().unwrap_or_default();
        }
        let Some(name) = line.strip_prefix("  ● ") else { continue };
        // The block has what the tests print, not how they fail.
        if name.trim() == "Console" {
            continue;
        }
        let mut message = Vec::new();
        let mut at = None;
        while let Some(line) = lines.peek() {
            if line.starts_with("  ● ")
                || line.starts_with("FAIL ")
                || line.starts_with("Test Suites:")
            {
                break;
            }
            let line = line.trim();
            if line.starts_with("at ") && at.is_none() {
                // `at Object.<anonymous> (src/sum.test.js:5:10)`
                let inner = line.rsplit_once('(').map_or(line, |(_, inner)| inner);
                at = place(inner.trim_end_matches(')'));
            } else if !line.is_empty() && message.len() < 10 && at.is_none() && !is_frame(line) {
                message.push(line);
            }
            lines.next();
        }
        // The count does not include a suite that does not load.
        if name.contains("Test suite failed to run") {
            all.failed = all.failed.saturating_add(1);
        }
        let mut case = case(file, name, &message.join("\n"));
        if let Some((file, line)) = at {
            (case.file, case.line) = (Some(file), Some(line));
        }
        note(&mut all, case);
    }
    Some(all)
}

/// Returns whether a line is one of the source, which jest prints around the place.
fn is_frame(line: &str) -> bool {
    let line = line.trim_start_matches("> ");
    line.starts_with('|')
        || line.split_once('|').is_some_and(|(n, _)| n.trim().parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    #[test]
    fn blocks_and_counts() {
        let text = "FAIL src/sum.test.js
  sums
    ✓ adds (2 ms)
    ✕ subtracts (3 ms)

  ● sums › subtracts

    expect(received).toBe(expected) // Object.is equality

    Expected: 2
    Received: 1

      4 | test('subtracts', () => {
    > 5 |   expect(1).toBe(2);
        |             ^

      at Object.toBe (src/sum.test.js:5:13)

Test Suites: 1 failed, 1 total
Tests:       1 failed, 1 passed, 2 total
";
        let read = super::read(text).unwrap();
        assert_eq!((read.passed, read.failed), (1, 1));
        let case = &read.failures[0];
        assert_eq!(
            (&*case.name, case.file.as_deref(), case.line),
            ("sums › subtracts", Some("src/sum.test.js"), Some(5))
        );
        assert!(
            case.message.contains("Received: 1") && !case.message.contains('>'),
            "{}",
            case.message
        );
    }
}
