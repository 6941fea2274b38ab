//! The child process: it confines itself, then runs libgit2.

use crate::{
    fetch::checkout,
    protocol::{FetchError, Reply, Request, Task, send},
    resolve::resolve,
};
use git2::{ConfigLevel, opts::set_search_path};
use std::{io::Read, path::PathBuf, process::ExitCode};
use windlass_confine::{Confinement, SystemCalls};

/// Bytes of address space: a small pack can ask for huge allocations.
const MEMORY: u64 = 4 << 30;
/// Bytes of the largest file that the child may write.
const FILE: u64 = 2 << 30;
/// Seconds of computing: delta chains of a large history take minutes.
const COMPUTING: u64 = 3_600;
/// Descriptors that may be open at once.
const OPEN_FILES: u64 = 512;

/// Does the task of standard input, and writes replies to standard output.
#[must_use]
pub fn main() -> ExitCode {
    send(&run().unwrap_or_else(Reply::Failed));
    ExitCode::SUCCESS
}

fn run() -> Result<Reply, FetchError> {
    let other = |error: String| FetchError::Other(error);
    windlass_confine::begin(&[]).map_err(|error| other(error.to_string()))?;
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| other(error.to_string()))?;
    let request: Request = serde_json::from_str(&text).map_err(|error| other(error.to_string()))?;
    let Request { remote, to, task, .. } = &request;
    confine(to).map_err(other)?;
    match task {
        Task::Resolve(revision) => resolve(remote, to, revision).map(Reply::Resolved),
        Task::Checkout { wanted, directory, egress } => {
            let progress = |line: &str| send(&Reply::Progress(line.into()));
            checkout(remote, wanted, to, directory, egress, &progress).map(Reply::Done)
        }
    }
}

/// Takes all rights from this process that a checkout into the folder `to` does not need.
#[expect(unsafe_code, reason = "variables of libgit2 are set while there is one thread")]
fn confine(to: &str) -> Result<(), String> {
    for level in
        [ConfigLevel::ProgramData, ConfigLevel::System, ConfigLevel::XDG, ConfigLevel::Global]
    {
        // This machine's own settings of git, such as `url.insteadOf`, are of no job. libgit2 would fail for files
        // that it cannot open.
        // SAFETY: no other thread is there, and nothing of libgit2 was used yet.
        unsafe { set_search_path(level, "") }.map_err(|error| error.to_string())?;
    }
    // What the kernel lacks is in the daemon's log, and in `windlassd check`.
    let confined = windlass_confine::confine(&Confinement {
        readable: ["/dev/null", "/dev/urandom"].map(PathBuf::from).into(),
        writable: vec![to.into()],
        memory: MEMORY,
        cpu_seconds: COMPUTING,
        file_bytes: FILE,
        open_files: OPEN_FILES,
        calls: SystemCalls::Files,
    });
    confined.map(drop).map_err(|error| error.to_string())
}
