//! The door itself: connects, takes messages, and begins again when the broker was away.

use crate::{
    backoff::Backoff,
    caller::CallerOf,
    message::{self, Incoming},
    patience::JournalHealth,
    publish::Outlet,
    publisher::Publisher,
    session::Session,
    settings::Amqp,
    status::{BrokerState, Status},
    turns::Turns,
    worker::{Work, Worker, keys},
};
use futures::StreamExt;
use lapin::{Consumer, message::Delivery};
use std::{
    future::pending,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use windlass_service::Services;

/// Pauses between connections.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Time after which a connection that is lost was a good one: the pauses begin again.
const STABLE: Duration = Duration::from_secs(5);

/// Time between looks at the connection and the journal.
const TICK: Duration = Duration::from_secs(1);

/// Time in which messages are finished when the daemon ends. The rest comes again.
const FINISH: Duration = Duration::from_secs(5);

/// The queue as a door.
pub struct Queue {
    worker: Arc<Worker>,
    outlet: watch::Sender<Option<Outlet>>,
}

/// End of a session.
enum End {
    /// The daemon ends.
    Stopped,
    /// Broker, connection or channel are away.
    Lost(String),
}

impl Queue {
    /// Makes the door. It does nothing before [`Self::run`].
    #[must_use]
    pub fn new(settings: Amqp, services: Services, caller: CallerOf) -> Self {
        let worker = Worker {
            settings: Arc::new(settings),
            services,
            caller,
            journal: JournalHealth::default(),
            status: Status::new(),
        };
        Self { worker: Arc::new(worker), outlet: watch::channel(None).0 }
    }

    /// Returns the publisher of results, for the outbox.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        let results = self.worker.settings.results.clone();
        Publisher { results, outlet: self.outlet.subscribe() }
    }

    /// Returns the state of the queue, for metrics.
    #[must_use]
    pub fn status(&self) -> Status {
        self.worker.status.clone()
    }

    /// Takes messages until `stop`. Then no more come, those at work are finished, and the broker is taken leave of.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        tokio::pin!(stop);
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut is_careful = false;
        loop {
            let opened = tokio::select! {
                () = stop.as_mut() => return,
                opened = Session::open(&self.worker.settings) => opened,
            };
            let why = match opened {
                Ok(session) => {
                    let began = Instant::now();
                    self.outlet.send_replace(Some(session.outlet.clone()));
                    let end = self.serve(&session, is_careful, stop.as_mut()).await;
                    self.outlet.send_replace(None);
                    let why = match end {
                        End::Stopped => {
                            session.close().await;
                            return;
                        }
                        End::Lost(why) => why,
                    };
                    // A message may have ended it, such as one that no client can read. The broker counts a delivery of
                    // all that were on their way with it, and they must not die for it.
                    is_careful = began.elapsed() <= STABLE;
                    session.close().await;
                    if !is_careful {
                        backoff.reset();
                    }
                    why
                }
                Err(why) => why,
            };
            self.worker.status.set(BrokerState::Away, &why);
            tokio::select! {
                () = stop.as_mut() => return,
                () = sleep(backoff.pause()) => {}
            }
        }
    }

    /// Serves one session to its end. A careful one takes one message after the other, until it is known to be good.
    async fn serve(
        &self,
        session: &Session,
        mut is_careful: bool,
        mut stop: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> End {
        let worker = &self.worker;
        let (queue, status) = (&worker.settings.queue, &worker.status);
        let began = Instant::now();
        let most = |is_careful: bool| if is_careful { 1 } else { worker.settings.prefetch };
        let mut consumer = match session.consume(queue, most(is_careful)).await {
            Ok(consumer) => Some(consumer),
            Err(why) => return End::Lost(why),
        };
        status.set(BrokerState::Connected, "");
        // Those that knew otherwise ended with the session before: the first message asks again.
        worker.journal.works();
        let closing = CancellationToken::new();
        let (mut tasks, mut turns, mut is_resting) = (JoinSet::new(), Turns::default(), false);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = loop {
            tokio::select! {
                () = stop.as_mut() => break End::Stopped,
                delivered = next(&mut consumer) => match delivered {
                    Some(Ok(delivery)) => {
                        let work = work(delivery, &mut turns, session, closing.clone());
                        let (worker, held) = (worker.clone(), status.hold());
                        tasks.spawn(async move {
                            worker.take(work).await;
                            drop(held);
                        });
                    }
                    Some(Err(error)) => break End::Lost(error.to_string()),
                    None if is_resting => consumer = None,
                    None => break End::Lost(format!("amqp.queue: `{queue}`: the broker has ended the consumer: the queue may be deleted")),
                },
                Some(ended) = tasks.join_next(), if !tasks.is_empty() => {
                    if let Err(why) = whole(ended) {
                        break End::Lost(why);
                    }
                }
                _ = tick.tick() => {
                    if let Some(why) = session.lost() {
                        break End::Lost(why);
                    }
                    let is_good =
                        is_careful && began.elapsed() > STABLE && worker.journal.is_there();
                    if (is_good || worker.journal.wants_rest()) && !is_resting {
                        is_resting = true;
                        if is_good {
                            // A consumer of its own takes more at once.
                            is_careful = false;
                        } else {
                            status.set(BrokerState::Resting, "the journal is away");
                        }
                        if let Err(why) = session.rest().await {
                            break End::Lost(why);
                        }
                    }
                    if is_resting && consumer.is_none() && worker.journal.is_there() {
                        match session.consume(queue, most(is_careful)).await {
                            Ok(again) => consumer = Some(again),
                            Err(why) => break End::Lost(why),
                        }
                        is_resting = false;
                        status.set(BrokerState::Connected, "");
                    }
                }
            }
        };
        if matches!(end, End::Stopped) {
            finish(session, &mut tasks, &closing).await;
        }
        closing.cancel();
        // Where the session is lost, nothing can be acknowledged: what is at work comes again, as a repeat.
        tasks.shutdown().await;
        end
    }
}

/// Finishes what is at work, within [`FINISH`].
async fn finish(session: &Session, tasks: &mut JoinSet<()>, closing: &CancellationToken) {
    let finished = async {
        if let Err(why) = session.rest().await {
            tracing::debug!(why, "the consumer was not cancelled");
        }
        // What only waits is left to the next start.
        closing.cancel();
        while tasks.join_next().await.is_some() {}
    };
    if timeout(FINISH, finished).await.is_err() {
        tracing::warn!("messages of the queue are not finished; they come again");
    }
}

/// Reads a message, and gives it its place.
fn work(
    delivery: Delivery,
    turns: &mut Turns,
    session: &Session,
    closing: CancellationToken,
) -> Work {
    let read = message::read(&Incoming::of(&delivery.properties, &delivery.data));
    let turn = turns.enter(keys(&read));
    let (outlet, graves) = (session.outlet.clone(), session.graves.clone());
    Work { delivery, read, turn, outlet, graves, closing }
}

/// Returns the next message. Without a consumer none comes. `None` means that the consumer has ended.
async fn next(consumer: &mut Option<Consumer>) -> Option<lapin::Result<Delivery>> {
    match consumer {
        Some(consumer) => consumer.next().await,
        None => pending().await,
    }
}

/// Returns why a message was not taken to its end: a defect. It comes again, with a new session.
fn whole(ended: Result<(), JoinError>) -> Result<(), String> {
    match ended {
        Err(error) if error.is_panic() => {
            tracing::error!(%error, "a message of the queue has met a defect");
            Err("a message has met a defect".into())
        }
        _ => Ok(()),
    }
}
