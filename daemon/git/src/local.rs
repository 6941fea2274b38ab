//! Errors of this machine, as opposed to those of a repository or its server.

use rustix::io::Errno;
use std::io::{self, ErrorKind};
use windlass_model::error::GitError;

/// Returns the error of a deed that this machine refused. `deed` is such as "cannot start the checkout".
pub(crate) fn refused(deed: &str, error: &io::Error) -> GitError {
    let message = format!("{deed}: {error}");
    match error.kind() {
        ErrorKind::StorageFull => GitError::Full { message: error.to_string() },
        _ if is_lack(error) => GitError::Local { message },
        _ => GitError::Other { message },
    }
}

/// Returns whether this machine lacks descriptors, processes or memory: other jobs give theirs back.
pub(crate) fn is_lack(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::OutOfMemory | ErrorKind::WouldBlock)
        || matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_lacks_something_is_no_fault_of_the_repository() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM] {
            let error = refused("cannot start the checkout", &errno.into());
            assert!(matches!(&error, GitError::Local { .. }), "{error:?}");
            assert!(error.to_string().starts_with("cannot start the checkout: "), "{error}");
        }
        let full = refused("cannot make a workspace", &Errno::NOSPC.into());
        assert!(matches!(full, GitError::Full { .. }), "{full:?}");
        let other = refused("cannot make a workspace", &Errno::ACCESS.into());
        assert!(matches!(other, GitError::Other { .. }), "{other:?}");
    }
}
