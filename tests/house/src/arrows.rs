//! Arrows between crates, as their `Cargo.toml` files have them.

use std::{collections::BTreeSet, fs, path::Path};
use toml::{Table, Value};

/// Tables of a `Cargo.toml` that name dependencies. What only tests need is left out.
const KINDS: [&str; 2] = ["dependencies", "build-dependencies"];

/// Returns the packages that a crate depends on. Dependencies of one platform are among them.
///
/// # Errors
/// A `Cargo.toml` that cannot be read.
pub fn dependencies(folder: &Path) -> Result<BTreeSet<String>, String> {
    let file = folder.join("Cargo.toml");
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    named(&text).map_err(|error| format!("{}: {error}", file.display()))
}

fn named(text: &str) -> Result<BTreeSet<String>, toml::de::Error> {
    let manifest: Table = toml::from_str(text)?;
    let platforms = manifest.get("target").and_then(Value::as_table).into_iter();
    let platforms = platforms.flat_map(Table::values).filter_map(Value::as_table);
    let mut found = BTreeSet::new();
    for table in std::iter::once(&manifest).chain(platforms) {
        let all = KINDS.iter().filter_map(|kind| table.get(*kind)?.as_table()).flatten();
        for (key, how) in all {
            // A package may have another name here than its own.
            let package = how.get("package").and_then(Value::as_str).unwrap_or(key);
            found.insert(package.to_owned());
        }
    }
    Ok(found)
}

#[test]
fn a_dependency_is_found_in_whatever_way_it_is_written() {
    let text = r#"
[package]
name = "windlass-none"
[dependencies] # all
# windlass-comment = "1"
one.workspace = true
"two" = "2"
three = { package = "windlass-three", path = "../three" }
[target.'cfg(target_os = "linux")'.dependencies]
four = "4"
[dependencies.five]
workspace = true
[target.'cfg(unix)'.build-dependencies.six]
package = "windlass-six"
[dev-dependencies]
seven = "7"
[dev-dependencies.eight]
version = "8"
"#;
    let found = named(text).unwrap();
    let expected =
        ["five", "four", "one", "two", "windlass-six", "windlass-three"].map(str::to_owned);
    assert_eq!(found, BTreeSet::from(expected));
}
