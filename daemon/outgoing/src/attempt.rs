//! One attempt at a message: its text, its requests, and the meaning of the last answer.

use crate::{
    facts::Facts,
    settings::OutgoingSettings,
    talk::{Cut, LARGEST, Line, Talk, masked},
    verdict::Tried,
    work::{To, Work},
};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use url::Url;
use windlass_engine::ports::{NotPublished, QueuePublisher, Secrets, store::JobRecord};
use windlass_forge::{
    outgoing::{
        EndpointData, Event, Exchange, Meaning, Next, Notice, Permission, Place, Unsendable,
        deployment, deployment_end, endpoint, status,
    },
    standard_webhooks::Key,
};
use windlass_model::{
    clock::now_ms,
    outbox::{Message, Receiver},
    project::{EndpointSpec, ForgeSpec},
    secret::Secret,
};

/// Requests of one attempt, without that for a token.
const MOST_REQUESTS: usize = 4;

/// Sender of single attempts.
pub(crate) struct Courier {
    line: Line,
    settings: OutgoingSettings,
    queue: Option<Arc<dyn QueuePublisher>>,
}

/// One attempt, while it is made.
struct Underway<'a> {
    courier: &'a Courier,
    message: &'a Message,
    facts: &'a Facts,
    talk: Talk<'a>,
}

impl Courier {
    pub(crate) fn new(
        secrets: Arc<dyn Secrets>,
        settings: OutgoingSettings,
        queue: Option<Arc<dyn QueuePublisher>>,
    ) -> Self {
        Self { line: Line::new(secrets, &settings), settings, queue }
    }

    /// Returns the longest time of an attempt.
    pub(crate) fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// Makes one attempt. `None` means that it could not begin, since the store is away.
    pub(crate) async fn attempt(&self, work: &Work) -> Option<Tried> {
        let (message, facts) = (&work.message, &work.facts);
        let talk = self.line.talk(&message.project);
        let mut underway = Underway { courier: self, message, facts, talk };
        let done = timeout(self.timeout(), underway.make(&work.to)).await;
        let meaning = match done {
            Ok(Ok(meaning) | Err(Cut::Meaning(meaning))) => meaning,
            Ok(Err(Cut::Away(error))) => {
                tracing::warn!(id = message.id, error, "a message waits for the store");
                return None;
            }
            Err(_) => {
                // An answer whose end does not come is none.
                underway.talk.code = None;
                let seconds = self.timeout().as_secs_f64();
                Meaning::Retry { after: None, why: format!("no whole answer within {seconds} s") }
            }
        };
        let meaning = match (&work.to, meaning) {
            // Whoever runs the endpoint mends it: the message waits for that.
            (To::Endpoint { .. }, Meaning::Refused(why)) if underway.talk.code != Some(410) => {
                Meaning::Retry { after: None, why }
            }
            (_, meaning) => meaning,
        };
        let Talk { known, code, .. } = &underway.talk;
        Some(Tried { meaning: masked(meaning, known), code: *code })
    }
}

impl Underway<'_> {
    async fn make(&mut self, to: &To) -> Result<Meaning, Cut> {
        match to {
            To::Forge { forge, api, repository } => self.at_forge(forge, api, repository).await,
            To::Endpoint { endpoint, url } => self.at_endpoint(endpoint, url).await,
            To::Queue { record } => Ok(self.to_queue(record).await),
        }
    }

    async fn to_queue(&self, record: &JobRecord) -> Meaning {
        let Some(queue) = &self.courier.queue else {
            return Meaning::Refused("the daemon has no `[amqp]` any more".into());
        };
        match queue.publish(self.message, record).await {
            Ok(()) => Meaning::Done,
            Err(NotPublished(why)) => Meaning::Retry { after: None, why },
        }
    }

    async fn at_forge(
        &mut self,
        forge: &ForgeSpec,
        api: &str,
        repository: &str,
    ) -> Result<Meaning, Cut> {
        let place = Place::new(forge.kind, api, repository)?;
        let link = self.courier.settings.page(&self.message.job);
        let (commit, name, permission) = match &self.message.receiver {
            Receiver::Status { commit, context, .. } => (commit, context, Permission::Statuses),
            Receiver::Deployment { commit, environment, .. }
            | Receiver::DeploymentEnd { commit, environment, .. } => {
                (commit, environment, Permission::Deployments)
            }
            Receiver::Endpoint { name }
            | Receiver::Preview { name, .. }
            | Receiver::Notice { name, .. } => {
                let why = format!("endpoint {name} is no forge");
                return Ok(Meaning::Void(why));
            }
            Receiver::Queue { .. } => return Ok(Meaning::Void("a queue is no forge".into())),
        };
        let state = self.facts.state(self.message, commit, name, link);
        let (login, app_token) = self.talk.login(forge, &place, permission).await?;
        let exchange = if matches!(self.message.receiver, Receiver::DeploymentEnd { .. }) {
            deployment_end(&place, &login, &state)
        } else if permission == Permission::Deployments {
            deployment(&place, &login, &state)
        } else {
            status(&place, &login, &state)
        };
        let meaning = self.converse(exchange?).await?;
        if let Some(key) = app_token.filter(|_| self.talk.code == Some(401)) {
            self.courier.line.forget(&key);
        }
        Ok(meaning)
    }

    async fn at_endpoint(&mut self, spec: &EndpointSpec, url: &Url) -> Result<Meaning, Cut> {
        let name = &*spec.secret;
        let (secret, version) = self.talk.open(name, None).await?;
        let key = |secret: &Secret| Key::parse(secret.reveal().trim_ascii());
        let newest =
            key(&secret).map_err(|error| Unsendable(format!("secret `{name}`: {error}")))?;
        let mut keys = vec![newest];
        // Receivers know the newest key some time after the key was put.
        if let Some(before) = version.checked_sub(1).filter(|before| *before > 0) {
            match self.talk.open(name, Some(before)).await {
                Ok((secret, _)) => keys.extend(key(&secret).ok()),
                Err(Cut::Meaning(_)) => {}
                Err(away) => return Err(away),
            }
        }
        let message = self.message;
        let page = self.courier.settings.page(&message.job);
        let event = match &message.receiver {
            Receiver::Notice { endpoint, health, .. } => {
                let data = EndpointData {
                    project: message.project.clone(),
                    endpoint: endpoint.clone(),
                    job: message.job.clone(),
                    url: page,
                };
                Event::of_endpoint(*health, message.created_ms, data)
            }
            Receiver::Preview { change, pull, .. } => {
                let data = self.facts.preview(message, pull.as_ref(), page);
                Event::of_preview(*change, message.created_ms, data)
            }
            _ => {
                let data = self.facts.data(message, page);
                Event::new(message.moment.as_str(), message.created_ms, data)
            }
        };
        let notice = Notice { url, keys: &keys, id: &message.id, now_ms: now_ms(), event: &event };
        // Its path or query may hold a secret, which an answer may repeat.
        let hidden = &url[url::Position::BeforePath..];
        self.talk.known.push(Secret::new(hidden.as_bytes().to_vec()));
        self.converse(endpoint(&notice)?).await
    }

    async fn converse(&mut self, mut exchange: Box<dyn Exchange>) -> Result<Meaning, Cut> {
        let mut call = exchange.first();
        for _ in 0..MOST_REQUESTS {
            let answer = self.talk.send(&call, LARGEST).await?;
            match exchange.read(&answer, now_ms()) {
                Next::Send(next) => call = *next,
                Next::End(meaning) => return Ok(meaning),
            }
        }
        let why = format!("no end after {MOST_REQUESTS} requests");
        Ok(Meaning::Retry { after: None, why })
    }
}
