//! From a stored message to where it goes: the project's file, as it is now, says so.

use crate::{
    facts::Facts,
    health::{UnwellEndpoints, off},
    verdict::ended,
    work::{Slot, To, Work},
};
use std::{sync::Arc, time::Instant};
use url::Url;
use windlass_engine::{
    endpoint_health::{Unwell, endpoint_health, messages_of_endpoint},
    ports::store::{Attempt, Jobs, Notice, Outbox, Projects, StoreError},
};
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
    pub(crate) unwell: UnwellEndpoints,
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
        if let Some(name) = endpoint_name(&message.receiver) {
            if !project.spec.endpoints.contains_key(name) {
                self.unwell.note(&message.project, name, None);
            } else if found.is_ok()
                && let Some(why) = self.look_at(&project.spec, &message, name).await?
            {
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

    /// Looks at the endpoint of a message, and has the project's other endpoints hear of it where it takes no messages.
    /// Returns why the message is not sent. `None` means that it is.
    async fn look_at(
        &self,
        spec: &ProjectSpec,
        message: &Message,
        name: &str,
    ) -> Result<Option<String>, StoreError> {
        let (project, now) = (&message.project, now_ms());
        let all = messages_of_endpoint(&*self.outbox, project, name, now).await?;
        let unwell = endpoint_health(&all, now);
        self.unwell.note(project, name, unwell.as_ref().map(|unwell| unwell.health));
        if let Some(unwell) = &unwell {
            self.tell_others(spec, message, name, unwell).await?;
        }
        Ok(off(message, unwell.as_ref()))
    }

    /// Looks again at the endpoints that took no messages: nothing is sent to one that the project's file has no more, and
    /// the last message to one that takes them again may have been the one that it took.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) async fn look_again(&self) -> Result<(), StoreError> {
        for (project, name) in self.unwell.all() {
            let now = now_ms();
            let health = match self.projects.project(&project).await {
                Ok(Some(record)) if record.spec.endpoints.contains_key(&name) => {
                    let all = messages_of_endpoint(&*self.outbox, &project, &name, now).await?;
                    endpoint_health(&all, now).map(|unwell| unwell.health)
                }
                Ok(_) => None,
                // Its file cannot be read: nothing new is known.
                Err(StoreError::Unreadable { .. } | StoreError::TooNew { .. }) => continue,
                Err(away) => return Err(away),
            };
            self.unwell.note(&project, &name, health);
        }
        Ok(())
    }

    /// Adds a message about an endpoint to each other one that wants it, once for each silence.
    async fn tell_others(
        &self,
        spec: &ProjectSpec,
        message: &Message,
        name: &str,
        unwell: &Unwell,
    ) -> Result<(), StoreError> {
        let Unwell { health, since, why, .. } = unwell;
        for (other, endpoint) in &spec.endpoints {
            if other == name || !endpoint.wants_notice(*health) {
                continue;
            }
            let receiver = Receiver::Notice {
                name: other.clone(),
                endpoint: name.to_owned(),
                health: *health,
                since: since.clone(),
            };
            let project = message.project.clone();
            let cause = message.clone();
            let notice = Notice { project, receiver, cause, now_ms: now_ms() };
            if self.outbox.add_notice(&notice).await? {
                let project = &message.project;
                tracing::warn!(
                    project,
                    endpoint = name,
                    other,
                    why,
                    "an endpoint hears of another"
                );
            }
        }
        Ok(())
    }
}

/// Returns the name of the endpoint that a message goes to. `None` means that it goes to none.
fn endpoint_name(receiver: &Receiver) -> Option<&str> {
    match receiver {
        Receiver::Endpoint { name }
        | Receiver::Preview { name, .. }
        | Receiver::Notice { name, .. } => Some(name),
        Receiver::Status { .. }
        | Receiver::Deployment { .. }
        | Receiver::DeploymentEnd { .. }
        | Receiver::Queue { .. } => None,
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
        Receiver::Deployment { repository, .. } | Receiver::DeploymentEnd { repository, .. } => {
            forge(spec, &message.project, repository, Reporting::Deployment).map_err(void)
        }
        Receiver::Endpoint { name } => {
            let endpoint = endpoint_named(spec, name)?;
            if !endpoint.wants(message.moment) {
                let moment = message.moment.as_str();
                return Err(void(format!("the endpoint does not ask for job.{moment}")));
            }
            endpoint_of(endpoint)
        }
        Receiver::Preview { name, change, .. } => {
            let endpoint = endpoint_named(spec, name)?;
            if !endpoint.wants_preview(*change) {
                let change = change.as_str();
                return Err(void(format!("the endpoint does not ask for preview.{change}")));
            }
            endpoint_of(endpoint)
        }
        Receiver::Notice { name, health, .. } => {
            let endpoint = endpoint_named(spec, name)?;
            if !endpoint.wants_notice(*health) {
                let health = health.as_str();
                return Err(void(format!("the endpoint does not ask for endpoint.{health}")));
            }
            endpoint_of(endpoint)
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
    let (api, slot) = slot(forge, project).map_err(lacks)?;
    let to =
        To::Forge { forge: forge.clone(), api: api.to_owned(), repository: repository.url.clone() };
    Ok((to, slot))
}

/// Returns the base of a forge's API, and the host and login that others share.
///
/// # Errors
/// The words that say of the repository what it lacks.
pub(crate) fn slot<'a>(
    forge: &'a ForgeSpec,
    project: &str,
) -> Result<(&'a str, Slot), &'static str> {
    let login =
        login(forge, project).ok_or("has neither `forge.token` nor `forge.app` any more")?;
    let api = forge.api().ok_or("has no `forge.api`")?;
    let host = Url::parse(api).ok().and_then(|url| host(&url));
    let host = host.ok_or("has a `forge.api` that is no URL with a host")?;
    let login = Some(format!("{host} {login}"));
    Ok((api, Slot { host, login }))
}

/// Returns the name of a login. Forges limit what one login does at the same time.
fn login(forge: &ForgeSpec, project: &str) -> Option<String> {
    match (&forge.app, &forge.token) {
        (Some(app), _) => Some(format!("app {} {}", app.id, app.installation)),
        (None, Some(token)) => Some(format!("token {project} {token}")),
        (None, None) => None,
    }
}

fn endpoint_named<'a>(spec: &'a ProjectSpec, name: &str) -> Result<&'a EndpointSpec, Unsent> {
    spec.endpoints.get(name).ok_or_else(|| {
        (MessageState::Void, format!("the project's file has no endpoint `{name}` any more"))
    })
}

fn endpoint_of(endpoint: &EndpointSpec) -> Result<(To, Slot), Unsent> {
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
    use windlass_model::{
        outbox::{Moment, PreviewChange},
        project::EndpointEvent,
    };

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
    fn what_comes_of_a_preview_goes_to_endpoints_that_name_it() {
        let mut spec = project("https://hooks.example/in", "https://git.example/api/v1");
        let receiver = Receiver::Preview {
            name: "hooks".into(),
            change: PreviewChange::Ready,
            environment: "pr-7".into(),
            pull: None,
        };
        let ready = Message { receiver, ..message(1) };
        assert!(matches!(find(&spec, &ready), Err((MessageState::Void, _))));
        spec.endpoints.get_mut("hooks").unwrap().events = vec![EndpointEvent::PreviewReady];
        let (_, slot) = find(&spec, &ready).ok().unwrap();
        assert_eq!(slot.host, "hooks.example:443");
    }

    #[test]
    fn an_end_of_a_deployment_goes_where_its_deployment_went() {
        let mut spec = project("https://hooks.example/in", "https://git.example/api/v1");
        let receiver = Receiver::DeploymentEnd {
            repository: "web".into(),
            commit: "c1".into(),
            environment: "web/production".into(),
        };
        let end = Message { receiver, ..message(1) };
        assert!(matches!(find(&spec, &end), Err((MessageState::Void, _))));
        let forge = spec.repositories.get_mut("web").unwrap().forge.as_mut().unwrap();
        forge.report = vec![Reporting::Deployment];
        let (_, slot) = find(&spec, &end).ok().unwrap();
        assert_eq!(slot.login.as_deref(), Some("git.example:443 token shop forge-token"));
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
