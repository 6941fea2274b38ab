//! Repositories to deploy from: folders with commits, pushed to the bed's git server.

use crate::{Layout, Result, build::root, part::git, process::run};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A working copy, and the bare repository on the server that it is pushed to.
pub struct Repository {
    /// Name on the server.
    pub name: String,
    folder: PathBuf,
    url: String,
}

impl Repository {
    /// Makes an empty repository. `by_id` means that the server sends commits by their id.
    pub fn new(layout: &Layout, name: &str, by_id: bool) -> Result<Self> {
        git::create(layout, name, by_id)?;
        let folder = layout.at("work").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let repository = Self { name: name.into(), folder, url: layout.git_url(name) };
        repository.git(&["init", "--quiet", "--initial-branch=main"])?;
        repository.git(&["config", "user.name", "bed"])?;
        repository.git(&["config", "user.email", "bed@windlass.invalid"])?;
        Ok(repository)
    }

    /// Makes a repository with a copy of one of `tests/examples`.
    pub fn example(layout: &Layout, name: &str, example: &str) -> Result<Self> {
        let repository = Self::new(layout, name, true)?;
        let from = root().join("tests/examples").join(example);
        run(Command::new("cp").arg("-r").arg(from.join(".")).arg(&repository.folder))?;
        Ok(repository)
    }

    /// Returns the folder of the working copy.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the URL that is open to all.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.folder.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, text)?)
    }

    /// Replaces `from` by `to` in a file. Fails if `from` is not there.
    pub fn edit(&self, path: &str, from: &str, to: &str) -> Result<()> {
        let text = fs::read_to_string(self.folder.join(path))?;
        if !text.contains(from) {
            return Err(format!("{path} does not hold `{from}`").into());
        }
        self.write(path, &text.replace(from, to))
    }

    /// Commits all, pushes, and returns the commit's id.
    pub fn commit(&self, message: &str) -> Result<String> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message])?;
        self.git(&["push", "--quiet", "--force", &self.url, "HEAD:refs/heads/main"])?;
        Ok(self.git(&["rev-parse", "HEAD"])?.trim().to_owned())
    }

    /// Runs a git command in the working copy, and returns its output.
    pub fn git(&self, args: &[&str]) -> Result<String> {
        run(Command::new("git").arg("-C").arg(&self.folder).args(args))
    }
}
