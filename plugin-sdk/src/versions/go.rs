//! Comparisons with versions, which all must hold.

use super::range::{Comparison, Range, all, compared, numbers};

/// Reads comparisons, such as `>=1.24` or `>=17 <22`.
pub(super) fn range(text: &str) -> Option<Range> {
    let mut ranges = Vec::new();
    let mut operator = String::new();
    for word in text.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
        // An operator may stand apart from its version.
        operator.push_str(word);
        if word.chars().all(|c| "<>=!".contains(c)) {
            continue;
        }
        let whole = std::mem::take(&mut operator);
        let (comparison, version) = Comparison::split(&whole);
        let version = version.strip_prefix("go").unwrap_or(version);
        // A release candidate counts as its release: `1.27rc1`.
        let end = version.find(|c: char| !c.is_ascii_digit() && !".x*".contains(c));
        let parts = numbers(version.get(..end.unwrap_or(version.len()))?)?;
        let is_open = parts.is_empty() && !matches!(version, "x" | "*");
        if is_open {
            return None;
        }
        ranges.push(compared(comparison, parts));
    }
    (!ranges.is_empty() && operator.is_empty()).then(|| all(ranges))
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn comparisons_hold_together() {
        for (text, version, expected) in [
            (">=1.24", [1, 27, 0], true),
            (">=1.24", [1, 23, 9], false),
            (">= 17 <22", [21, 0, 0], true),
            (">=17, <22", [22, 0, 0], false),
            ("go1.24", [1, 24, 3], true),
            (">=1.27rc1", [1, 27, 0], true),
            ("1.x", [1, 5, 0], true),
        ] {
            assert_eq!(range(text).unwrap()(version), expected, "{text}");
        }
        for text in ["banana", "", ">=", "1..2", ">="] {
            assert!(range(text).is_none(), "{text}");
        }
    }
}
