//! Repositories to deploy from: a folder with commits, pushed to the bed's git server.

use crate::{Layout, Result, build::root, part::git, process::run};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A working copy, and its bare twin on the server.
pub struct Repository {
    /// Its name on the server.
    pub name: String,
    folder: PathBuf,
    url: String,
}

impl Repository {
    /// An empty one. `by_id`: the server hands out commits by their id.
    ///
    /// # Errors
    /// What git said.
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

    /// A copy of one of `tests/examples`.
    ///
    /// # Errors
    /// What git said.
    pub fn example(layout: &Layout, name: &str, example: &str) -> Result<Self> {
        let repository = Self::new(layout, name, true)?;
        let from = root().join("tests/examples").join(example);
        run(Command::new("cp").arg("-r").arg(from.join(".")).arg(&repository.folder))?;
        Ok(repository)
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its URL, open to all.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Writes a file.
    ///
    /// # Errors
    /// What the disk said.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.folder.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, text)?)
    }

    /// Replaces text in a file; it must be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn edit(&self, path: &str, from: &str, to: &str) -> Result<()> {
        let text = fs::read_to_string(self.folder.join(path))?;
        if !text.contains(from) {
            return Err(format!("{path} does not hold `{from}`").into());
        }
        self.write(path, &text.replace(from, to))
    }

    /// Commits all, pushes, and gives the commit's id.
    ///
    /// # Errors
    /// What git said.
    pub fn commit(&self, message: &str) -> Result<String> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message])?;
        self.git(&["push", "--quiet", "--force", &self.url, "HEAD:refs/heads/main"])?;
        Ok(self.git(&["rev-parse", "HEAD"])?.trim().to_owned())
    }

    /// Any git command here.
    ///
    /// # Errors
    /// What git said.
    pub fn git(&self, args: &[&str]) -> Result<String> {
        run(Command::new("git").arg("-C").arg(&self.folder).args(args))
    }
}
