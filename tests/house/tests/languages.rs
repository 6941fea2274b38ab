//! The README's table of languages is that of the plugins' manifests. `WINDLASS_BLESS=1` writes it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: what cannot go on should stop")]

use std::{collections::BTreeSet, fs};
use toml::{Table, Value};
use windlass_blessed::holds;
use windlass_house::crates::workspace as root;

/// Lines of the README between which the table stands.
const BEGIN: &str = "<!-- languages -->\n";
const END: &str = "<!-- /languages -->\n";

const HEAD: &str = "\
| language | package managers | version from | frameworks and starts | tests | in the suite |
|---|---|---|---|---|---|
";

/// A row, sorted by proof and language.
type Row = (bool, String, String);

fn cell(row: &Table, key: &str) -> String {
    let values = row.get(key).and_then(Value::as_array);
    let texts: Vec<&str> = values.into_iter().flatten().filter_map(Value::as_str).collect();
    match &*texts {
        [] => "–".to_owned(),
        texts => texts.join(", ").replace('|', "\\|"),
    }
}

fn row(name: &str, row: &Table) -> Row {
    let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let language = text("language");
    let is_planned = match &*text("built") {
        "real" => false,
        "planned" => true,
        other => panic!("{name}: built = `{other}` is neither `real` nor `planned`"),
    };
    let proof = if is_planned { "plans only" } else { "built, tested, released" };
    let cells = ["managers", "versions", "frameworks", "tests"].map(|key| cell(row, key));
    let line = format!("| {language} | {} | {proof} |\n", cells.join(" | "));
    (is_planned, language, line)
}

/// Returns the rows of all manifests.
fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for entry in fs::read_dir(root().join("plugins")).unwrap() {
        let file = entry.unwrap().path().join("plugin.toml");
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let name = file.display().to_string();
        let manifest: Table = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        let table = manifest.get("table").and_then(Value::as_array);
        rows.extend(
            table.into_iter().flatten().filter_map(Value::as_table).map(|table| row(&name, table)),
        );
    }
    rows.sort();
    rows
}

#[test]
fn the_readme_lists_the_languages_of_the_manifests() {
    let file = root().join("README.md");
    let readme = fs::read_to_string(&file).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let table: String = rows().into_iter().map(|(_, _, line)| line).collect();
    let wanted = format!("{before}{BEGIN}\n{HEAD}{table}\n{END}{after}");
    assert!(holds(&file, &wanted), "README.md, languages: WINDLASS_BLESS=1 writes the table");
}

#[test]
fn a_language_is_listed_once() {
    let rows = rows();
    let languages: BTreeSet<&String> = rows.iter().map(|(_, language, _)| language).collect();
    assert_eq!(languages.len(), rows.len(), "{languages:?}");
    assert!(!languages.iter().any(|language| language.is_empty()), "{languages:?}");
}
