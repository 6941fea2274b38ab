//! Messages to others, stored with what causes them and sent later.

use super::StoreError;
use async_trait::async_trait;
use windlass_model::outbox::{Message, MessageState, Receiver};

/// Milliseconds of the longest wait for a next attempt: 36 hours. The sender waits for a day at most, a little more by
/// chance. A longer wait was set by another clock.
pub const LONGEST_WAIT_MS: u64 = 36 * 3_600_000;

/// Milliseconds for which a message is taken or put off, at most: an hour. A longer time was set by another clock.
pub const LONGEST_TAKEN_MS: u64 = 3_600_000;

/// Choice of messages.
#[derive(Clone, Debug, Default)]
pub struct OutboxFilter {
    /// Project of the messages.
    pub project: String,
    /// States. Empty means any.
    pub states: Vec<MessageState>,
    /// Job that the messages are about. `None` means any.
    pub job: Option<String>,
    /// Name of an endpoint, or of a repository, that receives the messages. `None` means any.
    pub receiver: Option<String>,
    /// Id of a message; only older ones are chosen. `None` means that the choice begins with the newest.
    pub before: Option<String>,
    /// Number of messages that are returned at most.
    pub limit: u32,
}

/// Messages of all projects in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageCount {
    pub state: MessageState,
    pub count: u64,
    /// Time at which the oldest of them was stored, in milliseconds since 1970.
    pub oldest_ms: u64,
}

/// Answer of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub state: MessageState,
    /// Time of the next attempt, in milliseconds since 1970. Read where the state is `Waiting`.
    pub next_ms: u64,
    /// Status of the HTTP answer. `None` means that there was none.
    pub code: Option<u16>,
    /// Error, masked. Empty means that there was none.
    pub error: String,
}

/// A message that is caused by no event of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub project: String,
    pub receiver: Receiver,
    /// Message that showed what the notice is about. The notice has its job, moment and number.
    pub cause: Message,
    /// Time at which it is stored, in milliseconds since 1970.
    pub now_ms: u64,
}

/// Messages. The events of jobs add them: see [`windlass_model::outbox::moment_of`]. Each receiver hears once of each
/// moment and [`windlass_model::outbox::mark_of`], if [`windlass_model::outbox::Receiver::hears`] says that it hears of
/// the moment at all. [`super::Submission::receivers`] says who hears of a job; its acceptance adds the first messages.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Adds a message, unless the project has one with this very receiver, in whichever state. Returns whether it was
    /// added.
    async fn add_notice(&self, notice: &Notice) -> Result<bool, StoreError>;
    /// Takes messages that are to be sent at `now_ms`, the earliest first, at most `limit`. Taken ones are not taken
    /// again before `until_ms`. Of each partition only the oldest waiting one is taken, and none while another of it is
    /// taken.
    async fn take_messages(
        &self,
        now_ms: u64,
        until_ms: u64,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError>;
    /// Gives a taken message back that was not tried. It is not taken again before `until_ms`. Changes nothing where
    /// the message no longer waits.
    async fn put_off(&self, id: &str, until_ms: u64) -> Result<(), StoreError>;
    /// Records an attempt at a taken message. Changes nothing where the message is no longer waiting. One that would
    /// wait on is void where a newer one of its partition has come meanwhile.
    async fn attempted(&self, id: &str, attempt: &Attempt) -> Result<(), StoreError>;
    /// Makes those waiting messages ready whose time was set by a clock that was put back since, and returns their number:
    /// those that were stored after `now_ms` and never tried, those that were never tried, or not since they were replayed,
    /// and wait for more than [`LONGEST_TAKEN_MS`], and those that wait for more than [`LONGEST_WAIT_MS`] or are
    /// taken for more than [`LONGEST_TAKEN_MS`] from now. A message that is taken for a shorter time stays so.
    async fn hasten_messages(&self, now_ms: u64) -> Result<u64, StoreError>;
    /// Returns when a message can be taken next, in milliseconds since 1970. `None` means that none waits.
    async fn next_message(&self) -> Result<Option<u64>, StoreError>;
    /// Returns a message. `None` means that there is none.
    async fn message(&self, id: &str) -> Result<Option<Message>, StoreError>;
    /// Returns messages, newest first. One that cannot be read is left out, and logged.
    async fn messages(&self, filter: &OutboxFilter) -> Result<Vec<Message>, StoreError>;
    /// Counts the messages of all projects, by state. A state without messages may be left out.
    async fn message_counts(&self) -> Result<Vec<MessageCount>, StoreError>;
    /// Makes a dead or sent message wait again, from `now_ms` and without attempts. Its id stays. `false` means that
    /// there is no such message, or that a newer one of its partition took its place: an older state is never sent
    /// after a newer one.
    async fn replay_message(&self, id: &str, now_ms: u64) -> Result<bool, StoreError>;
    /// Makes a waiting or dead message void. `false` means that there is none. The next one of its partition waits for
    /// the end of an attempt that somebody may be making.
    async fn drop_message(&self, id: &str) -> Result<bool, StoreError>;
    /// Deletes messages that were stored before `at_ms` and do not wait.
    async fn forget_messages(&self, at_ms: u64) -> Result<(), StoreError>;
    /// Subscribes to new messages, and to those that are replayed. A receiver that falls behind must ask the store
    /// itself.
    fn new_messages(&self) -> tokio::sync::broadcast::Receiver<()>;
}
