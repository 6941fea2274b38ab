//! The rights that a child keeps.

use crate::calls::SystemCalls;
use std::path::PathBuf;

/// Rights that a child keeps. [`u64::MAX`] means no limit.
#[derive(Clone, Debug)]
pub struct Confinement {
    /// Folders and files that may be read. A path that does not exist is passed over.
    pub readable: Vec<PathBuf>,
    /// Folders and files that may be read and written. Each must exist.
    pub writable: Vec<PathBuf>,
    /// Bytes of address space (`RLIMIT_AS`).
    pub memory: u64,
    /// Seconds of computing, of all threads together (`RLIMIT_CPU`).
    pub cpu_seconds: u64,
    /// Bytes of the largest file that may be written (`RLIMIT_FSIZE`).
    pub file_bytes: u64,
    /// Descriptors that may be open at once (`RLIMIT_NOFILE`).
    pub open_files: u64,
    /// System calls that are left.
    pub calls: SystemCalls,
}
