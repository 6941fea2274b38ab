//! Bitbucket Data Center. A delivery may report several refs.

use super::{
    fields::{
        branch, delivery, event, head, ignored, object, ref_name, required, skips_checks, summary,
        text,
    },
    origin::Origin,
    parse::parse,
};
use crate::{
    error::Unreadable,
    headers::{EVENT_KEY, REQUEST_ID},
};
use http::HeaderMap;
use serde::Deserialize;
use windlass_model::delivery::{Change, MOST_REFS, PullAction, PullMove, RefMove, Report};

/// Repository of an event. Its links are not read.
#[derive(Deserialize)]
struct Repository {
    id: Option<u64>,
    slug: Option<String>,
    project: Option<Project>,
}

#[derive(Deserialize)]
struct Project {
    key: Option<String>,
}

#[derive(Deserialize)]
struct User {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Pushed {
    changes: Option<Vec<Moved>>,
    /// Newest commit of one of the changes. Older versions have none.
    #[serde(rename = "toCommit")]
    commit: Option<Commit>,
    repository: Option<Repository>,
    actor: Option<User>,
}

#[derive(Deserialize)]
struct Commit {
    id: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Moved {
    #[serde(rename = "ref")]
    reference: Option<Reference>,
    #[serde(rename = "fromHash")]
    from: Option<String>,
    #[serde(rename = "toHash")]
    to: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    /// Full name.
    id: Option<String>,
}

#[derive(Deserialize)]
struct PullEvent {
    #[serde(rename = "pullRequest")]
    pull: Option<Pull>,
    actor: Option<User>,
}

#[derive(Deserialize)]
struct Pull {
    id: Option<u64>,
    title: Option<String>,
    draft: Option<bool>,
    #[serde(rename = "fromRef")]
    from: Option<Side>,
    #[serde(rename = "toRef")]
    to: Option<Side>,
}

/// A side of a pull request.
#[derive(Deserialize)]
struct Side {
    /// Full name of the branch.
    id: Option<String>,
    #[serde(rename = "latestCommit")]
    commit: Option<String>,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct AnyEvent {
    repository: Option<Repository>,
    actor: Option<User>,
}

pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Report, Unreadable> {
    let event = event(headers, &[EVENT_KEY])?;
    let forge_id = delivery(headers, &[REQUEST_ID])?;
    let (origin, change) = match &*event {
        "repo:refs_changed" => pushed(body)?,
        "pr:opened" => pull(body, PullAction::Opened)?,
        "pr:from_ref_updated" => pull(body, PullAction::Updated)?,
        "pr:merged" | "pr:declined" | "pr:deleted" => pull(body, PullAction::Closed)?,
        "diagnostics:ping" => (any(body), Change::Ping),
        _ => {
            let wanted =
                "`repo:refs_changed` and `pr:opened|from_ref_updated|merged|declined|deleted`";
            (any(body), ignored(&event, wanted))
        }
    };
    Ok(origin.report(event, forge_id, change))
}

fn pushed(body: &[u8]) -> Result<(Origin, Change), Unreadable> {
    let Pushed { changes, commit, repository, actor } = parse(body)?;
    let origin = known("repository", repository, actor)?;
    let changes = required("changes", changes)?.into_iter().take(MOST_REFS);
    let refs: Result<Vec<_>, _> = changes
        .enumerate()
        .map(|(index, one)| moved(&format!("changes[{index}]"), one, commit.as_ref()))
        .collect();
    let refs = refs?;
    let change = if refs.is_empty() {
        Change::Ignored("The push moved no refs.".to_owned())
    } else {
        Change::Refs(refs)
    };
    Ok((origin, change))
}

fn moved(field: &str, moved: Moved, commit: Option<&Commit>) -> Result<RefMove, Unreadable> {
    let Moved { reference, from, to, kind } = moved;
    let is_deleted = kind.as_deref() == Some("DELETE");
    let to = required(&format!("{field}.toHash"), to)?;
    let name = ref_name(&format!("{field}.ref.id"), reference.and_then(|reference| reference.id))?;
    let commit = commit.filter(|commit| commit.id.as_ref() == Some(&to));
    let message = commit.and_then(|commit| commit.message.as_deref());
    Ok(RefMove {
        name,
        before: object(&format!("{field}.fromHash"), from.as_deref())?,
        after: object(&format!("{field}.toHash"), Some(&to))?.filter(|_| !is_deleted),
        summary: summary(message),
        skips_checks: skips_checks(message),
    })
}

fn pull(body: &[u8], action: PullAction) -> Result<(Origin, Change), Unreadable> {
    let PullEvent { pull, actor } = parse(body)?;
    let pull = required("pullRequest", pull)?;
    let from = required("pullRequest.fromRef", pull.from)?;
    let to = required("pullRequest.toRef", pull.to)?;
    let fork = is_fork(&from, &to);
    let into = ref_name("pullRequest.toRef.id", to.id)?;
    let into = into.strip_prefix("refs/heads/").map(ToOwned::to_owned);
    let change = Change::Pull(PullMove {
        number: required("pullRequest.id", pull.id)?,
        action,
        head: head("pullRequest.fromRef.latestCommit", from.commit.as_deref())?,
        into: branch("pullRequest.toRef.id", into)?,
        draft: pull.draft.unwrap_or_default(),
        fork,
        title: text(pull.title.as_deref().unwrap_or_default()),
    });
    // The event itself names no repository.
    Ok((known("pullRequest.toRef.repository", to.repository, actor)?, change))
}

/// Returns whether the head is elsewhere, or nobody knows where.
fn is_fork(from: &Side, to: &Side) -> bool {
    let id = |side: &Side| side.repository.as_ref().and_then(|repository| repository.id);
    id(to).is_none() || id(from) != id(to)
}

fn any(body: &[u8]) -> Origin {
    let event: Result<AnyEvent, _> = parse(body);
    let Ok(event) = event else { return Origin::default() };
    origin("repository", event.repository, event.actor).unwrap_or_default()
}

/// Returns the origin of an event that has a repository, in `field`.
fn known(
    field: &str,
    repository: Option<Repository>,
    actor: Option<User>,
) -> Result<Origin, Unreadable> {
    let repository = required(field, repository)?;
    required(&format!("{field}.id"), repository.id)?;
    origin(field, Some(repository), actor)
}

fn origin(
    field: &str,
    repository: Option<Repository>,
    actor: Option<User>,
) -> Result<Origin, Unreadable> {
    let id = repository.as_ref().and_then(|repository| repository.id);
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    let name = repository.and_then(|Repository { slug, project, .. }| {
        let key = project.and_then(|project| project.key)?;
        Some(format!("{key}/{}", slug?))
    });
    let sender = actor.and_then(|user| user.name);
    Origin::new(&format!("{field}.id"), id, name.as_deref(), sender.as_deref())
}
