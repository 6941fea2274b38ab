//! Port of results: what the controller hears that put a job into a queue.

use super::store::JobRecord;
use async_trait::async_trait;
use thiserror::Error;
use windlass_model::outbox::Message;

/// A message that was not published. It is published again later.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct NotPublished(pub String);

/// Publisher of messages whose receiver is [`windlass_model::outbox::Receiver::Queue`].
#[async_trait]
pub trait QueuePublisher: Send + Sync {
    /// Publishes a message about a job, and returns once the broker has confirmed it. A message of which the queue's
    /// controllers hear nothing is confirmed at once. It may be repeated: the receiver knows a repeat by the message's
    /// id. Dropping the future leaves open whether the message was published.
    async fn publish(&self, message: &Message, record: &JobRecord) -> Result<(), NotPublished>;
}
