//! Vitest: `Tests  1 failed | 2 passed (3)`, and a ` FAIL ` block for each failure.

use super::counts::count;
use crate::{
    Summary,
    reports::{case, note, place, summary},
};

/// Reads the output of a run. `None` means that the closing line is missing.
pub(super) fn read(text: &str) -> Option<Summary> {
    let counts = text.lines().rev().find_map(|line| {
        let rest = line.trim().strip_prefix("Tests ")?;
        rest.trim_end().ends_with(')').then_some(rest)
    })?;
    let mut all = summary();
    all.passed = count(counts, "passed");
    all.failed = count(counts, "failed");
    all.skipped = count(counts, "skipped").saturating_add(count(counts, "todo"));
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        // ` FAIL  src/sum.test.js > sums > subtracts`
        let Some(rest) = line.trim().strip_prefix("FAIL ") else { continue };
        let (file, name) = rest.trim().split_once(" > ").unwrap_or((rest.trim(), "does not load"));
        let mut message = Vec::new();
        let mut at = None;
        while let Some(line) = lines.peek() {
            let line = line.trim();
            if line.starts_with("FAIL ") || line.starts_with("⎯") {
                break;
            }
            if let Some(place_of) = line.strip_prefix("❯ ") {
                if at.is_none() {
                    at = place_of.split_whitespace().find_map(place);
                }
            } else if !line.is_empty() && at.is_none() && message.len() < 10 {
                message.push(line);
            }
            lines.next();
        }
        let mut case = case(file, name, &message.join("\n"));
        if let Some((file, line)) = at {
            (case.file, case.line) = (Some(file), Some(line));
        }
        if name == "does not load" {
            all.failed = all.failed.saturating_add(1);
        }
        note(&mut all, case);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    #[test]
    fn blocks_and_counts() {
        let text = " ❯ src/sum.test.js (2 tests | 1 failed) 5ms
   × sums > subtracts 3ms

⎯⎯⎯ Failed Tests 1 ⎯⎯⎯

 FAIL  src/sum.test.js > sums > subtracts
AssertionError: expected 1 to be 2 // Object.is equality

- Expected
+ Received

 ❯ src/sum.test.js:5:13
      3|
      4| test('subtracts', () => {

⎯⎯⎯[1/1]⎯

 Test Files  1 failed (1)
      Tests  1 failed | 1 passed (2)
   Start at  10:00:00
";
        let read = super::read(text).unwrap();
        assert_eq!((read.passed, read.failed), (1, 1));
        let case = &read.failures[0];
        assert_eq!(
            (&*case.suite, &*case.name, case.line),
            ("src/sum.test.js", "sums > subtracts", Some(5))
        );
        assert!(case.message.starts_with("AssertionError"), "{}", case.message);
    }
}
