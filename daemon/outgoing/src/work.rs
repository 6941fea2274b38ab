//! A message that is ready to be sent.

use crate::facts::Facts;
use std::time::Instant;
use url::Url;
use windlass_engine::ports::store::JobRecord;
use windlass_model::{
    outbox::Message,
    project::{EndpointSpec, ForgeSpec},
};

/// A message, and where it goes.
pub(crate) struct Work {
    pub(crate) message: Message,
    pub(crate) facts: Facts,
    pub(crate) to: To,
    /// Place among the messages that are sent at the same time.
    pub(crate) slot: Slot,
    /// Time until which sending may begin. Later the store may give the message to somebody else before it ends.
    pub(crate) begin_by: Instant,
}

/// Receiver of a message, as the project's file has it now, or the operator.
pub(crate) enum To {
    Forge {
        forge: ForgeSpec,
        /// Base of the API.
        api: String,
        /// URL of the repository.
        repository: String,
    },
    Endpoint {
        endpoint: EndpointSpec,
        url: Url,
    },
    /// The queue of the operator, which makes its own text.
    Queue {
        record: Box<JobRecord>,
    },
}

/// Host and login that a message shares with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Host and port.
    pub(crate) host: String,
    /// Login whose messages are sent one after the other. `None` means that there is none.
    pub(crate) login: Option<String>,
}
