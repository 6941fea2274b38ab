//! Namespaces that are being deleted. Changes of objects that are there are still taken, and go with them.

use crate::client::Client;
use serde_json::json;
use windlass_model::error::{ClusterError, NotYet};

/// State of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    There,
    /// It has a `deletionTimestamp`.
    Leaving,
    Missing,
    /// The account may not look at namespaces.
    Unknown,
}

/// Checks that a namespace is not being deleted. One that is not there is as good: whatever makes something in it finds
/// out.
///
/// # Errors
/// [`NotYet::Terminating`], and errors of the cluster.
pub(crate) async fn check(client: &Client, name: &str) -> Result<(), ClusterError> {
    match state(client, name).await? {
        State::Leaving => Err(terminating(format!(
            "namespace {name} is being deleted: what is applied there would be deleted with it"
        ))),
        State::There | State::Missing | State::Unknown => Ok(()),
    }
}

/// Returns why workloads that were there are not shown any more, where their namespace is the reason. `None` means that
/// it is not, or that nothing can be learnt of it.
pub(crate) async fn why_gone(client: &Client, name: &str) -> Option<ClusterError> {
    match state(client, name).await.ok()? {
        State::Leaving => Some(terminating(format!(
            "namespace {name} is being deleted, and what was applied there with it"
        ))),
        State::Missing => Some(terminating(format!(
            "namespace {name} was deleted while its pods came up, and what was applied there with it"
        ))),
        State::There | State::Unknown => None,
    }
}

async fn state(client: &Client, name: &str) -> Result<State, ClusterError> {
    let namespace =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    match client.find(&namespace).await {
        Ok(Some(live)) if live.metadata.deletion_timestamp.is_some() => Ok(State::Leaving),
        Ok(Some(_)) => Ok(State::There),
        Ok(None) => Ok(State::Missing),
        Err(ClusterError::Forbidden { .. }) => Ok(State::Unknown),
        Err(error) => Err(error),
    }
}

fn terminating(message: String) -> ClusterError {
    ClusterError::NotYet { why: NotYet::Terminating, message }
}
