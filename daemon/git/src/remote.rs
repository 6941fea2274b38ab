//! Conversations with a repository's server through libgit2, and the meaning of its errors.

use crate::{
    link::{self, send},
    protocol::{FetchError, HEARTBEAT, Reply},
};
use git2::{
    AutotagOption, Direction, ErrorClass, ErrorCode, FetchOptions, RemoteCallbacks, RemoteHead,
    Repository, RepositoryInitOptions,
};
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};
use windlass_model::revision::Advertised;

/// Makes a repository in an empty folder.
pub(crate) fn init(to: &str) -> Result<Repository, git2::Error> {
    let mut options = RepositoryInitOptions::new();
    // Templates are hooks and examples that nobody reads here.
    Repository::init_opts(to, options.external_template(false))
}

/// Fetches what `refspec` names, and returns the refs that the server advertised meanwhile. A `depth` of 0
/// means all history.
pub(crate) fn get(
    repository: &Repository,
    url: &str,
    refspec: &str,
    depth: i32,
) -> Result<Vec<Advertised>, git2::Error> {
    let mut connected = repository.remote_anonymous(url)?;
    let mut options = FetchOptions::new();
    options.remote_callbacks(callbacks()).download_tags(AutotagOption::None).depth(if depth == 0 {
        i32::MAX
    } else {
        depth
    });
    connected.fetch(&[refspec], Some(&mut options), None)?;
    Ok(connected.list().map(advertised).unwrap_or_default())
}

/// Lists the server's refs.
pub(crate) fn list(repository: &Repository, url: &str) -> Result<Vec<Advertised>, git2::Error> {
    let mut connected = repository.remote_anonymous(url)?;
    let connection = connected.connect_auth(Direction::Fetch, Some(callbacks()), None)?;
    Ok(advertised(connection.list()?))
}

/// Reads refs. A ref without a name in UTF-8 is left out, since no caller can name that ref.
fn advertised(heads: &[RemoteHead<'_>]) -> Vec<Advertised> {
    let read = |head: &RemoteHead<'_>| Advertised {
        name: head.name().to_owned(),
        id: head.oid().to_string(),
        target: head.symref_target().map(str::to_owned),
    };
    // git2 panics for a name that is no UTF-8.
    let safely = |head: &RemoteHead<'_>| catch_unwind(AssertUnwindSafe(|| read(head))).ok();
    heads.iter().filter_map(safely).collect()
}

fn callbacks() -> RemoteCallbacks<'static> {
    let mut callbacks = RemoteCallbacks::new();
    let reported = Cell::new((Instant::now(), 0));
    callbacks.transfer_progress(move |progress| {
        let (last, before) = reported.get();
        let received =
            progress.received_bytes() + progress.indexed_objects() + progress.indexed_deltas();
        if last.elapsed() > HEARTBEAT && received > before {
            send(&Reply::Alive);
            reported.set((Instant::now(), received));
        }
        true
    });
    callbacks
}

/// Returns whether an error means that the server hands out no commit by its id.
pub(crate) fn refuses_ids(error: &git2::Error) -> bool {
    let text = error.message();
    text.contains("cannot fetch a specific object")
        || text.contains("not our ref")
        || text.contains("unadvertised object")
        || text.contains("did not contain")
        // libgit2 makes this of `ERR upload-pack: not our ref`.
        || text.contains("unexpected packet type")
        || error.code() == ErrorCode::NotFound && error.class() == ErrorClass::Reference
}

/// Converts a server's refusal, or the failure of its connection.
pub(crate) fn refused(error: &git2::Error) -> FetchError {
    // The daemon knows what became of the connection.
    if let Some(failure) = link::failure() {
        return failure;
    }
    let text = error.message().to_owned();
    if text.contains("not exported")
        || text.contains("no such repository")
        || text.contains("early EOF")
    {
        return FetchError::NoRepository;
    }
    if is_full(&text) {
        return FetchError::Full(text);
    }
    match error.class() {
        ErrorClass::Net | ErrorClass::Os | ErrorClass::Ssl | ErrorClass::Http => {
            FetchError::Unreachable(text)
        }
        _ => FetchError::Other(text),
    }
}

/// Converts an error of this machine.
pub(crate) fn local(error: &git2::Error) -> FetchError {
    let text = error.message().to_owned();
    if is_full(&text) { FetchError::Full(text) } else { FetchError::Other(text) }
}

fn is_full(text: &str) -> bool {
    text.contains("No space left") || text.contains("File too large") || text.contains("Disk quota")
}
