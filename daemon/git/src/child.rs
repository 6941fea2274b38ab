//! The child process: it confines itself, then runs libgit2.
//!
//! The child needs standard input and output, the folder of its request to read and write, `/dev/urandom`, threads,
//! and nothing else: no network, no program, no other file.

use crate::{
    changed::changed,
    fetch::checkout,
    link::{self, send},
    list::List,
    protocol::{FetchError, Reply, Task},
    refs::refs,
    resolve::resolve,
    transport,
};
use git2::{ConfigLevel, opts::set_search_path};
use std::{path::PathBuf, process::ExitCode};
use windlass_confine::{Confinement, SystemCalls};

/// Bytes of address space: a small pack can ask for huge allocations.
const MEMORY: u64 = 4 << 30;
/// Bytes of the largest file that the child may write.
const FILE: u64 = 2 << 30;
/// Seconds of computing: delta chains of a large history take minutes.
const COMPUTING: u64 = 3_600;
/// Descriptors that may be open at once.
const OPEN_FILES: u64 = 512;

/// Does the task of standard input, and writes frames to standard output.
#[must_use]
pub fn main() -> ExitCode {
    send(&run().unwrap_or_else(Reply::Failed));
    ExitCode::SUCCESS
}

fn run() -> Result<Reply, FetchError> {
    let other = |error: String| FetchError::Other(error);
    windlass_confine::begin(&[]).map_err(|error| other(error.to_string()))?;
    let request = link::task().map_err(|error| other(error.to_string()))?;
    confine(&request.to).map_err(other)?;
    transport::install().map_err(|error| other(error.message().to_owned()))?;
    match &request.task {
        Task::Resolve(revision) => {
            resolve(&request.url, &request.to, revision).map(Reply::Resolved)
        }
        Task::Checkout { wanted, directory, limits } => {
            let progress = |line: &str| send(&Reply::Progress(line.into()));
            checkout(&request, wanted, directory, limits, &progress).map(Reply::Done)
        }
        Task::Refs => refs(&request.url, &request.to).map(List::reply),
        Task::Changed { from, commit, most, limits } => {
            changed(&request, from, commit, *most, limits).map(List::reply)
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
