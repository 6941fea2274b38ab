//! Watch of a job's events, from the store: a slow reader never slows a job.

use crate::{caller::Caller, error::ServiceError, services::Services, verb::Verb};
use std::{sync::Arc, time::Duration};
use tokio::sync::{
    broadcast::{self, error::RecvError},
    mpsc,
};
use windlass_engine::ports::store::{Jobs, Recorded};
use windlass_model::event::Event;

/// Number of events that are read at once.
const PAGE: u32 = 256;

/// Number of events that wait for a slow reader.
const WAITING: usize = 64;

/// Time after which the store is read again even without an update, should one have been lost.
const LOOK: Duration = Duration::from_secs(10);

/// Channel of events to a door. An error is the last item.
type Sender = mpsc::Sender<Result<Recorded, ServiceError>>;

impl Services {
    /// Returns a job's events after number `after`, those of the past and those to come. The channel closes
    /// after the job's end; if the store fails, its last item is the error. Dropping the receiver ends the
    /// watch.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that no job has.
    pub async fn watch_job(
        &self,
        caller: &Caller,
        id: String,
        after: u64,
    ) -> Result<mpsc::Receiver<Result<Recorded, ServiceError>>, ServiceError> {
        let record = self.find_job(&id).await?;
        caller.may(Verb::Read, &record.job.app.project)?;
        // Before the first read, so that nothing falls between.
        let updates = self.updates.updates();
        let (send, receive) = mpsc::channel(WAITING);
        tokio::spawn(follow(self.jobs.clone(), updates, id, after, send));
        Ok(receive)
    }
}

async fn follow(
    jobs: Arc<dyn Jobs>,
    mut updates: broadcast::Receiver<String>,
    id: String,
    mut after: u64,
    send: Sender,
) {
    loop {
        let events = match jobs.events(&id, after, PAGE).await {
            Ok(events) => events,
            Err(error) => {
                let _ = send.send(Err(error.into())).await;
                return;
            }
        };
        let none = events.is_empty();
        for recorded in events {
            after = recorded.seq;
            let last = matches!(recorded.event, Event::Ended(_));
            if send.send(Ok(recorded)).await.is_err() || last {
                return;
            }
        }
        if none && has_ended(&*jobs, &id, after).await {
            return;
        }
        if none && !something_new(&mut updates, &id, &send).await {
            return;
        }
    }
}

/// Waits for an update of the job, or for `LOOK`. Returns false when nobody listens any more.
async fn something_new(updates: &mut broadcast::Receiver<String>, id: &str, send: &Sender) -> bool {
    let of_the_job = async {
        loop {
            match updates.recv().await {
                Ok(job) if job != id => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return true,
                Err(RecvError::Closed) => return false,
            }
        }
    };
    tokio::select! {
        is_new = of_the_job => is_new,
        () = tokio::time::sleep(LOOK) => true,
        () = send.closed() => false,
    }
}

/// Returns whether the job has ended, and has no event after number `after`.
async fn has_ended(jobs: &dyn Jobs, id: &str, after: u64) -> bool {
    match jobs.job(id).await {
        Ok(Some(record)) => record.outcome.is_some() && record.last_seq <= after,
        Ok(None) => true,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, caller, submit};
    use windlass_model::{
        job::Stage,
        outcome::{Outcome, Stop},
    };

    #[tokio::test]
    async fn a_watch_gives_what_was_and_what_comes_up_to_the_end() {
        let world = World::new();
        let ci = caller("ci", &["shop"], &[Verb::Deploy, Verb::Read]);
        let id = world.services.submit(&ci, submit("one")).await.unwrap().job.id;
        let other = caller("other", &["blog"], &[Verb::Read]);
        let error = world.services.watch_job(&other, id.clone(), 0).await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
        let ended = || {
            let why = Stop::Cancelled { by: "ci".into() };
            Event::Ended(Outcome::Stopped { at: Stage::Clone, why })
        };
        world.append(&id, Event::Started(Stage::Clone)).await;
        let mut events = world.services.watch_job(&ci, id.clone(), 0).await.unwrap();
        assert_eq!(events.recv().await.unwrap().unwrap().seq, 1);
        world.append(&id, ended()).await;
        assert_eq!(events.recv().await.unwrap().unwrap().event, ended());
        assert!(events.recv().await.is_none());
        // A reader that has the end already gets nothing, and waits for nothing.
        let mut events = world.services.watch_job(&ci, id, 2).await.unwrap();
        assert!(events.recv().await.is_none());
    }
}
