//! Log lines that a store has taken and not stored yet: a build that prints much does not wait for each line.

use super::error::StoreError;
use std::sync::Arc;
use tokio::sync::watch;

/// Most lines of one claim that a store has taken and not stored. A process that is killed loses them, and the
/// stage that printed them runs again. A line has 16 KiB at most.
const MOST: u64 = 256;

/// Number of earlier lines at which a run that had to wait goes on.
const LOW: u64 = MOST / 2;

/// Lines of one claim that a store has taken and not answered.
#[derive(Debug, Default)]
pub struct Ahead {
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Lines that the store took.
    taken: u64,
    /// Lines that the store answered, in the order in which it took them.
    answered: u64,
    /// Least number of answers that somebody waits for. `None` means that nobody waits.
    awaited: Option<u64>,
    /// First refusal. It stays: a later line that is stored does not bring the lost one back.
    lost: Option<StoreError>,
}

/// Answer that a store owes for one line. Dropped, it says that the store has ended.
#[derive(Debug)]
pub struct Answer(Option<Arc<Ahead>>);

impl Answer {
    /// Tells whether the line is stored.
    pub fn give(mut self, result: Result<(), StoreError>) {
        if let Some(ahead) = self.0.take() {
            ahead.answered(result);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(ahead) = self.0.take() {
            ahead.answered(Err(StoreError::Other("the store has ended".into())));
        }
    }
}

impl Ahead {
    /// Counts a line that a store has taken for good. Nothing may be awaited between this and the store's queue: a
    /// run that is dropped there would leave an answer of a line that no store has.
    #[must_use]
    pub fn taken(self: &Arc<Self>) -> Answer {
        self.state.send_if_modified(|state| {
            state.taken += 1;
            // Nobody waits for more lines.
            false
        });
        Answer(Some(self.clone()))
    }

    fn answered(&self, result: Result<(), StoreError>) {
        self.state.send_if_modified(|state| {
            state.answered += 1;
            let is_lost = result.is_err() && state.lost.is_none();
            if let (true, Err(error)) = (is_lost, result) {
                state.lost = Some(error);
            }
            let is_awaited = state.awaited.take_if(|least| *least <= state.answered).is_some();
            is_lost || is_awaited
        });
    }

    /// Waits until there is room for one more line.
    pub(super) async fn room(&self) -> Result<(), StoreError> {
        let answers = {
            let state = self.state.borrow();
            match &state.lost {
                Some(lost) => return Err(lost.clone()),
                None if state.taken - state.answered < MOST => return Ok(()),
                None => state.taken - LOW,
            }
        };
        self.until(answers).await
    }

    /// Waits until all lines are stored that the store has taken by now. Lines that other tasks of the run go on to
    /// print are not waited for: they might never end.
    pub(super) async fn all(&self) -> Result<(), StoreError> {
        let taken = self.state.borrow().taken;
        self.until(taken).await
    }

    /// Waits until a line is refused.
    pub(super) async fn lost(&self) -> StoreError {
        let mut watch = self.state.subscribe();
        let state = watch.wait_for(|state| state.lost.is_some()).await;
        // The sender lives in `self`.
        let lost = state.ok().and_then(|state| state.lost.clone());
        lost.unwrap_or_else(|| StoreError::Other("the store has ended".into()))
    }

    /// Waits for so many answers.
    async fn until(&self, answers: u64) -> Result<(), StoreError> {
        // Before the first look: an answer in between is a change.
        let mut watch = self.state.subscribe();
        loop {
            let mut now = None;
            self.state.send_if_modified(|state| {
                if let Some(lost) = &state.lost {
                    now = Some(Err(lost.clone()));
                } else if state.answered >= answers {
                    now = Some(Ok(()));
                } else {
                    let least = state.awaited.map_or(answers, |least| least.min(answers));
                    state.awaited = Some(least);
                }
                false
            });
            if let Some(now) = now {
                return now;
            }
            // The sender lives in `self`.
            let changed = watch.changed().await;
            changed.map_err(|_| StoreError::Other("the store has ended".into()))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn lines_are_taken_until_the_bound_and_their_loss_stays() {
        let ahead = Arc::new(Ahead::default());
        let mut answers: Vec<_> = (0..MOST).map(|_| ahead.taken()).collect();
        assert!(ahead.room().now_or_never().is_none(), "as many as may be");
        assert!(ahead.all().now_or_never().is_none());
        let low = answers.len() / 2;
        for answer in answers.drain(low..) {
            answer.give(Ok(()));
        }
        assert_eq!(ahead.room().now_or_never(), Some(Ok(())));
        let full = StoreError::Full("no room".into());
        answers.remove(0).give(Err(full.clone()));
        for answer in answers {
            answer.give(Ok(()));
        }
        assert_eq!(ahead.room().await, Err(full.clone()));
        assert_eq!(ahead.all().await, Err(full));
    }

    /// Another task of the run prints on and on.
    #[tokio::test]
    async fn an_event_waits_for_the_lines_before_it_alone() {
        let ahead = Arc::new(Ahead::default());
        let (first, second) = (ahead.taken(), ahead.taken());
        let (mut one, mut both) = (Box::pin(ahead.until(1)), Box::pin(ahead.all()));
        assert!((&mut one).now_or_never().is_none() && (&mut both).now_or_never().is_none());
        let later = ahead.taken();
        first.give(Ok(()));
        assert_eq!((&mut one).now_or_never(), Some(Ok(())));
        assert!((&mut both).now_or_never().is_none());
        second.give(Ok(()));
        assert_eq!(both.await, Ok(()), "though one more is open");
        assert!(ahead.all().now_or_never().is_none());
        later.give(Ok(()));
        assert_eq!(ahead.all().await, Ok(()));
    }

    #[tokio::test]
    async fn a_store_that_ends_answers() {
        let ahead = Arc::new(Ahead::default());
        drop(ahead.taken());
        assert!(matches!(ahead.all().await, Err(StoreError::Other(_))));
    }
}
