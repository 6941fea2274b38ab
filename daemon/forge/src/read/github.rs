//! GitHub and GitHub Enterprise Server.

use super::{
    fields::{delivery, event, ignored},
    payload,
};
use crate::{
    error::Unreadable,
    form,
    headers::{GITHUB_DELIVERY, GITHUB_EVENT},
};
use http::HeaderMap;
use windlass_model::delivery::{Change, PullAction, Report};

pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Report, Unreadable> {
    let event = event(headers, &[GITHUB_EVENT])?;
    let forge_id = delivery(headers, &[GITHUB_DELIVERY])?;
    let body = form::json(headers, body)?;
    let (origin, change) = match &*event {
        "push" => payload::push(&body)?,
        "pull_request" => payload::pull(&body, action)?,
        "ping" => (payload::any(&body), Change::Ping),
        "create" | "delete" => {
            let reason = format!("`{event}` deploys nothing: `push` reports the same change.");
            (payload::any(&body), Change::Ignored(reason))
        }
        _ => (payload::any(&body), ignored(&event, "`push` and `pull_request`")),
    };
    Ok(origin.report(event, forge_id, change))
}

/// Returns the meaning of an action. `edited` brings no new commit. `ready_for_review` brings none either, and a draft that
/// was left out is to be deployed.
fn action(word: &str) -> Option<PullAction> {
    match word {
        "opened" => Some(PullAction::Opened),
        "reopened" => Some(PullAction::Reopened),
        "synchronize" | "ready_for_review" => Some(PullAction::Updated),
        "closed" => Some(PullAction::Closed),
        _ => None,
    }
}
