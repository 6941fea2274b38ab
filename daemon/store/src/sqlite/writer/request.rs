//! Requests to the writer.

use tokio::sync::oneshot;
use windlass_engine::ports::store::{Answer, Arrival, Claim, StoreError};
use windlass_model::{delivery::Delivery, event::Event};

/// Request to the writer.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every request is an event: none pays for a box"
)]
pub(in crate::sqlite) enum Request {
    Append(Write),
    Receive(Receipt),
    /// Brings all that is stored to the disk, and ends the writer.
    Close(oneshot::Sender<()>),
}

/// Event to store, with the channel to whoever waits for it.
pub(in crate::sqlite) struct Write {
    pub(in crate::sqlite) claim: Claim,
    pub(in crate::sqlite) event: Event,
    pub(in crate::sqlite) done: Done,
}

/// Verified webhook to store, with the channel to the door that answers the forge.
pub(in crate::sqlite) struct Receipt {
    pub(in crate::sqlite) fact: Fact,
    /// The answer to [`Fact::Seen`] is [`Arrival::New`].
    pub(in crate::sqlite) done: oneshot::Sender<Result<Arrival, StoreError>>,
}

/// Fact of a verified webhook.
pub(in crate::sqlite) enum Fact {
    Delivered(Box<Delivery>),
    /// The hook was used.
    Seen {
        hook: String,
        at_ms: u64,
        /// Id of the repository at the forge. Empty means that the webhook names none.
        repository_id: String,
    },
}

/// Receiver of an answer.
pub(in crate::sqlite) enum Done {
    /// To a run that waits for it.
    Waits(oneshot::Sender<Result<(), StoreError>>),
    /// To a run that goes on meanwhile: the event is a log line.
    Ahead(Answer),
}
