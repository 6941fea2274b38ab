//! Messages of one app, and a request and its cancellation, one after the other: an older commit that is accepted after
//! a newer one would take its place.

use std::collections::HashMap;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Who is at work, by app and by request.
#[derive(Default)]
pub(crate) struct Turns(HashMap<String, oneshot::Receiver<()>>);

/// Place of one message among those before it. The next ones wait until it is dropped.
pub(crate) struct Turn {
    before: Vec<oneshot::Receiver<()>>,
    /// Ends with this value.
    _own: Vec<oneshot::Sender<()>>,
}

impl Turns {
    /// Gives a message its place behind all earlier ones that share a key with it.
    pub(crate) fn enter(&mut self, keys: Vec<String>) -> Turn {
        // Those that have ended are nobody's predecessor any more.
        self.0
            .retain(|_, turn| matches!(turn.try_recv(), Err(oneshot::error::TryRecvError::Empty)));
        let mut turn = Turn { before: Vec::new(), _own: Vec::new() };
        for key in keys {
            let (own, next) = oneshot::channel();
            turn.before.extend(self.0.insert(key, next));
            turn._own.push(own);
        }
        turn
    }
}

impl Turn {
    /// Waits for the turn. `false` means that the session ends: the messages before may be left to the next session,
    /// and this one must not be accepted before them.
    pub(crate) async fn comes(&mut self, closing: &CancellationToken) -> bool {
        tokio::select! {
            () = closing.cancelled() => {}
            () = self.wait() => {}
        }
        !closing.is_cancelled()
    }

    /// Waits until all messages before have ended.
    async fn wait(&mut self) {
        for before in self.before.drain(..) {
            // Nothing is ever sent: the other end is dropped.
            let _ = before.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn keys(all: &[&str]) -> Vec<String> {
        all.iter().map(|&key| key.to_owned()).collect()
    }

    #[tokio::test]
    async fn messages_with_a_common_key_wait_and_others_do_not() {
        let mut turns = Turns::default();
        let first = turns.enter(keys(&["shop/web", "r1"]));
        let mut other = turns.enter(keys(&["shop/api", "r2"]));
        let mut cancel = turns.enter(keys(&["r1"]));
        let mut second = turns.enter(keys(&["shop/web", "r3"]));
        assert!(other.wait().now_or_never().is_some());
        assert!(cancel.wait().now_or_never().is_none());
        let mut third = turns.enter(keys(&["shop/web"]));
        drop(first);
        second.wait().await;
        assert!(third.wait().now_or_never().is_none());
        drop(second);
    }

    #[tokio::test]
    async fn a_message_goes_before_none_that_is_left_to_the_next_session() {
        let (mut turns, closing) = (Turns::default(), CancellationToken::new());
        let first = turns.enter(keys(&["shop/web"]));
        let mut second = turns.enter(keys(&["shop/web"]));
        closing.cancel();
        drop(first);
        assert!(!second.comes(&closing).await);
        drop(second);
        let mut third = turns.enter(keys(&["shop/web"]));
        assert!(third.comes(&CancellationToken::new()).await);
    }

    #[tokio::test]
    async fn those_that_have_ended_are_forgotten() {
        let mut turns = Turns::default();
        for number in 0..100 {
            drop(turns.enter(keys(&[&number.to_string()])));
        }
        drop(turns.enter(Vec::new()));
        assert_eq!(turns.0.len(), 0);
    }
}
