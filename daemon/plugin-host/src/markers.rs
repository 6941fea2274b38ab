//! Files that make a plugin worth asking: one walk finds the matches of all plugins' globs.

use crate::tree::{DEEPEST, MOST_ENTRIES, breathe};
use cap_std::fs::Dir;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::{io, path::Path};

/// Most paths that one plugin gets.
const MOST: usize = 1_000;

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
pub(crate) async fn scan(root: &Path, plugins: &[&GlobSet]) -> io::Result<Vec<Vec<String>>> {
    let root = Dir::open_ambient_dir(root, cap_std::ambient_authority())?;
    let mut found = vec![Vec::new(); plugins.len()];
    let mut folders = vec![String::new()];
    let mut looked = 0;
    while let Some(folder) = folders.pop() {
        let dir = if folder.is_empty() { "." } else { &folder };
        for entry in root.read_dir(dir)? {
            let entry = entry?;
            looked += 1;
            breathe(looked).await;
            if looked > MOST_ENTRIES {
                tracing::warn!("a tree of more than {MOST_ENTRIES} entries: not all were visited");
                return Ok(sorted(found));
            }
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            // Of the entry itself: a symlink is neither.
            let kind = entry.file_type()?;
            if kind.is_dir() {
                let installed = matches!(&*name, "node_modules" | ".venv" | ".git");
                if !installed && path.matches('/').count() < DEEPEST {
                    folders.push(path);
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
    Ok(sorted(found))
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
        let found = scan(folder.path(), &[&go, &tests, &none]).await.unwrap();
        assert_eq!(found[0], ["go.mod"]);
        assert_eq!(found[1], ["z_test.go", "a/b/x_test.go"]);
        assert!(found[2].is_empty());
    }
}
