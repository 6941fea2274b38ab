//! The queue as one of the daemon's doors: whose messages are in it, and its end.

use crate::{error::Fault, tasks::aborted};
use std::{future::pending, sync::Arc};
use tokio::task::JoinHandle;
use windlass_amqp::{Amqp, BrokerState, CallerOf, DeadQueue, Queue};
use windlass_engine::ports::QueuePublisher;
use windlass_intake::{QueueReader, QueueState};
use windlass_listen::Callers;
use windlass_service::{Caller, DeadMessages, Verb};

/// Returns the caller of a queue's messages: of its own projects, or as `[[principals]]` has it now.
pub(crate) fn caller(settings: &Amqp, callers: Arc<Callers>) -> CallerOf {
    let (name, projects) = (settings.principal.clone(), settings.projects.clone());
    if projects.is_empty() {
        return Arc::new(move || callers.named(&name));
    }
    let own = Caller { name, projects, verbs: vec![Verb::Deploy] };
    Arc::new(move || Some(own.clone()))
}

/// Returns the queue's publisher of results, for the outbox.
pub(crate) fn results(queue: &Queue) -> Arc<dyn QueuePublisher> {
    Arc::new(queue.publisher())
}

/// Returns the dead messages of a queue, for operators.
pub(crate) fn dead(settings: &Amqp) -> Arc<dyn DeadMessages> {
    Arc::new(DeadQueue::new(settings.clone()))
}

/// Returns what metrics show of a queue.
pub(crate) fn shown(queue: &Queue) -> QueueReader {
    let status = queue.status();
    Arc::new(move || {
        let is_open = status.state().0 == BrokerState::Connected;
        let (accepted, refused) = status.counts();
        let held_seconds = status.held_ms().unwrap_or_default() / 1000;
        QueueState { is_open, held: status.held(), held_seconds, accepted, refused }
    })
}

/// Waits until the queue's task ends, which is to run for ever, and returns the reason. Without a queue it waits for
/// ever.
pub(crate) async fn ended(task: &mut Option<JoinHandle<()>>) -> Fault {
    let Some(task) = task else { return pending().await };
    match task.await {
        Ok(()) => "the queue: it ended without an error".into(),
        Err(error) => format!("the queue: {}", aborted(error)).into(),
    }
}
