//! Ranges as a question: does it allow this version?

/// A version of three parts.
pub(super) type Version = [u64; 3];

/// A range.
pub(super) type Range = Box<dyn Fn(Version) -> bool>;

/// Reads one to three numbers with dots between them. A part that is `x` or `*` ends the list.
pub(super) fn numbers(text: &str) -> Option<Vec<u64>> {
    let mut parts = Vec::new();
    let mut is_open = false;
    for part in text.split('.') {
        match part {
            "x" | "X" | "*" => is_open = true,
            _ if is_open || !part.bytes().all(|byte| byte.is_ascii_digit()) => return None,
            // Numbers of versions are small; a longer one is a mistake.
            _ if part.is_empty() || part.len() > 9 => return None,
            _ => parts.push(part.parse().ok()?),
        }
    }
    (parts.len() <= 3).then_some(parts)
}

/// Fills what is missing.
pub(super) fn filled(parts: &[u64], with: u64) -> Version {
    let part = |at| parts.get(at).copied().unwrap_or(with);
    [part(0), part(1), part(2)]
}

/// Comparison of a version with the beginning of one: `<=3.2` allows 3.2.9. [`compared_whole`] reads it otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

impl Comparison {
    /// Splits an operator from a text. No operator means equal.
    pub(super) fn split(text: &str) -> (Self, &str) {
        for (operator, comparison) in [
            (">=", Self::GreaterOrEqual),
            ("<=", Self::LessOrEqual),
            ("!=", Self::NotEqual),
            ("==", Self::Equal),
            ("<>", Self::NotEqual),
            (">", Self::Greater),
            ("<", Self::Less),
            ("=", Self::Equal),
        ] {
            if let Some(rest) = text.strip_prefix(operator) {
                return (comparison, rest.trim_start());
            }
        }
        (Self::Equal, text)
    }

    pub(super) fn allows(self, version: Version, parts: &[u64]) -> bool {
        let (lowest, highest) = (filled(parts, 0), filled(parts, u64::MAX));
        match self {
            Self::Less => version < lowest,
            Self::LessOrEqual => version <= highest,
            Self::Equal => (lowest..=highest).contains(&version),
            Self::NotEqual => !(lowest..=highest).contains(&version),
            Self::GreaterOrEqual => version >= lowest,
            Self::Greater => version > highest,
        }
    }
}

/// Returns the first version behind all that begin with these parts, but for the last of them: `3.2` gives 4.0.0,
/// `3.2.1` gives 3.3.0, `3` gives 4.0.0.
pub(super) fn next(parts: &[u64]) -> Version {
    let kept = parts.len().saturating_sub(1).max(1);
    let mut parts: Vec<u64> = parts.iter().copied().take(kept).collect();
    if let Some(last) = parts.last_mut() {
        *last = last.saturating_add(1);
    }
    filled(&parts, 0)
}

/// All parts must allow a version.
pub(super) fn all(ranges: Vec<Range>) -> Range {
    Box::new(move |version| ranges.iter().all(|range| range(version)))
}

/// One part must allow a version.
pub(super) fn any(ranges: Vec<Range>) -> Range {
    Box::new(move |version| ranges.iter().any(|range| range(version)))
}

/// Makes a range of one comparison.
pub(super) fn compared(comparison: Comparison, parts: Vec<u64>) -> Range {
    Box::new(move |version| comparison.allows(version, &parts))
}

/// Makes a range of one comparison as RubyGems and Composer read it, which fill a short bound with zeros: 3.2.9 is
/// above `<= 3.2`, and within `> 3.2`.
pub(super) fn compared_whole(comparison: Comparison, parts: Vec<u64>) -> Range {
    match comparison {
        Comparison::LessOrEqual | Comparison::Greater => {
            compared(comparison, filled(&parts, 0).to_vec())
        }
        _ => compared(comparison, parts),
    }
}
