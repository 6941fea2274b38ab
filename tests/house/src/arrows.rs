//! Arrows between crates, as their `Cargo.toml` files have them.

use std::{collections::BTreeSet, fs, path::Path};

/// Returns what a crate depends on, by name, without what only its tests need.
///
/// # Errors
/// A `Cargo.toml` that cannot be read.
pub fn dependencies(folder: &Path) -> Result<BTreeSet<String>, String> {
    let file = folder.join("Cargo.toml");
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut found = BTreeSet::new();
    let mut is_inside = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            is_inside = line == "[dependencies]" || line == "[build-dependencies]";
        } else if is_inside && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            if !name.is_empty() {
                found.insert(name.to_owned());
            }
        }
    }
    Ok(found)
}
