//! Limits on resources (`setrlimit`).

use crate::{confinement::Confinement, error::ConfineError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Sets the limits of a confinement.
pub(crate) fn apply(confinement: &Confinement) -> Result<(), ConfineError> {
    // A write beyond the limit is then an error (`EFBIG`) that the process can report, and not its end.
    // SAFETY: to ignore a signal runs no code.
    let _ = unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    for (resource, limit) in [
        (Resource::As, confinement.memory),
        (Resource::Cpu, confinement.cpu_seconds),
        (Resource::Fsize, confinement.file_bytes),
        (Resource::Nofile, confinement.open_files),
    ] {
        lower(resource, limit)?;
    }
    Ok(())
}

/// Lowers a limit for good. A limit that is lower already stays. [`u64::MAX`] means no limit.
pub(crate) fn lower(resource: Resource, limit: u64) -> Result<(), ConfineError> {
    if limit == u64::MAX {
        return Ok(());
    }
    let limit = getrlimit(resource).maximum.map_or(limit, |own| own.min(limit));
    let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
    setrlimit(resource, limit).map_err(|error| ConfineError::system("setrlimit", error))
}
