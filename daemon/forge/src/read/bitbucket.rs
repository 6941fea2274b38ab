//! Bitbucket Cloud. A delivery may report several refs.

use super::{
    fields::{
        branch, delivery, event, ignored, object, ref_name, required, short_head, skips_checks,
        summary, text,
    },
    origin::Origin,
    parse::parse,
};
use crate::{
    error::Unreadable,
    headers::{EVENT_KEY, REQUEST_UUID},
};
use http::HeaderMap;
use serde::Deserialize;
use windlass_model::delivery::{Change, MOST_REFS, PullAction, PullMove, RefMove, Report};

/// Repository of an event. Its links are not read.
#[derive(Deserialize)]
struct Repository {
    uuid: Option<String>,
    full_name: Option<String>,
}

/// Person or app that caused an event. `username` is no more, for most.
#[derive(Deserialize)]
struct User {
    nickname: Option<String>,
    display_name: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    push: Option<Push>,
    pullrequest: Option<Pull>,
    repository: Option<Repository>,
    actor: Option<User>,
}

#[derive(Deserialize)]
struct AnyEvent {
    repository: Option<Repository>,
    actor: Option<User>,
}

#[derive(Deserialize)]
struct Push {
    changes: Option<Vec<Moved>>,
}

#[derive(Deserialize)]
struct Moved {
    /// `None` means that the ref was deleted.
    new: Option<State>,
    /// `None` means that the ref is new.
    old: Option<State>,
}

#[derive(Deserialize)]
struct State {
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Name without `refs/heads/` or `refs/tags/`.
    name: Option<String>,
    target: Option<Commit>,
}

#[derive(Deserialize)]
struct Commit {
    hash: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Pull {
    id: Option<u64>,
    title: Option<String>,
    draft: Option<bool>,
    source: Option<Side>,
    destination: Option<Side>,
}

/// A side of a pull request.
#[derive(Deserialize)]
struct Side {
    branch: Option<Branch>,
    commit: Option<Commit>,
    /// `None` means that the repository is gone.
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Branch {
    name: Option<String>,
}

pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Report, Unreadable> {
    let event = event(headers, &[EVENT_KEY])?;
    let forge_id = delivery(headers, &[REQUEST_UUID])?;
    let action = match &*event {
        "repo:push" => None,
        "pullrequest:created" => Some(PullAction::Opened),
        // Also for a new title: the commit says whether it is new.
        "pullrequest:updated" => Some(PullAction::Updated),
        "pullrequest:fulfilled" | "pullrequest:rejected" => Some(PullAction::Closed),
        _ => {
            let wanted = "`repo:push` and `pullrequest:created|updated|fulfilled|rejected`";
            let change = ignored(&event, wanted);
            return Ok(any(body).report(event, forge_id, change));
        }
    };
    let read: Event = parse(body)?;
    let repository = required("repository", read.repository)?;
    required("repository.uuid", repository.uuid.as_ref().filter(|uuid| !uuid.is_empty()))?;
    let origin = origin(Some(repository), read.actor)?;
    let change = match action {
        Some(action) => pull(required("pullrequest", read.pullrequest)?, action)?,
        None => refs(required("push", read.push)?)?,
    };
    Ok(origin.report(event, forge_id, change))
}

fn refs(push: Push) -> Result<Change, Unreadable> {
    let changes = required("push.changes", push.changes)?.into_iter().take(MOST_REFS);
    let refs: Result<Vec<_>, _> = changes
        .enumerate()
        .map(|(index, one)| moved(&format!("push.changes[{index}]"), one))
        .collect();
    let refs = refs?;
    Ok(if refs.is_empty() {
        Change::Ignored("The push moved no refs.".to_owned())
    } else {
        Change::Refs(refs)
    })
}

fn moved(field: &str, Moved { new, old }: Moved) -> Result<RefMove, Unreadable> {
    let (at, state) = match (&new, &old) {
        (Some(new), _) => (format!("{field}.new"), new),
        (None, Some(old)) => (format!("{field}.old"), old),
        (None, None) => {
            return Err(Unreadable::new(
                field,
                "has neither `new` nor `old`, and one says the ref",
            ));
        }
    };
    let kind = required(&format!("{at}.type"), state.kind.as_deref())?;
    let folder = match kind {
        "branch" | "named_branch" => "heads",
        "tag" | "annotated_tag" => "tags",
        other => {
            let problem = format!("is `{}`, and must be `branch` or `tag`", text(other));
            return Err(Unreadable::new(&format!("{at}.type"), problem));
        }
    };
    let name = required(&format!("{at}.name"), state.name.as_deref())?;
    let name = ref_name(&format!("{at}.name"), Some(format!("refs/{folder}/{name}")))?;
    let target = new.as_ref().and_then(|new| new.target.as_ref());
    let after = target.and_then(|commit| commit.hash.as_deref());
    let after = object(&format!("{field}.new.target.hash"), after)?;
    if new.is_some() {
        required(&format!("{field}.new.target.hash"), after.as_ref())?;
    }
    let before = old.and_then(|old| old.target).and_then(|commit| commit.hash);
    let before = object(&format!("{field}.old.target.hash"), before.as_deref())?;
    let message = target.and_then(|commit| commit.message.as_deref());
    let (summary, skips_checks) = (summary(message), skips_checks(message));
    Ok(RefMove { name, before, after, summary, skips_checks })
}

fn pull(pull: Pull, action: PullAction) -> Result<Change, Unreadable> {
    let source = required("pullrequest.source", pull.source)?;
    let destination = required("pullrequest.destination", pull.destination)?;
    let fork = is_fork(&source, &destination);
    // Of a closed one, the branch and its commit may be no more.
    let Some(commit) = source.commit else {
        let reason = "A pull request without a commit deploys nothing.";
        return Ok(Change::Ignored(reason.to_owned()));
    };
    let into = destination.branch.and_then(|branch| branch.name);
    Ok(Change::Pull(PullMove {
        number: required("pullrequest.id", pull.id)?,
        action,
        head: short_head("pullrequest.source.commit.hash", commit.hash.as_deref())?,
        into: branch("pullrequest.destination.branch.name", into)?,
        draft: pull.draft.unwrap_or_default(),
        fork,
        title: text(pull.title.as_deref().unwrap_or_default()),
    }))
}

/// Returns whether the head is elsewhere, or nobody knows where.
fn is_fork(source: &Side, destination: &Side) -> bool {
    let id = |side: &Side| side.repository.as_ref().and_then(|one| one.uuid.clone());
    id(destination).is_none() || id(source) != id(destination)
}

fn any(body: &[u8]) -> Origin {
    let event: Result<AnyEvent, _> = parse(body);
    let Ok(event) = event else { return Origin::default() };
    origin(event.repository, event.actor).unwrap_or_default()
}

fn origin(repository: Option<Repository>, actor: Option<User>) -> Result<Origin, Unreadable> {
    let (id, name) = repository.map(|one| (one.uuid, one.full_name)).unwrap_or_default();
    let sender = actor.and_then(|user| user.nickname.or(user.display_name));
    Origin::new("repository.uuid", id.unwrap_or_default(), name.as_deref(), sender.as_deref())
}
