//! Messages to forges and endpoints: shows them, sends them once more, gives them up.

use crate::{
    caller::Caller, check, error::ServiceError, finish::finish, services::Services, verb::Verb,
};
use windlass_engine::{
    endpoint_health::{Unwell, endpoint_health, messages_of_endpoint},
    ports::store::{OutboxFilter, StoreError},
};
use windlass_model::{
    app::label,
    clock::now_ms,
    outbox::{Message, MessageState},
};

/// Number of messages on a page by default, and at most.
const PAGE: (u32, u32) = (50, 500);

/// Number of messages that one call sends once more.
const MOST_REPLAYED: usize = 10_000;

/// Milliseconds between messages that one call sends once more: a receiver that is back is not flooded.
const SPREAD_MS: u64 = 200;

/// Number of characters of a project's longest name.
const LONGEST_PROJECT: usize = 30;

/// Choice of messages.
#[derive(Clone, Debug, Default)]
pub struct MessagesRequest {
    pub project: String,
    /// Words of states. Empty means any.
    pub states: Vec<String>,
    /// Id of the job that the messages are about. `None` means any.
    pub job: Option<String>,
    /// Name of the endpoint or of the repository. `None` means any.
    pub receiver: Option<String>,
    /// [`MessagePage::next`] of the page before. `None` means that the list begins with the newest.
    pub before: Option<String>,
    /// Number of messages on a page, at most 500. 0 means 50.
    pub limit: u32,
}

/// Page of messages, newest first.
#[derive(Clone, Debug)]
pub struct MessagePage {
    pub messages: Vec<Message>,
    /// Id after which the next page begins. `None` means that this page is the last.
    pub next: Option<String>,
    /// Endpoints of the project that take no messages, by name. Empty on all pages but the first.
    pub unwell: Vec<(String, Unwell)>,
}

/// Messages that are to be sent once more.
#[derive(Clone, Debug, Default)]
pub struct ReplayMessages {
    pub project: String,
    /// Id of one message, dead or sent. `None` means all dead ones that the other fields choose.
    pub id: Option<String>,
    /// Name of the endpoint or of the repository. `None` means any.
    pub receiver: Option<String>,
    /// Time in milliseconds since 1970: only messages that were stored since then. `None` means of any time.
    pub since_ms: Option<u64>,
}

impl Services {
    /// Returns a page of messages.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a word that is no state, or a page that is too large.
    pub async fn list_messages(
        &self,
        caller: &Caller,
        request: MessagesRequest,
    ) -> Result<MessagePage, ServiceError> {
        let MessagesRequest { project, states, job, receiver, before, limit } = request;
        label("project", &project, LONGEST_PROJECT)?;
        caller.may(Verb::Read, &project)?;
        let limit = check::page(limit, PAGE.0, PAGE.1)?;
        let states = states.iter().enumerate().map(|(index, word)| state(index, word));
        let states = states.collect::<Result<Vec<_>, _>>()?;
        let filter = OutboxFilter { project, states, job, receiver, before, limit };
        let messages = self.outbox.messages(&filter).await?;
        let unwell = match filter.before {
            None => self.unwell(&filter.project).await?,
            Some(_) => Vec::new(),
        };
        let is_full = u32::try_from(messages.len()).is_ok_and(|count| count == limit);
        let next = messages.last().map(|last| last.id.clone()).filter(|_| is_full);
        Ok(MessagePage { messages, next, unwell })
    }

    /// Returns the endpoints of a project that take no messages. A project without a file has none.
    async fn unwell(&self, project: &str) -> Result<Vec<(String, Unwell)>, ServiceError> {
        let record = match self.projects.project(project).await {
            Ok(record) => record,
            // Its messages can be read all the same.
            Err(StoreError::Unreadable { .. } | StoreError::TooNew { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let Some(record) = record else { return Ok(Vec::new()) };
        let now = now_ms();
        let mut unwell = Vec::new();
        for name in record.spec.endpoints.into_keys() {
            let all = messages_of_endpoint(&*self.outbox, project, &name, now).await?;
            unwell.extend(endpoint_health(&all, now).map(|found| (name, found)));
        }
        Ok(unwell)
    }

    /// Returns a message.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that no message has.
    pub async fn message(&self, caller: &Caller, id: &str) -> Result<Message, ServiceError> {
        let message = self.find_message(id).await?;
        caller.may(Verb::Read, &message.project)?;
        Ok(message)
    }

    /// Sends messages once more, with the ids that they have, and returns their number.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that no message of the project has, [`ServiceError::Conflict`] for one
    /// that a newer one took the place of.
    pub async fn replay_messages(
        &self,
        caller: &Caller,
        request: ReplayMessages,
    ) -> Result<u32, ServiceError> {
        let ReplayMessages { project, id, receiver, since_ms } = request;
        label("project", &project, LONGEST_PROJECT)?;
        caller.may(Verb::Projects, &project)?;
        let ids = match &id {
            Some(id) => {
                let message = self.find_message(id).await?;
                if message.project != project {
                    return Err(no_message(id));
                }
                replayable(&message)?;
                vec![id.clone()]
            }
            None => self.dead(project, receiver, since_ms.unwrap_or_default()).await?,
        };
        let outbox = self.outbox.clone();
        let count = finish(async move {
            let mut at_ms = now_ms();
            let mut count = 0;
            for id in ids {
                if outbox.replay_message(&id, at_ms).await? {
                    count += 1;
                    at_ms += SPREAD_MS;
                }
            }
            Ok(count)
        })
        .await?;
        match id {
            Some(id) if count == 0 => Err(ServiceError::Conflict {
                reason: "message-replaced",
                message: format!(
                    "message {id} is not the newest about its commit: a newer state would be overwritten"
                ),
                fix: "replay the newest: windlass outbox list PROJECT --receiver REPOSITORY".into(),
            }),
            _ => Ok(count),
        }
    }

    /// Gives a message up that waits or is dead, and returns it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that no message has, [`ServiceError::Conflict`] for a message that was
    /// sent.
    pub async fn drop_message(&self, caller: &Caller, id: &str) -> Result<Message, ServiceError> {
        let message = self.find_message(id).await?;
        caller.may(Verb::Projects, &message.project)?;
        let (outbox, of) = (self.outbox.clone(), id.to_owned());
        let is_dropped = finish(async move { Ok(outbox.drop_message(&of).await?) }).await?;
        let message = self.find_message(id).await?;
        if is_dropped || message.state == MessageState::Void {
            return Ok(message);
        }
        Err(ServiceError::Conflict {
            reason: "message-sent",
            message: format!("message {id} was sent"),
            fix: "nothing is left to give up".into(),
        })
    }

    /// Returns the ids of a project's dead messages, the oldest first.
    async fn dead(
        &self,
        project: String,
        receiver: Option<String>,
        since_ms: u64,
    ) -> Result<Vec<String>, ServiceError> {
        let states = vec![MessageState::Dead];
        let mut filter =
            OutboxFilter { project, states, job: None, receiver, before: None, limit: PAGE.1 };
        let mut ids = Vec::new();
        while ids.len() < MOST_REPLAYED {
            let page = self.outbox.messages(&filter).await?;
            let Some(oldest) = page.last() else { break };
            let is_done = oldest.created_ms < since_ms;
            filter.before = Some(oldest.id.clone());
            let chosen = page.iter().filter(|message| message.created_ms >= since_ms);
            ids.extend(chosen.map(|message| message.id.clone()));
            if is_done {
                break;
            }
        }
        ids.truncate(MOST_REPLAYED);
        ids.reverse();
        Ok(ids)
    }

    /// Finds a message, whoever may see it.
    async fn find_message(&self, id: &str) -> Result<Message, ServiceError> {
        self.outbox.message(id).await?.ok_or_else(|| no_message(id))
    }
}

/// Checks that a message may be sent once more.
fn replayable(message: &Message) -> Result<(), ServiceError> {
    let (reason, message, fix) = match message.state {
        MessageState::Dead | MessageState::Done => return Ok(()),
        MessageState::Waiting => (
            "message-waits",
            format!("message {} waits for its next attempt", message.id),
            "wait for it: windlass outbox show ID has its time",
        ),
        MessageState::Void => (
            "message-void",
            format!(
                "message {} is void: a newer one took its place, it was dropped, or its receiver has no use for it",
                message.id
            ),
            "see its error: windlass outbox show ID; or replay the newest of its job: windlass outbox list PROJECT --job JOB",
        ),
    };
    Err(ServiceError::Conflict { reason, message, fix: fix.into() })
}

fn no_message(id: &str) -> ServiceError {
    ServiceError::NotFound {
        what: "message",
        id: id.chars().take(80).collect(),
        fix: "list them: windlass outbox list PROJECT".into(),
    }
}

fn state(index: usize, word: &str) -> Result<MessageState, ServiceError> {
    MessageState::parse(word).ok_or_else(|| {
        let known = MessageState::ALL.map(MessageState::as_str).join(", ");
        let shown: String = word.chars().take(80).collect();
        ServiceError::invalid(format!("states[{index}]"), shown, format!("must be one of {known}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, app, caller, submit};
    use windlass_engine::ports::store::{Attempt, Submission};
    use windlass_model::outbox::Receiver;

    /// Stores a job whose endpoint hears of it, and returns the message's id.
    async fn heard(world: &World, request_id: &str) -> String {
        heard_by(world, request_id, Receiver::Endpoint { name: "chat".into() }).await
    }

    async fn heard_by(world: &World, request_id: &str, receiver: Receiver) -> String {
        let all = Caller::with_all_rights("uid:0".into());
        let record = world.services.submit(&all, submit(request_id)).await.unwrap();
        let id = format!("{request_id}-heard");
        let job = windlass_model::job::Job { id: id.clone(), ..record.job };
        let receivers = vec![receiver];
        let submission = Submission { request_id: id.clone(), body: Vec::new(), job, receivers };
        world.services.jobs.submit(submission).await.unwrap();
        let filter = OutboxFilter {
            project: app("shop").project,
            job: Some(id),
            limit: 1,
            ..OutboxFilter::default()
        };
        world.services.outbox.messages(&filter).await.unwrap().remove(0).id
    }

    async fn ends(world: &World, id: &str, state: MessageState) {
        let taken = world.services.outbox.take_messages(now_ms(), now_ms() + 60_000, 100).await;
        assert!(taken.unwrap().iter().any(|message| message.id == id));
        let attempt = Attempt { state, next_ms: 0, code: Some(500), error: "no".into() };
        world.services.outbox.attempted(id, &attempt).await.unwrap();
    }

    #[tokio::test]
    async fn a_dead_message_is_sent_once_more_and_a_void_one_is_not() {
        let world = World::new();
        let services = &world.services;
        let owner = caller("owner", &["shop"], &[Verb::Projects, Verb::Read]);
        let id = heard(&world, "one").await;
        let one = || ReplayMessages {
            project: "shop".into(),
            id: Some(id.clone()),
            ..ReplayMessages::default()
        };
        let error = services.replay_messages(&owner, one()).await.unwrap_err();
        assert_eq!(error.reason(), "message-waits");
        ends(&world, &id, MessageState::Dead).await;
        let all = || ReplayMessages { project: "shop".into(), ..ReplayMessages::default() };
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let error = services.replay_messages(&reader, all()).await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
        assert_eq!(services.replay_messages(&owner, all()).await.unwrap(), 1);
        let message = services.message(&owner, &id).await.unwrap();
        assert_eq!((message.state, message.attempts), (MessageState::Waiting, 0));
        let dropped = services.drop_message(&owner, &id).await.unwrap();
        assert_eq!(dropped.state, MessageState::Void);
        services.drop_message(&owner, &id).await.unwrap();
        let error = services.replay_messages(&owner, one()).await.unwrap_err();
        assert_eq!(error.reason(), "message-void");
        let other = ReplayMessages { project: "blog".into(), ..one() };
        let both = caller("both", &["*"], &[Verb::Projects]);
        let error = services.replay_messages(&both, other).await.unwrap_err();
        assert!(error.to_string().starts_with("there is no message"), "{error}");
    }

    #[tokio::test]
    async fn an_old_state_of_a_commit_is_not_replayed_and_the_answer_says_so() {
        let world = World::new();
        let owner = caller("owner", &["shop"], &[Verb::Projects]);
        let status = Receiver::Status {
            repository: "code".into(),
            commit: "a".repeat(40),
            context: "windlass/web/production".into(),
        };
        let id = heard_by(&world, "one", status.clone()).await;
        ends(&world, &id, MessageState::Done).await;
        heard_by(&world, "two", status).await;
        let request =
            ReplayMessages { project: "shop".into(), id: Some(id), ..ReplayMessages::default() };
        let error = world.services.replay_messages(&owner, request).await.unwrap_err();
        assert_eq!(error.reason(), "message-replaced");
    }

    #[tokio::test]
    async fn messages_are_listed_by_state_and_page() {
        let world = World::new();
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let dead = heard(&world, "one").await;
        ends(&world, &dead, MessageState::Dead).await;
        let waiting = heard(&world, "two").await;
        let request = |states: &[&str]| MessagesRequest {
            project: "shop".into(),
            states: states.iter().map(ToString::to_string).collect(),
            limit: 1,
            ..MessagesRequest::default()
        };
        let page = world.services.list_messages(&reader, request(&["dead"])).await.unwrap();
        assert_eq!(page.messages.iter().map(|m| &*m.id).collect::<Vec<_>>(), [&*dead]);
        let page = world.services.list_messages(&reader, request(&[])).await.unwrap();
        assert_eq!((page.messages.len(), page.next.as_deref()), (1, Some(&*waiting)));
        let error = world.services.list_messages(&reader, request(&["gone"])).await.unwrap_err();
        let message = "states[0]: `gone` must be one of waiting, done, dead, void";
        assert_eq!(error.to_string(), message);
    }
}
