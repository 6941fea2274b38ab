//! Text of others, made fit for a terminal: repositories, tools, clusters and servers write it.
//!
//! Characters that a terminal would obey, and those that hide or reorder others, are shown as text:
//! `\u{1b}`. Colours alone are taken out without a trace.

/// Number of characters of the longest colour sequence.
const LONGEST_COLOR: usize = 64;

/// Returns `text` with `\u{…}` for each character that a terminal would obey, and without colours. Line
/// breaks and tabs stay.
#[must_use]
pub fn readable(text: String) -> String {
    shown(text, false)
}

/// Returns the same with the colours that `text` sets. The reader resets them after the text.
#[must_use]
pub fn colored(text: String) -> String {
    shown(text, true)
}

/// Returns whether a terminal obeys a character, or shows nothing, or others elsewhere. Line breaks and tabs
/// do no harm.
#[must_use]
pub fn is_obeyed(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        // The joiners U+200C and U+200D are part of words and of emoji.
        '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
}

fn shown(text: String, with_colors: bool) -> String {
    if !text.contains(is_obeyed) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = &*text;
    while let Some(next) = rest.chars().next() {
        if let Some(length) = color(rest) {
            let (sequence, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            if with_colors {
                shown.push_str(sequence);
            }
            rest = after;
            continue;
        }
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
        match next {
            // A line's end on Windows.
            '\r' if rest.is_empty() || rest.starts_with('\n') => {}
            next if is_obeyed(next) => shown.extend(next.escape_unicode()),
            next => shown.push(next),
        }
    }
    shown
}

/// Returns the length of the colour sequence that `text` begins with (SGR: `ESC [ 1 ; 31 m`). `None` means
/// that it begins with none, or with one that hides text.
fn color(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let length = parameters.find(|c: char| !c.is_ascii_digit() && c != ';' && c != ':')?;
    let (parameters, after) = parameters.split_at_checked(length)?;
    let is_color = after.starts_with('m') && length <= LONGEST_COLOR && !hides(parameters);
    is_color.then_some(length + 3)
}

/// Returns whether a sequence conceals what follows: parameter 8, outside of a colour's own numbers.
fn hides(parameters: &str) -> bool {
    let mut parameters = parameters.split([';', ':']);
    while let Some(parameter) = parameters.next() {
        match parameter.trim_start_matches('0') {
            "8" => return true,
            // `38;5;N` or `38;2;R;G;B`
            "38" | "48" | "58" => {
                let skipped = if parameters.next() == Some("2") { 3 } else { 1 };
                let _ = parameters.by_ref().take(skipped).count();
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        readable(text.to_owned())
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        for (text, expected) in [
            ("\u{1b}]0;OWNED\u{7}", "\\u{1b}]0;OWNED\\u{7}"),
            ("\u{1b}[2J\u{1b}[1;32mSUCCEEDED\u{1b}[0m", "\\u{1b}[2JSUCCEEDED"),
            ("\u{1b}]52;c;cm0gLXJm\u{1b}\\", "\\u{1b}]52;c;cm0gLXJm\\u{1b}\\"),
            ("\u{9b}2J\u{90}x\u{9c}", "\\u{9b}2J\\u{90}x\\u{9c}"),
            ("\u{1b}(B and \u{1b}[8mhidden\u{1b}[m", "\\u{1b}(B and \\u{1b}[8mhidden"),
            ("a\r\nb\tc\rd\u{8}\u{7f}\0", "a\nb\tc\\u{d}d\\u{8}\\u{7f}\\u{0}"),
            (
                "access\u{202e}txt\u{2066}\u{2069}\u{200f}",
                "access\\u{202e}txt\\u{2066}\\u{2069}\\u{200f}",
            ),
            ("a\u{200b}b\u{feff}\u{2028}\u{e0041}", "a\\u{200b}b\\u{feff}\\u{2028}\\u{e0041}"),
            ("ünïcode 日本語 👩\u{200d}💻 \u{1b}", "ünïcode 日本語 👩\u{200d}💻 \\u{1b}"),
            ("\u{1b}[38;5;8mgrey\u{1b}[48;2;8;8;8m\u{1b}[38:5:8m", "grey"),
            ("\u{1b}[31", "\\u{1b}[31"),
            ("GET / 200\r", "GET / 200"),
            ("plain", "plain"),
        ] {
            assert_eq!(read(text), expected);
            assert_eq!(read(&read(text)), read(text));
        }
    }

    #[test]
    fn colours_stay_where_they_are_wanted() {
        let text = "\u{1b}[1;31mred\u{1b}[0m \u{1b}[2K\u{1b}[8mx".to_owned();
        assert_eq!(colored(text), "\u{1b}[1;31mred\u{1b}[0m \\u{1b}[2K\\u{1b}[8mx");
    }
}
