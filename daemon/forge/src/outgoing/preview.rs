//! Body of a webhook about a preview.

use super::app::EventApp;
use serde::Serialize;

/// Data of a webhook about a preview. Its environment is that of the app: `pr-7`.
#[derive(Clone, Debug, Serialize)]
pub struct PreviewData {
    /// Id of the job that deployed to the preview, or removed it.
    pub job: String,
    pub app: EventApp,
    /// Id of the commit that serves. Empty means that the preview was removed.
    pub commit: String,
    /// Address of the app. It has no scheme where only the gateway knows the scheme. `None` means that the app is reached
    /// within the cluster alone, or that the preview was removed.
    pub address: Option<String>,
    /// `None` means that a caller chose the preview's name.
    pub pull_request: Option<EventPull>,
    /// Page of the job. `None` means that the operator configured no public address.
    pub url: Option<String>,
    /// Number of the job's event. Messages about one preview are of several jobs: receivers sort by `job`.
    pub seq: u64,
}

/// Pull request of a webhook.
#[derive(Clone, Debug, Serialize)]
pub struct EventPull {
    /// Name of the repository in the project's file.
    pub repository: String,
    pub number: u64,
    /// Page at the forge. `None` means that the forge has none that is known.
    pub url: Option<String>,
}
