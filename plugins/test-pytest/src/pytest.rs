//! Output of pytest, for runs without a report: it was too large, or never written.

use windlass_plugin_sdk::{
    Summary,
    reports::{case, none_if_zero, note, summary},
};

/// Words of the closing line, without the `s` of several. `Ran 1 test in 0.000s` is unittest's.
const WORDS: [&str; 9] = [
    "passed",
    "failed",
    "error",
    "skipped",
    "xfailed",
    "xpassed",
    "warning",
    "deselected",
    "rerun",
];

/// Reads the output of a run. `None` means that the closing line is missing: `1 failed, 2 passed in 0.12s`, perhaps
/// within `===`.
pub(crate) fn read(output: &str) -> Option<Summary> {
    let (counts, closing) = output.lines().rev().find_map(|line| {
        let line = line.trim_matches(['=', ' ']);
        let (counts, time) = line.rsplit_once(" in ")?;
        let is_time = time.split(' ').next()?.strip_suffix('s')?.parse::<f64>().is_ok();
        let is_count = |part: &str| {
            let word = part.split_once(' ').map_or("", |(_, word)| word.trim_end_matches('s'));
            WORDS.contains(&word)
        };
        let is_pytests = counts == "no tests ran" || counts.split(", ").any(is_count);
        (is_time && is_pytests).then_some((counts, line))
    })?;
    let count = |word: &str| {
        let parts = counts.split(", ").filter_map(|part| part.split_once(' '));
        let of = parts.filter(|(_, name)| name.trim_end_matches('s') == word);
        of.filter_map(|(number, _)| number.parse::<u32>().ok()).fold(0, u32::saturating_add)
    };
    let mut all = summary();
    all.passed = count("passed").saturating_add(count("xpassed"));
    all.failed = count("failed").saturating_add(count("error"));
    all.skipped = count("skipped").saturating_add(count("xfailed"));
    // `FAILED test_app.py::test_no - assert 1 == 2`
    for line in output.lines() {
        let rest = line.strip_prefix("FAILED ").or_else(|| line.strip_prefix("ERROR "));
        let Some(rest) = rest else { continue };
        let (id, message) = rest.split_once(" - ").unwrap_or((rest, ""));
        let (file, name) = id.split_once("::").unwrap_or((id, id));
        note(&mut all, case(file, name, message));
    }
    Some(none_if_zero(all, closing))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_closing_line() {
        let text = "F.s\nFAILED test_app.py::test_no - assert 1 == 2\n1 failed, 1 passed, 1 skipped in 0.12s\n";
        let read = super::read(text).unwrap();
        assert_eq!((read.passed, read.failed, read.skipped), (1, 1, 1));
        assert_eq!(read.failures[0].name, "test_no");
        let none = super::read("=== no tests ran in 0.01s ===").unwrap();
        assert_eq!(none.none_yet.as_deref(), Some("no tests ran in 0.01s"));
        assert!(super::read("test_a (a.B.test_a) ... ok\nRan 1 test in 0.000s\n\nOK\n").is_none());
        assert!(super::read("/venv/bin/python: No module named pytest").is_none());
    }
}
