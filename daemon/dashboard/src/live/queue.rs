//! Messages that wait to be written, in a room of fixed size.

use axum::extract::ws::Message;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};

/// Bytes that may wait for one page.
const ROOM: usize = 1 << 20;

/// Time that a subscription waits for room, before it gives up on its page.
const PATIENCE: Duration = Duration::from_secs(1);

/// A message that waits, with its room. The room is free once the message is dropped.
pub(super) struct Waiting {
    pub(super) message: Message,
    _room: Option<OwnedSemaphorePermit>,
}

/// Sender to one page.
#[derive(Clone)]
pub(super) struct Queue {
    waiting: mpsc::UnboundedSender<Waiting>,
    room: Arc<Semaphore>,
}

/// Returns a queue, and its messages in their order.
pub(super) fn queue() -> (Queue, mpsc::UnboundedReceiver<Waiting>) {
    let (waiting, messages) = mpsc::unbounded_channel();
    (Queue { waiting, room: Arc::new(Semaphore::new(ROOM)) }, messages)
}

impl Queue {
    /// Adds a text. `false` means that there was no room for it: the page reads too slowly, or no more.
    pub(super) async fn send(&self, text: String) -> bool {
        // A single event may be larger than the room.
        let bytes = u32::try_from(text.len().min(ROOM)).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(bytes);
        let Ok(Ok(room)) = timeout(PATIENCE, room).await else { return false };
        let message = Message::Text(text.into());
        self.waiting.send(Waiting { message, _room: Some(room) }).is_ok()
    }

    /// Adds a small message that waits for no room: at most one for each subscription, and one for each beat.
    pub(super) fn control(&self, message: Message) {
        // A page that is gone needs none.
        let _ = self.waiting.send(Waiting { message, _room: None });
    }

    /// Adds a small text, as [`Queue::control`] does.
    pub(super) fn note(&self, text: String) {
        self.control(Message::Text(text.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_page_that_never_reads_fills_its_room_and_no_more() {
        let (queue, mut messages) = queue();
        let text = "x".repeat(ROOM / 4);
        for number in 0..4 {
            assert!(queue.send(text.clone()).await, "{number}");
        }
        assert!(!queue.send(text.clone()).await);
        queue.note("{}".into());
        drop(messages.recv().await.unwrap());
        assert!(queue.send(text.clone()).await);
        assert!(!queue.send(text).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_larger_than_the_room_is_sent_alone() {
        let (queue, mut messages) = queue();
        assert!(queue.send("x".repeat(2 * ROOM)).await);
        assert!(!queue.send("y".into()).await);
        drop(messages.recv().await.unwrap());
        assert!(queue.send("y".into()).await);
    }
}
