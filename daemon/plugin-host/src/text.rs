//! Text of guests, made fit for logs and terminals.

/// Longest line, in characters.
const LONGEST_LINE: usize = 1024;

/// Longest text of several lines, in bytes.
const LONGEST_TEXT: usize = 4 << 10;

/// Returns one line without anything that a terminal obeys.
pub(crate) fn sanitize(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars().take(LONGEST_LINE) {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

/// Applies [`sanitize`] to each line.
pub(crate) fn sanitize_lines(text: &str) -> String {
    let mut all = String::new();
    for line in text.lines() {
        let line = sanitize(line);
        if all.len() + line.len() > LONGEST_TEXT {
            all.push('…');
            break;
        }
        if !all.is_empty() {
            all.push('\n');
        }
        all.push_str(&line);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        assert_eq!(sanitize("a\x1b[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(sanitize_lines("a\rb\n\nc\t"), "a\\rb\n\nc\\t");
        assert_eq!(sanitize(&"a".repeat(2 * LONGEST_LINE)).len(), LONGEST_LINE);
        let long = sanitize_lines(&"0123456789\n".repeat(LONGEST_TEXT));
        assert!(long.ends_with('…') && long.len() < LONGEST_TEXT + 10, "{}", long.len());
    }
}
