//! Connections to a repository's server through libgit2, and the meaning of its errors.

use crate::protocol::{FetchError, HEARTBEAT, Remote, Reply, send};
use git2::{
    AutotagOption, Cred, Direction, ErrorClass, ErrorCode, FetchOptions, RemoteCallbacks,
    RemoteHead, RemoteRedirect, Repository,
};
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};
use windlass_model::revision::Advertised;

/// Makes a repository in an empty folder.
pub(crate) fn init(to: &str) -> Result<Repository, git2::Error> {
    let repository = Repository::init(to)?;
    // A listing has no option of its own for redirects. Neither a login nor the egress policy's approval may
    // follow a redirect to another host.
    repository.config()?.set_bool("http.followRedirects", false)?;
    Ok(repository)
}

/// Fetches what `refspec` names, and returns the refs that the server advertised meanwhile. A `depth` of 0
/// means all history.
pub(crate) fn get(
    repository: &Repository,
    remote: &Remote,
    refspec: &str,
    depth: i32,
) -> Result<Vec<Advertised>, git2::Error> {
    let mut connected = repository.remote_anonymous(&remote.url)?;
    let mut options = FetchOptions::new();
    options
        .remote_callbacks(callbacks(remote))
        .download_tags(AutotagOption::None)
        .follow_redirects(RemoteRedirect::None)
        .depth(if depth == 0 { i32::MAX } else { depth });
    connected.fetch(&[refspec], Some(&mut options), None)?;
    Ok(connected.list().map(advertised).unwrap_or_default())
}

/// Lists the server's refs.
pub(crate) fn list(
    repository: &Repository,
    remote: &Remote,
) -> Result<Vec<Advertised>, git2::Error> {
    let mut connected = repository.remote_anonymous(&remote.url)?;
    let connection = connected.connect_auth(Direction::Fetch, Some(callbacks(remote)), None)?;
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

fn callbacks(remote: &Remote) -> RemoteCallbacks<'_> {
    let mut callbacks = RemoteCallbacks::new();
    let tries = Cell::new(0);
    callbacks.credentials(move |_, _, _| {
        tries.set(tries.get() + 1);
        match &remote.login {
            // libgit2 asks for ever while the server refuses.
            Some(login) if tries.get() <= 2 => Cred::userpass_plaintext(&login.user, &login.token),
            _ => Err(git2::Error::new(ErrorCode::Auth, ErrorClass::Http, "credentials are needed")),
        }
    });
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

/// Converts a server's refusal.
pub(crate) fn refused(error: &git2::Error) -> FetchError {
    let text = error.message().to_owned();
    if error.code() == ErrorCode::Auth
        || text.contains("status code: 401")
        || text.contains("status code: 403")
    {
        return FetchError::Denied(text);
    }
    if text.contains("status code: 404")
        || text.contains("not exported")
        || text.contains("no such repository")
        || text.contains("unexpectedly closed") && error.class() == ErrorClass::Net
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
