//! The rights that a child loses, one kind after the other.

use crate::{
    calls::{self, SystemCalls},
    confinement::Confinement,
    enforced::Enforced,
    error::ConfineError,
    files, limits, network, privileges,
};
use rustix::thread::set_no_new_privs;
use std::fs;

/// Takes all rights from this process but those of `confinement`, for good.
///
/// A feature that the kernel lacks is reported, and does not fail.
///
/// # Errors
/// A writable path cannot be opened, the process has several threads and works with files,
/// or the kernel refuses what it claims to have. The process must then end.
pub fn confine(confinement: &Confinement) -> Result<Enforced, ConfineError> {
    let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 && confinement.calls == SystemCalls::Files {
        return Err(ConfineError::Threads(threads));
    }
    limits::apply(confinement)?;
    let capabilities = privileges::drop_all(confinement.calls);
    set_no_new_privs(true).map_err(|error| ConfineError::system("prctl(no_new_privs)", error))?;
    let files = files::restrict(&confinement.readable, &confinement.writable)?;
    // Last, since it forbids all of the above.
    let system_calls = calls::restrict(confinement.calls)?;
    Ok(Enforced { files, network: network::is_empty(), system_calls, capabilities })
}
