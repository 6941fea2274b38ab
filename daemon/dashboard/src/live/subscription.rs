//! Subscriptions of a page: a task each, which ends with its topic, with its page, or when the page reads too slowly.

use super::{
    message::{self, Topic},
    queue::Queue,
};
use crate::{board::Change, event::for_page, problem::Problem, state::Shared};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{broadcast::error::RecvError, mpsc},
    time::{Instant, timeout_at},
};
use windlass_engine::ports::store::Recorded;
use windlass_service::{Caller, ServiceError, Verb};

/// Time in which events are gathered to one message.
const EACH: Duration = Duration::from_millis(50);

/// Events and bytes of one message, at most.
const BATCH: (usize, usize) = (256, 64 << 10);

/// Sends what a topic brings until it ends.
pub(super) async fn follow(
    shared: Arc<Shared>,
    caller: Arc<Caller>,
    topic: Topic,
    after: u64,
    queue: Queue,
) {
    let on = topic.name();
    match topic {
        Topic::Job(id) => job(&shared, &caller, id, after, &on, &queue).await,
        Topic::Jobs => jobs(&shared, &caller, &on, &queue).await,
    }
}

/// Events of one message.
#[derive(Default)]
struct Batch {
    events: Vec<String>,
    bytes: usize,
    last: u64,
}

impl Batch {
    fn push(&mut self, recorded: Recorded) {
        self.last = recorded.seq;
        if let Ok(json) = serde_json::to_string(&for_page(recorded)) {
            self.bytes += json.len();
            self.events.push(json);
        }
    }

    fn is_full(&self) -> bool {
        self.events.len() >= BATCH.0 || self.bytes >= BATCH.1
    }
}

async fn job(
    shared: &Shared,
    caller: &Caller,
    id: String,
    mut after: u64,
    on: &str,
    queue: &Queue,
) {
    let mut events = match shared.services.watch_job(caller, id, after).await {
        Ok(events) => events,
        Err(error) => return queue.note(message::error(on, &error.into())),
    };
    loop {
        let (batch, end) = gather(&mut events).await;
        if !batch.events.is_empty() {
            let last = batch.last;
            if !queue.send(message::events(on, &batch.events)).await {
                return queue.note(message::gap(on, after));
            }
            after = last;
        }
        match end {
            None => {}
            Some(Ok(())) => return queue.note(message::ended(on)),
            Some(Err(error)) => {
                return queue.note(message::error(on, &Problem::from(error)));
            }
        }
    }
}

/// Waits for an event, and gathers those that come soon after. The second value is the end, if it came.
async fn gather(
    events: &mut mpsc::Receiver<Result<Recorded, ServiceError>>,
) -> (Batch, Option<Result<(), ServiceError>>) {
    let mut batch = Batch::default();
    let mut next = events.recv().await;
    let until = Instant::now() + EACH;
    loop {
        match next {
            None => return (batch, Some(Ok(()))),
            Some(Err(error)) => return (batch, Some(Err(error))),
            Some(Ok(recorded)) => batch.push(recorded),
        }
        if batch.is_full() {
            return (batch, None);
        }
        match timeout_at(until, events.recv()).await {
            Ok(event) => next = event,
            Err(_) => return (batch, None),
        }
    }
}

async fn jobs(shared: &Shared, caller: &Caller, on: &str, queue: &Queue) {
    let mut changes = shared.board.subscribe();
    loop {
        let changed = match changes.recv().await {
            Ok(Change::Job(changed)) => changed,
            Ok(Change::Gap) | Err(RecvError::Lagged(_)) => {
                queue.note(message::gap(on, 0));
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        if caller.may(Verb::Read, &changed.project).is_err() {
            continue;
        }
        let text = message::jobs(on, std::slice::from_ref(&changed.json));
        if !queue.send(text).await {
            // The page reads its list again, with all that came until then, and hears of what comes later.
            changes = changes.resubscribe();
            queue.note(message::gap(on, 0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{event::Event, job::Stage};

    fn line(seq: u64, length: usize) -> Result<Recorded, ServiceError> {
        let (source, line) = ("s".to_owned(), "x".repeat(length));
        Ok(Recorded { seq, at_ms: 0, event: Event::Log { stage: Stage::Build, source, line } })
    }

    #[tokio::test(start_paused = true)]
    async fn events_that_come_together_are_one_message() {
        let (send, mut events) = mpsc::channel(1000);
        for seq in 1..=300 {
            send.send(line(seq, 1)).await.unwrap();
        }
        let (batch, end) = gather(&mut events).await;
        assert_eq!((batch.events.len(), batch.last, end.is_none()), (256, 256, true));
        let began = Instant::now();
        let (batch, _) = gather(&mut events).await;
        assert_eq!((batch.events.len(), batch.last, began.elapsed()), (44, 300, EACH));
        drop(send);
        let (batch, end) = gather(&mut events).await;
        assert!(batch.events.is_empty() && matches!(end, Some(Ok(()))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_has_few_bytes_beyond_its_bound() {
        let (send, mut events) = mpsc::channel(1000);
        for seq in 1..=20 {
            send.send(line(seq, 10_000)).await.unwrap();
        }
        let (batch, _) = gather(&mut events).await;
        assert_eq!(batch.events.len(), 7);
    }
}
