//! Python packages that tests use.

use crate::{Layout, Result, build, process::run};
use std::{fs, path::PathBuf, process::Command};

/// Returns the folder of the packages, for `PYTHONPATH`. The first call installs them.
pub fn python(layout: &Layout) -> Result<PathBuf> {
    let wanted = build::root().join("tests/bed/python/requirements.txt");
    let text = fs::read_to_string(&wanted)?;
    let folder = layout.cache.join("python");
    let stamp = layout.cache.join("python.installed");
    fs::create_dir_all(&layout.cache)?;
    // Tests that run side by side install once.
    let lock = fs::File::create(layout.cache.join("python.lock"))?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == text) {
        return Ok(folder);
    }
    let _ = fs::remove_dir_all(&folder);
    let quiet = ["-m", "pip", "install", "-q", "--no-warn-script-location", "--target"];
    run(Command::new("python3").args(quiet).arg(&folder).arg("-r").arg(wanted))?;
    fs::write(stamp, text)?;
    Ok(folder)
}
