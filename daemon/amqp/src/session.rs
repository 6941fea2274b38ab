//! One life of the connections: channels, the consumer, and their end.

use crate::{
    connect::connect,
    publish::{Outlet, short},
    settings::Amqp,
    topology,
};
use lapin::{
    Channel, Connection, Consumer,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, ConfirmSelectOptions},
    types::FieldTable,
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::timeout};

/// Name of the consumer at the broker.
const TAG: &str = "windlassd";

/// Time that the broker may take to take leave.
const CLOSE: Duration = Duration::from_secs(2);

/// Time that the broker may take to find or declare all, and for one answer after that.
const OPEN: Duration = Duration::from_secs(90);
const ANSWER: Duration = Duration::from_secs(30);

/// Reply code of an ordinary end.
const OK: u16 = 200;

/// Connections with their channels.
///
/// Messages come over one connection and results go over the other: a broker whose memory is short reads nothing more
/// from a connection that publishes, and acknowledgements would wait with it.
pub(crate) struct Session {
    consuming: Connection,
    publishing: Connection,
    messages: Channel,
    /// Channel for results, with confirms.
    pub(crate) outlet: Outlet,
    /// Channel for copies of refused messages, one at a time: what the broker returns has no number, and could be taken
    /// for another message's.
    pub(crate) graves: Arc<Mutex<Outlet>>,
}

impl Session {
    /// Connects, and finds or declares queue and exchanges.
    ///
    /// # Errors
    /// Says why the broker is away, or which key of `[amqp]` does not fit it.
    pub(crate) async fn open(settings: &Amqp) -> Result<Self, String> {
        within(OPEN, Self::begin(settings)).await
    }

    async fn begin(settings: &Amqp) -> Result<Self, String> {
        let consuming = connect(settings, "windlassd: jobs").await?;
        let publishing = connect(settings, "windlassd: results").await?;
        let outlet = publishing.create_channel().await.map_err(text)?;
        topology::prepare(&outlet, settings).await?;
        outlet.confirm_select(ConfirmSelectOptions::default()).await.map_err(text)?;
        let graves = publishing.create_channel().await.map_err(text)?;
        graves.confirm_select(ConfirmSelectOptions::default()).await.map_err(text)?;
        let messages = consuming.create_channel().await.map_err(text)?;
        let of = |channel| Outlet { channel, connection: publishing.status().clone() };
        let (outlet, graves) = (of(outlet), Arc::new(Mutex::new(of(graves))));
        Ok(Self { consuming, publishing, messages, outlet, graves })
    }

    /// Begins to consume, at most `prefetch` messages at once.
    pub(crate) async fn consume(&self, queue: &str, prefetch: u16) -> Result<Consumer, String> {
        within(ANSWER, async {
            // It counts for consumers that begin after it.
            let limits = self.messages.basic_qos(prefetch, BasicQosOptions::default());
            limits.await.map_err(text)?;
            let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
            let began = self.messages.basic_consume(short(queue), short(TAG), options, none);
            began.await.map_err(|error| format!("amqp.queue: `{queue}`: {error}"))
        })
        .await
    }

    /// Asks the broker for no more messages. Those that came stay ours; the consumer ends after the last of them.
    pub(crate) async fn rest(&self) -> Result<(), String> {
        within(ANSWER, async {
            let cancelled = self.messages.basic_cancel(short(TAG), BasicCancelOptions::default());
            cancelled.await.map_err(text)
        })
        .await
    }

    /// Returns why the session is of no more use. `None` means that it is.
    pub(crate) fn lost(&self) -> Option<String> {
        // One that is being used is looked at the next time.
        let graves = self.graves.try_lock().is_ok_and(|own| !own.channel.status().connected());
        let parts = [
            (self.consuming.status().connected(), "the connection for jobs"),
            (self.publishing.status().connected(), "the connection for results"),
            (self.messages.status().connected(), "the channel for jobs"),
            (self.outlet.channel.status().connected(), "the channel for results"),
            (!graves, "the channel for refused messages"),
        ];
        let lost = parts.into_iter().find(|(is_there, _)| !is_there);
        lost.map(|(_, part)| format!("{part} has ended"))
    }

    /// Takes leave of the broker.
    pub(crate) async fn close(self) {
        for connection in [&self.consuming, &self.publishing] {
            let closed = timeout(CLOSE, connection.close(OK, short("OK"))).await;
            if !matches!(closed, Ok(Ok(()))) {
                tracing::debug!("the broker did not take leave");
            }
        }
    }
}

/// Connects to the broker and leaves it again, for an operator who checks the configuration. Nothing is declared.
///
/// # Errors
/// Says why the broker cannot be used.
pub async fn probe(settings: &Amqp) -> Result<(), String> {
    let connection = connect(settings, "windlassd: check").await?;
    let closed = timeout(CLOSE, connection.close(OK, short("OK"))).await;
    closed.map_err(|_| "no answer".to_owned())?.map_err(text)
}

/// Waits for a broker that may be alive, by its heartbeats, and answer nothing all the same.
async fn within<T>(
    time: Duration,
    answer: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let answered = timeout(time, answer).await;
    answered.unwrap_or_else(|_| Err(format!("no answer within {} s", time.as_secs())))
}

fn text(error: lapin::Error) -> String {
    error.to_string()
}
