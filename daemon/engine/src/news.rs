//! News of people: a run looks again at what they said.

use std::{future::pending, time::Duration};
use tokio::{sync::watch, time::timeout};

/// Time after which a run looks again by itself, since a message may get lost.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// News that come to a run while it waits. `None` means that none come, and the run looks again by itself.
pub(crate) struct News(Option<watch::Receiver<u64>>);

impl News {
    pub(crate) fn new(receiver: Option<watch::Receiver<u64>>) -> Self {
        Self(receiver)
    }

    /// Waits until somebody may have approved, paused or resumed. It may end without any news.
    pub(crate) async fn wait(&mut self) {
        let ticked = async {
            if let Some(news) = &mut self.0
                && news.changed().await.is_ok()
            {
                return;
            }
            pending::<()>().await;
        };
        let _ = timeout(LOOK_AGAIN, ticked).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_with_news_and_by_itself_once_a_message_may_be_lost() {
        let (send, receive) = watch::channel(0);
        send.send_replace(1);
        let mut news = News::new(Some(receive));
        let began = Instant::now();
        news.wait().await;
        assert_eq!(began.elapsed(), Duration::ZERO, "the news came before the wait");
        news.wait().await;
        assert_eq!(began.elapsed().as_secs(), 30);
        drop(send);
        news.wait().await;
        assert_eq!(began.elapsed().as_secs(), 60, "a sender that is dropped sends no news");
        News::new(None).wait().await;
        assert_eq!(began.elapsed().as_secs(), 90);
    }
}
