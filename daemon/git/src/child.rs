//! The child process: limits, then libgit2.
//!
//! The child needs standard input and output, the folder of its request to read and write, `/dev/urandom`, threads,
//! and nothing else: no network, no program, no other file.

use crate::{
    fetch::checkout,
    link::{self, send},
    protocol::{FetchError, Reply, Task},
    resolve::resolve,
    transport,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::process::ExitCode;

/// Bytes of address space: a small pack can ask for huge allocations.
const MEMORY: u64 = 4 << 30;
/// Bytes of the largest file that the child may write.
const FILE: u64 = 2 << 30;

/// Does the task of standard input, and writes frames to standard output.
#[must_use]
pub fn main() -> ExitCode {
    send(&run().unwrap_or_else(Reply::Failed));
    ExitCode::SUCCESS
}

fn run() -> Result<Reply, FetchError> {
    let other = |error: String| FetchError::Other(error);
    for (resource, limit) in [(Resource::As, MEMORY), (Resource::Fsize, FILE), (Resource::Core, 0)]
    {
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        setrlimit(resource, limit).map_err(|error| other(error.to_string()))?;
    }
    let request = link::task().map_err(|error| other(error.to_string()))?;
    // CONFINE: here, with `request.to` as the only folder, before anything of a server is read.
    transport::install().map_err(|error| other(error.message().to_owned()))?;
    match &request.task {
        Task::Resolve(revision) => {
            resolve(&request.url, &request.to, revision).map(Reply::Resolved)
        }
        Task::Checkout { wanted, directory, limits } => {
            let progress = |line: &str| send(&Reply::Progress(line.into()));
            checkout(&request, wanted, directory, limits, &progress).map(Reply::Done)
        }
    }
}
