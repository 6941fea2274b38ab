//! Fetches one commit, as little of its history as the server allows.
//!
//! The ladder: the commit by its id, which most forges allow; the tip of a ref that happens to be
//! it; its id once more, over protocol v2; the branch (or HEAD), ever deeper, until the commit is
//! in it.

use git2::{
    AutotagOption, Cred, Direction, ErrorClass, ErrorCode, FetchOptions, Oid, RemoteCallbacks,
    RemoteRedirect, Repository, build::CheckoutBuilder,
};
use serde::{Deserialize, Serialize};
use std::{
    cell::Cell,
    path::Path,
    time::{Duration, Instant},
};
use windlass_core::{job::CommitInfo, ports::GitError};

/// What the child is told, on its standard input.
#[derive(Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) repository: String,
    pub(crate) commit: String,
    pub(crate) branch: String,
    /// An empty folder.
    pub(crate) to: String,
    pub(crate) user: Option<String>,
    pub(crate) token: Option<String>,
    /// The credential's name, for errors.
    pub(crate) credential: Option<String>,
}

/// What the child answers, a line each on its standard output.
#[derive(Serialize, Deserialize)]
pub(crate) enum Answer {
    Progress(String),
    /// Something has come since the last answer.
    Alive,
    Done(CommitInfo),
    Failed(Failed),
}

/// [`GitError`], as far as a child can tell.
#[derive(Serialize, Deserialize)]
pub(crate) enum Failed {
    Unreachable(String),
    Denied(String),
    NoRepository,
    NoCommit(String),
    Full(String),
    Other(String),
}

impl Failed {
    pub(crate) fn into_error(self, request: &Request) -> GitError {
        let repository = request.repository.clone();
        match self {
            Self::Unreachable(message) => GitError::Unreachable { repository, message },
            Self::Denied(message) => {
                GitError::Denied { repository, message, credential: request.credential.clone() }
            }
            Self::NoRepository => GitError::NoRepository { repository },
            Self::NoCommit(message) => {
                GitError::NoCommit { repository, commit: request.commit.clone(), message }
            }
            Self::Full(message) => GitError::Full { message },
            Self::Other(message) => GitError::Other { message },
        }
    }
}

/// How often a transfer that goes on says so.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(5);

/// Depths that are tried on a branch before all of it.
const DEPTHS: [i32; 2] = [50, 500];

pub(crate) fn fetch(request: &Request, say: &dyn Fn(&str)) -> Result<CommitInfo, Failed> {
    let wanted = Oid::from_str(&request.commit)
        .map_err(|_| Failed::NoCommit("it is no id of 40 or 64 hex digits".into()))?;
    let repository = Repository::init(&request.to).map_err(|error| local(&error))?;
    obtain(&repository, request, wanted, say)?;
    let commit = repository.find_commit(wanted).map_err(|error| local(&error))?;
    let mut checkout = CheckoutBuilder::new();
    checkout.force().disable_filters(true);
    let checked = repository.checkout_tree(commit.as_object(), Some(&mut checkout));
    checked.map_err(|error| local(&error))?;
    repository.set_head_detached(wanted).map_err(|error| local(&error))?;
    // What is on the disk is what was asked for, or nothing is.
    let head = repository.head().and_then(|head| head.peel_to_commit()).map_err(|e| local(&e))?;
    if head.id() != wanted {
        return Err(Failed::Other(format!("checked out {} instead of {wanted}", head.id())));
    }
    let about = about(&commit);
    drop((head, commit));
    drop(repository);
    std::fs::remove_dir_all(Path::new(&request.to).join(".git"))
        .map_err(|error| Failed::Other(error.to_string()))?;
    Ok(about)
}

fn about(commit: &git2::Commit<'_>) -> CommitInfo {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let author = commit.author();
    CommitInfo {
        id: commit.id().to_string(),
        author: text(author.name_bytes()),
        summary: commit.summary_bytes().map(text).unwrap_or_default(),
        authored_ms: u64::try_from(author.when().seconds())
            .unwrap_or_default()
            .saturating_mul(1000),
    }
}

fn obtain(
    repository: &Repository,
    request: &Request,
    wanted: Oid,
    say: &dyn Fn(&str),
) -> Result<(), Failed> {
    let by_id = format!("+{wanted}:refs/windlass/commit");
    match get(repository, request, &by_id, 1) {
        Ok(()) if has(repository, wanted) => return Ok(()),
        Ok(()) => {}
        Err(error) if !refuses_ids(&error) => return Err(remote(&error)),
        Err(_) => say("the server does not hand out commits by id; looking in its refs"),
    }
    let refs = list(repository, request).map_err(|error| remote(&error))?;
    if let Some((name, _)) = refs.iter().find(|(_, tip)| *tip == wanted) {
        let tip = format!("+{name}:refs/windlass/commit");
        get(repository, request, &tip, 1).map_err(|error| remote(&error))?;
        if has(repository, wanted) {
            return Ok(());
        }
    }
    match crate::by_id::fetch(request) {
        Ok(()) if has(repository, wanted) => return Ok(()),
        Ok(()) => {}
        Err(error) => say(&format!("nor over protocol v2: {error}")),
    }
    let branch = match &*request.branch {
        "" => "HEAD".to_owned(),
        name => format!("refs/heads/{name}"),
    };
    if !refs.iter().any(|(name, _)| *name == branch) {
        return Err(Failed::NoCommit(format!("and it has no branch `{branch}`")));
    }
    for depth in DEPTHS.into_iter().chain([0]) {
        let depth_said = if depth == 0 { "all".to_owned() } else { depth.to_string() };
        say(&format!("fetching {depth_said} commits of {branch}"));
        let spec = format!("+{branch}:refs/windlass/branch");
        get(repository, request, &spec, depth).map_err(|error| remote(&error))?;
        if has(repository, wanted) {
            return Ok(());
        }
    }
    Err(Failed::NoCommit(format!(
        "looked by id, at all refs' tips, by id over protocol v2, and in all of {branch}"
    )))
}

fn has(repository: &Repository, wanted: Oid) -> bool {
    repository.find_commit(wanted).is_ok()
}

fn get(
    repository: &Repository,
    request: &Request,
    refspec: &str,
    depth: i32,
) -> Result<(), git2::Error> {
    let mut remote = repository.remote_anonymous(&request.repository)?;
    let mut options = FetchOptions::new();
    options
        .remote_callbacks(callbacks(request))
        .download_tags(AutotagOption::None)
        // A credential must not follow a redirect to another host.
        .follow_redirects(RemoteRedirect::None)
        .depth(if depth == 0 { i32::MAX } else { depth });
    remote.fetch(&[refspec], Some(&mut options), None)
}

fn list(repository: &Repository, request: &Request) -> Result<Vec<(String, Oid)>, git2::Error> {
    let mut remote = repository.remote_anonymous(&request.repository)?;
    let connection = remote.connect_auth(Direction::Fetch, Some(callbacks(request)), None)?;
    let heads = connection.list()?;
    Ok(heads.iter().map(|head| (head.name().to_owned(), head.oid())).collect())
}

fn callbacks(request: &Request) -> RemoteCallbacks<'_> {
    let mut callbacks = RemoteCallbacks::new();
    let tries = Cell::new(0);
    callbacks.credentials(move |_, _, _| {
        tries.set(tries.get() + 1);
        match (&request.user, &request.token) {
            // libgit2 asks for ever while the server says no.
            (Some(user), Some(token)) if tries.get() <= 2 => Cred::userpass_plaintext(user, token),
            _ => Err(git2::Error::new(ErrorCode::Auth, ErrorClass::Http, "credentials are needed")),
        }
    });
    let told = Cell::new((Instant::now(), 0));
    callbacks.transfer_progress(move |progress| {
        let (last, before) = told.get();
        let come =
            progress.received_bytes() + progress.indexed_objects() + progress.indexed_deltas();
        if last.elapsed() > HEARTBEAT && come > before {
            crate::child::say(&Answer::Alive);
            told.set((Instant::now(), come));
        }
        true
    });
    callbacks
}

fn refuses_ids(error: &git2::Error) -> bool {
    let text = error.message();
    text.contains("cannot fetch a specific object")
        || text.contains("not our ref")
        || text.contains("unadvertised object")
        || text.contains("did not contain")
        // What libgit2 makes of `ERR upload-pack: not our ref`.
        || text.contains("unexpected packet type")
        || error.code() == ErrorCode::NotFound && error.class() == ErrorClass::Reference
}

fn remote(error: &git2::Error) -> Failed {
    let text = error.message().to_owned();
    if error.code() == ErrorCode::Auth
        || text.contains("status code: 401")
        || text.contains("status code: 403")
    {
        return Failed::Denied(text);
    }
    if text.contains("status code: 404")
        || text.contains("not exported")
        || text.contains("no such repository")
        || text.contains("unexpectedly closed") && error.class() == ErrorClass::Net
        || text.contains("early EOF")
    {
        return Failed::NoRepository;
    }
    if is_full(&text) {
        return Failed::Full(text);
    }
    match error.class() {
        ErrorClass::Net | ErrorClass::Os | ErrorClass::Ssl | ErrorClass::Http => {
            Failed::Unreachable(text)
        }
        _ => Failed::Other(text),
    }
}

fn local(error: &git2::Error) -> Failed {
    let text = error.message().to_owned();
    if is_full(&text) { Failed::Full(text) } else { Failed::Other(text) }
}

fn is_full(text: &str) -> bool {
    text.contains("No space left") || text.contains("File too large") || text.contains("Disk quota")
}
