//! Files as they should not be: whatever is committed, a detector answers.

use super::{Files, Outcome, detect};
use crate::{
    export::Detect,
    file::File,
    read::{self, Node, Value},
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Length of a file that is cut at every byte.
const SHORT: usize = 4 << 10;
/// Cuts of a longer file.
const CUTS: usize = 200;
/// Values that are replaced in one file.
const MOST_VALUES: usize = 100;

/// Has a detector answer for each file cut at every byte, with a byte order mark, other line ends, deep nesting,
/// unknown keys, values of other types, as a symlink, and with a million lines.
///
/// # Panics
/// The detector panics, or refuses without naming a file and what to do. The message names the file and the change.
#[track_caller]
#[allow(clippy::panic, reason = "a test: what cannot go on should stop")]
pub fn bad_input(function: Detect, manifest: &str, files: &Files) {
    let ask = |files: &Files, path: &str, change: &str| {
        let answer = catch_unwind(AssertUnwindSafe(|| detect(function, manifest, files)));
        match answer {
            Err(_) => panic!("{path}, {change}: the detector panics"),
            Ok(Outcome::Refused(refusal)) => {
                let names_file = std::iter::once(path)
                    .chain(files.texts().map(|(path, _)| path))
                    .filter_map(|path| path.rsplit('/').next())
                    .any(|name| refusal.reason.contains(name) || refusal.hint.contains(name));
                let is_clear = names_file && !refusal.hint.is_empty();
                assert!(is_clear, "{path}, {change}: refused without file or hint: {refusal:#?}");
            }
            Ok(Outcome::NotMine | Outcome::Plan(_)) => {}
        }
    };
    for (path, text) in files.texts() {
        for (change, text) in changes(path, text) {
            ask(&files.clone().with(path, text), path, &change);
        }
        ask(&files.clone().link(path), path, "as a symlink");
        ask(&files.clone().without(path), path, "missing");
    }
}

/// Returns the changed contents of a file, each with its description.
fn changes(path: &str, text: &str) -> Vec<(String, String)> {
    let step = if text.len() <= SHORT { 1 } else { text.len() / CUTS };
    let cuts = (0..text.len()).step_by(step).filter_map(|end| Some((end, text.get(..end)?)));
    let mut changes: Vec<(String, String)> =
        cuts.map(|(end, text)| (format!("cut at byte {end}"), text.to_owned())).collect();
    let crlf = text.replace("\r\n", "\n").replace('\n', "\r\n");
    for (change, text) in [
        ("with a byte order mark", format!("\u{feff}{text}")),
        ("with CRLF", crlf),
        ("with a byte 0", format!("{text}\0")),
        ("64 KiB of [", "[".repeat(64 << 10)),
        ("64 KiB of {", "{".repeat(64 << 10)),
        ("nested maps", "{\"a\":".repeat(8 << 10)),
        ("nested lists after it", format!("{text}{}", "[".repeat(8 << 10))),
        ("a million line ends", "\n".repeat(1 << 20)),
        ("a list in its place", "[]".to_owned()),
        ("a number in its place", "7".to_owned()),
        ("twice", format!("{text}{text}")),
        ("with an unknown key", unknown_key(path, text)),
    ] {
        changes.push((change.to_owned(), text));
    }
    changes.extend(other_types(path, text));
    changes
}

fn unknown_key(path: &str, text: &str) -> String {
    if path.contains(".json") {
        text.replacen('{', "{\"unknown-key\": [1], ", 1)
    } else if path.ends_with(".toml") {
        format!("unknown-key = [1]\n{text}")
    } else {
        format!("unknown-key: [1]\n{text}")
    }
}

/// Replaces each value by one of another type.
fn other_types(path: &str, text: &str) -> Vec<(String, String)> {
    let file = File { path: path.to_owned(), text: text.to_owned() };
    let parsed = match path.rsplit('.').next() {
        Some("json" | "jsonc" | "json5") => read::json5(&file),
        Some("toml") => read::toml(&file),
        Some("yaml" | "yml") => read::yaml(&file),
        _ => return Vec::new(),
    };
    let Ok(root) = parsed else { return Vec::new() };
    let mut places = Vec::new();
    scalars(&root, "", &mut places);
    let mut changes = Vec::new();
    for (key, line, column) in places.into_iter().take(MOST_VALUES) {
        let Some((start, end)) = span(text, line, column) else { continue };
        let (Some(before), Some(after)) = (text.get(..start), text.get(end..)) else { continue };
        for value in
            ["null", "[]", "{}", "7", "true", "\"\"", "[[\"x\"]]", "\"../../x\"", "\"\\u0000\""]
        {
            changes.push((format!("{key} = {value}"), format!("{before}{value}{after}")));
        }
    }
    changes
}

/// Collects the places of the scalars.
fn scalars(node: &Node, path: &str, places: &mut Vec<(String, usize, usize)>) {
    match &node.value {
        Value::List(list) => {
            for (index, node) in list.iter().enumerate() {
                scalars(node, &format!("{path}[{index}]"), places);
            }
        }
        Value::Map(map) => {
            for (key, node) in map {
                scalars(node, &format!("{path}.{key}"), places);
            }
        }
        _ => places.push((path.to_owned(), node.line, node.column)),
    }
}

/// Returns the bytes of a value that begins at a place.
fn span(text: &str, line: usize, column: usize) -> Option<(usize, usize)> {
    let line_start = match line {
        1 => 0,
        _ => text.match_indices('\n').nth(line - 2)?.0 + 1,
    };
    let rest = text.get(line_start..)?;
    let start = line_start + rest.char_indices().nth(column - 1)?.0;
    let value = text.get(start..)?;
    let first = value.chars().next()?;
    let length = if matches!(first, '"' | '\'') {
        let inner = value.get(1..)?;
        let end = inner.char_indices().scan(false, |is_escaped, (at, c)| {
            let is_end = c == first && !*is_escaped;
            *is_escaped = c == '\\' && !*is_escaped;
            Some((at, is_end))
        });
        let end = end.filter(|(_, is_end)| *is_end).map(|(at, _)| at).next()?;
        end + 2
    } else {
        value.find([',', ']', '}', '\n', '#']).unwrap_or(value.len())
    };
    Some((start, start + length))
}
