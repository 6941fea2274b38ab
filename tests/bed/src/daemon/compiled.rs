//! Compiled plugins that daemons of the bed share. Each has a folder of its own, and compiling all plugins takes half a
//! minute in a debug build.

use crate::{Layout, Result};
use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Most compiled plugins that are kept. Each change of a plugin or of the compiler leaves one.
const MOST: usize = 300;

/// The shared folder, and that of one daemon. Files are named by their content and by the compiler, and all daemons of
/// the bed sign with one key, so that a file of another daemon is as good as its own.
pub(super) struct Compiled {
    shared: PathBuf,
    own: PathBuf,
}

impl Compiled {
    /// Gives a daemon in `folder` what earlier daemons compiled.
    pub(super) fn new(layout: &Layout, folder: &Path) -> Result<Self> {
        let shared = layout.at("compiled-plugins");
        let own = folder.join("data/plugins");
        for path in [&shared, &own] {
            fs::create_dir_all(path)?;
            fs::set_permissions(path, Permissions::from_mode(0o700))?;
        }
        let compiled = Self { shared, own };
        for old in files(&compiled.shared)?.iter().skip(MOST) {
            let _ = fs::remove_file(old);
        }
        // A daemon with a key keeps it: its files are signed with it.
        if !compiled.own.join("key").exists() {
            let _ = fs::copy(compiled.key()?, compiled.own.join("key"));
        }
        link(&compiled.shared, &compiled.own)?;
        Ok(compiled)
    }

    /// Returns the file of the key that all daemons of the bed sign what they compile with. The first makes it.
    fn key(&self) -> Result<PathBuf> {
        let path = self.shared.join("key");
        if !path.exists() {
            let mut key = [0; 32];
            File::open("/dev/urandom")?.read_exact(&mut key)?;
            let part = self.shared.join(format!("key.{}.part", std::process::id()));
            let mut options = OpenOptions::new();
            options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&part)?
                .write_all(&key)?;
            // The first of several that make one wins.
            let _ = fs::hard_link(&part, &path);
            let _ = fs::remove_file(&part);
        }
        Ok(path)
    }

    /// Waits until no other daemon compiles the first time, and returns the lock of the one that does. `None` means
    /// that something is compiled.
    pub(super) fn first(&self) -> Result<Option<File>> {
        let lock = File::create(self.shared.with_extension("lock"))?;
        if !files(&self.shared)?.is_empty() {
            return Ok(None);
        }
        lock.lock()?;
        if files(&self.shared)?.is_empty() {
            return Ok(Some(lock));
        }
        link(&self.shared, &self.own)?;
        Ok(None)
    }

    /// Keeps what the daemon compiled for later ones.
    pub(super) fn keep(&self) -> Result<()> {
        link(&self.own, &self.shared)
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let all = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    Ok(all.filter(|path| path.extension().is_some_and(|end| end == "cwasm")).collect())
}

/// Links the files of one folder into another, as far as the disk lets them: a test may mount a disk of its own.
fn link(from: &Path, to: &Path) -> Result<()> {
    for file in files(from)? {
        if let Some(name) = file.file_name() {
            let _ = fs::hard_link(&file, to.join(name));
        }
    }
    Ok(())
}
