//! Composer's constraints.

use super::range::{Comparison, Range, all, any, compared, compared_whole, filled, next, numbers};

/// Reads constraints, such as `^8.1 || ^8.3`. Those of several packages stand with `&` between them: all must hold.
pub(super) fn range(text: &str) -> Option<Range> {
    text.split('&').map(one_of).collect::<Option<Vec<Range>>>().map(all)
}

fn one_of(text: &str) -> Option<Range> {
    let choices = text.split('|').filter(|choice| !choice.is_empty());
    let choices: Vec<Range> = choices.map(choice).collect::<Option<_>>()?;
    (!choices.is_empty()).then(|| any(choices))
}

fn choice(text: &str) -> Option<Range> {
    if let Some((from, to)) = text.split_once(" - ") {
        let (from, to) = (parts(from.trim())?, parts(to.trim())?);
        return Some(all(vec![
            compared(Comparison::GreaterOrEqual, from),
            compared(Comparison::LessOrEqual, to),
        ]));
    }
    // An operator may stand apart from its version.
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in text.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
        match words.last_mut() {
            Some(last) if is_open => last.push_str(word),
            _ => words.push(word.to_owned()),
        }
        is_open = word.chars().all(|c| "<>=!^~".contains(c));
    }
    if words.is_empty() {
        return None;
    }
    words.iter().map(|word| one(word)).collect::<Option<Vec<Range>>>().map(all)
}

fn one(text: &str) -> Option<Range> {
    if let Some(version) = text.strip_prefix('^') {
        let parts = parts(version)?;
        let from = filled(&parts, 0);
        // The first part that is not 0 stays as it is.
        let kept = parts.iter().position(|part| *part != 0).unwrap_or(parts.len()) + 1;
        let to = next(&filled(&parts, 0).into_iter().take(kept).chain([0]).collect::<Vec<_>>());
        return Some(Box::new(move |version| from <= version && version < to));
    }
    if let Some(version) = text.strip_prefix('~') {
        let parts = parts(version)?;
        let (from, to) = (filled(&parts, 0), next(&parts));
        return Some(Box::new(move |version| from <= version && version < to));
    }
    if matches!(text, "*" | "x") {
        return Some(Box::new(|_| true));
    }
    let (comparison, version) = Comparison::split(text);
    Some(compared_whole(comparison, parts(version)?))
}

/// Reads a version without its stability: `8.2@dev`, `8.2-dev`, `v8.2`.
fn parts(text: &str) -> Option<Vec<u64>> {
    let version = text.split(['@', '-']).next().unwrap_or_default();
    let parts = numbers(version.strip_prefix('v').unwrap_or(version))?;
    (!parts.is_empty()).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn constraints_are_read_as_composer_reads_them() {
        for (text, version, expected) in [
            ("^8.2", [8, 5, 0], true),
            ("^8.2", [9, 0, 0], false),
            ("^8.2", [8, 1, 9], false),
            ("^8.1 || ^8.3", [8, 1, 0], true),
            ("^7.4|^8.0", [8, 0, 0], true),
            ("~8.2.0", [8, 2, 20], true),
            ("~8.2.0", [8, 3, 0], false),
            ("^7.3|^8.0 & >=7.1 <8.3", [8, 2, 0], true),
            ("^7.3|^8.0 & >=7.1 <8.3", [8, 3, 0], false),
            ("~8.2", [8, 4, 0], true),
            ("8.2.*", [8, 2, 4], true),
            ("8.2.*", [8, 3, 0], false),
            (">=8.1 <8.4", [8, 3, 9], true),
            (">=8.1,<8.4", [8, 4, 0], false),
            (">= 8.1", [8, 1, 0], true),
            (">=7.4 <=8.3", [8, 3, 0], true),
            (">=7.4 <=8.3", [8, 3, 9], false),
            ("8.1 - 8.3", [8, 3, 4], true),
            ("^0.3.1", [0, 4, 0], false),
            ("8.2", [8, 2, 9], true),
            ("*", [7, 0, 0], true),
        ] {
            assert_eq!(range(text).unwrap()(version), expected, "{text}");
        }
        for text in ["banana", "", "^", "8..2", ">=8.1 banana"] {
            assert!(range(text).is_none(), "{text}");
        }
    }
}
