//! One WebSocket, from its beginning to its close.

use super::{
    message::{BEAT, FromPage, Topic},
    queue::{Queue, Waiting, queue},
    subscription::follow,
};
use crate::{identify::Known, state::Shared};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::{SinkExt, StreamExt, stream::SplitSink};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    task::AbortHandle,
    time::{Instant, interval_at, timeout},
};

/// Time between two beats.
const BEAT_EACH: Duration = Duration::from_secs(20);

/// Time after which a page that answers no ping is gone. The writing of one message has as long.
const DEAD: Duration = Duration::from_secs(45);

/// Time between two looks whether the session is still open.
const SESSION_EACH: Duration = Duration::from_secs(30);

/// Time for the last message.
const CLOSING: Duration = Duration::from_secs(5);

/// Subscriptions of one page, at most.
const MOST: usize = 16;

/// Code of a close: the daemon ends, and the page comes back.
const GOING_AWAY: u16 = 1001;

/// Code of a close: a message that is none.
const MALFORMED: u16 = 4400;

/// Code of a close: the session is over, or the operator changed the caller's rights.
const OVER: u16 = 4401;

/// Code of a close: too many subscriptions.
const TOO_MANY: u16 = 4429;

/// End of a connection.
enum End {
    /// The page is gone.
    Gone,
    Close(u16, &'static str),
}

/// Serves a page until it goes, until its session is over, or until the daemon ends.
pub(super) async fn serve(socket: WebSocket, shared: Arc<Shared>, known: Known) {
    let (sink, mut messages) = socket.split();
    let (queue, waiting) = queue();
    let mut writer = tokio::spawn(write(sink, waiting));
    let mut subscriptions = Subscriptions { all: HashMap::new(), queue: queue.clone() };
    let mut beats = interval_at(Instant::now() + BEAT_EACH, BEAT_EACH);
    let mut looks = interval_at(Instant::now() + SESSION_EACH, SESSION_EACH);
    let revoked = known.identity.clone().revoked();
    tokio::pin!(revoked);
    let mut heard = Instant::now();
    let end = loop {
        tokio::select! {
            message = messages.next() => {
                heard = Instant::now();
                match message {
                    Some(Ok(Message::Text(text))) => {
                        if let Err(end) = subscriptions.take(text.as_str(), &shared, &known) {
                            break end;
                        }
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Binary(_))) => break End::Close(MALFORMED, "text expected"),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break End::Gone,
                }
            }
            _ = beats.tick() => {
                if heard.elapsed() > DEAD {
                    break End::Gone;
                }
                queue.control(Message::Ping(axum::body::Bytes::new()));
                queue.note(BEAT.into());
            }
            _ = looks.tick() => {
                if let Some(session) = &known.session
                    && !shared.sessions.is_open(&session.id).await
                {
                    break End::Close(OVER, "the session is over");
                }
            }
            _ = &mut revoked => break End::Close(OVER, "the operator has changed this login"),
            () = shared.stop.cancelled() => break End::Close(GOING_AWAY, "the daemon ends"),
            () = queue.overrun() => break End::Gone,
            _ = &mut writer => return,
        }
    };
    drop(subscriptions);
    if let End::Close(code, reason) = end {
        queue.control(Message::Close(Some(CloseFrame { code, reason: reason.into() })));
    }
    drop(queue);
    if timeout(CLOSING, &mut writer).await.is_err() {
        writer.abort();
    }
}

/// Writes messages until there are no more, or one cannot be written in time.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut waiting: mpsc::UnboundedReceiver<Waiting>,
) {
    while let Some(next) = waiting.recv().await {
        let Waiting { message, .. } = &next;
        let written = timeout(DEAD, sink.send(message.clone())).await;
        if !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
    let _ = timeout(CLOSING, sink.close()).await;
}

/// Subscriptions of one page. They end when this is dropped.
struct Subscriptions {
    all: HashMap<Topic, AbortHandle>,
    queue: Queue,
}

impl Subscriptions {
    /// Takes a message of the page. A topic that is subscribed to again begins again, after the given event.
    fn take(&mut self, text: &str, shared: &Arc<Shared>, known: &Known) -> Result<(), End> {
        let message = serde_json::from_str::<FromPage>(text)
            .map_err(|_| End::Close(MALFORMED, "the message cannot be read"))?;
        match message {
            FromPage::Unsub { unsub } => {
                if let Some(task) = self.all.remove(&unsub) {
                    task.abort();
                }
            }
            FromPage::Sub { sub, after } => {
                self.all.retain(|_, task| !task.is_finished());
                if self.all.len() >= MOST && !self.all.contains_key(&sub) {
                    return Err(End::Close(TOO_MANY, "16 subscriptions are the most"));
                }
                let (shared, caller) = (shared.clone(), known.identity.caller.clone());
                let task = follow(shared, caller, sub.clone(), after, self.queue.clone());
                let task = tokio::spawn(task).abort_handle();
                if let Some(before) = self.all.insert(sub, task) {
                    before.abort();
                }
            }
        }
        Ok(())
    }
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        for task in self.all.values() {
            task.abort();
        }
    }
}
