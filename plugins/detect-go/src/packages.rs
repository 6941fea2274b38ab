//! Packages that a program is built from, as far as they lie in the app's folder: what they embed, and whether
//! they are written in C too.

use crate::{
    search::Found,
    source::{self, Source},
};
use std::collections::{BTreeMap, BTreeSet};
use windlass_plugin_sdk::workspace::folders::{join, parent, within};

/// Wants of the packages of a program.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// Files and folders that `//go:embed` puts into the binary, relative to the app's folder.
    pub(crate) embeds: BTreeSet<String>,
    /// First file that imports "C" where no file of its package stands in for it.
    pub(crate) c: Option<String>,
}

/// Follows the imports of a program through the app's modules.
pub(crate) fn reached(
    program: &str,
    found: &Found,
    read: impl Fn(&str) -> Option<String>,
) -> Reached {
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in found.files.iter().filter(|file| !file.ends_with("_test.go")) {
        files.entry(parent(file)).or_default().push(file);
    }
    let mut reached = Reached::default();
    let mut known = BTreeSet::from([program.to_owned()]);
    let mut next = vec![program.to_owned()];
    while let Some(folder) = next.pop() {
        let mut c = None;
        let mut stands_in = false;
        for file in files.get(&*folder).into_iter().flatten() {
            let Some(text) = read(file) else { continue };
            let name = file.rsplit('/').next().unwrap_or(file);
            stands_in |= text.lines().take(50).any(|line| {
                line.starts_with("//") && line.contains("build") && line.contains("!cgo")
            });
            let Some(Source { left_out: None, .. }) = source::read(name, &text) else { continue };
            for import in source::imports(&text) {
                if import == "C" {
                    c.get_or_insert((*file).to_owned());
                } else if let Some(folder) = folder_of(import, found)
                    && known.insert(folder.clone())
                {
                    next.push(folder);
                }
            }
            reached.embeds.extend(source::embeds(&text).filter_map(|path| join(&folder, path)));
        }
        if !stands_in && reached.c.is_none() {
            reached.c = c;
        }
    }
    reached
}

/// Returns the folder of an imported package, by the module whose path is the longest.
fn folder_of(import: &str, found: &Found) -> Option<String> {
    let inside = |(path, folder): &(String, String)| {
        let rest = within(path, import).filter(|_| !path.is_empty())?;
        Some((path.len(), join(folder, rest)?))
    };
    let longest = found.paths.iter().filter_map(inside).max_by_key(|(length, _)| *length);
    longest.map(|(_, folder)| folder)
}
