//! Python's specifiers (PEP 440), by a crate, and poetry's alternatives between them.

use super::range::{Range, any, numbers};
use pep440_rs::{Version, VersionSpecifiers};
use std::str::FromStr;

/// Reads specifiers.
pub(super) fn range(text: &str) -> Option<Range> {
    let choices: Option<Vec<Range>> = text.split("||").map(one).collect();
    choices.map(any)
}

fn one(text: &str) -> Option<Range> {
    let text = text.trim();
    let specifiers = match text {
        "" | "*" => VersionSpecifiers::empty(),
        // Without an operator poetry and Pipfile mean any patch.
        _ if numbers(text).is_some() => {
            let prefix = text.trim_end_matches(".*");
            VersionSpecifiers::from_str(&format!("=={prefix}.*")).ok()?
        }
        _ => VersionSpecifiers::from_str(text).ok()?,
    };
    Some(Box::new(move |version| specifiers.contains(&Version::new(version))))
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn specifiers_are_read_as_pip_reads_them() {
        for (text, version, expected) in [
            (">=3.12,<3.13", [3, 12, 7], true),
            (">=3.12,<3.13", [3, 13, 0], false),
            ("~=3.11", [3, 13, 0], true),
            ("==3.11.*", [3, 11, 4], true),
            ("!=3.9.*, >=3.8", [3, 9, 1], false),
            (">=3.8 || 2.7", [2, 7, 18], true),
        ] {
            assert_eq!(range(text).unwrap()(version), expected, "{text}");
        }
        assert!(range("banana").is_none());
        assert!(range(">=3..1").is_none());
    }
}
