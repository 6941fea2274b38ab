//! The daemon's side: children that end with it.
//!
//! The kernel's signal at a parent's death (`PR_SET_PDEATHSIG`) follows the *thread* that started the child.
//! Threads of the runtime come and go, so that one thread of its own, which lasts as long as the process, starts all
//! children.

use crate::parent;
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Mutex, PoisonError,
        mpsc::{Sender, channel},
    },
    thread,
};
use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::oneshot,
};

type Start = Box<dyn FnOnce() + Send>;

/// Returns the command of a child: `program` in a role, without an environment, killed when it is dropped.
///
/// The program hands the role to a function that calls [`begin`](fn@crate::begin) first.
#[must_use]
pub fn child(program: &Path, role: &str) -> Command {
    let mut command = Command::new(program);
    command.args(parent::arguments(role)).env_clear().kill_on_drop(true);
    command
}

/// Starts a child that ends with this process, however it ends.
///
/// Dropping the future kills the child, if the command says so.
///
/// # Errors
/// The program cannot be started.
///
/// # Panics
/// Outside of a runtime of tokio.
pub async fn start(mut command: Command) -> io::Result<Child> {
    let runtime = Handle::current();
    let (done, started) = oneshot::channel();
    let start: Start = Box::new(move || {
        let _context = runtime.enter();
        // Of a caller that was dropped meanwhile, the child comes back, and is dropped here.
        let _ = done.send(command.spawn());
    });
    let ended = || io::Error::other("the thread that starts children has ended");
    starter()?.send(start).map_err(|_| ended())?;
    started.await.map_err(|_| ended())?
}

/// Returns the way to the thread that starts children. The first call starts the thread.
fn starter() -> io::Result<Sender<Start>> {
    static STARTER: Mutex<Option<Sender<Start>>> = Mutex::new(None);
    let mut starter = STARTER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(starter) = &*starter {
        return Ok(starter.clone());
    }
    let (sender, starts) = channel::<Start>();
    thread::Builder::new().name("children".into()).spawn(move || {
        for start in starts {
            // A runtime that is being shut down panics, and must not take this thread from other runtimes.
            let _ = catch_unwind(AssertUnwindSafe(start));
        }
    })?;
    *starter = Some(sender.clone());
    Ok(sender)
}
