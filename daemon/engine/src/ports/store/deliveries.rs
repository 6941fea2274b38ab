//! Deliveries of forges, and the commits that triggers deployed last.

use super::StoreError;
use async_trait::async_trait;
use windlass_model::delivery::{Delivery, Verdict};

/// Number of deliveries of a hook that are kept. A flood pushes out the oldest.
pub const DELIVERIES_KEPT: u64 = 10_000;

/// Number of refs that [`Deliveries::accepted_by`] returns at most.
pub const ACCEPTED_LISTED: u32 = 10_000;

/// Choice of deliveries.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Project of the deliveries.
    pub project: String,
    /// Name of the repository. `None` means all.
    pub repository: Option<String>,
    /// Id of a delivery; only older ones are chosen. `None` means that the choice begins with the newest.
    pub before: Option<String>,
    /// Number of deliveries that are returned at most.
    pub limit: u32,
}

/// Answer to a delivery that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    New,
    /// The forge sent the delivery before: this is the first, with its verdicts.
    Known(Box<Delivery>),
}

/// The commit that a trigger deployed last from one ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub project: String,
    pub trigger: String,
    /// Full name of the ref.
    pub name: String,
    pub commit: String,
    /// Job that was made.
    pub job: String,
    pub at_ms: u64,
}

/// Deliveries, each with what came of it.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// Stores a delivery, once per hook and id of the forge. Each without an id is new. Keeps the newest
    /// [`DELIVERIES_KEPT`] of a hook. Polls, which have no hook, are counted by repository.
    async fn add_delivery(&self, delivery: &Delivery) -> Result<Arrival, StoreError>;
    /// Returns a delivery. `None` means that there is none.
    async fn delivery(&self, id: &str) -> Result<Option<Delivery>, StoreError>;
    /// Returns deliveries, newest first. One that cannot be read is left out, and logged.
    async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError>;
    /// Returns deliveries without a verdict: the oldest of each project, then the second of each, and so on, so that
    /// a flood of one project keeps out no other. The first is the oldest of all.
    async fn undecided(&self, limit: u32) -> Result<Vec<Delivery>, StoreError>;
    /// Records what came of a delivery, in the place of what was recorded before. No verdicts make it undecided
    /// again. Changes nothing where there is no such delivery.
    async fn decide(&self, id: &str, verdicts: &[Verdict]) -> Result<(), StoreError>;
    /// Returns what a trigger deployed last from a ref. `None` means that it deployed nothing from there.
    async fn last_accepted(
        &self,
        project: &str,
        trigger: &str,
        name: &str,
    ) -> Result<Option<Accepted>, StoreError>;
    /// Returns what a trigger deployed last from each ref, the newest first, at most [`ACCEPTED_LISTED`].
    async fn accepted_by(&self, project: &str, trigger: &str) -> Result<Vec<Accepted>, StoreError>;
    /// Records what a trigger deployed, in the place of what it deployed from that ref before.
    async fn accept(&self, accepted: &Accepted) -> Result<(), StoreError>;
    /// Forgets what a trigger deployed from a ref, since the ref was deleted.
    async fn forget_ref(&self, project: &str, trigger: &str, name: &str) -> Result<(), StoreError>;
    /// Deletes deliveries that came before `at_ms` and have a verdict.
    async fn forget_deliveries(&self, at_ms: u64) -> Result<(), StoreError>;
}
