//! Exit codes, which scripts read.

/// Exit code of a job that failed or was stopped.
pub(crate) const FAILED: u8 = 1;
/// Exit code of a wrong request.
pub(crate) const USAGE: u8 = 2;
/// Exit code of a daemon that does not answer.
pub(crate) const UNREACHABLE: u8 = 3;
/// Exit code of Ctrl-C while a job was watched: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;
/// Exit code of an output that nobody reads any more: 128 + SIGPIPE, as of other programs.
pub(crate) const UNREAD: u8 = 141;
