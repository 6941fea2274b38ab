//! The queue of dead messages: looked at, replayed, and deleted from.
//!
//! A message that is looked at is taken and given back: the protocol knows no other way, and brokers count it. From
//! RabbitMQ 4.0 on a quorum queue deletes a message that was given back 20 times. One that was given back
//! [`RENEWED_AFTER`] times is therefore published again, and its copy begins at 0. Its place is behind the others then.

use crate::{
    connect::connect,
    dead,
    dead_message::{given_back, id, read},
    publish::{Outgoing, Outlet, publish, short},
    settings::Amqp,
};
use async_trait::async_trait;
use lapin::{
    Acker, Channel, Connection,
    message::Delivery,
    options::{
        BasicAckOptions, BasicGetOptions, BasicNackOptions, ConfirmSelectOptions,
        QueueDeclareOptions,
    },
    types::FieldTable,
};
use std::time::Duration;
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{sleep, timeout},
};
use windlass_service::{DeadMessage, DeadMessages, DeadPage};

/// Times that a message may be given back before it is published again. It leaves many of the broker's 20 for looks
/// while the broker takes no copy.
const RENEWED_AFTER: u64 = 3;

/// Times after which a message that cannot be published again is no more given back as if nothing were: the call fails,
/// and says that each look brings it nearer to its end.
const LAST_LOOKS: u64 = 15;

/// Number of messages that one call looks at. The rest is behind them: replay or delete those first.
const MOST: u32 = 1000;

/// Bytes of bodies that one call reads. One message after the other is in memory.
const MOST_BYTES: usize = 256 << 20;

/// Bytes of a body in a list, and of one that is shown alone.
const BODY: (usize, usize) = (512, 64 << 10);

/// Time that the broker may take for one answer.
const ANSWER: Duration = Duration::from_secs(30);

/// Time that both connections may take, with their channels and the look for the queue.
const BEGIN: Duration = Duration::from_secs(90);

/// Time for which a call waits for those before it.
const TURN: Duration = Duration::from_secs(60);

/// Time that the broker may take to take leave. Whatever it has not acknowledged by then, it gives out again.
const CLOSE: Duration = Duration::from_secs(5);

/// Pauses before a message that was not found is looked for once more: brokers count a message of a quorum queue that
/// was given back a moment late, and `there is no such message` has to be true.
const LATE: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(750)];

/// Reply code of an ordinary end.
const OK: u16 = 200;

/// Dead messages of a queue, over connections of their own: they are looked at seldom, and while the door is away too.
pub struct DeadQueue {
    settings: Amqp,
    /// One call at a time: messages that one holds are hidden from all others.
    turn: Mutex<()>,
}

impl DeadQueue {
    /// Makes the reader of a queue's dead messages. It connects at each call.
    #[must_use]
    pub fn new(settings: Amqp) -> Self {
        Self { settings, turn: Mutex::default() }
    }

    async fn visit(&self) -> Result<Visit<'_>, String> {
        let turn = timeout(TURN, self.turn.lock()).await;
        let turn = turn.map_err(|_| "another call has the dead messages; try again".to_owned())?;
        // A broker that is alive and does not answer would keep the turn for ever.
        let begun = timeout(BEGIN, Visit::begin(&self.settings, turn)).await;
        begun.unwrap_or_else(|_| {
            Err(format!(
                "the broker has not answered all of a beginning within {} s",
                BEGIN.as_secs()
            ))
        })
    }
}

#[async_trait]
impl DeadMessages for DeadQueue {
    async fn list(&self, most: u32) -> Result<DeadPage, String> {
        let mut visit = self.visit().await?;
        let listed = visit.list(most).await;
        visit.end().await;
        listed
    }

    async fn find(&self, id: &str) -> Result<Option<DeadMessage>, String> {
        for pause in LATE.map(Some).into_iter().chain([None]) {
            let mut visit = self.visit().await?;
            let found = visit.find(id).await;
            visit.end().await;
            match (found, pause) {
                (Ok(None), Some(pause)) => sleep(pause).await,
                (found, _) => return found,
            }
        }
        Ok(None)
    }

    async fn replay(&self, id: Option<&str>) -> Result<u32, String> {
        let mut count = 0;
        let mut replayed = Ok(());
        for pause in [None].into_iter().chain(LATE.map(Some)) {
            match pause {
                // All of none is none.
                Some(_) if id.is_none() => break,
                Some(pause) => sleep(pause).await,
                None => {}
            }
            let mut visit = self.visit().await?;
            replayed = visit.replay(id, &mut count).await;
            visit.end().await;
            if count > 0 || replayed.is_err() {
                break;
            }
        }
        match replayed {
            Ok(()) => Ok(count),
            Err(why) if count == 0 => Err(why),
            Err(why) => {
                Err(format!("{count} dead messages are in the queue again, and no more: {why}"))
            }
        }
    }

    async fn discard(&self, id: &str) -> Result<Option<DeadMessage>, String> {
        for pause in LATE.map(Some).into_iter().chain([None]) {
            let mut visit = self.visit().await?;
            let discarded = visit.discard(id).await;
            visit.end().await;
            match (discarded, pause) {
                (Ok(None), Some(pause)) => sleep(pause).await,
                (discarded, _) => return discarded,
            }
        }
        Ok(None)
    }
}

/// One call's way through the queue, from its oldest message on.
///
/// Messages come over one connection, and copies go over the other: a broker whose memory is short reads nothing more
/// from one that publishes, and what was taken would not be given back.
struct Visit<'a> {
    settings: &'a Amqp,
    _turn: MutexGuard<'a, ()>,
    reading: Connection,
    publishing: Connection,
    messages: Channel,
    outlet: Outlet,
    /// Number of messages when the visit began. Those that come meanwhile, such as copies, are not looked at.
    count: u32,
    looked_at: u32,
    bytes: usize,
    /// The last message that is to be given back. All before it go with it. `None` means that none is held.
    held: Option<Acker>,
    /// The broker has taken a copy neither at once nor later, and the next ones would wait as long.
    is_mute: bool,
}

impl<'a> Visit<'a> {
    async fn begin(settings: &'a Amqp, turn: MutexGuard<'a, ()>) -> Result<Self, String> {
        let reading = connect(settings, "windlassd: dead messages").await?;
        let publishing = connect(settings, "windlassd: replays").await?;
        let channel = publishing.create_channel().await.map_err(text)?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(text)?;
        let messages = reading.create_channel().await.map_err(text)?;
        let queue = settings.dead_queue();
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let found = messages.queue_declare(short(queue), passive, FieldTable::default()).await;
        let found = found.map_err(|error| format!("amqp.dead-queue: `{queue}`: {error}"))?;
        let outlet = Outlet { channel, connection: publishing.status().clone() };
        Ok(Self {
            settings,
            _turn: turn,
            reading,
            publishing,
            messages,
            outlet,
            count: found.message_count(),
            looked_at: 0,
            bytes: 0,
            held: None,
            is_mute: false,
        })
    }

    async fn list(&mut self, most: u32) -> Result<DeadPage, String> {
        let mut messages = Vec::new();
        while self.looked_at < most
            && let Some(delivery) = self.next().await?
        {
            messages.push(read(&delivery.properties, &delivery.data, BODY.0));
            self.give_back(delivery).await?;
        }
        // Copies are behind the others, though they may be older.
        messages.sort_by_key(|message| message.at_ms);
        let more = u64::from(self.count.saturating_sub(self.looked_at));
        Ok(DeadPage { messages, more })
    }

    async fn find(&mut self, wanted: &str) -> Result<Option<DeadMessage>, String> {
        let Some(delivery) = self.next_with(wanted).await? else { return Ok(None) };
        let message = read(&delivery.properties, &delivery.data, BODY.1);
        self.give_back(delivery).await?;
        Ok(Some(message))
    }

    /// Puts one message or all into the queue of jobs, and counts them.
    async fn replay(&mut self, wanted: Option<&str>, count: &mut u32) -> Result<(), String> {
        loop {
            let next = match wanted {
                Some(wanted) => self.next_with(wanted).await?,
                None => self.next().await?,
            };
            let Some(delivery) = next else { return Ok(()) };
            let copy = Outgoing {
                exchange: "",
                key: &self.settings.queue,
                is_mandatory: true,
                body: &delivery.data,
                properties: dead::replayed(&delivery.properties),
            };
            if let Err(why) = publish(&self.outlet, copy).await {
                self.held = Some(delivery.acker);
                return Err(format!("amqp.queue: `{}`: {why}", self.settings.queue));
            }
            *count += 1;
            acknowledge(&delivery).await?;
            if wanted.is_some() {
                return Ok(());
            }
        }
    }

    async fn discard(&mut self, wanted: &str) -> Result<Option<DeadMessage>, String> {
        let Some(delivery) = self.next_with(wanted).await? else { return Ok(None) };
        acknowledge(&delivery).await?;
        Ok(Some(read(&delivery.properties, &delivery.data, BODY.1)))
    }

    /// Returns the next message with an id, and gives back those before it.
    async fn next_with(&mut self, wanted: &str) -> Result<Option<Delivery>, String> {
        while let Some(delivery) = self.next().await? {
            if id(&delivery.properties, &delivery.data) == wanted {
                return Ok(Some(delivery));
            }
            self.give_back(delivery).await?;
        }
        Ok(None)
    }

    /// Takes the next message. `None` means that there is no more, or that a bound is reached.
    async fn next(&mut self) -> Result<Option<Delivery>, String> {
        if self.looked_at >= self.count.min(MOST) || self.bytes > MOST_BYTES {
            return Ok(None);
        }
        let queue = self.settings.dead_queue();
        let got = self.messages.basic_get(short(queue), BasicGetOptions::default());
        let got = timeout(ANSWER, got).await.map_err(|_| {
            format!("amqp.dead-queue: `{queue}`: no answer within {} s", ANSWER.as_secs())
        })?;
        let got = got.map_err(|error| format!("amqp.dead-queue: `{queue}`: {error}"))?;
        let Some(got) = got else { return Ok(None) };
        let delivery = got.delivery;
        self.looked_at += 1;
        self.bytes = self.bytes.saturating_add(delivery.data.len());
        Ok(Some(delivery))
    }

    /// Notes that a message is to be given back, or puts a copy in its place.
    async fn give_back(&mut self, delivery: Delivery) -> Result<(), String> {
        let before = given_back(&delivery.properties);
        if before < RENEWED_AFTER || (self.is_mute && before < LAST_LOOKS) {
            self.held = Some(delivery.acker);
            return Ok(());
        }
        let shown = read(&delivery.properties, &delivery.data, 0);
        let queue = self.settings.dead_queue();
        let copy = Outgoing {
            exchange: "",
            key: queue,
            is_mandatory: true,
            body: &delivery.data,
            properties: dead::renewed(&delivery.properties, &shown.reason, &shown.detail),
        };
        let Err(why) = publish(&self.outlet, copy).await else {
            return acknowledge(&delivery).await;
        };
        self.held = Some(delivery.acker);
        self.is_mute = true;
        if before < LAST_LOOKS {
            tracing::warn!(queue, why, before, "a dead message stays where it is, counted");
            return Ok(());
        }
        Err(format!(
            "amqp.dead-queue: `{queue}`: {why}; message {} was given back {before} times, and the broker may delete it \
             for another look: mend the broker first",
            shown.id
        ))
    }

    /// Gives back what is held, and takes leave of the broker.
    async fn end(self) {
        if let Some(held) = self.held {
            // Explicitly: the next call sees them, since the broker takes leave after it.
            let all = BasicNackOptions { multiple: true, requeue: true };
            if !matches!(timeout(CLOSE, held.nack(all)).await, Ok(Ok(_))) {
                tracing::debug!("dead messages are given back with their connection");
            }
        }
        for connection in [&self.reading, &self.publishing] {
            let closed = timeout(CLOSE, connection.close(OK, short("OK"))).await;
            if !matches!(closed, Ok(Ok(()))) {
                tracing::debug!("the broker did not take leave");
            }
        }
    }
}

/// Takes a message away for good.
async fn acknowledge(delivery: &Delivery) -> Result<(), String> {
    match timeout(ANSWER, delivery.ack(BasicAckOptions::default())).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err("the channel has ended, and the broker keeps the message".into()),
        Ok(Err(error)) => Err(format!("the broker keeps the message: {error}")),
        Err(_) => Err("the broker reads nothing, and keeps the message".into()),
    }
}

fn text(error: lapin::Error) -> String {
    error.to_string()
}
