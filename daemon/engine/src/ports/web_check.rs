//! Port of web checks: a new version is asked for a page before it gets requests.

use async_trait::async_trait;
use windlass_model::{error::ClusterError, job::Release};

/// Asks a new version for a page before it gets requests.
#[async_trait]
pub trait WebCheck: Send + Sync {
    /// Returns the answer of `<app>-preview` of an aside release to a GET of `path`. Redirects are not followed. A
    /// server that refuses the connection, or has no endpoint, is an answer of 502 or 503 with the reason as its body;
    /// an error means that the cluster itself did not answer.
    async fn ask(&self, release: &Release, path: &str) -> Result<WebAnswer, ClusterError>;
}

/// Answer to a web check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAnswer {
    /// HTTP status.
    pub status: u16,
    /// First bytes of the body as text, at most 1 KiB.
    pub body: String,
}
