//! Readers for reports of test tools, in the formats that many tools share. The plugin of a tool reads what only that
//! tool prints.

use crate::{Summary, TestCase};

mod files;
mod js;
mod junit;
mod tap;
mod trx;

pub use files::{files, junit_files};
pub use js::{js, no_js_tests};
pub use junit::junit;
pub use tap::tap;
pub use trx::trx;

/// Failures that a summary names. The host keeps no more.
pub const MOST_FAILURES: usize = 100;

/// Length in bytes from which a text of a failure is cut.
const LONGEST: usize = 2 << 10;

/// Returns a summary without tests.
#[must_use]
pub fn summary() -> Summary {
    Summary {
        passed: 0,
        failed: 0,
        skipped: 0,
        none_yet: None,
        failures: Vec::new(),
        attrs: Vec::new(),
    }
}

/// Returns the summary of a run in which there was no test yet, with the tool's own words.
#[must_use]
pub fn none(words: &str) -> Summary {
    let mut words = words.trim().to_owned();
    cut(&mut words);
    Summary { none_yet: Some(words), ..summary() }
}

/// Adds one report's counts and failures to another's.
pub fn add(to: &mut Summary, more: Summary) {
    to.passed = to.passed.saturating_add(more.passed);
    to.failed = to.failed.saturating_add(more.failed);
    to.skipped = to.skipped.saturating_add(more.skipped);
    for case in more.failures {
        note(to, case);
    }
}

/// Adds a failure, unless the summary has [`MOST_FAILURES`]. Long texts are cut.
pub fn note(to: &mut Summary, mut case: TestCase) {
    if to.failures.len() < MOST_FAILURES {
        for text in [&mut case.message, &mut case.name, &mut case.suite] {
            cut(text);
        }
        to.failures.push(case);
    }
}

/// Marks a summary without any test by the tool's closing line, which says so.
#[must_use]
pub fn none_if_zero(mut all: Summary, closing: &str) -> Summary {
    if all.passed == 0 && all.failed == 0 && all.skipped == 0 {
        all.none_yet = none(closing).none_yet;
    }
    all
}

fn cut(text: &mut String) {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
}

/// Returns a failure without a place.
#[must_use]
pub fn case(suite: &str, name: &str, message: &str) -> TestCase {
    TestCase {
        suite: suite.into(),
        name: name.into(),
        message: message.trim().into(),
        file: None,
        line: None,
    }
}

/// Reads a file and a line from `path/to/file.js:12` or `file.js:12:5`. The path is relative to the folder that
/// tests run in.
#[must_use]
pub fn place(text: &str) -> Option<(String, u32)> {
    let text = text.trim().trim_start_matches("file://");
    let mut parts = text.rsplitn(3, ':');
    let last = parts.next()?;
    let middle = parts.next();
    let rest = parts.next();
    let (file, line) = match (rest, middle) {
        (Some(rest), Some(middle)) if middle.parse::<u32>().is_ok() => (rest.to_owned(), middle),
        (Some(rest), Some(middle)) => (format!("{rest}:{middle}"), last),
        (None, Some(middle)) => (middle.to_owned(), last),
        _ => return None,
    };
    let line = line.parse().ok()?;
    let file = file.strip_prefix("/app/").unwrap_or(&file).trim_start_matches("./");
    (!file.is_empty() && !file.contains(char::is_whitespace)).then(|| (file.to_owned(), line))
}

/// Returns a text without the colours that tools print.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            plain.push(c);
        } else if chars.next() == Some('[') {
            // Up to the letter that ends the sequence (ECMA-48, CSI).
            for c in chars.by_ref() {
                if ('@'..='~').contains(&c) {
                    break;
                }
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_colours() {
        assert_eq!(place("/app/src/a.test.js:12:5"), Some(("src/a.test.js".into(), 12)));
        assert_eq!(place("main_test.go:7"), Some(("main_test.go".into(), 7)));
        assert_eq!(place("node:internal"), None);
        assert_eq!(place("no place"), None);
        assert_eq!(plain("\u{1b}[31m✖ bad\u{1b}[39m"), "✖ bad");
    }
}
