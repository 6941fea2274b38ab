//! Filters of system calls (seccomp): what is not listed is refused.

mod compute;
mod files;
mod rule;

use crate::error::ConfineError;
use rule::Rules;
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompFilter, TargetArch, apply_filter_all_threads,
};

/// System calls that are left to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemCalls {
    /// Work with files, memory that is not code, threads, time. No sockets, no processes.
    Files,
    /// To read and write what is open, memory that is not code, time. No files, no threads, no processes.
    Compute,
}

/// Installs the filter for all threads. Returns false where the kernel has no filters.
pub(crate) fn restrict(calls: SystemCalls) -> Result<bool, ConfineError> {
    let allow = SeccompAction::Allow;
    if calls == SystemCalls::Files {
        // `clone3` has its flags in memory, where a filter cannot look. libc takes `clone` where there is none.
        let unknown = Rules::from([(libc::SYS_clone3, Vec::new())]);
        let absent = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
        if !install(unknown, allow.clone(), absent)? {
            return Ok(false);
        }
    }
    let rules = match calls {
        SystemCalls::Files => files::rules(),
        SystemCalls::Compute => compute::rules(),
    };
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    install(rules.map_err(refused)?, refuse, allow)
}

fn install(
    rules: Rules,
    otherwise: SeccompAction,
    then: SeccompAction,
) -> Result<bool, ConfineError> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(refused)?;
    let filter = SeccompFilter::new(rules, otherwise, then, arch).map_err(refused)?;
    let program = BpfProgram::try_from(filter).map_err(refused)?;
    match apply_filter_all_threads(&program) {
        Ok(()) => Ok(true),
        Err(Error::Seccomp(error)) if is_missing(&error) => Ok(false),
        Err(error) => Err(refused(error)),
    }
}

fn is_missing(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL))
}

fn refused(error: impl std::fmt::Display) -> ConfineError {
    ConfineError::Seccomp(error.to_string())
}
