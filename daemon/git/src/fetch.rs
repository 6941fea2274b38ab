//! Fetches one commit, with as little of its history as the server allows.
//!
//! The ladder: the commit by its id, which most forges allow; the tip of a ref that happens to be
//! the commit; its id once more, over protocol v2; the branch (or HEAD), ever deeper, until the
//! branch has the commit.

use crate::{
    by_id, contents,
    limits::CheckoutLimits,
    link::{self, send},
    place::{Checkout, Place},
    protocol::{FetchError, Found, HEARTBEAT, Reply, Request, Wanted},
    remote::{get, init, list, local, refused, refuses_ids},
    submodule::{self, Source},
};
use git2::{ObjectType, Oid, Repository, build::CheckoutBuilder};
use std::{path::Path, time::Instant};
use windlass_model::{
    job::CommitInfo,
    revision::{Advertised, tags_of},
};

/// Bytes of an author's name and of a summary that are looked at.
const LONGEST_TEXT: usize = 4 << 10;

/// Depths that are tried on a branch before all of it.
const DEPTHS: [i32; 2] = [50, 500];

/// Fills the request's empty folder with a commit's tree, submodules and all.
pub(crate) fn checkout(
    request: &Request,
    wanted: &Wanted,
    directory: &str,
    limits: &CheckoutLimits,
    progress: &dyn Fn(&str),
) -> Result<Found, FetchError> {
    let Request { url, has_login, to, .. } = request;
    let checkout = Checkout::new(url, *has_login, directory, limits, progress);
    let place = Place { url, to: Path::new(to), path: "", depth: 0 };
    let commit = fetch(wanted, &place, &checkout)?;
    let pointers = checkout.pointers.into_inner();
    let tags = checkout.tags.into_inner();
    Ok(Found { commit, pointers, tags })
}

/// Fills the empty folder of one repository.
fn fetch(
    wanted: &Wanted,
    place: &Place<'_>,
    checkout: &Checkout<'_>,
) -> Result<CommitInfo, FetchError> {
    let id = id(&wanted.commit).map_err(FetchError::NoCommit)?;
    let to = place.to.display().to_string();
    let repository = init(&to).map_err(|error| local(&error))?;
    let refs = obtain(&repository, place.url, wanted, &to, id, checkout.progress)?;
    if place.depth == 0 {
        *checkout.tags.borrow_mut() = tags_of(&wanted.commit, &refs);
    }
    let commit = repository.find_commit(id).map_err(|error| local(&error))?;
    let folders = place.path.split('/').filter(|part| !part.is_empty()).count();
    let folders = u64::try_from(folders).unwrap_or(u64::MAX);
    let contents = contents::read(&repository, &commit, folders, checkout)?;
    write(&repository, &commit, checkout.progress)?;
    repository.set_head_detached(id).map_err(|error| local(&error))?;
    // The disk holds the requested commit, or the checkout fails.
    let head = repository.head().and_then(|head| head.peel_to_commit()).map_err(|e| local(&e))?;
    if head.id() != id {
        return Err(FetchError::Other(format!("checked out {} instead of {id}", head.id())));
    }
    let pointers = contents::pointers(&repository, &commit, &contents);
    checkout.note(&pointers.map_err(|error| local(&error))?, place.path);
    for submodule in submodule::find(&repository, &commit, &contents.submodules, place, checkout)? {
        let source = submodule.admit(place, checkout)?;
        let Source { url, wanted, folder, path, .. } = &source;
        (checkout.progress)(&format!("submodule {path}: {} of {url}", wanted.commit));
        send(&Reply::Server(url.clone()));
        let inner = Place { url, to: folder, path, depth: place.depth + 1 };
        fetch(wanted, &inner, checkout).map_err(|error| source.named(error))?;
    }
    let about = about(&commit);
    drop((head, commit));
    drop(repository);
    std::fs::remove_dir_all(place.to.join(".git"))
        .map_err(|error| FetchError::Other(error.to_string()))?;
    Ok(about)
}

/// Reads the id of a commit. The error is a sentence.
pub(crate) fn id(text: &str) -> Result<Oid, String> {
    if text.len() != 40 {
        return Err("repositories with ids of 64 digits (SHA-256) are not in this version".into());
    }
    Oid::from_str(text).map_err(|_| "it is no id of 40 hex digits".into())
}

/// Writes the files of a commit. Each file that takes long is a sign of life.
fn write(
    repository: &Repository,
    commit: &git2::Commit<'_>,
    progress: &dyn Fn(&str),
) -> Result<(), FetchError> {
    let mut last = Instant::now();
    let mut builder = CheckoutBuilder::new();
    builder.force().disable_filters(true).progress(|_, done, all| {
        if last.elapsed() > HEARTBEAT {
            progress(&format!("{done} of {all} files are written"));
            last = Instant::now();
        }
    });
    let written = repository.checkout_tree(commit.as_object(), Some(&mut builder));
    written.map_err(|error| local(&error))
}

fn about(commit: &git2::Commit<'_>) -> CommitInfo {
    let text = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes.get(..LONGEST_TEXT).unwrap_or(bytes)).into_owned()
    };
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

/// Fetches the commit, and returns the server's refs.
fn obtain(
    repository: &Repository,
    url: &str,
    wanted: &Wanted,
    to: &str,
    id: Oid,
    progress: &dyn Fn(&str),
) -> Result<Vec<Advertised>, FetchError> {
    let by_id = format!("+{id}:refs/windlass/commit");
    match get(repository, url, &by_id, 1) {
        Ok(refs) if has(repository, id)? => return Ok(refs),
        Ok(_) => {}
        Err(error) if !refuses_ids(&error) => return Err(refused(&error)),
        Err(_) => progress("the server does not hand out commits by id; looking in its refs"),
    }
    let refs = list(repository, url).map_err(|error| refused(&error))?;
    if let Some(tip) = refs.iter().find(|tip| tip.id == wanted.commit) {
        // An annotated tag's commit comes with the tag.
        let name = tip.name.strip_suffix("^{}").unwrap_or(&tip.name);
        let tip = format!("+{name}:refs/windlass/commit");
        get(repository, url, &tip, 1).map_err(|error| refused(&error))?;
        if has(repository, id)? {
            return Ok(refs);
        }
    }
    match by_id::fetch(url, id, to) {
        Ok(()) if has(repository, id)? => return Ok(refs),
        Ok(()) => {}
        Err(error) => {
            // The next rung may do without what failed here.
            link::failure();
            progress(&format!("nor over protocol v2: {error}"));
        }
    }
    let branch = match &*wanted.branch {
        "" => "HEAD".to_owned(),
        name => format!("refs/heads/{name}"),
    };
    if !refs.iter().any(|own| own.name == branch) {
        return Err(FetchError::NoCommit(format!("and it has no branch `{branch}`")));
    }
    for depth in DEPTHS.into_iter().chain([0]) {
        let amount = if depth == 0 { "all".to_owned() } else { depth.to_string() };
        progress(&format!("fetching {amount} commits of {branch}"));
        let spec = format!("+{branch}:refs/windlass/branch");
        get(repository, url, &spec, depth).map_err(|error| refused(&error))?;
        if has(repository, id)? {
            return Ok(refs);
        }
    }
    Err(FetchError::NoCommit(format!(
        "looked by id, at all refs' tips, by id over protocol v2, and in all of {branch}"
    )))
}

/// Returns whether the commit was fetched. An object of another kind is an error: no further try would help.
pub(crate) fn has(repository: &Repository, id: Oid) -> Result<bool, FetchError> {
    let Ok(object) = repository.find_object(id, None) else { return Ok(false) };
    let kind = match object.kind() {
        Some(ObjectType::Commit) => return Ok(true),
        Some(ObjectType::Tag) => "an annotated tag",
        Some(ObjectType::Tree) => "a tree",
        Some(ObjectType::Blob) => "a file",
        Some(ObjectType::Any) | None => "another object",
    };
    let peeled = object.peel_to_commit().map(|commit| format!(", of commit {}", commit.id()));
    let peeled = peeled.unwrap_or_default();
    Err(FetchError::NoCommit(format!(
        "it is the id of {kind}{peeled}; give the commit's id, or the tag's name as `source.revision`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use git2::Signature;

    /// The message is the author's, who may write megabytes into one line.
    #[test]
    fn a_summary_without_end_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let tree = repository.treebuilder(None).unwrap().write().unwrap();
        let tree = repository.find_tree(tree).unwrap();
        let me = Signature::now("me", "me@example.com").unwrap();
        let message = "x".repeat(2 << 20);
        let id = repository.commit(None, &me, &me, &message, &tree, &[]).unwrap();
        let about = about(&repository.find_commit(id).unwrap());
        assert_eq!((&*about.author, about.summary.len()), ("me", LONGEST_TEXT));
    }
}
