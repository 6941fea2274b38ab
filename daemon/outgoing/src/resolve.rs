//! From a stored message to where it goes: the project's file, as it is now, says so.

use crate::{
    facts::Facts,
    health::{self, off},
    verdict::ended,
    work::{Slot, To, Work},
};
use std::{sync::Arc, time::Instant};
use url::Url;
use windlass_engine::ports::store::{Attempt, Jobs, Outbox, OutboxFilter, Projects, StoreError};
use windlass_model::{
    clock::now_ms,
    event::Event,
    outbox::{Message, MessageState, Moment, Receiver},
    project::{EndpointSpec, ForgeSpec, ProjectSpec, Reporting},
};

/// Source of what is known about a message.
#[derive(Clone)]
pub(crate) struct Resolver {
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) jobs: Arc<dyn Jobs>,
    pub(crate) projects: Arc<dyn Projects>,
}

/// A message that was looked at.
pub(crate) enum Resolved {
    Work(Box<Work>),
    /// It is not sent. The attempt says why.
    Ended(Attempt),
}

/// Name that stands for a host, and for a login: results go to the queue one after the other.
const QUEUE: &str = "the queue";

/// Reason why a message is not sent.
type Unsent = (MessageState, String);

impl Resolver {
    /// Looks where a message goes.
    pub(crate) async fn resolve(
        &self,
        message: Message,
        begin_by: Instant,
    ) -> Result<Resolved, StoreError> {
        let void = |why: &str| Resolved::Ended(ended(MessageState::Void, now_ms(), why));
        let record = match self.jobs.job(&message.job).await {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(void("the job was deleted")),
            Err(error) => return unreadable(error),
        };
        // It is the operator's: the project's file says nothing about it.
        if matches!(message.receiver, Receiver::Queue { .. }) {
            let (host, login) = (QUEUE.to_owned(), Some(QUEUE.to_owned()));
            let (facts, slot) = (Facts::of(record.clone()), Slot { host, login });
            let to = To::Queue { record: Box::new(record) };
            return Ok(Resolved::Work(Box::new(Work { message, facts, to, slot, begin_by })));
        }
        let project = match self.projects.project(&message.project).await {
            Ok(Some(project)) => project,
            Ok(None) => return Ok(void("the project was deleted")),
            Err(error) => return unreadable(error),
        };
        let found = find(&project.spec, &message);
        if let (Ok(_), Receiver::Endpoint { name }) = (&found, &message.receiver) {
            let all = self.of_endpoint(&message.project, name, now_ms()).await?;
            if let Some(why) = off(&message, &all, now_ms()) {
                let (project, id) = (&message.project, &message.id);
                tracing::warn!(project, endpoint = name, id, why, "a message is not sent");
                let why = format!("{why}; replay the message when it is mended");
                return Ok(Resolved::Ended(ended(MessageState::Dead, now_ms(), &why)));
            }
        }
        Ok(match found {
            Ok((to, slot)) => {
                let facts = Facts::of(record).about(self.event(&message).await?);
                Resolved::Work(Box::new(Work { message, facts, to, slot, begin_by }))
            }
            Err((state, why)) => Resolved::Ended(ended(state, now_ms(), &why)),
        })
    }

    /// Returns the event that a message is about, where its text needs it. `None` means that it needs none, or that the
    /// journal cannot be read there.
    async fn event(&self, message: &Message) -> Result<Option<Event>, StoreError> {
        let (Moment::Held | Moment::Approved, Some(before)) =
            (message.moment, message.seq.checked_sub(1))
        else {
            return Ok(None);
        };
        let found = self.jobs.events(&message.job, before, 1).await?;
        Ok(found.into_iter().find(|one| one.seq == message.seq).map(|one| one.event))
    }

    /// Returns messages of an endpoint: the newest that it has, the newest that it does not have, and the newest of
    /// those that are a day old, however many came since.
    async fn of_endpoint(
        &self,
        project: &str,
        name: &str,
        now_ms: u64,
    ) -> Result<Vec<Message>, StoreError> {
        let failed = vec![MessageState::Waiting, MessageState::Dead];
        let mut all = Vec::new();
        for (states, before) in [
            (vec![MessageState::Done], None),
            (failed.clone(), None),
            (failed, Some(health::a_day_old(now_ms))),
        ] {
            let filter = OutboxFilter {
                project: project.to_owned(),
                states,
                receiver: Some(name.to_owned()),
                before,
                limit: health::LOOKED_AT,
                ..OutboxFilter::default()
            };
            all.extend(self.outbox.messages(&filter).await?);
        }
        // A repository may have the same name.
        all.retain(|one| matches!(one.receiver, Receiver::Endpoint { .. }));
        Ok(all)
    }
}

/// Ends a message about what cannot be read: it would wait for ever, and those of newer jobs behind it. A store that is
/// away stays an error.
fn unreadable(error: StoreError) -> Result<Resolved, StoreError> {
    match error {
        StoreError::Unreadable { .. } | StoreError::TooNew { .. } => {
            Ok(Resolved::Ended(ended(MessageState::Dead, now_ms(), &error.to_string())))
        }
        away => Err(away),
    }
}

fn find(spec: &ProjectSpec, message: &Message) -> Result<(To, Slot), Unsent> {
    let void = |why: String| (MessageState::Void, why);
    match &message.receiver {
        Receiver::Status { repository, .. } => {
            forge(spec, &message.project, repository, Reporting::Status).map_err(void)
        }
        Receiver::Deployment { repository, .. } => {
            forge(spec, &message.project, repository, Reporting::Deployment).map_err(void)
        }
        Receiver::Endpoint { name } => {
            let endpoint = spec.endpoints.get(name).ok_or_else(|| {
                void(format!("the project's file has no endpoint `{name}` any more"))
            })?;
            endpoint_of(endpoint, message.moment)
        }
        Receiver::Queue { .. } => Err(void("the project's file has no queue".into())),
    }
}

fn forge(
    spec: &ProjectSpec,
    project: &str,
    name: &str,
    reporting: Reporting,
) -> Result<(To, Slot), String> {
    let lacks = |what: &str| format!("repository `{name}` of the project's file {what}");
    let repository = spec.repositories.get(name).ok_or_else(|| lacks("is not there any more"))?;
    let forge = repository.forge.as_ref().ok_or_else(|| lacks("has no `forge` any more"))?;
    if !forge.report.contains(&reporting) {
        return Err(lacks("does not ask for this in `forge.report` any more"));
    }
    let login = login(forge, project)
        .ok_or_else(|| lacks("has neither `forge.token` nor `forge.app` any more"))?;
    let api = forge.api().ok_or_else(|| lacks("has no `forge.api`"))?;
    let host = Url::parse(api).ok().and_then(|url| host(&url));
    let host = host.ok_or_else(|| lacks("has a `forge.api` that is no URL with a host"))?;
    let to =
        To::Forge { forge: forge.clone(), api: api.to_owned(), repository: repository.url.clone() };
    let login = Some(format!("{host} {login}"));
    Ok((to, Slot { host, login }))
}

/// Returns the name of a login. Forges limit what one login does at the same time.
fn login(forge: &ForgeSpec, project: &str) -> Option<String> {
    match (&forge.app, &forge.token) {
        (Some(app), _) => Some(format!("app {} {}", app.id, app.installation)),
        (None, Some(token)) => Some(format!("token {project} {token}")),
        (None, None) => None,
    }
}

fn endpoint_of(endpoint: &EndpointSpec, moment: Moment) -> Result<(To, Slot), Unsent> {
    if !endpoint.wants(moment) {
        let why = format!("the endpoint does not ask for job.{}", moment.as_str());
        return Err((MessageState::Void, why));
    }
    let url = Url::parse(&endpoint.url).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
    let found = url.and_then(|url| host(&url).map(|host| (url, host)));
    // It may hold a secret, and is not repeated.
    let Some((url, host)) = found else {
        return Err((
            MessageState::Dead,
            "the endpoint's `url` is no https URL with a host".into(),
        ));
    };
    let to = To::Endpoint { endpoint: endpoint.clone(), url };
    Ok((to, Slot { host, login: None }))
}

fn host(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{message, project, status};
    use windlass_model::project::EndpointEvent;

    #[test]
    fn an_endpoint_hears_of_waits_and_ends_unless_it_asks_for_others() {
        let spec = project("https://hooks.example/in", "https://git.example/api/v1");
        let at = |moment| find(&spec, &Message { moment, ..message(1) });
        assert!(matches!(at(Moment::Running), Err((MessageState::Void, _))));
        assert!(matches!(at(Moment::Approved), Err((MessageState::Void, _))));
        assert!(at(Moment::Held).is_ok(), "somebody has to approve");
        let (_, slot) = at(Moment::Failed).ok().unwrap();
        assert_eq!(slot, Slot { host: "hooks.example:443".into(), login: None });
        let mut spec = spec.clone();
        spec.endpoints.get_mut("hooks").unwrap().events = vec![EndpointEvent::JobRunning];
        let running = Message { moment: Moment::Running, ..message(1) };
        assert!(find(&spec, &running).is_ok());
        assert!(find(&spec, &message(1)).is_err());
    }

    #[test]
    fn what_is_in_the_file_no_more_gets_no_messages() {
        let whole = project("https://hooks.example/in", "https://git.example/api/v1");
        let status = Message { receiver: status("web"), ..message(1) };
        let (_, slot) = find(&whole, &status).ok().unwrap();
        assert_eq!(slot.host, "git.example:443");
        assert_eq!(slot.login.as_deref(), Some("git.example:443 token shop forge-token"));
        let mut spec = whole.clone();
        spec.repositories.get_mut("web").unwrap().forge.as_mut().unwrap().token = None;
        assert!(matches!(find(&spec, &status), Err((MessageState::Void, _))));
        spec.repositories.clear();
        assert!(find(&spec, &status).is_err());
        let mut spec = whole;
        spec.endpoints.get_mut("hooks").unwrap().url = "hooks.example".into();
        assert!(matches!(find(&spec, &message(1)), Err((MessageState::Dead, _))));
    }
}
