//! Files that make a plugin worth asking: one walk finds the matches of all plugins' globs.

use crate::tree::{DEEPEST, MOST_ENTRIES, breathe};
use cap_std::fs::Dir;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::{collections::VecDeque, io, path::Path};

/// Most paths that one plugin gets.
const MOST: usize = 1_000;

/// Matches of one walk.
pub(crate) struct Scan {
    /// Paths for each plugin, the nearest to the root first.
    pub(crate) found: Vec<Vec<String>>,
    /// The tree has more entries than one walk visits. `None` means that all were visited.
    pub(crate) cut_at: Option<usize>,
}

/// Compiles a manifest's markers. The error names a glob that cannot be read.
pub(crate) fn compiled(globs: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let one = GlobBuilder::new(glob).literal_separator(true).build();
        set.add(one.map_err(|error| format!("its manifest: markers: {error}"))?);
    }
    set.build().map_err(|error| format!("its manifest: markers: {error}"))
}

/// Returns the paths that match, for each plugin. Folders of installed dependencies are skipped: they are full
/// of other people's manifests.
pub(crate) async fn scan(root: &Path, plugins: &[&GlobSet]) -> io::Result<Scan> {
    scan_within(root, plugins, MOST_ENTRIES).await
}

/// Visits folders by their depth, then by name, so that two walks of one tree see the same. The first folder that
/// would exceed `most` entries ends the walk.
async fn scan_within(root: &Path, plugins: &[&GlobSet], most: usize) -> io::Result<Scan> {
    let root = Dir::open_ambient_dir(root, cap_std::ambient_authority())?;
    let mut found = vec![Vec::new(); plugins.len()];
    let mut folders = VecDeque::from([String::new()]);
    let mut looked = 0;
    while let Some(folder) = folders.pop_front() {
        let dir = if folder.is_empty() { "." } else { &folder };
        let mut entries = Vec::new();
        for entry in root.read_dir(dir)? {
            let entry = entry?;
            looked += 1;
            breathe(looked).await;
            if looked > most {
                return Ok(Scan { found: sorted(found), cut_at: Some(most) });
            }
            let Ok(name) = entry.file_name().into_string() else { continue };
            // Of the entry itself: a symlink is neither.
            entries.push((name, entry.file_type()?));
        }
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (name, kind) in entries {
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if kind.is_dir() {
                let installed = matches!(&*name, "node_modules" | ".venv" | ".git");
                if !installed && path.matches('/').count() < DEEPEST {
                    folders.push_back(path);
                }
            } else if kind.is_file() {
                for (paths, markers) in found.iter_mut().zip(plugins) {
                    if markers.is_match(&path) {
                        paths.push(path.clone());
                    }
                }
            }
        }
    }
    Ok(Scan { found: sorted(found), cut_at: None })
}

fn sorted(mut found: Vec<Vec<String>>) -> Vec<Vec<String>> {
    for paths in &mut found {
        // The nearest to the root first: a monorepo's own files before those of its parts.
        paths.sort_by(|a, b| (a.matches('/').count(), a).cmp(&(b.matches('/').count(), b)));
        paths.truncate(MOST);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[tokio::test]
    async fn files_are_matched_for_all_plugins_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["go.mod", "a/b/x_test.go", "node_modules/y/go.mod", "z_test.go"] {
            fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
            fs::write(folder.path().join(path), "").unwrap();
        }
        symlink("/etc", folder.path().join("etc")).unwrap();
        symlink("go.mod", folder.path().join("link_test.go")).unwrap();
        let set = |glob: &str| compiled(&[glob.into()]).unwrap();
        let go = set("go.mod");
        let tests = set("**/*_test.go");
        let none = set("**/passwd");
        let Scan { found, cut_at } = scan(folder.path(), &[&go, &tests, &none]).await.unwrap();
        assert_eq!(cut_at, None);
        assert_eq!(found[0], ["go.mod"]);
        assert_eq!(found[1], ["z_test.go", "a/b/x_test.go"]);
        assert!(found[2].is_empty());
    }

    /// The bound is of entries, whatever the order in which a disk lists them.
    #[tokio::test]
    async fn a_large_tree_is_visited_from_its_root_on_and_the_cut_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["z/go.mod", "a/go.mod", "m/deep/go.mod", "go.mod"] {
            fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
            fs::write(folder.path().join(path), "").unwrap();
        }
        let set = compiled(&["**/go.mod".into()]).unwrap();
        let walk = async |most: usize| scan_within(folder.path(), &[&set], most).await.unwrap();
        for (most, expected) in [
            (3, &[][..]),
            (4, &["go.mod"][..]),
            (5, &["go.mod", "a/go.mod"][..]),
            (8, &["go.mod", "a/go.mod", "z/go.mod", "m/deep/go.mod"][..]),
        ] {
            let Scan { found, cut_at } = walk(most).await;
            assert_eq!(found[0], expected, "{most}");
            assert_eq!(cut_at, (most < 8).then_some(most));
        }
    }
}
