//! Messages to forges and to endpoints, and questions to forges, as HTTP: which request says it, and what an answer to it
//! means.
//!
//! An [`Exchange`] is a conversation of one request or of several. Whoever sends asks it for the first request, shows
//! it each answer, and gets the next request or the end.

mod app;
mod bitbucket;
mod bitbucket_server;
mod call;
mod endpoint;
mod gitea;
mod github;
mod github_app;
mod gitlab;
mod login;
mod place;
mod preview;
mod pulls;
mod report;
mod text;

pub use app::EventApp;
pub use call::{Answer, Call, Exchange, Meaning, Next, Unsendable};
pub use endpoint::{
    Data, EndpointData, Event, EventApproval, EventData, EventRelease, Notice, endpoint,
};
pub use github_app::{AppToken, Permission, read_token, token_call};
pub use login::Login;
pub use place::Place;
pub use preview::{EventPull, PreviewData};
pub use pulls::{PullAnswer, PullQuestion};
pub use report::CommitState;
pub use text::{cut, one_line};

use windlass_model::forge::ForgeKind;

/// Returns the conversation that sets the status of a commit.
///
/// # Errors
/// [`Unsendable`] if no request can say it.
pub fn status(
    place: &Place,
    login: &Login,
    state: &CommitState,
) -> Result<Box<dyn Exchange>, Unsendable> {
    match place.kind() {
        ForgeKind::Github => github::status(place, login, state),
        ForgeKind::Gitlab => gitlab::status(place, login, state),
        ForgeKind::Bitbucket => bitbucket::status(place, login, state),
        ForgeKind::BitbucketServer => bitbucket_server::status(place, login, state),
        ForgeKind::Gitea | ForgeKind::Forgejo => gitea::status(place, login, state),
    }
}

/// Returns the conversation that sets the state of a deployment of a commit.
///
/// # Errors
/// [`Unsendable`] if the forge has no deployments, or no request can say it.
pub fn deployment(
    place: &Place,
    login: &Login,
    state: &CommitState,
) -> Result<Box<dyn Exchange>, Unsendable> {
    match place.kind() {
        ForgeKind::Github => github::deployment(place, login, state),
        ForgeKind::Gitlab => gitlab::deployment(place, login, state),
        other => Err(no_deployments(other)),
    }
}

/// Returns the conversation that ends the deployments of a commit whose app was removed: those of GitHub become
/// inactive, and GitLab's environment is stopped.
///
/// # Errors
/// [`Unsendable`] if the forge has no deployments, or no request can say it.
pub fn deployment_end(
    place: &Place,
    login: &Login,
    state: &CommitState,
) -> Result<Box<dyn Exchange>, Unsendable> {
    match place.kind() {
        ForgeKind::Github => github::deployment_end(place, login, state),
        ForgeKind::Gitlab => gitlab::deployment_end(place, login, state),
        other => Err(no_deployments(other)),
    }
}

fn no_deployments(kind: ForgeKind) -> Unsendable {
    Unsendable(format!(
        "{kind} has no deployments: remove `deployment` from `report` of this repository's forge"
    ))
}
