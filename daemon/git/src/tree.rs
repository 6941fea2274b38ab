//! A checked-out tree, deleted when dropped. No path leads outside.

use crate::{folder::Folder, protocol::Found};
use cap_std::fs::Dir;
use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};
use windlass_engine::ports::{Pointers, Tree};
use windlass_model::{error::GitError, job::CommitInfo};

/// A checked-out tree in a temporary folder.
pub(crate) struct Workspace {
    // Removes the folder, however the job ends.
    folder: Folder,
    root: PathBuf,
    /// Path of the app's folder within the repository.
    directory: String,
    dir: Dir,
    commit: Option<CommitInfo>,
    pointers: Pointers,
    tags: Vec<String>,
}

impl Workspace {
    /// Opens a checkout. `directory` is the path of the app's folder, which must be a folder reached without
    /// symlinks.
    pub(crate) fn open(folder: Folder, directory: &str) -> Result<Self, GitError> {
        let refuse = |message: String| GitError::Tree { path: directory.into(), message };
        let mut dir = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority())
            .map_err(|error| refuse(error.to_string()))?;
        let mut root = folder.path().to_owned();
        let mut parts = Vec::new();
        for part in directory.split('/').filter(|part| !part.is_empty() && *part != ".") {
            let metadata = dir.symlink_metadata(part).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => {
                    refuse("there is no such folder in the repository".into())
                }
                _ => refuse(error.to_string()),
            })?;
            if part == ".." || !metadata.is_dir() {
                return Err(refuse(
                    "`source.directory` must be a folder, reached without symlinks".into(),
                ));
            }
            dir = dir.open_dir(part).map_err(|error| refuse(error.to_string()))?;
            root.push(part);
            parts.push(part);
        }
        let is_empty = dir.entries().map_err(|error| refuse(error.to_string()))?.next().is_none();
        if is_empty {
            return Err(refuse("there are no files here".into()));
        }
        Ok(Self {
            folder,
            root,
            directory: parts.join("/"),
            dir,
            commit: None,
            pointers: Pointers::default(),
            tags: Vec::new(),
        })
    }

    /// Adds facts that the tree's files do not show.
    pub(crate) fn with(self, found: Found) -> Self {
        let Found { commit, pointers, tags } = found;
        Self { commit: Some(commit), pointers, tags, ..self }
    }
}

impl Tree for Workspace {
    fn root(&self) -> &Path {
        &self.root
    }

    fn repository(&self) -> &Path {
        self.folder.path()
    }

    fn directory(&self) -> &str {
        &self.directory
    }

    fn commit(&self) -> Option<&CommitInfo> {
        self.commit.as_ref()
    }

    fn pointers(&self) -> &Pointers {
        &self.pointers
    }

    fn tags(&self) -> &[String] {
        &self.tags
    }

    fn is_folder(&self, path: &str) -> bool {
        self.dir.symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
    }

    fn read(&self, path: &str, longest: u64) -> Result<Option<String>, GitError> {
        let refuse = |message: String| GitError::Tree { path: path.into(), message };
        let metadata = match self.dir.symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refuse(format!("cannot be read: {error}"))),
        };
        if metadata.is_symlink() {
            let inside = self.dir.metadata(path);
            match inside {
                Ok(metadata) if metadata.is_file() => {}
                Ok(_) => return Err(refuse("is a symlink to something that is no file".into())),
                Err(_) => {
                    return Err(refuse(
                        "is a symlink that leaves the repository, or leads nowhere".into(),
                    ));
                }
            }
        } else if !metadata.is_file() {
            return Err(refuse("is no file".into()));
        }
        let file =
            self.dir.open(path).map_err(|error| refuse(format!("cannot be read: {error}")))?;
        let mut bytes = Vec::new();
        let read = file.take(longest + 1).read_to_end(&mut bytes);
        read.map_err(|error| refuse(format!("cannot be read: {error}")))?;
        if bytes.len() as u64 > longest {
            return Err(refuse(format!("is larger than {longest} bytes")));
        }
        let text = String::from_utf8(bytes).map_err(|_| refuse("is not UTF-8".into()))?;
        Ok(Some(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    fn tree(prepare: impl Fn(&Path)) -> Result<Workspace, GitError> {
        let folder = Folder::new(tempfile::tempdir().unwrap());
        prepare(folder.path());
        Workspace::open(folder, ".")
    }

    #[test]
    fn links_that_leave_are_refused_and_links_inside_are_read() {
        let tree = tree(|root| {
            fs::write(root.join("real.toml"), "port = 1").unwrap();
            symlink("real.toml", root.join("windlass.toml")).unwrap();
            symlink("/etc/passwd", root.join("out")).unwrap();
            symlink("../../../etc/passwd", root.join("up")).unwrap();
        })
        .unwrap();
        assert_eq!(tree.read("windlass.toml", 99).unwrap().unwrap(), "port = 1");
        assert!(tree.read("out", 99).unwrap_err().to_string().contains("leaves the repository"));
        tree.read("up", 99).unwrap_err();
        tree.read("../x", 99).unwrap_err();
        assert_eq!(tree.read("none", 99).unwrap(), None);
        assert!(!tree.is_folder("none") && !tree.is_folder("real.toml") && !tree.is_folder("../"));
        assert!(tree.read("real.toml", 3).unwrap_err().to_string().contains("larger than 3"));
    }

    #[test]
    fn an_empty_commit_and_a_linked_folder_are_refused() {
        assert!(tree(|_| {}).err().unwrap().to_string().contains("no files"));
        let folder = Folder::new(tempfile::tempdir().unwrap());
        symlink("/etc", folder.path().join("app")).unwrap();
        let error = Workspace::open(folder, "app").err().unwrap();
        assert!(error.to_string().contains("without symlinks"));
    }
}
