//! Texts that fit into the fields of forges.

/// Returns a text in one line: each run of white space is one blank.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns a text of at most `most` characters. A longer one ends with `…`.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_never_too_long() {
        for (text, most, expected) in [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("ünïcödé", 4, "ünï…"),
            ("one two", 5, "one…"),
            ("👩\u{200d}💻👩\u{200d}💻", 4, "👩\u{200d}💻…"),
            ("", 3, ""),
        ] {
            let shown = cut(text, most);
            assert_eq!(shown, expected);
            assert!(shown.chars().count() <= most);
        }
        assert_eq!(one_line(" a\n\tb  c\r\n"), "a b c");
    }
}
