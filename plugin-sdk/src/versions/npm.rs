//! npm's ranges, by a crate that reads them as npm does. It also reads what npm would not: the text is checked first.

use super::range::{Range, numbers};
use nodejs_semver::{Range as Npm, Version};

/// Reads a range.
pub(super) fn range(text: &str) -> Option<Range> {
    if !text.split("||").flat_map(str::split_whitespace).all(is_part) {
        return None;
    }
    let range = Npm::parse(text).ok()?;
    Some(Box::new(move |[major, minor, patch]| {
        range.satisfies(&Version::from((major, minor, patch)))
    }))
}

/// Returns whether a word is an operator, a hyphen, or the beginning of a version.
fn is_part(word: &str) -> bool {
    let version = word.trim_start_matches(['<', '>', '=', '~', '^', 'v']);
    if version.is_empty() || version == "-" {
        return true;
    }
    let version = version.split(['-', '+']).next().unwrap_or_default();
    numbers(version).is_some()
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn what_npm_does_not_read_is_no_range() {
        for text in ["banana", "22..1", "1.2.3.4.5", "^banana", ">=18 banana"] {
            assert!(range(text).is_none(), "{text}");
        }
        for (text, version, expected) in [
            (">=18 <21", [20, 9, 9], true),
            (">=18 <21", [21, 0, 0], false),
            ("18.x || 20.x", [20, 0, 0], true),
            ("18 - 20", [20, 5, 0], true),
            (">= 18", [18, 0, 0], true),
            ("~20.17", [20, 18, 0], false),
            ("*", [1, 0, 0], true),
        ] {
            assert_eq!(range(text).unwrap()(version), expected, "{text}");
        }
    }
}
