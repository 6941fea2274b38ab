//! Output of phpunit and pest, for runs without a report.

use windlass_plugin_sdk::{
    Summary,
    reports::{case, none, none_if_zero, note, place, summary},
};

/// Reads `OK (3 tests, 4 assertions)`, `Tests: 3, Assertions: 3, Failures: 1.` of phpunit, and
/// `Tests:    1 failed, 2 passed (3 assertions)` of pest. `None` means that there is no closing line.
pub(crate) fn read(text: &str) -> Option<Summary> {
    for line in text.lines().rev().map(str::trim) {
        if line.contains("No tests executed!") || line.contains("No tests found") {
            return Some(none(line));
        }
        let mut all = match line.strip_prefix("Tests: ") {
            Some(rest) if rest.trim_start().starts_with(|c: char| c.is_ascii_digit()) => {
                if rest.contains("Assertions:") { phpunit(rest) } else { pest(rest) }
            }
            _ => match line.strip_prefix("OK (").and_then(|rest| rest.split_once(" test")) {
                Some((number, _)) => Summary { passed: number.parse().ok()?, ..summary() },
                None => continue,
            },
        };
        failures(text, &mut all);
        return Some(none_if_zero(all, line));
    }
    None
}

/// Reads ` 3, Assertions: 3, Errors: 1, Failures: 1, Skipped: 1.`
fn phpunit(rest: &str) -> Summary {
    let count = |name: &str| {
        let parts = rest.trim_end_matches('.').split(',').filter_map(|part| part.split_once(": "));
        let found = parts.filter(|(key, _)| key.trim() == name).map(|(_, number)| number);
        found.filter_map(|number| number.trim().parse::<u32>().ok()).next().unwrap_or_default()
    };
    let ran = rest.split(',').next().and_then(|number| number.trim().parse::<u32>().ok());
    let mut all = summary();
    all.failed = count("Errors").saturating_add(count("Failures"));
    all.skipped = count("Skipped").saturating_add(count("Incomplete"));
    let ran = ran.unwrap_or_default();
    all.passed = ran.saturating_sub(all.failed).saturating_sub(all.skipped);
    all
}

/// Reads `    1 failed, 1 skipped, 2 passed (3 assertions)`.
fn pest(rest: &str) -> Summary {
    let count = |name: &str| {
        let parts = rest.split([',', '(']).filter_map(|part| part.trim().split_once(' '));
        let found = parts.filter(|(_, word)| word.trim() == name).map(|(number, _)| number);
        found.filter_map(|number| number.parse::<u32>().ok()).next().unwrap_or_default()
    };
    let mut all = summary();
    all.failed = count("failed");
    all.skipped = count("skipped").saturating_add(count("todo")).saturating_add(count("todos"));
    all.passed = count("passed").saturating_add(count("risky"));
    all
}

/// Reads the blocks of phpunit: `1) MoneyTest::testRounds`, the message, and the place in a line of its own.
fn failures(text: &str, all: &mut Summary) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((number, title)) = line.split_once(") ") else { continue };
        if number.is_empty() || !number.chars().all(|c| c.is_ascii_digit()) {
            continue;
        }
        let Some((suite, name)) = title.split_once("::") else { continue };
        let mut failed = case(suite, name, "");
        let mut message = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.contains(") ") && message.len() < 20) {
            if let Some((file, line)) = place(line) {
                (failed.file, failed.line) = (Some(file), Some(line));
                break;
            }
            message.push(line.trim());
        }
        message.join("\n").trim().clone_into(&mut failed.message);
        note(all, failed);
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn closing_lines_of_both_tools() {
        let text = "There was 1 failure:\n\n1) MoneyTest::testRounds\nFailed asserting that 1 matches 2.\n\n/app/tests/MoneyTest.php:11\n\nFAILURES!\nTests: 3, Assertions: 3, Failures: 1, Skipped: 1.\n";
        let all = read(text).unwrap();
        assert_eq!((all.passed, all.failed, all.skipped), (1, 1, 1));
        let case = &all.failures[0];
        assert_eq!(
            (&*case.name, case.file.as_deref(), case.line),
            ("testRounds", Some("tests/MoneyTest.php"), Some(11))
        );
        assert_eq!(case.message, "Failed asserting that 1 matches 2.");
        // Wherever the host cut it.
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let _ = read(text.get(..at).unwrap_or_default());
            let _ = read(text.get(at..).unwrap_or_default());
        }
        assert_eq!(read("OK (3 tests, 4 assertions)\n").unwrap().passed, 3);
        let pest =
            read("\n  Tests:    1 failed, 1 skipped, 2 passed (3 assertions)\n  Duration: 0.1s\n")
                .unwrap();
        assert_eq!((pest.passed, pest.failed, pest.skipped), (2, 1, 1));
        assert!(read("PHP Fatal error: Uncaught Error\n").is_none());
    }
}
