//! Checks of single fields: names of refs, ids of objects, texts for people.

use crate::{error::Unreadable, headers::one};
use http::HeaderMap;
use windlass_model::{delivery::Change, text::readable};

/// Number of characters that a text for people keeps.
const LONGEST_TEXT: usize = 200;
/// Number of bytes of the longest id that is accepted: those of forges have 36 to 38.
const LONGEST_ID: usize = 200;
/// Number of bytes of the longest full name of a ref.
const LONGEST_REF: usize = 255;
/// Numbers of digits that the id of an object has: SHA-1 and SHA-256.
const DIGITS: [usize; 2] = [40, 64];

/// Returns a field's value, or an error that it is missing.
pub(super) fn required<T>(field: &str, value: Option<T>) -> Result<T, Unreadable> {
    value.ok_or_else(|| Unreadable::new(field, "is missing, and events of this kind have it"))
}

/// Returns a text for people: one line, cut, without characters that a terminal obeys.
pub(super) fn text(text: &str) -> String {
    let is_space = |c: char| matches!(c, '\n' | '\r' | '\t');
    let start = text.trim().chars().take(LONGEST_TEXT);
    let line = start.map(|c| if is_space(c) { ' ' } else { c }).collect();
    readable(line).chars().take(LONGEST_TEXT).collect()
}

/// Returns the first line of a commit's message as a text for people. Empty means that there is none.
pub(super) fn summary(message: Option<&str>) -> String {
    text(message.unwrap_or_default().trim_start().lines().next().unwrap_or_default())
}

/// Returns whether a commit's message ends with GitHub's trailer `skip-checks: true`: the last line of a last paragraph
/// of trailers. GitHub asks for two empty lines before it, and git makes one of them.
pub(super) fn skips_checks(message: Option<&str>) -> bool {
    let message = message.unwrap_or_default().trim();
    let trailers = || message.lines().rev().take_while(|line| !line.trim().is_empty());
    let has_subject = message.lines().count() > trailers().count();
    let is_last =
        trailers().next().and_then(|last| last.split_once(':')).is_some_and(|(key, value)| {
            key.trim().eq_ignore_ascii_case("skip-checks")
                && value.trim().eq_ignore_ascii_case("true")
        });
    has_subject && is_last && trailers().all(is_trailer)
}

/// Returns whether a line has the form of a trailer: a key without spaces, a colon, a value.
fn is_trailer(line: &str) -> bool {
    let key = line.trim().split_once(':').map(|(key, _)| key.trim_end());
    key.is_some_and(|key| !key.is_empty() && !key.contains(char::is_whitespace))
}

/// Returns the full name of a ref.
pub(super) fn ref_name(field: &str, name: Option<String>) -> Result<String, Unreadable> {
    let name = required(field, name)?;
    let problem = if !name.starts_with("refs/") {
        "and the full name of a ref begins with `refs/`"
    } else if name.ends_with('/') {
        "and the name of a ref does not end with `/`"
    } else if name.len() > LONGEST_REF {
        "and the name of a ref has at most 255 bytes"
    } else if name.contains(char::is_control) {
        "and the name of a ref has no control characters"
    } else {
        return Ok(name);
    };
    Err(wrong(field, &name, problem))
}

/// Returns the id of a commit or tag. `None` means that the field is absent or zeros, which stand for no object.
pub(super) fn object(field: &str, id: Option<&str>) -> Result<Option<String>, Unreadable> {
    let Some(id) = id else { return Ok(None) };
    if !DIGITS.contains(&id.len()) || !is_hex(id) {
        return Err(wrong(field, id, "and an object's id has 40 or 64 hexadecimal digits"));
    }
    let is_none = id.bytes().all(|digit| digit == b'0');
    Ok(Some(id.to_ascii_lowercase()).filter(|_| !is_none))
}

/// Returns the id of the commit at the head of a pull request.
pub(super) fn head(field: &str, id: Option<&str>) -> Result<String, Unreadable> {
    required(field, object(field, id)?)
}

/// Returns the start of a commit's id, as Bitbucket Cloud has it in pull requests: 12 digits.
pub(super) fn short_head(field: &str, id: Option<&str>) -> Result<String, Unreadable> {
    let id = required(field, id)?;
    if !(12..=64).contains(&id.len()) || !is_hex(id) {
        return Err(wrong(field, id, "and a commit's id has 12 to 64 hexadecimal digits"));
    }
    Ok(id.to_ascii_lowercase())
}

/// Returns the name of a branch, without `refs/heads/`.
pub(super) fn branch(field: &str, name: Option<String>) -> Result<String, Unreadable> {
    let name = required(field, name)?;
    let full = ref_name(field, Some(format!("refs/heads/{name}")))?;
    Ok(full.strip_prefix("refs/heads/").unwrap_or(&full).to_owned())
}

/// Returns an id that the forge chose: of a repository, of a delivery.
pub(super) fn id(field: &str, id: String) -> Result<String, Unreadable> {
    if id.len() > LONGEST_ID || id.contains(char::is_control) {
        let problem = "and an id has at most 200 bytes and no control characters";
        return Err(wrong(field, &id, problem));
    }
    Ok(id)
}

/// Returns the name of the event, from the first of the headers that is there.
pub(super) fn event(headers: &HeaderMap, names: &[&str]) -> Result<String, Unreadable> {
    let name = names.first().copied().unwrap_or_default();
    Ok(text(required(name, first(headers, names)?)?))
}

/// Returns the id of the delivery, from the first of the headers that is there. Empty means that none is.
pub(super) fn delivery(headers: &HeaderMap, names: &[&str]) -> Result<String, Unreadable> {
    let name = names.first().copied().unwrap_or_default();
    id(name, first(headers, names)?.unwrap_or_default().to_owned())
}

/// Returns that an event of no interest deploys nothing, and which events do.
pub(super) fn ignored(event: &str, wanted: &str) -> Change {
    Change::Ignored(format!("The event `{event}` deploys nothing. This hook needs {wanted} alone."))
}

fn first<'a>(headers: &'a HeaderMap, names: &[&str]) -> Result<Option<&'a str>, Unreadable> {
    for name in names {
        let value = one(headers, name).map_err(|problem| Unreadable::new(name, problem))?;
        if value.is_some() {
            return Ok(value);
        }
    }
    Ok(None)
}

fn is_hex(id: &str) -> bool {
    id.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn wrong(field: &str, value: &str, problem: &str) -> Unreadable {
    Unreadable::new(field, format!("is `{}`, {problem}", text(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_are_full_names_without_control_characters() {
        let long = format!("refs/heads/{}", "x".repeat(LONGEST_REF));
        for (name, problem) in [
            ("refs/heads/main", ""),
            ("refs/heads/ü/日本", ""),
            ("refs/tags/refs/heads/main", ""),
            ("main", "begins with `refs/`"),
            ("", "begins with `refs/`"),
            ("refs/heads/", "does not end with `/`"),
            ("refs/heads/a\nb", "no control characters"),
            ("refs/heads/a\u{1b}[2J", "`refs/heads/a\\u{1b}[2J`, and the name"),
            (&*long, "at most 255"),
        ] {
            match ref_name("ref", Some(name.to_owned())) {
                Ok(read) => assert_eq!((read.as_str(), problem), (name, "")),
                Err(error) => {
                    assert!(!problem.is_empty() && error.problem.contains(problem), "{error}");
                }
            }
        }
        assert!(ref_name("ref", None).unwrap_err().problem.contains("is missing"));
    }

    #[test]
    fn zeros_of_both_lengths_are_no_object() {
        for digits in DIGITS {
            assert_eq!(object("after", Some(&"0".repeat(digits))), Ok(None));
            let id = "aB".repeat(digits / 2);
            assert_eq!(object("after", Some(&id)), Ok(Some(id.to_lowercase())));
        }
        for id in ["", "0000000", &"0".repeat(41), &"g".repeat(40), &"é".repeat(20)] {
            let error = object("after", Some(id)).unwrap_err().to_string();
            assert!(error.contains("has 40 or 64 hexadecimal digits"), "{error}");
        }
        assert_eq!(object("before", None), Ok(None));
        assert!(head("head.sha", Some(&"0".repeat(40))).unwrap_err().problem.contains("missing"));
        assert_eq!(short_head("hash", Some("507A576E59B3")), Ok("507a576e59b3".to_owned()));
        assert!(short_head("hash", Some("507a576")).is_err());
    }

    #[test]
    fn texts_are_one_short_line_that_no_terminal_obeys() {
        assert_eq!(text(" a\tb\r\nc\u{1b}[2J "), "a b  c\\u{1b}[2J");
        assert_eq!(text(&"é".repeat(300)), "é".repeat(LONGEST_TEXT));
        assert_eq!(text(&"\u{7}".repeat(300)).chars().count(), LONGEST_TEXT);
        assert_eq!(summary(Some("\n\n Fix it\r\n\n[skip ci]")), "Fix it");
        assert_eq!(summary(Some("")), "");
        assert_eq!(summary(None), "");
    }

    #[test]
    fn a_trailer_is_the_last_line_of_a_last_paragraph_of_its_own() {
        for message in [
            "fix\n\n\nskip-checks: true",
            "fix\n\nskip-checks:true\n",
            "fix\r\n\r\nIt was wrong.\r\n\r\nSigned-off-by: Ann <a@b>\r\nSkip-Checks: True\r\n",
        ] {
            assert!(skips_checks(Some(message)), "{message}");
        }
        for message in [
            "",
            "skip-checks: true",
            "fix\nskip-checks: true",
            "fix\n\nskip-checks: false",
            "fix\n\nskip-checks: true\nSigned-off-by: Ann <a@b>",
            "fix\n\nskip-checks: true\n\nmore",
            "fix\n\nthe hook reads these words:\nthe line\nskip-checks: true",
        ] {
            assert!(!skips_checks(Some(message)), "{message}");
        }
        assert!(!skips_checks(None));
    }
}
