//! First steps of a child.

use crate::{calls::SystemCalls, error::ConfineError, limits, network, parent, privileges};
use rustix::{
    fs::Mode,
    process::{Resource, umask},
};
use std::os::fd::RawFd;

/// First descriptor after standard input, output and error, which stay open.
const FIRST: u32 = 3;

/// Binds a child to the daemon, and takes from it what it inherited.
///
/// The child ends with the daemon. What it creates is its user's alone. It leaves no core dump, and has an empty
/// network where the kernel gives one. All descriptors but the first three and `keep` are closed. Capabilities are
/// dropped, but for those to pass folders of other users.
///
/// Call it first, while the process has one thread and no file of its own.
///
/// # Errors
/// [`ConfineError::NoParent`] and [`ConfineError::Orphaned`] mean that no daemon waits for this process: it must
/// end.
pub fn begin(keep: &[RawFd]) -> Result<(), ConfineError> {
    parent::bind()?;
    umask(Mode::RWXG | Mode::RWXO);
    limits::lower(Resource::Core, 0)?;
    let keep: Vec<_> = keep.iter().filter_map(|file| u32::try_from(*file).ok()).collect();
    for (first, last) in gaps(keep) {
        // SAFETY: the process has just begun: it owns no file but those that it keeps.
        // A kernel before 5.9 does not know the call. Descriptors of the daemon are closed by the start of a
        // program, so that only those are left that others gave to the daemon.
        let _ = unsafe { libc::close_range(first, last, 0) };
    }
    network::leave();
    // Now, for all threads: those that start from here on inherit what is left, and `confine` drops for its own thread.
    privileges::drop_all(SystemCalls::Files);
    // Once more: the change of credentials by a user namespace undoes the bond.
    parent::bind()
}

/// Returns the ranges of descriptors between those that are kept.
fn gaps(mut keep: Vec<u32>) -> Vec<(u32, u32)> {
    keep.sort_unstable();
    let mut gaps = Vec::new();
    let mut first = FIRST;
    for kept in keep {
        if first < kept {
            gaps.push((first, kept - 1));
        }
        first = first.max(kept.saturating_add(1));
    }
    gaps.push((first, u32::MAX));
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_descriptors_between_those_that_are_kept_are_closed() {
        assert_eq!(gaps(vec![]), [(3, u32::MAX)]);
        assert_eq!(gaps(vec![0, 2, 3]), [(4, u32::MAX)]);
        assert_eq!(gaps(vec![9, 5, 5]), [(3, 4), (6, 8), (10, u32::MAX)]);
    }
}
