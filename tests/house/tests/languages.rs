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

/// Tests in which an app of a language is built and released: language, file of `tests/e2e/languages`, function, and
/// whether the app's own tests run there.
const PROOFS: [(&str, &str, &str, bool); 12] = [
    ("bun", "bun.rs", "an_app_of_bun_is_built_tested_and_served", true),
    ("cpp", "others.rs", "a_cmake_project_is_built_and_its_program_serves", false),
    ("deno", "deno.rs", "an_app_of_deno_is_built_tested_and_served", true),
    ("elixir", "elixir.rs", "a_release_of_mix_is_built_tested_and_served", true),
    ("go", "go.rs", "a_go_module_is_built_tested_and_served_and_its_downloads_are_kept", true),
    ("java", "java.rs", "spring_boot_is_built_tested_and_served_from_its_layers", true),
    (
        "node",
        "node.rs",
        "each_manager_installs_tests_and_serves_and_a_changed_line_installs_nothing",
        true,
    ),
    ("php", "php.rs", "plain_php_is_served", false),
    ("python", "python.rs", "each_manager_installs_what_its_lock_says", true),
    ("rust", "rust.rs", "a_cargo_package_is_built_tested_and_served", true),
    ("shell", "others.rs", "a_script_alone_is_an_app", false),
    (
        "static",
        "static_sites.rs",
        "a_site_is_built_and_served_by_its_router_with_cache_headers_and_without_root",
        false,
    ),
];

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
    let proof = PROOFS.iter().find(|(known, ..)| *known == language);
    let proof = match (is_planned, proof) {
        (true, _) => "plans only",
        (false, Some((_, _, _, true))) => "built, tested, released",
        (false, Some(_)) => "built, released",
        (false, None) => panic!("{name}: no test builds {language}: name it in PROOFS"),
    };
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

#[test]
fn a_language_that_counts_as_built_has_a_test_that_builds_it() {
    let built: BTreeSet<String> =
        rows().into_iter().filter(|(planned, ..)| !planned).map(|(_, name, _)| name).collect();
    for (language, file, function, _) in PROOFS {
        let text = fs::read_to_string(root().join("tests/e2e/languages").join(file)).unwrap();
        assert!(text.contains(&format!("fn {function}(")), "{language}: {file} has no {function}");
        assert!(built.contains(language), "{language}: `built` is not `real` in its manifest");
    }
}
