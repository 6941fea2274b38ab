//! Rules of prose and of citations, as far as they can be checked line by line without false alarms.
//!
//! CONTRIBUTING.md has the rules. The banned words with everyday meanings (said, had, called, over, well, gone)
//! are not checked: only a reader can tell which meaning is used.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests: what cannot go on should stop"
)]

use std::{collections::BTreeSet, fs, process::Command};
use windlass_house::crates::workspace as root;

/// Sources whose docs are checked.
const SOURCES: [&str; 4] = ["daemon/*.rs", "plugin-sdk/*.rs", "plugins/*.rs", "tests/*.rs"];

/// First words of a doc that name nothing.
const NAMELESS: [&str; 9] =
    ["What", "Whose", "Which", "Its", "Those", "Likewise", "Of", "How", "Whether"];

/// Words without an everyday meaning that a doc needs, and what to write instead.
const WORDS: [(&str, &str); 3] = [
    ("told", "recorded, reported, shown or known"),
    ("anew", "again"),
    ("likewise", "the noun that it stands for"),
];

/// Phrases that the glossary replaces, and the word to write.
const PHRASES: [(&str, &str); 9] = [
    ("look on", "notification hook"),
    ("looks on", "notification hook"),
    ("looking on", "notification hook"),
    ("way back", "rollback"),
    ("turn back", "roll back"),
    ("turns back", "rolls back"),
    ("turned back", "rolled back"),
    ("turning back", "rolling back"),
    ("in whose words", "the message and its origin"),
];

/// Asides on what an absent value means. They deserve a sentence.
const ASIDES: [&str; 6] =
    ["; none:", "; none is ", "; none where ", "; empty:", ". none: ", "; 0: "];

/// Documents for readers of the code, whose paths must lead somewhere.
const DOCUMENTS: [&str; 8] = [
    "CONTRIBUTING.md",
    "README.md",
    "tests/README.md",
    "tests/*/README.md",
    "daemon/README.md",
    "daemon/glossary.md",
    "daemon/*/README.md",
    "daemon/design/*.md",
];

/// Files that comments are read in.
const COMMENTED: [&str; 7] = ["*.rs", "*.proto", "*.wit", "*.toml", "*.sh", "*.sql", ".ci/run"];

/// Endings of paths in documents.
const ENDINGS: [&str; 9] =
    [".rs", ".md", ".toml", ".proto", ".wit", ".json", ".txt", ".sql", ".sh"];

/// A line of a doc comment.
struct Line<'a> {
    number: usize,
    text: &'a str,
    is_first: bool,
}

#[test]
fn docs_name_the_thing_in_the_fields_words() {
    let mut wrong = Vec::new();
    for file in files(&SOURCES) {
        wrong.extend(faults(&file));
    }
    let count = wrong.len();
    let list = wrong.join("\n");
    assert!(wrong.is_empty(), "{count} docs break a rule of CONTRIBUTING.md, Prose:\n{list}");
}

#[test]
fn cited_documents_are_in_the_repository() {
    let all = files(&["*"]);
    let mut missing = Vec::new();
    for file in files(&COMMENTED) {
        let Ok(text) = fs::read_to_string(root().join(&file)) else { continue };
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_start();
            let is_comment = line.starts_with("//")
                || line.starts_with("--")
                || (line.starts_with('#') && !file.ends_with(".rs"));
            if !is_comment {
                continue;
            }
            let cited = codes(line).filter(|code| code.ends_with(".md") && is_path(code));
            for document in cited.filter(|document| !is_there(&all, document)) {
                missing.push(format!("{file}:{}: {document}", index + 1));
            }
        }
    }
    let list = missing.join("\n");
    assert!(missing.is_empty(), "cited, and not in the repository:\n{list}");
}

#[test]
fn documents_name_files_that_are_there() {
    let all = files(&["*"]);
    let mut missing = Vec::new();
    for document in files(&DOCUMENTS) {
        let Ok(text) = fs::read_to_string(root().join(&document)) else { continue };
        let room = document.strip_suffix("README.md").filter(|room| *room != "daemon/");
        for (index, line) in text.lines().enumerate() {
            for path in codes(line).filter(|code| code.contains('/') && is_path(code)) {
                let is_named = ENDINGS.iter().any(|ending| path.ends_with(*ending));
                if !is_named && !path.ends_with('/') {
                    continue;
                }
                // In the README of a crate, `src/` is that crate's.
                let own = room.filter(|_| path.starts_with("src/"));
                let found = match own {
                    Some(room) => is_there(&all, &format!("{room}{path}")),
                    None => is_there(&all, path),
                };
                if !found {
                    missing.push(format!("{document}:{}: {path}", index + 1));
                }
            }
        }
    }
    let list = missing.join("\n");
    assert!(missing.is_empty(), "named in a document, and not in the repository:\n{list}");
}

#[test]
fn links_of_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for document in files(&["*.md"]) {
        let Ok(text) = fs::read_to_string(root().join(&document)) else { continue };
        let folder = root().join(&document).parent().expect("a folder").to_owned();
        for (index, line) in text.lines().enumerate() {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let path = target.split('#').next().unwrap_or_default();
                let is_ours = !path.is_empty() && !path.contains(':') && !path.contains(' ');
                if is_ours && !folder.join(path).exists() {
                    broken.push(format!("{document}:{}: {target}", index + 1));
                }
            }
        }
    }
    let list = broken.join("\n");
    assert!(broken.is_empty(), "links that lead nowhere:\n{list}");
}

#[test]
fn a_fault_is_named_with_its_line_and_rule() {
    let text = [
        "//! Its docs.",
        "",
        "/// Whether it is told.",
        "/// What follows is no first line.",
        "fn f() {}",
        "// What is no doc is not checked.",
        "/// A `told` in code, and a port; none: any.",
    ];
    let text = text.join("\n");
    let found = faults_of(&text).map(|(number, rule)| format!("{number}: {rule}"));
    let found: Vec<_> = found.collect();
    assert_eq!(
        found,
        [
            "1: the first line begins with `Its`: name the thing",
            "3: the first line begins with `Whether`: name the thing",
            "3: `told`: write recorded, reported, shown or known",
            "7: `; none:`: write a sentence, \"`None` means …\"",
        ]
    );
}

/// Tracked files, and new ones that are not ignored, that match.
fn files(patterns: &[&str]) -> BTreeSet<String> {
    let top = root();
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "--"];
    let found = Command::new("git").current_dir(&top).args(list).args(patterns).output().unwrap();
    assert!(found.status.success(), "git: {}", String::from_utf8_lossy(&found.stderr));
    let found = String::from_utf8(found.stdout).unwrap();
    let there = found.lines().filter(|file| top.join(file).exists());
    there.map(ToOwned::to_owned).collect()
}

/// Faults of a file, each with its place and rule.
fn faults(file: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(file)).unwrap_or_default();
    faults_of(&text).map(|(number, rule)| format!("{file}:{number}: {rule}")).collect()
}

/// Line numbers, each with the rule that the line breaks.
fn faults_of(text: &str) -> impl Iterator<Item = (usize, String)> {
    docs(text).flat_map(|line| {
        let mut rules = Vec::new();
        let first = first_word(line.text);
        if line.is_first && NAMELESS.contains(&first) {
            rules.push(format!("the first line begins with `{first}`: name the thing"));
        }
        // Names of the code are as they are.
        let prose: String = line.text.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let prose = prose.to_lowercase();
        let is_word = |wanted: &str| {
            prose.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == wanted)
        };
        for (word, instead) in WORDS.iter().filter(|(word, _)| is_word(word)) {
            rules.push(format!("`{word}`: write {instead}"));
        }
        for (phrase, instead) in PHRASES.iter().filter(|(phrase, _)| prose.contains(*phrase)) {
            rules.push(format!("`{phrase}`: write {instead}"));
        }
        if let Some(aside) = ASIDES.iter().find(|aside| prose.contains(**aside)) {
            let aside = aside.trim();
            rules.push(format!("`{aside}`: write a sentence, \"`None` means …\""));
        }
        let number = line.number;
        rules.into_iter().map(move |rule| (number, rule))
    })
}

/// Lines of the docs of a source, those of modules included.
fn docs(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut was_doc = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let line = line.trim_start();
        let doc = line.strip_prefix("//!").or_else(|| line.strip_prefix("///"));
        let doc = doc.filter(|rest| !rest.starts_with('/'));
        let is_first = !was_doc;
        was_doc = doc.is_some();
        doc.map(|rest| Line { number: index + 1, text: rest.trim(), is_first })
    })
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default()
}

/// Pieces of a line that stand in backticks.
fn codes(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Returns whether a piece of code is a relative path without wildcards or placeholders.
fn is_path(code: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    !code.starts_with('/') && !code.contains("..") && code.chars().all(is_part)
}

/// Returns whether a path, or the end of one, is that of a file or folder.
fn is_there(all: &BTreeSet<String>, path: &str) -> bool {
    let end = format!("/{path}");
    all.iter().any(|file| {
        let whole = format!("/{file}");
        if path.ends_with('/') { whole.contains(&end) } else { whole.ends_with(&end) }
    })
}
