//! From a delivery to its acknowledgement.

use crate::{
    backoff::Backoff,
    caller::CallerOf,
    dead,
    message::{Command, text},
    patience::{JournalHealth, Patience, patience},
    poison::Poison,
    publish::{Outgoing, Outlet, publish},
    results::Answer,
    settings::Amqp,
    status::Status,
    turns::Turn,
};
use lapin::{message::Delivery, options::BasicAckOptions};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use windlass_engine::ports::store::JobRecord;
use windlass_model::{app::App, clock::now_ms, outbox::Receiver};
use windlass_service::{Caller, ServiceError, Services};

/// Pauses between attempts at one message.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// All that a message needs on its way.
pub(crate) struct Worker {
    pub(crate) settings: Arc<Amqp>,
    pub(crate) services: Services,
    pub(crate) caller: CallerOf,
    pub(crate) journal: JournalHealth,
    pub(crate) status: Status,
}

/// A message on its way.
pub(crate) struct Work {
    pub(crate) delivery: Delivery,
    pub(crate) read: Result<Command, Poison>,
    pub(crate) turn: Turn,
    /// Channels of the session that the message came in: for results, and for copies of refused messages.
    pub(crate) outlet: Outlet,
    pub(crate) graves: Arc<Mutex<Outlet>>,
    /// The session ends: what is not done is left to the next.
    pub(crate) closing: CancellationToken,
}

/// Outcome of a message that is no poison.
enum Done {
    /// The job is in the journal, and the outbox reports it.
    Accepted,
    /// The journal had its job before: a message that was delivered again, or a request that was sent again.
    Repeated(Box<JobRecord>),
    Cancelled,
}

impl Worker {
    /// Takes a message to its end. One that is left unacknowledged comes again in the next session.
    pub(crate) async fn take(&self, work: Work) {
        let Work { delivery, read, mut turn, outlet, graves, closing } = work;
        let id = text(delivery.properties.message_id()).to_owned();
        if !turn.comes(&closing).await {
            return;
        }
        let app = match &read {
            Ok(Command::Submit(request)) => Some(request.app.clone()),
            _ => None,
        };
        let correlation = correlation(&delivery, &read);
        let done = match read {
            Ok(command) => self.carry_out(&command, &correlation, &closing).await,
            Err(poison) => Some(Err(poison)),
        };
        let Some(done) = done else { return };
        match &done {
            Ok(Done::Accepted | Done::Cancelled) => {}
            // The outbox has reported the first, or will; whoever asks again gets an answer again.
            Ok(Done::Repeated(record)) => {
                self.answer(&outlet, &Answer::accepted(record), &correlation).await;
            }
            Err(poison) => {
                tracing::warn!(
                    id,
                    reason = poison.reason,
                    field = poison.field,
                    detail = poison.detail,
                    "a message of the queue is refused"
                );
                if !self.bury(&delivery, poison, &graves, &closing).await {
                    return;
                }
                let answer = Answer::refused(app.as_ref(), poison);
                self.answer(&outlet, &answer, &correlation).await;
            }
        }
        // It fails where the channel has ended: the message comes again, and is a repeat.
        match delivery.ack(BasicAckOptions::default()).await {
            Ok(true) if done.is_ok() => self.status.accepted(),
            Ok(true) => self.status.refused(),
            Ok(false) => tracing::debug!(id, "not acknowledged: its channel has ended"),
            Err(error) => tracing::debug!(id, %error, "not acknowledged"),
        }
    }

    /// Carries a command out, and waits out what passes. `None` means that the session ends first.
    async fn carry_out(
        &self,
        command: &Command,
        correlation: &str,
        closing: &CancellationToken,
    ) -> Option<Result<Done, Poison>> {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let began = Instant::now();
        loop {
            let Some(caller) = (self.caller)() else {
                let name = &self.settings.principal;
                tracing::warn!(
                    principal = name,
                    "nobody of `[[principals]]` has the queue's name: its messages wait"
                );
                wait(backoff.pause(), closing).await?;
                continue;
            };
            let error = match self.attempt(&caller, command, correlation).await {
                Ok(done) => {
                    self.journal.works();
                    return Some(Ok(done));
                }
                Err(error) => error,
            };
            match patience(&error, began.elapsed()) {
                Patience::Journal => self.journal.fails(),
                Patience::Hold => self.journal.works(),
                Patience::End => {
                    self.journal.works();
                    return Some(Err(Poison::from(&error)));
                }
            }
            tracing::info!(%error, "a message of the queue waits");
            wait(backoff.pause(), closing).await?;
        }
    }

    async fn attempt(
        &self,
        caller: &Caller,
        command: &Command,
        correlation: &str,
    ) -> Result<Done, ServiceError> {
        match command {
            Command::Submit(request) => {
                let correlation = correlation.to_owned();
                let hears = self.settings.results.is_some();
                let receivers = hears.then_some(Receiver::Queue { correlation });
                let request = (**request).clone();
                let receivers = receivers.into_iter().collect();
                let submitted = self.services.submit_for(caller, request, receivers).await?;
                Ok(if submitted.is_new {
                    Done::Accepted
                } else {
                    Done::Repeated(Box::new(submitted.record))
                })
            }
            Command::CancelJob(id) => {
                self.services.cancel(caller, id).await.map(|_| Done::Cancelled)
            }
            Command::CancelRequest(id) => {
                self.services.cancel_request(caller, id).await.map(|_| Done::Cancelled)
            }
        }
    }

    /// Publishes the copy of a message that cannot become a job, until the broker has it. `false` means that the session
    /// ends first: the message stays in the queue.
    async fn bury(
        &self,
        delivery: &Delivery,
        poison: &Poison,
        graves: &Mutex<Outlet>,
        closing: &CancellationToken,
    ) -> bool {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let (exchange, key) = (delivery.exchange.as_str(), delivery.routing_key.as_str());
        let properties = dead::properties(&delivery.properties, exchange, key, poison, now_ms());
        loop {
            let copy = Outgoing {
                exchange: &self.settings.dead,
                key,
                is_mandatory: true,
                body: &delivery.data,
                properties: properties.clone(),
            };
            let buried = publish(&*graves.lock().await, copy).await;
            let Err(why) = buried else { return true };
            tracing::error!(
                why,
                "amqp.dead: a refused message has no place, and stays in the queue"
            );
            if wait(backoff.pause(), closing).await.is_none() {
                return false;
            }
        }
    }

    /// Publishes a result that no outbox keeps. One that is lost is in the log: the job, or the refused message, is kept
    /// elsewhere.
    async fn answer(&self, outlet: &Outlet, answer: &Answer, correlation: &str) {
        let Some(exchange) = &self.settings.results else { return };
        let outgoing = Outgoing {
            exchange,
            key: &answer.key,
            is_mandatory: false,
            body: &answer.bytes(),
            properties: answer.properties(correlation, None),
        };
        if let Err(why) = publish(outlet, outgoing).await {
            tracing::warn!(why, correlation, "amqp.results: an answer was not published");
        }
    }
}

/// Returns what a message's results are recognised by: its own `correlation-id`, else the id of the request.
fn correlation(delivery: &Delivery, read: &Result<Command, Poison>) -> String {
    let properties = &delivery.properties;
    let request = match read {
        Ok(Command::Submit(request)) => request.request_id.as_str(),
        _ => "",
    };
    let all = [text(properties.correlation_id()), request, text(properties.message_id())];
    all.into_iter().find(|one| !one.is_empty()).unwrap_or_default().to_owned()
}

/// Returns the keys by which a message waits for those before it.
pub(crate) fn keys(read: &Result<Command, Poison>) -> Vec<String> {
    let of_app = |app: &App| format!("app:{app}");
    match read {
        Ok(Command::Submit(request)) => {
            vec![of_app(&request.app), format!("request:{}", request.request_id)]
        }
        Ok(Command::CancelRequest(id)) => vec![format!("request:{id}")],
        Ok(Command::CancelJob(_)) | Err(_) => Vec::new(),
    }
}

/// Waits. `None` means that the session ends first.
async fn wait(pause: Duration, closing: &CancellationToken) -> Option<()> {
    tokio::select! {
        () = closing.cancelled() => None,
        () = sleep(pause) => Some(()),
    }
}
