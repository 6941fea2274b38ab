//! Slots as a run asks for them: the queue grants each, and gets each back.

use crate::queue::{Message, Need};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, watch};

/// Handle by which one run gets slots from the queue.
#[derive(Debug)]
pub struct Slots {
    job: String,
    queue: mpsc::UnboundedSender<Message>,
    /// Number of the last request that was granted.
    granted: watch::Receiver<u64>,
    tickets: AtomicU64,
}

/// Slot that a run has, or waits for. Dropping it gives it back, also where the run is dropped or panics.
#[derive(Debug)]
#[must_use = "a slot that is dropped is given back"]
pub struct Slot {
    job: String,
    ticket: u64,
    queue: mpsc::UnboundedSender<Message>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let message = Message::Frees { id: self.job.clone(), ticket: self.ticket };
        let _ = self.queue.send(message);
    }
}

impl Slots {
    /// Makes the handle of one run of a job, and the sender by which the numbers of grants come.
    #[must_use]
    pub fn new(job: String, queue: mpsc::UnboundedSender<Message>) -> (Self, watch::Sender<u64>) {
        let (grants, granted) = watch::channel(0);
        (Self { job, queue, granted, tickets: AtomicU64::new(1) }, grants)
    }

    /// Waits for a slot. A run waits for one at a time. Dropping the future ends the wait.
    pub(crate) async fn take(&self, need: Need) -> Slot {
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        // Before the request is sent: from then on every way out gives the slot back.
        let slot = Slot { job: self.job.clone(), ticket, queue: self.queue.clone() };
        let _ = self.queue.send(Message::Needs { id: self.job.clone(), ticket, need });
        let mut granted = self.granted.clone();
        if granted.wait_for(|granted| *granted == ticket).await.is_err() {
            // The dispatcher has ended, and with it this run is dropped.
            std::future::pending::<()>().await;
        }
        slot
    }

    /// Takes a slot without waiting, also where none is free.
    pub(crate) fn take_at_once(&self, need: Need) -> Slot {
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        let slot = Slot { job: self.job.clone(), ticket, queue: self.queue.clone() };
        let _ = self.queue.send(Message::Takes { id: self.job.clone(), ticket, need });
        slot
    }

    /// Reports to the queue whether a newer job of the app may end the release that is under way.
    pub(crate) fn gives_way(&self, gives_way: bool) {
        let _ = self.queue.send(Message::GivesWay { id: self.job.clone(), gives_way });
    }
}
