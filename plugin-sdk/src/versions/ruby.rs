//! Requirements of RubyGems, which Elixir writes alike with `and` and `or`.

use super::range::{Comparison, Range, all, any, compared_whole, filled, next, numbers};

/// Reads requirements, such as `>= 3.1, < 3.4`.
pub(super) fn range(text: &str) -> Option<Range> {
    let text = text.replace(['"', '\''], " ");
    let choices: Option<Vec<Range>> = text
        .split(" or ")
        .map(|choice| {
            let parts = choice.split(" and ").flat_map(|part| part.split(','));
            parts.map(one).collect::<Option<Vec<Range>>>().map(all)
        })
        .collect();
    choices.map(any)
}

fn one(text: &str) -> Option<Range> {
    let text = text.trim();
    match text.strip_prefix("~>") {
        Some(version) => {
            let parts = parts(version.trim())?;
            let (from, to) = (filled(&parts, 0), next(&parts));
            Some(Box::new(move |version| from <= version && version < to))
        }
        None => {
            let (comparison, version) = Comparison::split(text);
            Some(compared_whole(comparison, parts(version)?))
        }
    }
}

/// Reads a version. A pre-release counts as its release: `3.4.0.preview1`, `1.17.0-rc.0`.
fn parts(text: &str) -> Option<Vec<u64>> {
    let end = text.find(|c: char| c.is_ascii_alphabetic() || c == '-').unwrap_or(text.len());
    let parts = numbers(text.get(..end)?.trim_end_matches('.'))?;
    (!parts.is_empty()).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn requirements_are_read_as_bundler_reads_them() {
        for (text, version, expected) in [
            ("~> 3.2", [3, 4, 0], true),
            ("~> 3.2", [4, 0, 0], false),
            ("~> 3.2.1", [3, 2, 9], true),
            ("~> 3.2.1", [3, 3, 0], false),
            ("~> 3.2.1", [3, 2, 0], false),
            (">= 3.1, < 3.4", [3, 3, 5], true),
            (">= 3.1, < 3.4", [3, 4, 0], false),
            ("\">= 3.1\", \"< 3.4\"", [3, 3, 5], true),
            ("~> 1.15 or ~> 2.0", [2, 1, 0], true),
            (">= 1.14.0 and < 2.0.0", [1, 18, 0], true),
            (">= 2.7, <= 3.3", [3, 3, 0], true),
            (">= 2.7, <= 3.3", [3, 3, 6], false),
            ("> 3.2", [3, 2, 1], true),
            ("!= 3.2.1", [3, 2, 1], false),
            ("= 3.2", [3, 2, 7], true),
        ] {
            assert_eq!(range(text).unwrap()(version), expected, "{text}");
        }
        for text in ["banana", "~> ", ">= 3..1", "", "~> 1.2.3.4"] {
            assert!(range(text).is_none(), "{text}");
        }
    }
}
