//! Log lines that a store has taken and not stored yet: a build that prints much does not wait for each line.

use super::error::StoreError;
use std::sync::Arc;
use tokio::sync::watch;

/// Most lines of one claim that a store has taken and not stored. A process that is killed loses them, and the
/// stage that printed them runs again. A line has 16 KiB at most.
const MOST: usize = 256;

/// Number of lines at which a run that had to wait goes on.
const LOW: usize = MOST / 2;

/// Lines of one claim that a store has taken and not answered.
#[derive(Debug, Default)]
pub struct Ahead {
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct State {
    open: usize,
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
        self.state.send_modify(|state| state.open += 1);
        Answer(Some(self.clone()))
    }

    fn answered(&self, result: Result<(), StoreError>) {
        self.state.send_if_modified(|state| {
            state.open = state.open.saturating_sub(1);
            let is_lost = result.is_err() && state.lost.is_none();
            if let (true, Err(error)) = (is_lost, result) {
                state.lost = Some(error);
            }
            is_lost || state.open == 0 || state.open == LOW
        });
    }

    /// Waits until there is room for one more line.
    pub(super) async fn room(&self) -> Result<(), StoreError> {
        {
            let state = self.state.borrow();
            match &state.lost {
                Some(lost) => return Err(lost.clone()),
                None if state.open < MOST => return Ok(()),
                None => {}
            }
        }
        self.until(LOW).await
    }

    /// Waits until all lines are stored.
    pub(super) async fn all(&self) -> Result<(), StoreError> {
        self.until(0).await
    }

    async fn until(&self, most: usize) -> Result<(), StoreError> {
        let mut watch = self.state.subscribe();
        let state = watch.wait_for(|state| state.lost.is_some() || state.open <= most).await;
        // The sender lives in `self`.
        let state = state.map_err(|_| StoreError::Other("the store has ended".into()))?;
        state.lost.clone().map_or(Ok(()), Err)
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
        for answer in answers.drain(LOW..) {
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

    #[tokio::test]
    async fn a_store_that_ends_answers() {
        let ahead = Arc::new(Ahead::default());
        drop(ahead.taken());
        assert!(matches!(ahead.all().await, Err(StoreError::Other(_))));
    }
}
