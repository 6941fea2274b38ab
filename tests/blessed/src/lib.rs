//! Files that tests make from code and compare: `WINDLASS_BLESS=1` writes them, for review.

#![allow(clippy::unwrap_used, reason = "tests: what cannot go on should stop")]

mod markdown;

pub use markdown::markdown;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Returns a path within the repository's `deploy/reference/`.
#[must_use]
pub fn reference(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/reference").join(path)
}

/// Returns whether this run writes the files.
#[must_use]
pub fn is_blessing() -> bool {
    #[expect(clippy::disallowed_methods, reason = "a switch of tests alone")]
    std::env::var_os("WINDLASS_BLESS").is_some()
}

/// Returns whether a file holds exactly this text. A run that blesses writes the text first, and panics if the
/// file cannot be written.
#[must_use]
pub fn holds(file: &Path, text: &str) -> bool {
    if is_blessing() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    text == fs::read_to_string(file).unwrap_or_default()
}
