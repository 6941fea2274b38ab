//! Texts that people read, compared with files: `WINDLASS_BLESS=1` writes them, for review.

use std::path::Path;

/// Compares a text with `snapshots/NAME.txt`.
///
/// # Panics
/// Panics if the file has another text.
pub(crate) fn same(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let file = folder.join(format!("{name}.txt"));
    assert!(windlass_blessed::holds(&file, text), "{} reads now:\n{text}", file.display());
}
