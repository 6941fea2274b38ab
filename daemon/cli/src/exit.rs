//! Exit codes, which scripts read.

/// The job failed, or was stopped.
pub(crate) const FAILED: u8 = 1;
/// The request was wrong.
pub(crate) const USAGE: u8 = 2;
/// Nobody answers.
pub(crate) const UNREACHABLE: u8 = 3;
/// Ctrl-C, while a job was watched: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;
/// Nobody reads the output any more: 128 + SIGPIPE, as of other programs.
pub(crate) const UNREAD: u8 = 141;
