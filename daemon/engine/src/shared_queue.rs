//! The queue as its dispatcher changes it, and as others look at it meanwhile.

use crate::queue::{Action, Limits, Message, Queue, Usage, Wait};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The queue of a daemon. Clones are the same queue.
#[derive(Clone, Debug)]
pub struct SharedQueue(Arc<Mutex<Queue>>);

impl SharedQueue {
    /// Makes an empty queue.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Mutex::new(Queue::new(limits))))
    }

    /// Makes an empty queue in which projects share these clusters, and no others.
    #[must_use]
    pub fn sharing(limits: Limits, clusters: BTreeSet<String>) -> Self {
        Self(Arc::new(Mutex::new(Queue::new(limits).sharing(clusters))))
    }

    /// Takes a message, and returns the actions that follow from it, in order.
    pub fn take(&self, message: Message) -> Vec<Action> {
        self.queue().take(message)
    }

    /// Lets no further job begin. Those that run still get slots.
    pub fn drain(&self) {
        self.queue().drain();
    }

    /// Returns the running jobs that do nothing but wait.
    #[must_use]
    pub fn idle(&self) -> Vec<String> {
        self.queue().idle()
    }

    /// Returns why jobs wait. A job that does not wait, or is unknown, is left out.
    #[must_use]
    pub fn waits(&self, ids: &[&str]) -> BTreeMap<String, Wait> {
        self.queue().waits(ids)
    }

    /// Returns the use of all slots. Those of releases are listed for these clusters.
    #[must_use]
    pub fn usage(&self, clusters: &[String]) -> Usage {
        self.queue().usage(clusters)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
