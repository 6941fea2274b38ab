//! Listing of a repository: one walk, which all plugins of a call share. Markers and globs filter it.

use cap_std::fs::Dir;
use std::{collections::VecDeque, io, path::Path};

/// Deepest folder that is walked.
const DEEPEST: usize = 20;
/// Most entries that one walk of a tree visits.
pub(crate) const MOST_ENTRIES: usize = 200_000;

/// Files of a repository, the nearest to its root first, then by path. Folders of installed dependencies are left
/// out: they are full of other people's manifests.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    files: Vec<String>,
    /// Number of entries that the walk visited, where the repository has more. `None` means that all were visited.
    pub(crate) cut_at: Option<usize>,
}

impl Listing {
    /// Walks a repository. The app's folder comes first, so that a bound never leaves it out.
    pub(crate) async fn walk(root: &Path, app: &str) -> io::Result<Self> {
        Self::walk_within(root, app, MOST_ENTRIES).await
    }

    /// Visits folders by their depth, then by name, so that two walks of one tree see the same. The first folder that
    /// would exceed `most` entries ends the walk.
    async fn walk_within(root: &Path, app: &str, most: usize) -> io::Result<Self> {
        let root = Dir::open_ambient_dir(root, cap_std::ambient_authority())?;
        let mut files = Vec::new();
        let mut looked = 0;
        let mut cut_at = None;
        let mut folders = VecDeque::from([app.to_owned()]);
        let mut rest = (!app.is_empty()).then(String::new);
        'walk: while let Some(folder) = folders.pop_front().or_else(|| rest.take()) {
            let dir = if folder.is_empty() { "." } else { &folder };
            let mut entries = Vec::new();
            for entry in root.read_dir(dir)? {
                let entry = entry?;
                looked += 1;
                breathe(looked).await;
                if looked > most {
                    cut_at = Some(most);
                    break 'walk;
                }
                let Ok(name) = entry.file_name().into_string() else { continue };
                // Of the entry itself: a symlink is neither.
                entries.push((name, entry.file_type()?));
            }
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            for (name, kind) in entries {
                let path =
                    if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
                if kind.is_dir() {
                    let installed = matches!(&*name, "node_modules" | ".venv" | ".git");
                    let is_known = !app.is_empty() && path == app;
                    if !installed && !is_known && depth(&path) < DEEPEST {
                        folders.push_back(path);
                    }
                } else if kind.is_file() {
                    files.push((depth(&path), path));
                }
            }
        }
        // The nearest to the root first: a monorepo's own files before those of its parts.
        files.sort_unstable();
        Ok(Self { files: files.into_iter().map(|(_, path)| path).collect(), cut_at })
    }

    /// Returns the files below a folder, relative to it, the nearest first. `""` is the root.
    pub(crate) fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        self.files.iter().filter_map(move |path| relative(path, folder))
    }
}

/// Returns a path relative to a folder. `None` means that it is not below that folder.
pub(crate) fn relative<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    match folder {
        "" => Some(path),
        folder => path.strip_prefix(folder)?.strip_prefix('/'),
    }
}

/// Returns the number of folders above a path's last part.
pub(crate) fn depth(path: &str) -> usize {
    path.matches('/').count()
}

/// Entries after which other tasks run. Walks and reads stay on the runtime's own threads: a fresh checkout is
/// in memory, and to hand its walk to another thread took four times as long as the walk.
const BREATH: usize = 256;

/// Lets other tasks run, each time after `BREATH` entries.
pub(crate) async fn breathe(looked: usize) {
    if looked % BREATH == BREATH - 1 {
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    fn write(root: &Path, paths: &[&str]) {
        for path in paths {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), "").unwrap();
        }
    }

    #[tokio::test]
    async fn files_are_listed_by_depth_without_links_and_installed_dependencies() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["go.mod", "a/b/x.go", "node_modules/y/go.mod", "z.go", "b/x.go"]);
        symlink("/etc", folder.path().join("etc")).unwrap();
        symlink("go.mod", folder.path().join("link.go")).unwrap();
        let listing = Listing::walk(folder.path(), "").await.unwrap();
        let all: Vec<_> = listing.below("").collect();
        assert_eq!((all, listing.cut_at), (vec!["go.mod", "z.go", "b/x.go", "a/b/x.go"], None));
        assert_eq!(listing.below("a").collect::<Vec<_>>(), ["b/x.go"]);
        assert_eq!(listing.below("a/b/").count(), 0);
    }

    /// The bound is of entries, whatever the order in which a disk lists them.
    #[tokio::test]
    async fn a_large_repository_is_visited_from_its_root_on_and_the_app_before_all() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["z/go.mod", "a/go.mod", "m/deep/go.mod", "go.mod"]);
        for (most, app, expected) in [
            (3, "", &[][..]),
            (4, "", &["go.mod"][..]),
            (5, "", &["go.mod", "a/go.mod"][..]),
            (8, "", &["go.mod", "a/go.mod", "z/go.mod", "m/deep/go.mod"][..]),
            (1, "m/deep", &["m/deep/go.mod"][..]),
            (5, "m/deep", &["go.mod", "m/deep/go.mod"][..]),
        ] {
            let listing = Listing::walk_within(folder.path(), app, most).await.unwrap();
            assert_eq!(listing.below("").collect::<Vec<_>>(), expected, "{most} {app}");
            assert_eq!(listing.cut_at, (most < 8).then_some(most));
        }
    }
}
