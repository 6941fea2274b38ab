//! RabbitMQ of Debian, unpacked into a root of its own. Installed, its package would start a service on all addresses.

use crate::{
    Layout, Report, Result,
    process::{ending_with_us, run},
};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

/// The broker, and what its scripts call and no package names, since every Debian has it.
const PACKAGES: [&str; 9] = [
    "rabbitmq-server",
    "base-files",
    "coreutils",
    "dash",
    "grep",
    "hostname",
    "mawk",
    "sed",
    "util-linux",
];

/// Folder of the root in which each broker has its own files.
pub(crate) const OWN: &str = "broker";

/// Returns the root that has the broker. The first call downloads 70 MB and unpacks 230 MB, which takes half a minute.
pub fn rabbitmq(layout: &Layout, report: &Report) -> Result<PathBuf> {
    let folder = layout.cache.join("rabbitmq");
    let (root, stamp) = (folder.join("root"), folder.join("unpacked"));
    fs::create_dir_all(&folder)?;
    // Tests that run side by side unpack once.
    let lock = File::create(folder.join("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let wanted = PACKAGES.join(" ");
    if fs::read_to_string(&stamp).is_ok_and(|unpacked| unpacked == wanted) {
        return Ok(root);
    }
    report.print("RabbitMQ", "unpacking Debian's packages (half a minute)");
    for old in ["root", "packages"] {
        let _ = fs::remove_dir_all(folder.join(old));
    }
    let packages = download(&folder)?;
    fs::create_dir_all(&root)?;
    for package in &packages {
        run(Command::new("dpkg-deb").arg("--extract").arg(package).arg(&root))?;
    }
    complete(&root)?;
    fs::remove_dir_all(folder.join("packages"))?;
    fs::write(stamp, wanted)?;
    Ok(root)
}

/// Downloads the packages with all that they depend on, as if nothing were installed, and returns their files.
fn download(folder: &Path) -> Result<Vec<PathBuf>> {
    let packages = folder.join("packages");
    fs::create_dir_all(packages.join("partial"))?;
    // What apt takes for the list of installed packages.
    let installed = folder.join("installed");
    fs::write(&installed, "")?;
    let mut update = Command::new("apt-get");
    update.args(["update", "-q", "-o", "DPkg::Lock::Timeout=600"]);
    run(&mut ending_with_us(&update, "TERM"))?;
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "-q", "-y", "--download-only", "--no-install-recommends"])
        .arg(format!("-oDir::State::status={}", installed.display()))
        .arg(format!("-oDir::Cache::archives={}", packages.display()))
        // The folder is ours alone; apt's own user cannot write there.
        .args(["-oDebug::NoLocking=1", "-oAPT::Sandbox::User=root"])
        .args(PACKAGES);
    run(&mut ending_with_us(&apt, "TERM"))?;
    let files = fs::read_dir(&packages)?.flatten().map(|entry| entry.path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|end| end == "deb")).collect();
    // In a Debian with one folder for `/lib` and `/usr/lib`, `base-files` has the links: it comes first.
    files.sort();
    Ok(files)
}

/// Makes what the packages' own scripts would have made, and the places of mounts.
fn complete(root: &Path) -> Result<()> {
    for folder in ["dev", "etc", "proc", "tmp", OWN] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n")?;
    fs::write(root.join("etc/group"), "root:x:0:\n")?;
    fs::write(root.join("etc/hosts"), "127.0.0.1 localhost\n")?;
    if !root.join("bin/sh").exists() {
        std::os::unix::fs::symlink("dash", root.join("bin/sh"))?;
    }
    Ok(())
}
