//! Debian packages that are unpacked beside the bed's programs. Installed, they would start a service on all addresses.

use crate::{
    Layout, Result,
    process::{ending_with_us, run},
};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

/// Returns the folder of Prometheus and its `promtool`. The first call fetches the package, 19 MB, which needs nothing
/// but the C library.
pub fn prometheus(layout: &Layout) -> Result<PathBuf> {
    let root = unpacked(layout, "prometheus", "usr/bin/promtool")?;
    Ok(root.join("usr/bin"))
}

/// Returns the folder in which a package is unpacked, which has this `file` then.
fn unpacked(layout: &Layout, package: &str, file: &str) -> Result<PathBuf> {
    let packages = layout.cache.join("packages");
    let root = packages.join(package);
    fs::create_dir_all(&packages)?;
    // Tests that run side by side unpack once.
    let lock = File::create(packages.join(format!("{package}.lock")))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    if root.join(file).exists() {
        return Ok(root);
    }
    let part = packages.join(format!("{package}.part"));
    let _ = fs::remove_dir_all(&part);
    fs::create_dir_all(&part)?;
    let download = || -> Result<String> {
        let mut command = Command::new("apt-get");
        command.current_dir(&part).args(["download", "-q", package]);
        run(&mut ending_with_us(&command, "TERM"))
    };
    // The lists of a machine may be older than what the mirror keeps.
    if download().is_err() {
        let mut update = Command::new("apt-get");
        update.args(["-o", "DPkg::Lock::Timeout=600", "update", "-q"]);
        run(&mut ending_with_us(&update, "TERM"))?;
        download()?;
    }
    let found = fetched(&part)?;
    run(Command::new("dpkg-deb").arg("--extract").arg(&found).arg(part.join("root")))?;
    let _ = fs::remove_dir_all(&root);
    fs::rename(part.join("root"), &root)?;
    fs::remove_dir_all(&part)?;
    Ok(root)
}

/// Returns the package's file in a folder that has nothing else.
fn fetched(folder: &Path) -> Result<PathBuf> {
    let mut files = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let found = files.find(|file| file.extension().is_some_and(|end| end == "deb"));
    Ok(found.ok_or_else(|| format!("{}: no package was fetched", folder.display()))?)
}
