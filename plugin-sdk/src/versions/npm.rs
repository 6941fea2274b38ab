//! npm's ranges, by a crate that reads them as npm does. It also reads what npm would not: the text is checked first.

use super::range::{Range, all, any, numbers};
use nodejs_semver::{Range as Npm, Version};

/// Operators, and that of Python and Cargo which excludes: Poetry's `^3.8,!=3.9.7`.
const OPERATORS: [char; 7] = ['<', '>', '=', '~', '^', 'v', '!'];

/// Reads a range. A comma joins as a blank does: people write `>=18, <21`, which means one thing.
pub(super) fn range(text: &str) -> Option<Range> {
    let text = text.replace(',', " ");
    if !text.split("||").flat_map(str::split_whitespace).all(is_part) {
        return None;
    }
    let alternatives = text.split("||").map(alternative).collect::<Option<_>>()?;
    Some(any(alternatives))
}

/// Reads what stands between two `||`. The crate takes `>=20 <18`, which allows nothing, for one that does: each
/// comparator is asked by itself.
fn alternative(text: &str) -> Option<Range> {
    let words: Vec<_> = text.split_whitespace().collect();
    if words.len() < 2 || words.contains(&"-") {
        return one(text);
    }
    let mut comparators: Vec<String> = Vec::new();
    for word in words {
        match comparators.last_mut() {
            // An operator may stand apart from its version.
            Some(last) if !last.ends_with(|c: char| !OPERATORS.contains(&c)) => last.push_str(word),
            _ => comparators.push(word.to_owned()),
        }
    }
    Some(all(comparators.iter().map(|text| one(text)).collect::<Option<_>>()?))
}

fn one(text: &str) -> Option<Range> {
    if let Some(excluded) = text.trim().strip_prefix("!=") {
        let excluded = Some(excluded.trim()).filter(|text| !text.is_empty()).and_then(one)?;
        return Some(Box::new(move |version| !excluded(version)));
    }
    let range = Npm::parse(text).ok()?;
    Some(Box::new(move |[major, minor, patch]| {
        range.satisfies(&Version::from((major, minor, patch)))
    }))
}

/// Returns whether a word is an operator, a hyphen, or the beginning of a version.
fn is_part(word: &str) -> bool {
    let version = word.trim_start_matches(OPERATORS);
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
        for text in ["banana", "22..1", "1.2.3.4.5", "^banana", ">=18 banana", "!="] {
            assert!(range(text).is_none(), "{text}");
        }
        for (text, version, expected) in [
            (">=18 <21", [20, 9, 9], true),
            (">=18 <21", [21, 0, 0], false),
            ("18.x || 20.x", [20, 0, 0], true),
            ("18 - 20", [20, 5, 0], true),
            (">= 18", [18, 0, 0], true),
            (">= 18 < 20", [20, 0, 0], false),
            (">=20 <18", [19, 0, 0], false),
            (">=20 <18", [21, 0, 0], false),
            ("", [21, 0, 0], true),
            ("~20.17", [20, 18, 0], false),
            (">=18, <21", [20, 0, 0], true),
            (">=18, <21", [21, 0, 0], false),
            ("^3.8 !=3.9.7", [3, 9, 7], false),
            ("^3.8 !=3.9.7", [3, 9, 8], true),
            ("*", [1, 0, 0], true),
        ] {
            assert_eq!(range(text).unwrap()(version), expected, "{text}");
        }
    }
}
