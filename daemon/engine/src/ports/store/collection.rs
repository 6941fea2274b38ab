//! Releases that are kept no more, and their images.

use super::StoreError;
use async_trait::async_trait;
use windlass_model::{app::App, job::Release};

/// Number of collected releases of an app that a store remembers.
pub const COLLECTED_REMEMBERED: u32 = 200;

/// Mark of a release that is kept no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collected {
    /// Id of the release.
    pub id: String,
    /// Id of the commit that its image was built from.
    pub commit: String,
    /// Name of its image, with registry and tag.
    pub reference: String,
    /// Digest of its image.
    pub digest: String,
    /// Time at which it was collected, in milliseconds since 1970.
    pub at_ms: u64,
    /// Attempts so far to delete its image. `None` means that nobody tries, or tries again.
    pub tries: Option<u32>,
}

impl Collected {
    /// Returns the mark of a release that is collected at this time.
    #[must_use]
    pub fn of(release: &Release, at_ms: u64) -> Self {
        Self {
            id: release.id.clone(),
            commit: release.commit.clone(),
            reference: release.image.reference.clone(),
            digest: release.image.digest.clone(),
            at_ms,
            tries: Some(0),
        }
    }
}

/// Releases that are kept no more. Whoever does the work of the kind [`windlass_model::due::DueKind::Collect`] decides
/// which ones.
#[async_trait]
pub trait Collection: Send + Sync {
    /// Forgets releases of an app and remembers that they were there, in one transaction. Passes over those that are
    /// unknown, and the newest of each cluster unless the app was removed there since: it serves. Returns how many were
    /// forgotten.
    async fn collect(&self, app: &App, releases: &[Collected]) -> Result<u64, StoreError>;
    /// Returns the collected releases of an app whose images were neither deleted nor given up, the oldest first. An image
    /// is given up where a job of the app pushes it again, in whatever environment: its pods may run even if the job fails.
    async fn left_images(&self, app: &App) -> Result<Vec<Collected>, StoreError>;
    /// Returns whether a release of any app has an image of this digest. A release that only names it counts.
    async fn has_image(&self, digest: &str) -> Result<bool, StoreError>;
    /// Records the attempts to delete an image for all collected releases of an app that have it. `None` means that nobody
    /// tries again.
    async fn tried_image(
        &self,
        app: &App,
        digest: &str,
        tries: Option<u32>,
    ) -> Result<(), StoreError>;
}
