//! Files and folders that an install reads.

use std::collections::BTreeMap;

use super::beside::Beside;
use crate::{
    App, CopyFiles, EntryKind, Step,
    js::{Manager, Package, inside, join},
    read::Node,
};

/// Files that managers read beside manifest and lock.
const FILES: [&str; 7] = [
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
    "pnpm-workspace.yaml",
    "bunfig.toml",
    "lerna.json",
];

/// Folders that managers, and the install scripts of widespread packages, read.
const FOLDERS: [&str; 6] =
    [".yarn/releases", ".yarn/plugins", ".yarn/patches", ".yarn/cache", "patches", "prisma"];

/// Lists the sources, relative to the context: manifests, lock, configuration, patches, Prisma's schema.
pub(super) fn list(
    app: &App<'_>,
    package: &Package,
    manager: &Manager,
    context: &str,
    beside: &Beside,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |path: String| {
        if !found.contains(&path) {
            found.push(path);
        }
    };
    let own = inside(context, app.folder);
    for manifest in &beside.manifests {
        add(inside(context, manifest).to_owned());
    }
    let folders = if own.is_empty() { vec![""] } else { vec!["", own] };
    for folder in folders {
        let has = |name: &str| app.has_repo(&join(context, &join(folder, name)));
        for name in manager.lock.iter().map(String::as_str).chain(FILES) {
            if has(name) {
                add(join(folder, name));
            }
        }
        for name in FOLDERS {
            let path = join(folder, name);
            let entry = app.repo.stat(&join(context, &path));
            if matches!(entry, Ok(Some(entry)) if matches!(entry.kind, EntryKind::Dir)) {
                add(format!("{path}/"));
            }
        }
    }
    // Patches that lie elsewhere, and Prisma's schema where the manifest says so.
    let patched = package.json.at(&["pnpm", "patchedDependencies"]).map(Node::map);
    let patches = patched.unwrap_or_default().iter().filter_map(|(_, path)| path.text());
    let schema = package.json.at(&["prisma", "schema"]).and_then(Node::text);
    for path in patches.chain(schema) {
        let path = path.strip_prefix("./").unwrap_or(path);
        if app.has(path) {
            add(join(own, path));
        }
    }
    found
}

/// Returns the steps that copy sources: files by their folder, each folder to its own.
pub(super) fn copies(sources: &[String]) -> Vec<Step> {
    let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut folders = Vec::new();
    for source in sources {
        match source.strip_suffix('/') {
            Some(folder) => folders.push(folder),
            None => {
                let folder = source.rsplit_once('/').map_or("", |(folder, _)| folder);
                files.entry(folder).or_default().push(source.clone());
            }
        }
    }
    let files = files.into_iter().map(|(folder, sources)| {
        let dest = if folder.is_empty() { "./".to_owned() } else { format!("./{folder}/") };
        copy(sources, dest)
    });
    let is_outermost = |folder: &str| {
        // A folder within one that is copied is there already.
        !folders.iter().any(|other| {
            *other != folder && folder.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'))
        })
    };
    let folders = folders.iter().filter(|folder| is_outermost(**folder));
    files
        .chain(folders.map(|folder| copy(vec![(*folder).to_owned()], format!("./{folder}"))))
        .collect()
}

/// Returns whether a Dockerfile can hold a path as it is.
pub(super) fn is_plain(path: &str) -> bool {
    path.chars().all(|c| c.is_ascii_alphanumeric() || "._-+@/".contains(c))
}

fn copy(sources: Vec<String>, dest: String) -> Step {
    Step::Copy(CopyFiles { from: None, sources, dest, owned: false, why: None })
}
