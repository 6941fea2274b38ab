//! A folder that a client sends, in the place of a checkout.

use crate::{checkout::Checkouts, folder::Folder, local, tree::Workspace};
use async_trait::async_trait;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use std::{
    io::{self, Write},
    path::Path,
};
use windlass_engine::ports::{Tree, Upload, UploadedFile, Uploads};
use windlass_model::error::GitError;

/// Mode of the files: nobody else reads what a client sends.
const MODE: u32 = 0o600;

/// The folder, and the handle through which nothing outside of the folder is reached.
struct Writing {
    folder: Folder,
    dir: Dir,
}

impl Uploads for Checkouts {
    fn begin(&self) -> Result<Box<dyn Upload>, GitError> {
        Ok(Box::new(Writing::new(self.workspace("folder-")?)?))
    }
}

impl Writing {
    fn new(folder: Folder) -> Result<Self, GitError> {
        let dir = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority())
            .map_err(|error| local::refused("cannot open a workspace", &error))?;
        Ok(Self { folder, dir })
    }

    fn write_file(&self, file: &UploadedFile) -> io::Result<()> {
        if let Some(parent) = Path::new(&file.path).parent().filter(|path| *path != Path::new("")) {
            self.dir.create_dir_all(parent)?;
        }
        if file.link {
            return match std::str::from_utf8(&file.data) {
                Ok(target) if stays_inside(&file.path, target) => {
                    self.dir.symlink(target, &file.path)
                }
                _ => Ok(()),
            };
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(MODE);
        self.dir.open_with(&file.path, &options)?.write_all(&file.data)
    }
}

#[async_trait]
impl Upload for Writing {
    async fn write(&mut self, file: UploadedFile) -> Result<(), GitError> {
        let written = self.write_file(&file);
        // Each write is short, and there may be many.
        tokio::task::yield_now().await;
        written.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull => local::refused("cannot write a file", &error),
            _ if local::is_lack(&error) => local::refused("cannot write a file", &error),
            _ => GitError::Tree { path: file.path, message: format!("cannot be written: {error}") },
        })
    }

    fn finish(self: Box<Self>, directory: &str) -> Result<Box<dyn Tree>, GitError> {
        Ok(Box::new(Workspace::open(self.folder, directory)?))
    }
}

/// Returns whether the target of a link is relative, and within the folder.
fn stays_inside(path: &str, target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || target.contains('\0') {
        return false;
    }
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let mut depth = 0_usize;
    for part in parent.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => depth += 1,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, data: &str, link: bool) -> UploadedFile {
        UploadedFile { path: path.into(), data: data.into(), link }
    }

    async fn sent(files: &[UploadedFile]) -> Result<Box<dyn Tree>, GitError> {
        let mut writing =
            Box::new(Writing::new(Folder::new(tempfile::tempdir().unwrap())).unwrap());
        for file in files {
            writing.write(file.clone()).await?;
        }
        writing.finish("")
    }

    #[tokio::test]
    async fn files_are_a_tree_and_links_that_lead_out_are_left_out() {
        let tree = sent(&[
            file("src/deep/a.js", "1", false),
            file("b.js", "2", false),
            file("src/up.js", "../b.js", true),
            file("out", "/etc/passwd", true),
            file("src/far", "../../etc/passwd", true),
        ])
        .await
        .unwrap();
        assert_eq!(tree.read("src/deep/a.js", 9).unwrap().as_deref(), Some("1"));
        assert_eq!(tree.read("src/up.js", 9).unwrap().as_deref(), Some("2"));
        for left_out in ["out", "src/far"] {
            assert_eq!(tree.read(left_out, 9).unwrap(), None, "{left_out}");
        }
        let mode = |path: &str| {
            use std::os::unix::fs::PermissionsExt;
            std::fs::metadata(tree.root().join(path)).unwrap().permissions().mode() & 0o777
        };
        assert_eq!(mode("b.js"), 0o600);
    }

    #[tokio::test]
    async fn a_path_that_stands_twice_or_leads_out_is_named() {
        for files in [
            [file("a", "1", false), file("a", "2", false)],
            [file("a", "1", false), file("../b", "2", false)],
            [file("a", "1", false), file("/b", "2", false)],
            [file("a", "1", false), file("a/b", "2", false)],
        ] {
            let error = sent(&files).await.err().unwrap().to_string();
            assert!(error.contains(&files[1].path), "{error}");
        }
        assert!(sent(&[]).await.is_err(), "an empty folder");
    }
}
