//! The child process: limits, then libgit2.

use crate::{
    fetch::checkout,
    protocol::{FetchError, Reply, Request, Task, send},
    resolve::resolve,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::{io::Read, process::ExitCode};

/// Bytes of address space: a small pack can ask for huge allocations.
const MEMORY: u64 = 4 << 30;
/// Bytes of the largest file that the child may write.
const FILE: u64 = 2 << 30;

/// Does the task of standard input, and writes replies to standard output.
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
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| other(error.to_string()))?;
    let request: Request = serde_json::from_str(&text).map_err(|error| other(error.to_string()))?;
    let Request { remote, to, task, .. } = &request;
    match task {
        Task::Resolve(revision) => resolve(remote, to, revision).map(Reply::Resolved),
        Task::Checkout { wanted, directory, egress } => {
            let progress = |line: &str| send(&Reply::Progress(line.into()));
            checkout(remote, wanted, to, directory, egress, &progress).map(Reply::Done)
        }
    }
}
