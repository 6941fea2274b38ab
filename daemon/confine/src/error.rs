//! Reasons why a process cannot be confined.

use std::{io, path::PathBuf};
use thiserror::Error;

/// Reason why a process cannot be confined. A feature that the kernel lacks is none: see
/// [`Enforced`](crate::Enforced).
#[derive(Debug, Error)]
pub enum ConfineError {
    /// The command line names no parent.
    #[error(
        "`--parent` with the daemon's process id is missing: the daemon alone starts this command"
    )]
    NoParent,
    /// The process that started this one has ended.
    #[error(
        "the parent is process {found}, and {expected} was expected: the daemon that started this has ended"
    )]
    Orphaned {
        /// Id that the command line names.
        expected: i32,
        /// Id of the present parent. 0 means that it is not in this namespace of process ids.
        found: i32,
    },
    /// Rules of files would concern one of several threads.
    #[error(
        "the process has {0} threads, and rules of files concern one: confine it before it starts threads"
    )]
    Threads(usize),
    /// A folder that the process must write to cannot be opened.
    #[error("{}: {message}", .path.display())]
    Path {
        /// Path as it was given.
        path: PathBuf,
        /// Reason of the system.
        message: String,
    },
    /// Landlock refuses rules that this kernel claims to have.
    #[error("landlock: {0}")]
    Landlock(String),
    /// The filter of system calls is refused by a kernel that has such filters.
    #[error("seccomp: {0}")]
    Seccomp(String),
    /// A system call fails.
    #[error("{call}: {source}")]
    System {
        /// Name of the system call.
        call: &'static str,
        /// Error of the system call.
        source: io::Error,
    },
}

impl ConfineError {
    pub(crate) fn system(call: &'static str, source: impl Into<io::Error>) -> Self {
        Self::System { call, source: source.into() }
    }
}
