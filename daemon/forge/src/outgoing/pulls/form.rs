//! Addresses and answers about pull requests, in the form of each forge.

use crate::outgoing::place::Place;
use serde_json::Value;
use std::collections::BTreeSet;
use url::Url;
use windlass_model::forge::ForgeKind;

/// Pull requests of one page. Forges describe each at length.
const PER_PAGE: u64 = 30;

/// State of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// It was closed, declined, superseded or merged.
    Ended,
}

/// Place of a page in a list: its number, or for Bitbucket Data Center the number of the first one on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page(u64);

impl Page {
    /// Returns the first page.
    pub(super) fn first(kind: ForgeKind) -> Self {
        Self(u64::from(kind != ForgeKind::BitbucketServer))
    }
}

/// Returns the address of one pull request.
pub(super) fn one(place: &Place, number: u64) -> Url {
    let mut url = pulls(place);
    // It is an HTTP URL, which has segments.
    if let Ok(mut path) = url.path_segments_mut() {
        path.push(&number.to_string());
    }
    url
}

/// Returns the address of a page of those that are open.
pub(super) fn list(place: &Place, page: Page) -> Url {
    let mut url = pulls(place);
    let (state, size, at) = match place.kind() {
        ForgeKind::Github => ("open", "per_page", "page"),
        ForgeKind::Gitlab => ("opened", "per_page", "page"),
        ForgeKind::Bitbucket => ("OPEN", "pagelen", "page"),
        ForgeKind::BitbucketServer => ("OPEN", "limit", "start"),
        ForgeKind::Gitea | ForgeKind::Forgejo => ("open", "limit", "page"),
    };
    url.query_pairs_mut()
        .append_pair("state", state)
        .append_pair(size, &PER_PAGE.to_string())
        .append_pair(at, &page.0.to_string());
    url
}

fn pulls(place: &Place) -> Url {
    let (owner, name) = place.owner_and_name();
    match place.kind() {
        ForgeKind::Gitlab => place.url(["projects", &place.full_name(), "merge_requests"]),
        ForgeKind::Bitbucket => place.url(["repositories", owner, name, "pullrequests"]),
        ForgeKind::BitbucketServer => {
            place.url(["projects", owner, "repos", name, "pull-requests"])
        }
        ForgeKind::Github | ForgeKind::Gitea | ForgeKind::Forgejo => {
            place.url(["repos", owner, name, "pulls"])
        }
    }
}

/// Returns the number of a pull request and its state. `None` means that it is not understood.
pub(super) fn state(kind: ForgeKind, pull: &Value) -> Option<(u64, State)> {
    let number = match kind {
        ForgeKind::Github | ForgeKind::Gitea | ForgeKind::Forgejo => "number",
        ForgeKind::Gitlab => "iid",
        ForgeKind::Bitbucket | ForgeKind::BitbucketServer => "id",
    };
    let number = pull.get(number)?.as_u64()?;
    let state = match (kind, pull.get("state")?.as_str()?) {
        (ForgeKind::Github | ForgeKind::Gitea | ForgeKind::Forgejo, "open")
        // `locked` is one that is being merged.
        | (ForgeKind::Gitlab, "opened" | "locked")
        | (ForgeKind::Bitbucket | ForgeKind::BitbucketServer, "OPEN") => State::Open,
        (ForgeKind::Github | ForgeKind::Gitea | ForgeKind::Forgejo, "closed")
        | (ForgeKind::Gitlab, "closed" | "merged")
        | (
            ForgeKind::Bitbucket | ForgeKind::BitbucketServer,
            "MERGED" | "DECLINED" | "SUPERSEDED",
        ) => State::Ended,
        _ => return None,
    };
    Some((number, state))
}

/// Returns the numbers on a page of those that are open, and the next page. `None` in the place of that means that there is
/// none, and in the place of both that the page is not understood.
pub(super) fn open(
    kind: ForgeKind,
    page: Page,
    list: &Value,
) -> Option<(BTreeSet<u64>, Option<Page>)> {
    let is_wrapped = matches!(kind, ForgeKind::Bitbucket | ForgeKind::BitbucketServer);
    let pulls = if is_wrapped { list.get("values")? } else { list }.as_array()?;
    let open: Option<BTreeSet<u64>> = pulls
        .iter()
        .map(|pull| state(kind, pull).filter(|one| one.1 == State::Open).map(|one| one.0))
        .collect();
    let is_full = pulls.len() as u64 >= PER_PAGE;
    let next = match kind {
        ForgeKind::BitbucketServer => {
            let next = list.get("nextPageStart").and_then(Value::as_u64);
            next.filter(|next| *next > page.0).map(Page)
        }
        _ => is_full.then(|| Page(page.0 + 1)),
    };
    Some((open?, next))
}
