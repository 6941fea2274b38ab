//! Crates of a workspace, found by their `Cargo.toml`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Folders that hold no sources of ours.
const SKIPPED: [&str; 2] = ["node_modules", "target"];

/// Returns the root files of all crates below a folder, also those of plugins.
pub fn roots(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && !SKIPPED.contains(&&*name) {
            found.extend(roots(&path)?);
        }
        if name == "Cargo.toml" {
            let files = ["src/lib.rs", "src/main.rs"].map(|file| folder.join(file));
            found.extend(files.into_iter().filter(|file| file.is_file()));
        }
    }
    found.sort();
    Ok(found)
}

/// Returns all sources below a folder, those of tests and benchmarks included.
pub fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && !SKIPPED.contains(&&*name) {
            found.extend(sources(&path)?);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    here.canonicalize().unwrap_or(here)
}
