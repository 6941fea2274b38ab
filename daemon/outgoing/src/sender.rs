//! The loop that takes messages and sends them.

use crate::{
    attempt::Courier,
    health::UnwellEndpoints,
    lanes::Lanes,
    limits::RateLimits,
    pace::Pace,
    resolve::{Resolved, Resolver},
    settings::OutgoingSettings,
    verdict::attempt,
    work::{Slot, Work},
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{sleep, timeout},
};
use windlass_engine::ports::{
    QueuePublisher, Secrets,
    store::{Attempt, Jobs, Outbox, Projects, StoreError},
};
use windlass_forge::outgoing::Meaning;
use windlass_model::{
    clock::now_ms,
    outbox::{Message, MessageState},
};

/// Longest and shortest pause of the loop.
const PAUSE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(1));

/// Messages that are taken from the store at once.
const TAKEN: usize = 16;

/// Pause after so many. Those that are being sent go on meanwhile.
const BETWEEN: Duration = Duration::from_millis(1);

/// Time that messages which are being sent get when the daemon ends. The others are sent by the next one.
const DRAIN: Duration = Duration::from_secs(5);

/// Time for which a message is kept that has ended, and the time between two looks for older ones.
const KEPT: (Duration, Duration) = (Duration::from_secs(30 * 24 * 3600), Duration::from_secs(3600));

/// Time between two looks at endpoints that took no messages, and at messages that a clock put off.
const LOOK: Duration = Duration::from_secs(60);

/// Ports of a sender.
#[derive(Clone)]
pub struct Ports {
    pub outbox: Arc<dyn Outbox>,
    pub jobs: Arc<dyn Jobs>,
    pub projects: Arc<dyn Projects>,
    pub secrets: Arc<dyn Secrets>,
    /// Publisher of results. `None` means that jobs come from no queue.
    pub queue: Option<Arc<dyn QueuePublisher>>,
}

/// Sender of stored messages.
pub struct Sender {
    outbox: Arc<dyn Outbox>,
    resolver: Resolver,
    courier: Arc<Courier>,
    pace: Arc<Pace>,
    limits: RateLimits,
}

/// Messages that were taken.
#[derive(Default)]
struct Progress {
    lanes: Lanes,
    /// Attempts, each with the place that it has.
    sending: FuturesUnordered<BoxFuture<'static, Slot>>,
}

impl Sender {
    /// Makes a sender.
    #[must_use]
    pub fn new(ports: Ports, settings: OutgoingSettings) -> Self {
        Self::with_pace(ports, settings, Pace::default())
    }

    pub(crate) fn with_pace(ports: Ports, settings: OutgoingSettings, pace: Pace) -> Self {
        let Ports { outbox, jobs, projects, secrets, queue } = ports;
        let unwell = UnwellEndpoints::default();
        let resolver = Resolver { outbox: outbox.clone(), jobs, projects, unwell };
        let courier = Arc::new(Courier::new(secrets, settings, queue));
        Self { outbox, resolver, courier, pace: Arc::new(pace), limits: RateLimits::default() }
    }

    /// Notes there which endpoints take no messages.
    #[must_use]
    pub fn noting(mut self, unwell: UnwellEndpoints) -> Self {
        self.resolver.unwell = unwell;
        self
    }

    /// Notes there which logins forges limit.
    #[must_use]
    pub fn limiting(self, limits: RateLimits) -> Self {
        Self { limits, ..self }
    }

    /// Sends messages until `stop` ends. A message that is being sent then gets a few seconds.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let lanes = Lanes::new(self.limits.clone());
        let mut progress = Progress { lanes, ..Progress::default() };
        let mut news = self.outbox.new_messages();
        let forgetting = forget(&*self.outbox);
        let looking = look_again(&self.resolver);
        let hastening = hasten(&*self.outbox);
        tokio::pin!(stop, forgetting, looking, hastening);
        loop {
            let pause = self.fill(&mut progress).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "messages wait: the store gives none");
                PAUSE.0
            });
            tokio::select! {
                () = &mut stop => break,
                () = sleep(pause) => {}
                () = new_message(&mut news) => {}
                () = &mut forgetting => {}
                () = &mut looking => {}
                () = &mut hastening => {}
                Some(slot) = progress.sending.next() => progress.lanes.ended(&slot),
            }
        }
        let drained = timeout(DRAIN, async { while progress.sending.next().await.is_some() {} });
        if drained.await.is_err() {
            let count = progress.sending.len();
            tracing::info!(count, "messages that were being sent are sent again later");
        }
    }

    /// Takes some messages if there is room for them, and begins those that may be sent. Returns the time until the
    /// next.
    async fn fill(&self, progress: &mut Progress) -> Result<Duration, StoreError> {
        let room = progress.lanes.room().min(TAKEN);
        let taken = self.take(&mut progress.lanes, room).await;
        // Those before may be sent, whatever became of the rest.
        while let Some(work) = progress.lanes.next(Instant::now()) {
            progress.sending.push(self.send(work));
        }
        if taken? == room && room > 0 {
            return Ok(BETWEEN);
        }
        let next = self.outbox.next_message().await?;
        let left =
            next.map_or(PAUSE.0, |at_ms| Duration::from_millis(at_ms.saturating_sub(now_ms())));
        Ok(left.clamp(PAUSE.1, PAUSE.0))
    }

    /// Takes messages from the store, at most `most`, and returns how many there were.
    async fn take(&self, lanes: &mut Lanes, most: usize) -> Result<usize, StoreError> {
        if most == 0 {
            return Ok(0);
        }
        let (now, began) = (now_ms(), Instant::now());
        let time = self.courier.timeout();
        // Time to begin, and time to send.
        let lease = u64::try_from((time * 2).as_millis()).unwrap_or(u64::MAX);
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        let messages = self.outbox.take_messages(now, now.saturating_add(lease), limit).await?;
        let count = messages.len();
        for message in messages {
            let (id, project) = (message.id.clone(), message.project.clone());
            match self.resolver.resolve(message, began + time).await {
                Ok(Resolved::Work(work)) => {
                    let slot = work.slot.clone();
                    if !lanes.add(*work, Instant::now()) {
                        tracing::debug!(id, "a message waits: others go to the same place");
                        let again_ms = lanes.again_ms(&slot, Instant::now(), now_ms());
                        if let Err(error) = self.outbox.put_off(&id, again_ms).await {
                            tracing::warn!(id, %error, "a message waits until its time is over");
                        }
                    }
                }
                Ok(Resolved::Ended(attempt)) => {
                    let error = &attempt.error;
                    tracing::info!(id, project, error, "a message is not sent");
                    record(&*self.outbox, &id, &attempt).await;
                }
                // It is given again when its time as a taken one is over.
                Err(error) => tracing::warn!(id, project, %error, "a message waits for the store"),
            }
        }
        Ok(count)
    }

    /// Returns the future that sends a message and records the attempt.
    fn send(&self, work: Work) -> BoxFuture<'static, Slot> {
        let (outbox, courier, pace) =
            (self.outbox.clone(), self.courier.clone(), self.pace.clone());
        let limits = self.limits.clone();
        async move {
            let Some(tried) = courier.attempt(&work).await else { return work.slot };
            let attempt = attempt(&work.message, &tried, &pace, now_ms());
            if let (Meaning::RateLimited { until_ms, .. }, Some(login)) =
                (&tried.meaning, &work.slot.login)
            {
                // The last attempt at a message has no next one, and the login is limited all the same.
                let until_ms = until_ms.unwrap_or_default().max(attempt.next_ms);
                let wait = Duration::from_millis(until_ms.saturating_sub(now_ms()));
                limits.note(login, wait, Instant::now());
            }
            log(&work.message, &work.slot, &attempt);
            record(&*outbox, &work.message.id, &attempt).await;
            work.slot
        }
        .boxed()
    }
}

/// Waits for a new message. One that was missed counts, too.
async fn new_message(news: &mut Receiver<()>) {
    if let Err(RecvError::Closed) = news.recv().await {
        std::future::pending::<()>().await;
    }
}

/// Deletes messages that ended long ago, for ever.
async fn forget(outbox: &dyn Outbox) {
    let (kept, pause) = KEPT;
    let kept_ms = u64::try_from(kept.as_millis()).unwrap_or(u64::MAX);
    loop {
        if let Err(error) = outbox.forget_messages(now_ms().saturating_sub(kept_ms)).await {
            tracing::warn!(%error, "old messages are not deleted");
        }
        sleep(pause).await;
    }
}

/// Looks at endpoints that took no messages, for ever.
async fn look_again(resolver: &Resolver) {
    loop {
        sleep(LOOK).await;
        if let Err(error) = resolver.look_again().await {
            tracing::warn!(%error, "endpoints that took no messages are not looked at");
        }
    }
}

/// Has messages sent that wait for a time of another clock, for ever: the clock may be set back at any time.
async fn hasten(outbox: &dyn Outbox) {
    loop {
        match outbox.hasten_messages(now_ms()).await {
            Ok(0) => {}
            Ok(count) => {
                tracing::warn!(
                    count,
                    "messages are sent now: they waited for a time that a clock had set which was put back since"
                );
            }
            Err(error) => tracing::warn!(%error, "times of messages are not looked at"),
        }
        sleep(LOOK).await;
    }
}

async fn record(outbox: &dyn Outbox, id: &str, attempt: &Attempt) {
    if let Err(error) = outbox.attempted(id, attempt).await {
        tracing::warn!(id, %error, "an attempt was not recorded, and is made again");
    }
}

fn log(message: &Message, slot: &Slot, attempt: &Attempt) {
    let Message { id, project, job, .. } = message;
    let kind = message.receiver.kind();
    let (host, code, error) = (&slot.host, attempt.code, &attempt.error);
    match attempt.state {
        MessageState::Done => tracing::debug!(id, project, job, kind, host, code, "sent"),
        MessageState::Waiting => {
            tracing::info!(id, project, job, kind, host, code, error, "not sent yet");
        }
        MessageState::Void => tracing::info!(id, project, job, kind, host, error, "of no use"),
        MessageState::Dead if code == Some(410) => {
            tracing::warn!(
                id,
                project,
                job,
                kind,
                host,
                error,
                "the endpoint is off: it is no more"
            );
        }
        MessageState::Dead => {
            tracing::warn!(id, project, job, kind, host, code, error, "given up");
        }
    }
}
