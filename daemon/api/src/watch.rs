//! A job's events, from the store: a slow reader never slows a job.

use crate::{errors, outgoing};
use std::{sync::Arc, time::Duration};
use tokio::sync::{
    broadcast::{self, error::RecvError},
    mpsc,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use windlass_engine::records::{JobUpdates, Jobs};
use windlass_model::event::Event;
use windlass_proto::v1;

/// Events that are read at once.
const PAGE: u32 = 256;

/// Looks again after so long even without news, should some have been lost.
const LOOK: Duration = Duration::from_secs(10);

pub(crate) type Events = ReceiverStream<Result<v1::Event, Status>>;

pub(crate) fn watch(
    jobs: Arc<dyn Jobs>,
    updates: &dyn JobUpdates,
    id: String,
    after: u64,
) -> Events {
    // Before the first read, so that nothing falls between.
    let mut updates = updates.updates();
    let (send, receive) = mpsc::channel(64);
    tokio::spawn(async move {
        let mut after = after;
        loop {
            let events = match jobs.events(&id, after, PAGE).await {
                Ok(events) => events,
                Err(error) => {
                    let _ = send.send(Err(errors::store(error))).await;
                    return;
                }
            };
            let none = events.is_empty();
            for recorded in events {
                after = recorded.seq;
                let last = matches!(recorded.event, Event::Ended(_));
                if send.send(Ok(outgoing::event(recorded))).await.is_err() || last {
                    return;
                }
            }
            if none && ended(&*jobs, &id, after).await {
                return;
            }
            if none && !something_new(&mut updates, &id, &send).await {
                return;
            }
        }
    });
    ReceiverStream::new(receive)
}

/// Waits for news of the job, or for long enough; false when nobody listens any more.
async fn something_new<T>(
    updates: &mut broadcast::Receiver<String>,
    id: &str,
    send: &mpsc::Sender<T>,
) -> bool {
    let told = async {
        loop {
            match updates.recv().await {
                Ok(job) if job != id => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return true,
                Err(RecvError::Closed) => return false,
            }
        }
    };
    tokio::select! {
        told = told => told,
        () = tokio::time::sleep(LOOK) => true,
        () = send.closed() => false,
    }
}

/// The job has ended, and its end was before `after`.
async fn ended(jobs: &dyn Jobs, id: &str, after: u64) -> bool {
    match jobs.job(id).await {
        Ok(Some(record)) => record.outcome.is_some() && record.last_seq <= after,
        Ok(None) => true,
        Err(_) => false,
    }
}
