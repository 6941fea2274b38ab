//! Preview environments, each with its state.

use super::StoreError;
use async_trait::async_trait;
use windlass_model::{
    app::App,
    preview::{PreviewRecord, PreviewState},
};

/// Number of previews that [`Previews::previews`] returns at most.
pub const PREVIEWS_LISTED: u32 = 10_000;

/// A push to a preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewPush {
    /// The preview as the push leaves it. It is open.
    pub record: PreviewRecord,
    /// The push opens a preview that was closed.
    pub reopens: bool,
    /// Open previews that the project may have.
    pub limit: u32,
}

/// Answer to a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The preview is open.
    Open,
    /// The preview was closed, and the push does not open it again. Nothing was changed.
    Closed,
    /// The project has as many open previews as it may: this number. Nothing was changed.
    Full(u32),
}

/// Preview environments. A push schedules the end of its preview, as work of the kind
/// [`windlass_model::due::DueKind::PreviewEnds`].
#[async_trait]
pub trait Previews: Send + Sync {
    /// Records a push, in the place of what is recorded of its app.
    async fn push_preview(&self, push: &PreviewPush) -> Result<Pushed, StoreError>;
    /// Returns the preview of an app and environment. `None` means that there was none.
    async fn preview(&self, app: &App) -> Result<Option<PreviewRecord>, StoreError>;
    /// Returns the previews of a project, those that were pushed last first, at most [`PREVIEWS_LISTED`]. `None` means
    /// all projects, and those that are open first: of the others there is one for each pull request of a year. One
    /// that cannot be read is left out, and logged.
    async fn previews(&self, project: Option<&str>) -> Result<Vec<PreviewRecord>, StoreError>;
    /// Ends a preview. The empty `removal` changes no job. [`PreviewState::Closed`] stays until a push opens the preview
    /// again. Where nothing is recorded, `record` is.
    async fn end_preview(
        &self,
        record: &PreviewRecord,
        state: PreviewState,
        removal: &str,
    ) -> Result<(), StoreError>;
    /// Deletes what is recorded of previews that ended, and to which nobody pushed since `at_ms`.
    async fn forget_previews(&self, at_ms: u64) -> Result<(), StoreError>;
}
