//! Who hears of an app's jobs.

use super::{
    AppSpec, EndpointEvent, EndpointSpec, ForgeSpec, ProjectSpec, Reporting, RepositorySpec,
};
use crate::{
    app::App,
    outbox::{EndpointHealth, Moment, PreviewChange, Receiver},
};

impl ForgeSpec {
    /// Returns the base address of the API. `None` means that the project must name it, and does not.
    #[must_use]
    pub fn api(&self) -> Option<&str> {
        self.api.as_deref().or_else(|| self.kind.default_api())
    }
}

impl RepositorySpec {
    /// Returns the receivers of an app's jobs at the repository's forge. Empty means that the project has no forge or no
    /// token for it. `name` is the repository's name in the project.
    ///
    /// A Deployment's environment is `app/environment`: two apps of one commit are not to overwrite each other's state.
    #[must_use]
    pub fn receivers(&self, name: &str, app: &App, commit: &str) -> Vec<Receiver> {
        let forge = self.forge.iter().filter(|forge| forge.token.is_some() || forge.app.is_some());
        let environment = format!("{}/{}", app.name, app.environment);
        let receiver = |reporting: &Reporting| match reporting {
            Reporting::Status => Receiver::Status {
                repository: name.into(),
                commit: commit.into(),
                context: format!("windlass/{environment}"),
            },
            Reporting::Deployment => Receiver::Deployment {
                repository: name.into(),
                commit: commit.into(),
                environment: environment.clone(),
            },
        };
        forge.flat_map(|forge| &forge.report).map(receiver).collect()
    }
}

impl EndpointSpec {
    /// Returns whether the endpoint hears of a moment.
    #[must_use]
    pub fn wants(&self, moment: Moment) -> bool {
        if self.events.is_empty() {
            // Whoever may approve has to hear of it.
            return moment.is_final() || moment == Moment::Held;
        }
        let event = match moment {
            Moment::Queued => EndpointEvent::JobQueued,
            Moment::Running => EndpointEvent::JobRunning,
            Moment::Held => EndpointEvent::JobHeld,
            Moment::Approved => EndpointEvent::JobApproved,
            Moment::Succeeded => EndpointEvent::JobSucceeded,
            Moment::Failed => EndpointEvent::JobFailed,
            Moment::Stopped => EndpointEvent::JobStopped,
        };
        self.events.contains(&event)
    }

    /// Returns whether the endpoint hears that another one takes no messages.
    #[must_use]
    pub fn wants_notice(&self, health: EndpointHealth) -> bool {
        let event = match health {
            EndpointHealth::Failing => EndpointEvent::EndpointFailing,
            EndpointHealth::Disabled => EndpointEvent::EndpointDisabled,
        };
        self.events.is_empty() || self.events.contains(&event)
    }

    /// Returns whether the endpoint hears what comes of previews. One that names no events does not: it hears of their
    /// jobs.
    #[must_use]
    pub fn wants_preview(&self, change: PreviewChange) -> bool {
        self.events.contains(&match change {
            PreviewChange::Ready => EndpointEvent::PreviewReady,
            PreviewChange::Removed => EndpointEvent::PreviewRemoved,
        })
    }
}

impl ProjectSpec {
    /// Returns the repository of an app, with its name. `None` means that the app names none, and that the project does
    /// not have exactly one, or none of that name.
    #[must_use]
    pub fn repository_of<'a>(&'a self, app: &AppSpec) -> Option<(&'a str, &'a RepositorySpec)> {
        let found = match &app.repository {
            Some(name) => self.repositories.get_key_value(name),
            None if self.repositories.len() == 1 => self.repositories.first_key_value(),
            None => None,
        };
        found.map(|(name, repository)| (&**name, repository))
    }

    /// Returns the receivers of a job: the forge of the repository that it was fetched from, and all endpoints. Forges
    /// hear of no other repository's commits.
    #[must_use]
    pub fn receivers(&self, app: &App, repository_url: &str, commit: &str) -> Vec<Receiver> {
        let url = comparable(repository_url);
        let mut all = self.repositories.iter();
        let repository = all.find(|(_, repository)| comparable(&repository.url) == url);
        let statuses = repository.map(|(name, repository)| repository.receivers(name, app, commit));
        let endpoints = self.endpoints.keys().map(|name| Receiver::Endpoint { name: name.clone() });
        statuses.into_iter().flatten().chain(endpoints).collect()
    }
}

/// Returns a form of a repository's address in which equal ones are equal: forges take them with and without `.git` and
/// a slash at the end, and neither scheme nor host has a case.
pub(super) fn comparable(url: &str) -> String {
    let url = url.trim_end_matches('/');
    let url = url.strip_suffix(".git").unwrap_or(url);
    let host = url.find("://").map_or(0, |at| at + 3);
    let path = url.get(host..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| host + at);
    let (server, path) = url.split_at_checked(path).unwrap_or((url, ""));
    format!("{}{path}", server.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::ForgeKind;

    fn forge(report: &[Reporting], token: Option<&str>) -> ForgeSpec {
        let token = token.map(str::to_owned);
        ForgeSpec { kind: ForgeKind::Github, api: None, token, app: None, report: report.into() }
    }

    fn repository(url: &str, forge: Option<ForgeSpec>) -> RepositorySpec {
        RepositorySpec { url: url.into(), credential: None, forge, poll: None }
    }

    fn project() -> ProjectSpec {
        let both = [Reporting::Status, Reporting::Deployment];
        let shop = repository("https://Git.example/acme/shop.git", Some(forge(&both, Some("t"))));
        let silent = repository("https://git.example/acme/silent", Some(forge(&both, None)));
        let endpoint = EndpointSpec {
            url: "https://a.example".into(),
            secret: "s".into(),
            events: Vec::new(),
        };
        ProjectSpec {
            project: "shop".into(),
            repositories: [("shop".into(), shop), ("silent".into(), silent)].into(),
            endpoints: [("chat".into(), endpoint)].into(),
            ..ProjectSpec::default()
        }
    }

    #[test]
    fn the_forge_of_the_fetched_repository_hears_and_so_do_all_endpoints() {
        let app = App::new("shop", "web", "").unwrap();
        let chat = Receiver::Endpoint { name: "chat".into() };
        let of = |url: &str| project().receivers(&app, url, "c0ffee");
        for url in ["https://git.example/acme/shop", "HTTPS://git.example/acme/shop.git/"] {
            let expected = [
                Receiver::Status {
                    repository: "shop".into(),
                    commit: "c0ffee".into(),
                    context: "windlass/web/production".into(),
                },
                Receiver::Deployment {
                    repository: "shop".into(),
                    commit: "c0ffee".into(),
                    environment: "web/production".into(),
                },
                chat.clone(),
            ];
            assert_eq!(of(url), expected, "{url}");
        }
        for url in [
            "https://git.example/acme/silent",
            "https://git.example/acme/Shop",
            "https://git.example/acme/shop2",
            "https://other.example/acme/shop",
            "",
        ] {
            assert_eq!(of(url), std::slice::from_ref(&chat), "{url}");
        }
    }

    #[test]
    fn an_endpoint_hears_of_waits_and_ends_unless_it_names_events() {
        let mut endpoint = project().endpoints["chat"].clone();
        let heard = |endpoint: &EndpointSpec| -> Vec<&str> {
            let all = Moment::ALL.into_iter().filter(|moment| endpoint.wants(*moment));
            all.map(Moment::as_str).collect()
        };
        assert_eq!(heard(&endpoint), ["held", "succeeded", "failed", "stopped"]);
        endpoint.events =
            vec![EndpointEvent::JobQueued, EndpointEvent::JobApproved, EndpointEvent::JobFailed];
        assert_eq!(heard(&endpoint), ["queued", "approved", "failed"]);
        endpoint.events = vec![EndpointEvent::JobHeld];
        assert_eq!(heard(&endpoint), ["held"]);
    }

    #[test]
    fn an_endpoint_hears_of_previews_if_it_names_them() {
        let mut endpoint = project().endpoints["chat"].clone();
        let heard =
            |endpoint: &EndpointSpec| PreviewChange::ALL.map(|one| endpoint.wants_preview(one));
        assert_eq!(heard(&endpoint), [false, false]);
        endpoint.events = vec![EndpointEvent::PreviewReady];
        assert_eq!(heard(&endpoint), [true, false]);
        endpoint.events = vec![EndpointEvent::PreviewRemoved, EndpointEvent::JobFailed];
        assert_eq!(heard(&endpoint), [false, true]);
    }

    #[test]
    fn an_app_names_its_repository_or_has_the_only_one() {
        let mut project = project();
        let named = |name: Option<&str>| AppSpec {
            repository: name.map(str::to_owned),
            ..AppSpec::default()
        };
        let name = |project: &ProjectSpec, app: &AppSpec| {
            project.repository_of(app).map(|(name, _)| name.to_owned())
        };
        assert_eq!(name(&project, &named(Some("silent"))).as_deref(), Some("silent"));
        assert_eq!(name(&project, &named(Some("other"))), None);
        assert_eq!(name(&project, &named(None)), None);
        project.repositories.remove("silent");
        assert_eq!(name(&project, &named(None)).as_deref(), Some("shop"));
    }
}
