//! Texts that people read, compared with files: `WINDLASS_BLESS=1` writes them anew, for review.

use std::{fs, path::Path};

/// Compares a text with `snapshots/NAME.txt`.
///
/// # Panics
/// When it reads otherwise.
pub(crate) fn same(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let file = folder.join(format!("{name}.txt"));
    #[expect(clippy::disallowed_methods, reason = "a switch of these tests alone")]
    let is_blessed = std::env::var_os("WINDLASS_BLESS").is_some();
    if is_blessed {
        fs::create_dir_all(&folder).unwrap();
        fs::write(&file, text).unwrap();
    }
    let known = fs::read_to_string(&file).unwrap_or_default();
    assert!(text == known, "{} reads now:\n{text}", file.display());
}
