//! The bond between a child and the daemon that started it.

use crate::error::ConfineError;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};

/// Argument whose value is the daemon's process id.
const FLAG: &str = "--parent";

/// Returns the arguments of a child: its role, and this process as its parent.
pub(crate) fn arguments(role: &str) -> [String; 3] {
    [role.to_owned(), FLAG.to_owned(), std::process::id().to_string()]
}

/// Has the kernel kill this process when the thread that started it ends, and checks that its process lives.
pub(crate) fn bind() -> Result<(), ConfineError> {
    let expected = expected()?;
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| ConfineError::system("prctl(PR_SET_PDEATHSIG)", error))?;
    // In this order nothing is missed: a parent that ended before the call is noticed here, and one that ends
    // after it by the signal.
    let found = getppid().map_or(0, |parent| parent.as_raw_pid());
    if found == expected { Ok(()) } else { Err(ConfineError::Orphaned { expected, found }) }
}

/// Returns the parent that the command line names.
fn expected() -> Result<i32, ConfineError> {
    let mut arguments = std::env::args_os().skip_while(|argument| argument != FLAG).skip(1);
    let value = arguments.next().and_then(|value| value.to_str()?.parse().ok());
    value.ok_or(ConfineError::NoParent)
}
