//! Bounds of one checkout.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bounds of one checkout, submodules included. A commit that exceeds one is refused by name, before or while it is
/// written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CheckoutLimits {
    /// Bytes of all files. A file that stands in the tree twice counts twice.
    pub max_bytes: u64,
    /// Number of files, folders and links.
    pub max_files: u64,
    /// Number of folders that enclose one another.
    pub max_depth: u64,
    /// Bytes that all servers together may send. One pack, and one file of the tree, have at most 2 GiB, whatever this
    /// says.
    pub max_transfer: u64,
    /// Seconds from the first connection to the last file. A server that sends a byte now and then is never silent.
    pub max_seconds: u64,
}

impl Default for CheckoutLimits {
    fn default() -> Self {
        Self {
            max_bytes: 4 << 30,
            max_files: 200_000,
            max_depth: 100,
            max_transfer: 4 << 30,
            max_seconds: 1800,
        }
    }
}

impl CheckoutLimits {
    /// Returns the first key whose value allows nothing. `None` means that all values are usable.
    #[must_use]
    pub fn unusable(&self) -> Option<&'static str> {
        let keys = [
            ("max-bytes", self.max_bytes),
            ("max-files", self.max_files),
            ("max-depth", self.max_depth),
            ("max-transfer", self.max_transfer),
            ("max-seconds", self.max_seconds),
        ];
        keys.into_iter().find(|(_, value)| *value == 0).map(|(key, _)| key)
    }
}
