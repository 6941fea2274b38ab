//! GitLab.

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
    headers::{GITLAB_EVENT, GITLAB_EVENT_UUID, IDEMPOTENCY_KEY, WEBHOOK_ID},
};
use http::HeaderMap;
use serde::Deserialize;
use windlass_model::delivery::{Change, PullAction, PullMove, RefMove, Report};

/// Ids of a delivery. The first is signed where there is a signature, and equals the second.
const DELIVERIES: [&str; 3] = [WEBHOOK_ID, IDEMPOTENCY_KEY, GITLAB_EVENT_UUID];

#[derive(Deserialize)]
struct Project {
    id: Option<u64>,
    path_with_namespace: Option<String>,
}

#[derive(Deserialize)]
struct Commit {
    id: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    name: Option<String>,
    before: Option<String>,
    after: Option<String>,
    /// The commit, where `after` may be the object of a tag.
    checkout_sha: Option<String>,
    user_username: Option<String>,
    project: Option<Project>,
    commits: Option<Vec<Commit>>,
}

#[derive(Deserialize)]
struct Merge {
    object_attributes: Option<Attributes>,
    project: Option<Project>,
    user: Option<User>,
}

#[derive(Deserialize)]
struct User {
    username: Option<String>,
}

#[derive(Deserialize)]
struct Attributes {
    iid: Option<u64>,
    /// `None` means that the forge tries the hook out.
    action: Option<String>,
    /// Head before. `None` means that there is no new commit.
    oldrev: Option<String>,
    title: Option<String>,
    draft: Option<bool>,
    work_in_progress: Option<bool>,
    target_branch: Option<String>,
    source_project_id: Option<u64>,
    target_project_id: Option<u64>,
    source: Option<Project>,
    target: Option<Project>,
    last_commit: Option<Commit>,
}

/// Kind of an event of an instance's hook. Pushes have the second field alone.
#[derive(Deserialize)]
struct Kind {
    object_kind: Option<String>,
    event_name: Option<String>,
}

#[derive(Deserialize)]
struct AnyEvent {
    project: Option<Project>,
    user: Option<User>,
    user_username: Option<String>,
}

pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Report, Unreadable> {
    let event = event(headers, &[GITLAB_EVENT])?;
    let forge_id = delivery(headers, &DELIVERIES)?;
    let kind = match &*event {
        "Push Hook" => "push".to_owned(),
        "Tag Push Hook" => "tag_push".to_owned(),
        "Merge Request Hook" => "merge_request".to_owned(),
        // One header for all events of an instance.
        "System Hook" => system_kind(body)?,
        _ => String::new(),
    };
    let (origin, change) = match &*kind {
        "push" | "tag_push" => push(body)?,
        "merge_request" => merge(body)?,
        kind => {
            let name = if kind.is_empty() { event.clone() } else { format!("{event}, {kind}") };
            let wanted = "push events, tag push events and merge request events";
            (any(body), ignored(&name, wanted))
        }
    };
    Ok(origin.report(event, forge_id, change))
}

fn system_kind(body: &[u8]) -> Result<String, Unreadable> {
    let Kind { object_kind, event_name } = parse(body)?;
    let kind = required("object_kind", object_kind.or(event_name))?;
    Ok(text(&kind))
}

fn push(body: &[u8]) -> Result<(Origin, Change), Unreadable> {
    let push: Push = parse(body)?;
    let after = required("after", push.after)?;
    let after = object("after", Some(&after))?;
    let commit = object("checkout_sha", push.checkout_sha.as_deref())?;
    let newest = push.commits.unwrap_or_default();
    let newest =
        newest.into_iter().find(|one| one.id.is_some() && (one.id == commit || one.id == after));
    let message = newest.and_then(|one| one.message);
    let moved = RefMove {
        name: ref_name("ref", push.name)?,
        before: object("before", push.before.as_deref())?,
        after: after.map(|object| commit.unwrap_or(object)),
        summary: summary(message.as_deref()),
        skips_checks: skips_checks(message.as_deref()),
    };
    let origin = origin(push.project, push.user_username)?;
    Ok((origin, Change::Refs(vec![moved])))
}

fn merge(body: &[u8]) -> Result<(Origin, Change), Unreadable> {
    let Merge { object_attributes, project, user } = parse(body)?;
    let origin = origin(project, user.and_then(|user| user.username))?;
    let merge = required("object_attributes", object_attributes)?;
    let change = match action(&merge) {
        Err(reason) => Change::Ignored(reason),
        Ok(action) => Change::Pull(pull(merge, action)?),
    };
    Ok((origin, change))
}

/// Returns what happened, or why it deploys nothing.
fn action(merge: &Attributes) -> Result<PullAction, String> {
    if merge.last_commit.is_none() {
        return Err("A merge request without a commit deploys nothing.".to_owned());
    }
    match merge.action.as_deref() {
        Some("open") => Ok(PullAction::Opened),
        Some("reopen") => Ok(PullAction::Reopened),
        Some("update") if merge.oldrev.is_some() => Ok(PullAction::Updated),
        Some("update") => {
            Err("`update` of a merge request without `oldrev` brings no new commit.".to_owned())
        }
        Some("merge" | "close") => Ok(PullAction::Closed),
        Some(other) => Err(format!("`{}` of a merge request brings no new commit.", text(other))),
        None => Err("A merge request without an action brings no new commit.".to_owned()),
    }
}

fn pull(merge: Attributes, action: PullAction) -> Result<PullMove, Unreadable> {
    let fork = is_fork(&merge);
    let commit = merge.last_commit.and_then(|commit| commit.id);
    Ok(PullMove {
        number: required("object_attributes.iid", merge.iid)?,
        action,
        head: head("object_attributes.last_commit.id", commit.as_deref())?,
        into: branch("object_attributes.target_branch", merge.target_branch)?,
        draft: merge.draft.or(merge.work_in_progress).unwrap_or_default(),
        fork,
        title: text(merge.title.as_deref().unwrap_or_default()),
    })
}

/// Returns whether the head is elsewhere, or nobody knows where. The ids decide where both are there; names may change.
fn is_fork(merge: &Attributes) -> bool {
    if let (Some(source), Some(target)) = (merge.source_project_id, merge.target_project_id) {
        return source != target;
    }
    let name = |project: &Option<Project>| {
        project.as_ref().and_then(|project| project.path_with_namespace.clone())
    };
    name(&merge.target).is_none() || name(&merge.source) != name(&merge.target)
}

fn any(body: &[u8]) -> Origin {
    let event: Result<AnyEvent, _> = parse(body);
    let Ok(AnyEvent { project, user, user_username }) = event else { return Origin::default() };
    let sender = user_username.or(user.and_then(|user| user.username));
    origin_of_any(project, sender).unwrap_or_default()
}

fn origin(project: Option<Project>, sender: Option<String>) -> Result<Origin, Unreadable> {
    let project = required("project", project)?;
    required("project.id", project.id)?;
    origin_of_any(Some(project), sender)
}

fn origin_of_any(project: Option<Project>, sender: Option<String>) -> Result<Origin, Unreadable> {
    let id = project.as_ref().and_then(|project| project.id);
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    let name = project.as_ref().and_then(|project| project.path_with_namespace.as_deref());
    Origin::new("project.id", id, name, sender.as_deref())
}
