//! Messages that wait to be written, in a room of fixed size.

use axum::extract::ws::Message;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Bytes that may wait for one page.
const ROOM: usize = 1 << 20;

/// Small messages that may wait for one page, beside those that need room.
const NOTES: usize = 256;

/// Time that a subscription waits for room, before it gives up on its page.
const PATIENCE: Duration = Duration::from_secs(1);

/// A message that waits, with its room. The room is free once the message is dropped.
pub(super) struct Waiting {
    pub(super) message: Message,
    _room: OwnedSemaphorePermit,
}

/// Sender to one page.
#[derive(Clone)]
pub(super) struct Queue {
    waiting: mpsc::UnboundedSender<Waiting>,
    room: Arc<Semaphore>,
    notes: Arc<Semaphore>,
    overrun: CancellationToken,
}

/// Returns a queue, and its messages in their order.
pub(super) fn queue() -> (Queue, mpsc::UnboundedReceiver<Waiting>) {
    let (waiting, messages) = mpsc::unbounded_channel();
    let (room, notes) = (Arc::new(Semaphore::new(ROOM)), Arc::new(Semaphore::new(NOTES)));
    (Queue { waiting, room, notes, overrun: CancellationToken::new() }, messages)
}

impl Queue {
    /// Adds a text. `false` means that there was no room for it: the page reads too slowly, or no more.
    pub(super) async fn send(&self, text: String) -> bool {
        // A single event may be larger than the room.
        let bytes = u32::try_from(text.len().min(ROOM)).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(bytes);
        let Ok(Ok(room)) = timeout(PATIENCE, room).await else { return false };
        let message = Message::Text(text.into());
        self.waiting.send(Waiting { message, _room: room }).is_ok()
    }

    /// Adds a small message that waits for no room. A page that lets too many of them wait is to be left: it may ask for
    /// more as fast as it likes.
    pub(super) fn control(&self, message: Message) {
        match self.notes.clone().try_acquire_owned() {
            // A page that is gone needs none.
            Ok(room) => {
                let _ = self.waiting.send(Waiting { message, _room: room });
            }
            Err(_) => self.overrun.cancel(),
        }
    }

    /// Waits until too many small messages wait.
    pub(super) async fn overrun(&self) {
        self.overrun.cancelled().await;
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
    async fn a_page_that_asks_and_never_reads_is_left() {
        let (queue, mut messages) = queue();
        for _ in 0..NOTES {
            queue.note("{}".into());
        }
        timeout(PATIENCE, queue.overrun()).await.unwrap_err();
        drop(messages.recv().await.unwrap());
        queue.note("{}".into());
        timeout(PATIENCE, queue.overrun()).await.unwrap_err();
        queue.note("{}".into());
        timeout(PATIENCE, queue.overrun()).await.unwrap();
        assert_eq!(messages.len(), NOTES);
    }

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
