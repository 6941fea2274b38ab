//! A value that must not be shown.

use std::{fmt, sync::Arc};
use zeroize::Zeroizing;

/// Bytes that print as `***` and are wiped when the last holder drops them.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Vec<u8>>>);

impl Secret {
    /// Makes a secret of bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    /// Returns the bytes, for the one place that needs them.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes as text. `None` means that they are not UTF-8.
    #[must_use]
    pub fn reveal_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

/// Returns whether a text can be the name of a project's secret.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(known)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
