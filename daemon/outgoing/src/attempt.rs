//! One attempt at a message: its text, its requests, and the meaning of the last answer.

use crate::{
    facts::Facts,
    requests::{NoAnswer, Requests},
    settings::OutgoingSettings,
    tokens::{TokenKey, Tokens},
    verdict::Tried,
    work::{To, Work},
};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use url::Url;
use windlass_engine::ports::{NotPublished, QueuePublisher, Secrets, store::JobRecord};
use windlass_forge::{
    outgoing::{
        EndpointData, Event, Exchange, Login, Meaning, Next, Notice, Permission, Place, Unsendable,
        deployment, deployment_end, endpoint, read_token, status, token_call,
    },
    standard_webhooks::Key,
};
use windlass_model::{
    clock::now_ms,
    error::SecretError,
    forge::ForgeKind,
    outbox::{Message, Receiver},
    project::{EndpointSpec, ForgeApp, ForgeSpec},
    redact::Redactor,
    secret::Secret,
};

/// Requests of one attempt, without that for a token.
const MOST_REQUESTS: usize = 4;

/// Sender of single attempts.
pub(crate) struct Courier {
    secrets: Arc<dyn Secrets>,
    requests: Requests,
    tokens: Tokens,
    settings: OutgoingSettings,
    queue: Option<Arc<dyn QueuePublisher>>,
}

/// Reason why an attempt ended without the answer that it is about.
enum Cut {
    /// It has a meaning nevertheless.
    Meaning(Meaning),
    /// The store is away: this was no attempt.
    Away(String),
}

/// One attempt, while it is made.
struct Underway<'a> {
    courier: &'a Courier,
    message: &'a Message,
    facts: &'a Facts,
    /// Secrets that the answer may repeat.
    known: Vec<Secret>,
    /// Status of the last answer.
    code: Option<u16>,
}

impl From<Unsendable> for Cut {
    fn from(error: Unsendable) -> Self {
        Self::Meaning(Meaning::Refused(error.to_string()))
    }
}

impl Courier {
    pub(crate) fn new(
        secrets: Arc<dyn Secrets>,
        settings: OutgoingSettings,
        queue: Option<Arc<dyn QueuePublisher>>,
    ) -> Self {
        let requests = Requests::new(&settings);
        Self { secrets, requests, tokens: Tokens::default(), settings, queue }
    }

    /// Returns the longest time of an attempt.
    pub(crate) fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// Makes one attempt. `None` means that it could not begin, since the store is away.
    pub(crate) async fn attempt(&self, work: &Work) -> Option<Tried> {
        let (message, facts) = (&work.message, &work.facts);
        let mut underway =
            Underway { courier: self, message, facts, known: Vec::new(), code: None };
        let done = timeout(self.timeout(), underway.make(&work.to)).await;
        let meaning = match done {
            Ok(Ok(meaning) | Err(Cut::Meaning(meaning))) => meaning,
            Ok(Err(Cut::Away(error))) => {
                tracing::warn!(id = message.id, error, "a message waits for the store");
                return None;
            }
            Err(_) => {
                // An answer whose end does not come is none.
                underway.code = None;
                let seconds = self.timeout().as_secs_f64();
                Meaning::Retry { after: None, why: format!("no whole answer within {seconds} s") }
            }
        };
        let meaning = match (&work.to, meaning) {
            // Whoever runs the endpoint mends it: the message waits for that.
            (To::Endpoint { .. }, Meaning::Refused(why)) if underway.code != Some(410) => {
                Meaning::Retry { after: None, why }
            }
            (_, meaning) => meaning,
        };
        Some(Tried { meaning: masked(meaning, &underway.known), code: underway.code })
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
        let (login, app_token) = self.login(forge, &place, permission).await?;
        let is_end = matches!(self.message.receiver, Receiver::DeploymentEnd { .. });
        let exchange = match permission {
            Permission::Statuses => status(&place, &login, &state),
            Permission::Deployments if is_end => deployment_end(&place, &login, &state),
            Permission::Deployments => deployment(&place, &login, &state),
        };
        let meaning = self.converse(exchange?).await?;
        if let Some(key) = app_token.filter(|_| self.code == Some(401)) {
            self.courier.tokens.forget(&key);
        }
        Ok(meaning)
    }

    /// Returns the login at a forge, and the key of its token where an App stands for one.
    async fn login(
        &mut self,
        forge: &ForgeSpec,
        place: &Place,
        permission: Permission,
    ) -> Result<(Login, Option<TokenKey>), Cut> {
        let (token, key) = match (&forge.app, &forge.token) {
            (Some(app), _) => {
                let (token, key) = self.app_token(app, place, permission).await?;
                (token, Some(key))
            }
            (None, Some(name)) => (self.open(name, None).await?.0, None),
            (None, None) => return Err(Unsendable("the forge has no login".into()).into()),
        };
        let kind = if key.is_some() { ForgeKind::Github } else { forge.kind };
        let text = token.reveal_text().ok_or_else(|| Unsendable("the token is no text".into()))?;
        Ok((Login::new(kind, text)?, key))
    }

    async fn app_token(
        &mut self,
        app: &ForgeApp,
        place: &Place,
        permission: Permission,
    ) -> Result<(Secret, TokenKey), Cut> {
        let key = TokenKey {
            project: self.message.project.clone(),
            api: place.api().to_string(),
            app: app.id.clone(),
            installation: app.installation,
            repository: place.full_name(),
            permission,
        };
        if let Some(token) = self.courier.tokens.get(&key, now_ms()) {
            self.known.push(token.clone());
            return Ok((token, key));
        }
        let (pem, _) = self.open(&app.key, None).await?;
        let (id, installation, now) = (&app.id, app.installation, now_ms());
        let call = token_call(place, id, installation, pem.reveal(), permission, now)?;
        let answer = self.send(&call).await?;
        let token = read_token(&answer, now_ms()).map_err(Cut::Meaning)?;
        self.known.push(token.token.clone());
        self.courier.tokens.put(key.clone(), token.clone(), now_ms());
        Ok((token.token, key))
    }

    async fn at_endpoint(&mut self, spec: &EndpointSpec, url: &Url) -> Result<Meaning, Cut> {
        let name = &*spec.secret;
        let (secret, version) = self.open(name, None).await?;
        let key = |secret: &Secret| Key::parse(secret.reveal().trim_ascii());
        let newest =
            key(&secret).map_err(|error| Unsendable(format!("secret `{name}`: {error}")))?;
        let mut keys = vec![newest];
        // Receivers know the newest key some time after the key was put.
        if let Some(before) = version.checked_sub(1).filter(|before| *before > 0) {
            match self.open(name, Some(before)).await {
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
        self.known.push(Secret::new(hidden.as_bytes().to_vec()));
        self.converse(endpoint(&notice)?).await
    }

    async fn converse(&mut self, mut exchange: Box<dyn Exchange>) -> Result<Meaning, Cut> {
        let mut call = exchange.first();
        for _ in 0..MOST_REQUESTS {
            let answer = self.send(&call).await?;
            match exchange.read(&answer, now_ms()) {
                Next::Send(next) => call = *next,
                Next::End(meaning) => return Ok(meaning),
            }
        }
        let why = format!("no end after {MOST_REQUESTS} requests");
        Ok(Meaning::Retry { after: None, why })
    }

    async fn send(
        &mut self,
        call: &windlass_forge::outgoing::Call,
    ) -> Result<windlass_forge::outgoing::Answer, Cut> {
        self.code = None;
        let answer = self.courier.requests.send(call).await.map_err(|error| {
            Cut::Meaning(match error {
                NoAnswer::Denied(why) => Meaning::Refused(why),
                NoAnswer::Unavailable(why) => Meaning::Retry { after: None, why },
            })
        })?;
        self.code = Some(answer.status);
        Ok(answer)
    }

    /// Opens a secret of the project, with its version.
    async fn open(&mut self, name: &str, version: Option<u32>) -> Result<(Secret, u32), Cut> {
        let opened = self.courier.secrets.open(&self.message.project, name, version).await;
        let (secret, version) = opened.map_err(|error| match error {
            SecretError::Unavailable { message } => Cut::Away(message),
            error => Cut::Meaning(Meaning::Refused(error.to_string())),
        })?;
        self.known.push(secret.clone());
        Ok((secret, version))
    }
}

/// Returns a meaning without secrets, in which no terminal obeys anything.
fn masked(meaning: Meaning, known: &[Secret]) -> Meaning {
    let shown = |why: String| Redactor::new(known).shown(&why);
    match meaning {
        Meaning::Done => Meaning::Done,
        Meaning::Void(why) => Meaning::Void(shown(why)),
        Meaning::Retry { after, why } => Meaning::Retry { after, why: shown(why) },
        Meaning::RateLimited { until_ms, why } => {
            Meaning::RateLimited { until_ms, why: shown(why) }
        }
        Meaning::Refused(why) => Meaning::Refused(shown(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_repeats_a_secret_is_masked() {
        let known = [Secret::new(b"glpat-s3same".to_vec())];
        let why = "HTTP 401: bad token glpat-s3same \u{1b}[2J".to_owned();
        let Meaning::Refused(shown) = masked(Meaning::Refused(why), &known) else {
            panic!("another meaning");
        };
        assert_eq!(shown, "HTTP 401: bad token *** \\u{1b}[2J");
    }
}
