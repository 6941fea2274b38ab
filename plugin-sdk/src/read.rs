//! Readers for manifests. Each value knows its line, for evidence and refusals.
//!
//! A file that cannot be parsed is a refusal with line and column. An empty file is an empty map.

use crate::{file::File, refusal::Refusal};

mod json;
pub mod lines;
mod toml;
mod value;
mod xml;
mod yaml;

pub use self::toml::toml;
pub use json::{json, json5, jsonc};
pub use roxmltree;
pub use value::{Node, Value};
pub use xml::xml;
pub use yaml::yaml;

/// Levels of nesting that are read. Recursion goes no deeper.
pub(crate) const DEEPEST: usize = 64;

/// Refuses a file that cannot be parsed.
fn refused(file: &File, line: usize, column: usize, words: &str) -> Refusal {
    let words = words.lines().next().unwrap_or_default();
    let reason = format!("`{}:{line}:{column}`: {words}", file.path);
    Refusal::new(reason, "correct the file and commit again")
}

/// Refuses a file that is nested too deeply.
fn too_deep(file: &File, line: usize, column: usize) -> Refusal {
    refused(file, line, column, &format!("nested deeper than {DEEPEST} levels"))
}

/// Length in bytes of the parts of a text whose characters are counted once.
const PART: usize = 1 << 10;

/// Line starts of a text, to find the place of a byte fast.
struct Places<'a> {
    text: &'a [u8],
    starts: Vec<usize>,
    /// Characters before each part: a file may be one line, and each of its values asks for its column.
    before: Vec<usize>,
}

impl<'a> Places<'a> {
    fn of(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        let text = text.as_bytes();
        let parts = text.chunks(PART).scan(0, |sum, part| {
            *sum += characters(part);
            Some(*sum)
        });
        Self { text, starts, before: std::iter::once(0).chain(parts).collect() }
    }

    /// Returns line and column of a byte, both from 1. The column counts characters.
    fn at(&self, byte: usize) -> (usize, usize) {
        let byte = byte.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= byte).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        (line, self.characters_before(byte).saturating_sub(self.characters_before(start)) + 1)
    }

    fn characters_before(&self, byte: usize) -> usize {
        let part = byte / PART;
        let rest = self.text.get(part * PART..byte).unwrap_or_default();
        self.before.get(part).copied().unwrap_or_default() + characters(rest)
    }
}

/// Returns the number of characters: all bytes but those that continue one.
fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// Collects the entries of a map. Of a key that stands twice the last counts.
fn entries(pairs: impl IntoIterator<Item = (String, Node)>) -> Vec<(String, Node)> {
    let mut entries: Vec<(String, Node)> = Vec::new();
    let mut at = std::collections::HashMap::new();
    for (key, node) in pairs {
        match at.get(&key).and_then(|at: &usize| entries.get_mut(*at)) {
            Some(entry) => entry.1 = node,
            None => {
                at.insert(key.clone(), entries.len());
                entries.push((key, node));
            }
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    type Reader = fn(&File) -> Result<Node, Refusal>;
    const READERS: [(&str, Reader); 5] =
        [("json", json), ("jsonc", jsonc), ("json5", json5), ("toml", toml), ("yaml", yaml)];

    #[test]
    fn an_empty_file_is_an_empty_map() {
        for (name, read) in READERS {
            for text in ["", "\n\n"] {
                let node = read(&file("a", text)).unwrap();
                assert!(matches!(node.value, Value::Map(ref map) if map.is_empty()), "{name}");
            }
        }
    }

    #[test]
    fn a_file_that_is_cut_is_refused_with_its_place_or_read() {
        for (name, read, text) in [
            ("json", json as Reader, "{\"a\": [1, {\"b\": \"ü\\n\"}], \"c\": null}"),
            ("toml", toml as Reader, "[a]\nb = [1, { c = \"ü\" }]\n[[d]]\ne = 1979-05-27\n"),
            ("yaml", yaml as Reader, "a: &x\n  - 1\n  - {b: 'ü'}\nc: *x\nd: |\n  text\n"),
        ] {
            for end in (0..text.len()).filter_map(|end| text.get(..end)) {
                if let Err(refusal) = read(&file("some", end)) {
                    assert!(refusal.reason.starts_with("`some:"), "{name} {end}: {refusal:?}");
                }
            }
        }
    }

    #[test]
    fn a_file_of_one_line_is_read_as_fast_as_one_of_many() {
        let text = format!("[{}0]", "\"ü\",".repeat(150_000));
        let begun = std::time::Instant::now();
        let node = json(&file("a.json", &text)).unwrap();
        let last = node.list().last().unwrap();
        assert_eq!((last.line, last.column), (1, 1 + 4 * 150_000 + 1));
        // Counting from the line's start for each value would take a hundred times as long.
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }

    #[test]
    fn what_is_nested_too_deeply_is_refused() {
        for (name, read) in READERS {
            for text in ["[".repeat(1 << 16), "{a: ".repeat(1 << 12)] {
                assert!(read(&file("a", &text)).is_err(), "{name}");
            }
        }
        let text = format!("a = {}", "[".repeat(1 << 16));
        assert!(toml(&file("a", &text)).is_err());
        let text = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert!(json(&file("a", &text)).unwrap_err().reason.contains("deeper than 64"));
        assert!(yaml(&file("a", &text)).unwrap_err().reason.contains("deeper than 64"));
    }
}
