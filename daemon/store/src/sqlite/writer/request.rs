//! Requests to the writer.

use tokio::sync::oneshot;
use windlass_engine::ports::store::{Answer, Claim, StoreError};
use windlass_model::event::Event;

/// Request to the writer.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every request is an event: none pays for a box"
)]
pub(in crate::sqlite) enum Request {
    Append(Write),
    /// Brings all that is stored to the disk, and ends the writer.
    Close(oneshot::Sender<()>),
}

/// Event to store, with the channel to whoever waits for it.
pub(in crate::sqlite) struct Write {
    pub(in crate::sqlite) claim: Claim,
    pub(in crate::sqlite) event: Event,
    pub(in crate::sqlite) done: Done,
}

/// Receiver of an answer.
pub(in crate::sqlite) enum Done {
    /// To a run that waits for it.
    Waits(oneshot::Sender<Result<(), StoreError>>),
    /// To a run that goes on meanwhile: the event is a log line.
    Ahead(Answer),
}
