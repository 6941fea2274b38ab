//! Expressions of Go's `regexp`, rewritten for the `regex` crate.
//!
//! The two read brackets, braces and escapes differently: in Go a bracket within brackets is a
//! character like others, a `{` that begins no repetition stands for itself, and `\<` is `<`.

use std::str::Chars;

/// Largest count of a repetition in Go.
const MOST_REPEATED: u32 = 1000;

/// Rewrites an expression that Go's `regexp.Compile` would take.
///
/// # Errors
/// Returns a message for people when Go refuses the expression, or when one of the few escapes without a
/// counterpart is in it.
pub fn rewrite(go: &str) -> Result<String, String> {
    let mut text = String::with_capacity(go.len());
    let mut chars = go.chars();
    let mut repeated = false;
    while let Some(c) = chars.next() {
        let repeats = match c {
            '\\' => {
                match escaped(&mut chars)? {
                    Escaped::Char(c) => text.push_str(&literal(c)),
                    Escaped::Assertion(assertion) => text.push_str(assertion),
                    Escaped::Class { members, negated } => {
                        let sign = if negated { "^" } else { "" };
                        text.push_str(&format!("[{sign}{members}]"));
                    }
                }
                false
            }
            '[' => {
                text.push_str(&class(&mut chars)?);
                false
            }
            '{' => match counts(chars.as_str())? {
                Some(_) if repeated => return Err("it repeats a repetition".into()),
                Some(counts) => {
                    text.push_str(&format!("{{{counts}}}"));
                    chars = chars.as_str().get(counts.len() + 1..).unwrap_or_default().chars();
                    true
                }
                None => {
                    text.push_str("\\{");
                    false
                }
            },
            '*' | '?' | '+' => {
                text.push(c);
                true
            }
            '^' | '$' | '.' | '|' | '(' | ')' => {
                text.push(c);
                false
            }
            c => {
                text.push_str(&literal(c));
                false
            }
        };
        repeated = repeats;
    }
    Ok(text)
}

fn literal(c: char) -> String {
    regex::escape(c.encode_utf8(&mut [0; 4]))
}

/// Reads the counts of a repetition, `2`, `2,` or `2,3`, after its `{`. `None` means that it begins none.
fn counts(rest: &str) -> Result<Option<&str>, String> {
    let is_number = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'))
    };
    let Some((counts, _)) = rest.split_once('}') else { return Ok(None) };
    let (least, most) = match counts.split_once(',') {
        Some((least, most)) => (least, Some(most)),
        None => (counts, None),
    };
    let open = most.is_some_and(str::is_empty);
    // `2,` has no upper count to check.
    let most = most.filter(|_| !open);
    if !is_number(least) || most.is_some_and(|most| !is_number(most)) {
        return Ok(None);
    }
    let too_large = |text: &str| !text.parse::<u32>().is_ok_and(|count| count <= MOST_REPEATED);
    if too_large(least) || most.is_some_and(too_large) {
        return Err(format!("`{{{counts}}}` repeats more than {MOST_REPEATED} times"));
    }
    Ok(Some(counts))
}

/// Meaning of a backslash and the character after it.
enum Escaped {
    Char(char),
    Assertion(&'static str),
    Class { members: &'static str, negated: bool },
}

fn escaped(chars: &mut Chars<'_>) -> Result<Escaped, String> {
    let c = chars.next().ok_or("it ends with a backslash")?;
    let class = |members| Escaped::Class { members, negated: c.is_ascii_uppercase() };
    Ok(match c {
        'a' => Escaped::Char('\u{7}'),
        'f' => Escaped::Char('\u{c}'),
        'n' => Escaped::Char('\n'),
        'r' => Escaped::Char('\r'),
        't' => Escaped::Char('\t'),
        'v' => Escaped::Char('\u{b}'),
        // ASCII alone in Go.
        'd' | 'D' => class("0-9"),
        's' | 'S' => class(r"\t\n\x0C\r\x20"),
        'w' | 'W' => class("0-9A-Za-z_"),
        'A' => Escaped::Assertion(r"\A"),
        'b' => Escaped::Assertion(r"(?-u:\b)"),
        'z' => Escaped::Assertion(r"\z"),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Escaped::Char(c),
        c => {
            return Err(format!("`\\{c}` stands for no character; folders are separated by `/`"));
        }
    })
}

/// Rewrites a class, from what follows its bracket to its end.
fn class(chars: &mut Chars<'_>) -> Result<String, String> {
    let mut text = String::from("[");
    if chars.as_str().starts_with('^') {
        chars.next();
        text.push('^');
    }
    // A `]` that comes first is a member.
    let mut first = true;
    loop {
        let rest = chars.as_str();
        if rest.starts_with(']') && !first {
            chars.next();
            text.push(']');
            return Ok(text);
        }
        first = false;
        if let Some(named) = named(rest)? {
            text.push_str(named);
            *chars = rest.get(named.len()..).unwrap_or_default().chars();
            continue;
        }
        let low = match member(chars)? {
            Escaped::Char(c) => c,
            Escaped::Class { members, negated: false } => {
                text.push_str(members);
                continue;
            }
            Escaped::Class { members, negated: true } => {
                text.push_str(&format!("[^{members}]"));
                continue;
            }
            Escaped::Assertion(_) => return Err("its brackets hold what is no character".into()),
        };
        let mut ahead = chars.as_str().chars();
        let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|c| c != ']');
        let high = if is_range {
            chars.next();
            match member(chars)? {
                Escaped::Char(c) => c,
                _ => return Err("a range in its brackets ends with what is no character".into()),
            }
        } else {
            low
        };
        if high < low {
            return Err(format!("the range `{low}-{high}` in its brackets is empty"));
        }
        text.push_str(&format!("\\x{{{:x}}}-\\x{{{:x}}}", u32::from(low), u32::from(high)));
    }
}

fn member(chars: &mut Chars<'_>) -> Result<Escaped, String> {
    match chars.next() {
        Some('\\') => escaped(chars),
        Some(c) => Ok(Escaped::Char(c)),
        None => Err("a bracket in it is not closed".into()),
    }
}

/// Finds a class with a name, such as `[:alpha:]`, at the beginning of a text.
fn named(text: &str) -> Result<Option<&str>, String> {
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
        "space", "upper", "word", "xdigit",
    ];
    let Some((name, _)) = text.strip_prefix("[:").and_then(|rest| rest.split_once(":]")) else {
        return Ok(None);
    };
    if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Err(format!("`[:{name}:]` is no class of characters"));
    }
    Ok(text.get(..name.len() + "[::]".len()))
}

#[cfg(test)]
mod tests {
    use super::rewrite;
    use regex::Regex;

    fn matches(go: &str, text: &str) -> bool {
        Regex::new(&rewrite(go).unwrap()).unwrap().is_match(text)
    }

    #[test]
    fn brackets_and_braces_are_read_as_go_does() {
        for (go, text, expected) in [
            ("^[a-c]$", "b", true),
            ("^[^a-c]$", "b", false),
            ("^[]a]$", "]", true),
            ("^[a-]$", "-", true),
            // No class in a class, no intersection, no difference.
            ("^[[a]]$", "[]", true),
            ("^[a&&b]$", "&", true),
            ("^[+--]$", ",", true),
            ("^[[:digit:]x]$", "7", true),
            ("^[[:^digit:]]$", "7", false),
            ("^[\\]\\\\]$", "\\", true),
            ("^[\\d-]$", "-", true),
            ("^[\\D]$", "7", false),
            ("^a{b,c}$", "a{b,c}", true),
            ("^a{2}$", "aa", true),
            ("^a{,2}$", "a{,2}", true),
            ("^a{02}$", "a{02}", true),
            ("^\\d$", "7", true),
            ("^\\d$", "٣", false),
            ("^\\<a\\>$", "<a>", true),
            ("^a\\#$", "a#", true),
            ("^a]}$", "a]}", true),
            ("^a|b$", "ax", true),
        ] {
            assert_eq!(matches(go, text), expected, "{go} {text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for go in [
            "[a",
            "[z-a]",
            "[[:word",
            "a\\",
            "\\y",
            "\\é",
            "a{1001}",
            "a*{2}",
            "[[:none:]]",
            "[a-\\d]",
        ] {
            let compiled = rewrite(go).map(|text| Regex::new(&text).is_ok());
            assert_ne!(compiled, Ok(true), "{go}");
        }
        // These Go takes; they are refused by name, not read as something else.
        for go in ["\\x41", "\\Qa\\E", "\\pL", "\\101", "\\B"] {
            assert!(rewrite(go).unwrap_err().contains("stands for no character"), "{go}");
        }
    }
}
