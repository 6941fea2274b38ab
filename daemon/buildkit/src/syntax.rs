//! Frontend that a Dockerfile names, found as BuildKit finds it (`DetectSyntax` in its
//! `frontend/dockerfile/parser/directives.go`).
//!
//! The frontend that is found here is the one that is used: a build names it itself, and BuildKit looks for none
//! ([`Syntax::options`]).

use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};

/// Directives that may stand among the first lines. Any other line ends them.
const DIRECTIVES: [&str; 3] = ["syntax", "escape", "check"];

/// Option by which BuildKit knows that the frontend was chosen.
const CMDLINE: &str = "cmdline";

/// Option that names the image of a frontend, for `gateway.v0`.
const SOURCE: &str = "source";

/// Frontend of a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// Reference of the frontend's image.
    pub(crate) image: String,
    /// Whole value of the directive: the image, and words for the frontend.
    cmdline: String,
    /// Line number, from 1.
    pub(crate) line: usize,
}

impl Syntax {
    /// Writes the options that choose a frontend. `None` means BuildKit's own, whatever the Dockerfile's lines
    /// read like to BuildKit.
    pub(crate) fn options(chosen: Option<&Self>, options: &mut HashMap<String, String>) {
        let cmdline = chosen.map(|syntax| syntax.cmdline.clone()).unwrap_or_default();
        options.insert(CMDLINE.into(), cmdline);
        if let Some(syntax) = chosen {
            options.insert(SOURCE.into(), syntax.image.clone());
        }
    }

    /// Returns the frontend for options of [`Syntax::options`], by BuildKit's name.
    pub(crate) fn frontend(options: &HashMap<String, String>) -> &'static str {
        if options.contains_key(SOURCE) { "gateway.v0" } else { "dockerfile.v0" }
    }
}

/// Finds the frontend that a Dockerfile names: `# syntax=`, `// syntax=`, or `"syntax"` of a JSON object. `None`
/// means that it names none.
pub(crate) fn detect(text: &str) -> Option<Syntax> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (text, skipped) = match text.strip_prefix("#!") {
        Some(rest) => (rest.split_once('\n').map_or("", |(_, rest)| rest), 1),
        None => (text, 0),
    };
    let found = ["#", "//"].iter().find_map(|comment| directive(text, comment));
    let (line, cmdline) = found.or_else(|| Some((1, json(text)?)))?;
    let image = cmdline.split(' ').next().unwrap_or_default().to_owned();
    Some(Syntax { image, cmdline, line: line + skipped })
}

/// Finds the value of the directive in comments that begin so, with its line.
fn directive(text: &str, comment: &str) -> Option<(usize, String)> {
    let mut seen = BTreeSet::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.strip_prefix(comment)?.trim_start();
        let (name, value) = line.split_once('=')?;
        let name = name.trim_end_matches(is_space);
        let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
        let name = name.to_ascii_lowercase();
        let value = value.trim_matches(is_space);
        if !begins_well
            || !name.chars().all(|c| c.is_ascii_alphanumeric())
            || value.is_empty()
            || !DIRECTIVES.contains(&&*name)
            || !seen.insert(name.clone())
        {
            return None;
        }
        if name == "syntax" {
            return Some((index + 1, value.to_owned()));
        }
    }
    None
}

fn json(text: &str) -> Option<String> {
    let all: Map<String, Value> = serde_json::from_str(text).ok()?;
    Some(all.get("syntax")?.as_str()?.to_owned())
}

/// Returns whether a character is `\s` of Go's `regexp`.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frontend_is_found_in_every_form() {
        for (text, image, line) in [
            ("# syntax=a/b:1\nFROM x", "a/b:1", 1),
            ("#syntax = a/b:1 \nFROM x", "a/b:1", 1),
            ("# SYNTAX=a/b:1", "a/b:1", 1),
            ("\u{feff}# syntax=a/b:1\r\nFROM x", "a/b:1", 1),
            ("#!/usr/bin/env x\n# syntax=a/b:1", "a/b:1", 2),
            ("# escape=`\n# check=skip=all\n# syntax=a/b:1", "a/b:1", 3),
            ("// syntax=a/b:1\nanything", "a/b:1", 1),
            (r#"{"syntax": "a/b:1", "more": 1}"#, "a/b:1", 1),
            ("# syntax=a/b:1 with words\nFROM x", "a/b:1", 1),
            ("#\tsyntax\t=\ta/b:1", "a/b:1", 1),
        ] {
            let found = detect(text).unwrap_or_else(|| panic!("{text:?}"));
            assert_eq!((&*found.image, found.line), (image, line), "{text:?}");
        }
    }

    #[test]
    fn other_lines_name_none() {
        for text in [
            "FROM x\n# syntax=a/b:1",
            "# a comment\n# syntax=a/b:1",
            "\n# syntax=a/b:1",
            " # syntax=a/b:1",
            "# syntax=\nFROM x",
            "# escape=`\n# escape=`\n# syntax=a/b:1",
            r#"{"syntax": 1}"#,
            "",
        ] {
            assert_eq!(detect(text), None, "{text:?}");
        }
    }

    /// Without `cmdline` BuildKit would look for a frontend by itself.
    #[test]
    fn the_frontend_is_always_chosen_here() {
        let mut options = HashMap::new();
        Syntax::options(None, &mut options);
        assert!(options.contains_key("cmdline"));
        assert_eq!(Syntax::frontend(&options), "dockerfile.v0");
        let found = detect("# syntax=a/b:1 words").unwrap();
        Syntax::options(Some(&found), &mut options);
        assert_eq!(Syntax::frontend(&options), "gateway.v0");
        assert_eq!((&*options["source"], &*options["cmdline"]), ("a/b:1", "a/b:1 words"));
    }
}
