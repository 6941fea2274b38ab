//! Gitea and Forgejo. A request of theirs has GitHub's headers too, which are not looked at.

use super::{
    fields::{delivery, event, ignored, ref_name, required, text},
    origin::Origin,
    parse::parse,
    payload::{self, Repository, User},
};
use crate::{error::Unreadable, form};
use http::HeaderMap;
use serde::Deserialize;
use windlass_model::delivery::{Change, PullAction, RefMove, Report};

/// A deleted branch or tag: the push that deletes it is not reported.
#[derive(Deserialize)]
struct Deleted {
    /// Name without `refs/heads/` or `refs/tags/`.
    #[serde(rename = "ref")]
    name: Option<String>,
    ref_type: Option<String>,
    repository: Option<Repository>,
    sender: Option<User>,
}

/// Reads a request. The names of headers are those of the forge, and then those of the forge it descends from.
pub(super) fn read(
    events: &[&str],
    deliveries: &[&str],
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Report, Unreadable> {
    let event = event(headers, events)?;
    let forge_id = delivery(headers, deliveries)?;
    let body = form::json(headers, body)?;
    let (origin, change) = match &*event {
        "push" => payload::push(&body)?,
        "delete" => deleted(&body)?,
        "pull_request" => payload::pull(&body, action)?,
        "create" => {
            let reason = "`create` deploys nothing: `push` reports the same change.";
            (payload::any(&body), Change::Ignored(reason.to_owned()))
        }
        _ => (payload::any(&body), ignored(&event, "`push`, `delete` and `pull_request`")),
    };
    Ok(origin.report(event, forge_id, change))
}

fn deleted(body: &[u8]) -> Result<(Origin, Change), Unreadable> {
    let deleted: Deleted = parse(body)?;
    let short = required("ref", deleted.name)?;
    let kind = required("ref_type", deleted.ref_type)?;
    let name = match &*kind {
        "branch" => format!("refs/heads/{short}"),
        "tag" => format!("refs/tags/{short}"),
        other => {
            let problem = format!("is `{}`, and must be `branch` or `tag`", text(other));
            return Err(Unreadable::new("ref_type", problem));
        }
    };
    let name = ref_name("ref", Some(name))?;
    let origin = payload::origin(deleted.repository, deleted.sender)?;
    let (summary, skips_checks) = (String::new(), false);
    let moved = RefMove { name, before: None, after: None, summary, skips_checks };
    Ok((origin, Change::Refs(vec![moved])))
}

/// Returns the meaning of an action. The word for new commits is another than GitHub's.
fn action(word: &str) -> Option<PullAction> {
    match word {
        "opened" => Some(PullAction::Opened),
        "reopened" => Some(PullAction::Reopened),
        "synchronized" => Some(PullAction::Updated),
        "closed" => Some(PullAction::Closed),
        _ => None,
    }
}
