//! Capabilities, which a child has where the daemon runs as root.

use crate::calls::SystemCalls;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

/// Drops the calling thread's capabilities, and returns whether the kernel did.
///
/// A process that works with files keeps those to pass folders of other users, if it has them: the daemon's
/// folder may be within one, and Landlock decides which files the process opens.
pub(crate) fn drop_all(calls: SystemCalls) -> bool {
    let kept = match calls {
        SystemCalls::Files => CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH,
        SystemCalls::Compute => CapabilitySet::empty(),
    };
    let Ok(own) = capabilities(None) else { return false };
    let sets = CapabilitySets {
        effective: own.effective & kept,
        permitted: own.permitted & kept,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets).is_ok()
}
