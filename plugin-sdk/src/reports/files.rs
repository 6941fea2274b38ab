//! Reports of one run: several files, each a suite's, or a module's.

use super::{add, case, junit, note, summary};
use crate::{Error, Summary, Tree};

/// Number of files that are read. A run of many modules writes one for each class.
const MOST_FILES: u32 = 2_000;
/// The largest number of bytes of one file.
const LONGEST: u32 = 4 << 20;

/// Reads the files that match one of the patterns. A file that cannot be read counts as one failure, which names the
/// file: its tool died while it wrote. `None` means that no file matches.
///
/// # Errors
/// The host refuses to list the files.
pub fn files(
    reports: &Tree<'_>,
    patterns: &[&str],
    read: fn(&str) -> Result<Summary, String>,
) -> Result<Option<Summary>, Error> {
    let mut all: Option<Summary> = None;
    for path in reports.glob(patterns, MOST_FILES)? {
        let all = all.get_or_insert_with(summary);
        let text = match reports.read_text(&path, LONGEST) {
            Ok(text) => text.unwrap_or_default(),
            Err(error) => {
                all.failed = all.failed.saturating_add(1);
                note(all, unreadable(&path, &error.message));
                continue;
            }
        };
        match read(&text) {
            Ok(one) => add(all, one),
            Err(why) => {
                all.failed = all.failed.saturating_add(1);
                note(all, unreadable(&path, &why));
            }
        }
    }
    Ok(all)
}

/// Reads all XML files as JUnit's, as [`files`] does.
///
/// # Errors
/// The host refuses to list the files.
pub fn junit_files(reports: &Tree<'_>) -> Result<Option<Summary>, Error> {
    files(reports, &["**/*.xml"], junit)
}

fn unreadable(path: &str, why: &str) -> crate::TestCase {
    case("", path, &format!("{path}: the report cannot be read: {why}"))
}
