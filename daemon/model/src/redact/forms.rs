//! The byte sequences that are searched for a secret: the secret, its parts, and the quoted forms of both,
//! which no decoder of [`super::view`] undoes.

use super::view;
use serde_json::Value;
use std::collections::BTreeSet;

/// The length of the shortest value that is masked. Shorter ones would blank half of every log, and hide
/// nothing.
pub const SHORTEST: usize = 4;

/// The length of the shortest part of a secret that is searched.
const SHORTEST_PART: usize = 8;

/// The number of bytes of all quoted forms that one redactor knows. A value full of quotes has seven times its
/// bytes in them. Of values beyond, the parts between quotes are found where they are quoted.
pub(super) const QUOTED: usize = 1 << 20;

/// Adds all patterns of `value`. Quoted forms are added while they have `room`, in bytes.
pub(super) fn add(value: &[u8], patterns: &mut BTreeSet<Vec<u8>>, room: &mut usize) {
    let trimmed = value.trim_ascii();
    if trimmed.len() < SHORTEST {
        return;
    }
    patterns.insert(trimmed.to_vec());
    quoted(trimmed, patterns, room);
    for part in parts(trimmed) {
        quoted(&part, patterns, room);
        patterns.insert(part);
    }
}

/// Returns the parts that a program may print alone: lines, a line's value after `NAME=`, strings of
/// JSON and their lines, a URL's password.
fn parts(value: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut parts = BTreeSet::new();
    lines(value, &mut parts);
    if let Ok(json) = serde_json::from_slice::<Value>(value) {
        strings(&json, &mut parts);
    }
    // A URL may stand in JSON, or behind `NAME=`, too.
    let texts = parts.iter().map(Vec::as_slice).chain([value]);
    let passwords: Vec<&str> =
        texts.filter_map(|text| password(std::str::from_utf8(text).ok()?)).collect();
    let decoded = passwords.iter().map(|password| view::percent_decoded(password.as_bytes()));
    let passwords: Vec<Vec<u8>> =
        decoded.chain(passwords.iter().map(|password| password.as_bytes().to_vec())).collect();
    parts.extend(passwords);
    parts.retain(|part| part.len() >= SHORTEST_PART);
    parts
}

fn lines(value: &[u8], parts: &mut BTreeSet<Vec<u8>>) {
    let lines: Vec<_> = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
    for line in &lines {
        if lines.len() > 1 {
            parts.insert(line.to_vec());
        }
        if let Some(assigned) = assigned(line) {
            parts.insert(assigned.to_vec());
        }
    }
}

/// Returns `value` of `NAME=value` or `export NAME="value"`.
fn assigned(line: &[u8]) -> Option<&[u8]> {
    let at = line.iter().position(|byte| *byte == b'=')?;
    let name = line.get(..at)?;
    let value = line.get(at + 1..)?;
    let name = name.strip_prefix(b"export ").unwrap_or(name).trim_ascii();
    let is_name =
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let within = |quote: &[u8]| value.strip_prefix(quote)?.strip_suffix(quote);
    is_name.then(|| within(b"\"").or_else(|| within(b"'")).unwrap_or(value))
}

fn strings(json: &Value, parts: &mut BTreeSet<Vec<u8>>) {
    match json {
        Value::String(text) => {
            parts.insert(text.trim().as_bytes().to_vec());
            lines(text.trim().as_bytes(), parts);
        }
        Value::Array(list) => list.iter().for_each(|value| strings(value, parts)),
        Value::Object(map) => map.values().for_each(|value| strings(value, parts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns `password` of `scheme://user:password@host/…`.
fn password(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let is_scheme = scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !is_scheme || url.contains(char::is_whitespace) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    // A password may hold an `@` or a `/` that nobody escaped: then the last `@` ends it.
    let login = match authority.rsplit_once('@') {
        Some((login, _)) => login,
        None => rest.rsplit_once('@')?.0,
    };
    Some(login.split_once(':')?.1)
}

/// Adds the forms of a value within quotes: of sh, of Python's `shlex`, of SQL and YAML; of CSV and
/// PowerShell.
fn quoted(value: &[u8], forms: &mut BTreeSet<Vec<u8>>, room: &mut usize) {
    for (quote, escaped) in [(b'\'', "'\\''"), (b'\'', "'\"'\"'"), (b'\'', "''"), (b'"', "\"\"")] {
        let quotes = value.iter().filter(|byte| **byte == quote).count();
        let length = value.len() + quotes * (escaped.len() - 1);
        if let Some(left) = room.checked_sub(length).filter(|_| quotes > 0) {
            *room = left;
            forms.insert(replaced(value, quote, escaped));
        }
    }
}

fn replaced(value: &[u8], byte: u8, by: &str) -> Vec<u8> {
    let escaped = |own: &u8| if *own == byte { by.as_bytes().to_vec() } else { vec![*own] };
    value.iter().flat_map(escaped).collect()
}
