//! Circles: files of one crate that use each other, so that none can be read first.

use crate::{
    crates::roots,
    module::{Modules, read},
    paths::{defined, named},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Files that each file uses, with one path of each as written.
pub type Uses = BTreeMap<PathBuf, BTreeMap<PathBuf, String>>;

/// Returns which files of a crate use which.
#[must_use]
pub fn uses(modules: &Modules) -> Uses {
    let mut uses = Uses::new();
    for (path, module) in modules {
        let of_file = uses.entry(module.file.clone()).or_default();
        for name in named(&module.items) {
            if let Some(file) = defined(modules, path, &name)
                && file != module.file
            {
                of_file.entry(file).or_insert_with(|| name.join("::"));
            }
        }
    }
    uses
}

/// Returns each circle as the files in it, in order of their names.
#[must_use]
pub fn circles(uses: &Uses) -> Vec<BTreeSet<PathBuf>> {
    let reach: BTreeMap<&Path, BTreeSet<&Path>> =
        uses.keys().map(|file| (&**file, reachable(uses, file))).collect();
    let mut found: Vec<BTreeSet<PathBuf>> = Vec::new();
    for (file, from) in &reach {
        if found.iter().any(|circle| circle.contains(*file)) || !from.contains(file) {
            continue;
        }
        let circle = from.iter().filter(|other| reach[*other].contains(file));
        found.push(circle.map(|other| other.to_path_buf()).collect());
    }
    found
}

fn reachable<'a>(uses: &'a Uses, from: &Path) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Path> =
        uses.get(from).into_iter().flat_map(BTreeMap::keys).map(|f| &**f).collect();
    while let Some(file) = next.pop() {
        if reached.insert(file) {
            next.extend(uses.get(file).into_iter().flat_map(BTreeMap::keys).map(|f| &**f));
        }
    }
    reached
}

/// Describes a circle: each arrow within it, and the path that makes it.
#[must_use]
pub fn describe(uses: &Uses, circle: &BTreeSet<PathBuf>) -> String {
    let mut text = String::new();
    for file in circle {
        for (other, path) in &uses[file] {
            if circle.contains(other) {
                text += &format!("  {} -> {} by `{path}`\n", file.display(), other.display());
            }
        }
    }
    text
}

/// Returns all circles of all crates below a folder, as text. It is empty where there is none.
///
/// # Errors
/// Names the source that cannot be read or parsed.
pub fn report(root: &Path) -> Result<String, String> {
    let mut report = String::new();
    for file in roots(root).map_err(|error| format!("{}: {error}", root.display()))? {
        let uses = uses(&read(&file)?);
        for circle in circles(&uses) {
            let name = file.display();
            report += &format!(
                "{name}: {} files in a circle\n{}",
                circle.len(),
                describe(&uses, &circle)
            );
        }
    }
    Ok(report.replace(&format!("{}/", root.display()), ""))
}
