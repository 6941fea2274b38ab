//! An empty network: a network namespace in which there is no interface that is up.

use rustix::thread::{UnshareFlags, unshare_unsafe};
use std::sync::atomic::{AtomicBool, Ordering};

static IS_EMPTY: AtomicBool = AtomicBool::new(false);

/// Moves the process into an empty network, where the kernel allows it. Without that, the filter of system calls
/// still forbids sockets.
pub(crate) fn leave() {
    // SAFETY: descriptors are not unshared, so that no thread can miss one.
    let own = unsafe { unshare_unsafe(UnshareFlags::NEWNET) };
    // Without the right to a network of its own, a user namespace gives it.
    // SAFETY: as above.
    let own =
        own.or_else(|_| unsafe { unshare_unsafe(UnshareFlags::NEWUSER | UnshareFlags::NEWNET) });
    IS_EMPTY.store(own.is_ok(), Ordering::Relaxed);
}

/// Returns whether [`leave`] found an empty network.
pub(crate) fn is_empty() -> bool {
    IS_EMPTY.load(Ordering::Relaxed)
}
