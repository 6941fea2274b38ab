//! Payloads in GitHub's form, which Gitea and Forgejo share.

use super::{
    fields::{branch, head, object, ref_name, required, skips_checks, summary, text},
    origin::Origin,
    parse::parse,
};
use crate::error::Unreadable;
use serde::Deserialize;
use windlass_model::delivery::{Change, PullAction, PullMove, RefMove};

/// Repository of an event. Its addresses are not read.
#[derive(Deserialize)]
pub(super) struct Repository {
    id: Option<u64>,
    full_name: Option<String>,
}

/// Person or app that caused an event.
#[derive(Deserialize)]
pub(super) struct User {
    login: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Commit {
    message: Option<String>,
}

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    name: Option<String>,
    before: Option<String>,
    after: Option<String>,
    /// GitHub alone.
    deleted: Option<bool>,
    head_commit: Option<Commit>,
    repository: Option<Repository>,
    pusher: Option<User>,
    sender: Option<User>,
}

#[derive(Deserialize)]
struct PullEvent {
    action: Option<String>,
    number: Option<u64>,
    pull_request: Option<Pull>,
    repository: Option<Repository>,
    sender: Option<User>,
}

#[derive(Deserialize)]
struct Pull {
    title: Option<String>,
    draft: Option<bool>,
    head: Option<Side>,
    base: Option<Side>,
}

/// A side of a pull request.
#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: Option<String>,
    sha: Option<String>,
    /// `None` means that the repository is gone.
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct AnyEvent {
    repository: Option<Repository>,
    sender: Option<User>,
}

/// Reads a push of one ref.
pub(super) fn push(body: &[u8]) -> Result<(Origin, Change), Unreadable> {
    let push: Push = parse(body)?;
    let is_deleted = push.deleted == Some(true);
    let after = required("after", push.after)?;
    let message = push.head_commit.as_ref().and_then(|head| head.message.as_deref());
    let moved = RefMove {
        name: ref_name("ref", push.name)?,
        before: object("before", push.before.as_deref())?,
        after: object("after", Some(&after))?.filter(|_| !is_deleted),
        summary: summary(message),
        skips_checks: skips_checks(message),
    };
    let origin = origin(push.repository, push.sender.or(push.pusher))?;
    Ok((origin, Change::Refs(vec![moved])))
}

/// Reads a change of a pull request. `action` knows the forge's words; `None` means that a word brings no new commit.
pub(super) fn pull(
    body: &[u8],
    action: fn(&str) -> Option<PullAction>,
) -> Result<(Origin, Change), Unreadable> {
    let event: PullEvent = parse(body)?;
    let origin = origin(event.repository, event.sender)?;
    let word = required("action", event.action)?;
    let Some(action) = action(&word) else {
        let word = text(&word);
        let reason = format!("`{word}` of a pull request brings no new commit.");
        return Ok((origin, Change::Ignored(reason)));
    };
    let pull = required("pull_request", event.pull_request)?;
    let from = required("pull_request.head", pull.head)?;
    let to = required("pull_request.base", pull.base)?;
    let change = Change::Pull(PullMove {
        number: required("number", event.number)?,
        action,
        head: head("pull_request.head.sha", from.sha.as_deref())?,
        fork: is_fork(&from, &to),
        into: branch("pull_request.base.ref", to.branch)?,
        draft: pull.draft.unwrap_or_default(),
        title: text(pull.title.as_deref().unwrap_or_default()),
    });
    Ok((origin, change))
}

/// Returns the origin of any event, as far as it can be read.
pub(super) fn any(body: &[u8]) -> Origin {
    let event: Result<AnyEvent, _> = parse(body);
    let Ok(event) = event else { return Origin::default() };
    origin_of_any(event.repository, event.sender).unwrap_or_default()
}

/// Returns the origin of an event that has a repository.
pub(super) fn origin(
    repository: Option<Repository>,
    sender: Option<User>,
) -> Result<Origin, Unreadable> {
    let repository = required("repository", repository)?;
    required("repository.id", repository.id)?;
    origin_of_any(Some(repository), sender)
}

fn origin_of_any(
    repository: Option<Repository>,
    sender: Option<User>,
) -> Result<Origin, Unreadable> {
    let id = repository.as_ref().and_then(|repository| repository.id);
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    let name = repository.as_ref().and_then(|repository| repository.full_name.as_deref());
    let sender = sender.and_then(|user| user.login.or(user.name));
    Origin::new("repository.id", id, name, sender.as_deref())
}

/// Returns whether the head is elsewhere, or nobody knows where.
fn is_fork(from: &Side, to: &Side) -> bool {
    let id = |side: &Side| side.repo.as_ref().and_then(|repository| repository.id);
    id(to).is_none() || id(from) != id(to)
}
