//! Preview environments: one for each pull request, or for a name that a caller chose. They end by themselves.

use crate::{
    app::App,
    spec::{AutoscaleSpec, Spec, SpecError},
};
use serde::{Deserialize, Serialize};

/// Beginning of the names of preview environments. No removal of a preview ever names another environment.
pub const PREFIX: &str = "pr-";

/// Limits of a job that deploys to a preview environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Host that leads to the app. `None` means that it is reached within the cluster alone: those of its file are of
    /// other environments.
    pub host: Option<String>,
    /// Names of the project's secrets that the app may use.
    pub secrets: Vec<String>,
    /// The commit is of a fork. Its app and its build get no secret, whatever `secrets` names, and its builds have caches
    /// of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fork: bool,
}

/// Returns the environment of a preview with this name. For a pull request it is the number.
#[must_use]
pub fn environment(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// Returns the name of the preview that an environment is. `None` means that it is none.
#[must_use]
pub fn name_of(environment: &str) -> Option<&str> {
    environment.strip_prefix(PREFIX).filter(|name| !name.is_empty())
}

/// State of a preview. The word of a state is stored, so it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PreviewState {
    /// It serves, or its job is on its way.
    Open,
    /// It was removed, since nobody used it or since a caller wished so. The next push makes it again.
    Removed,
    /// The pull request was closed. Nothing is deployed there until that is opened again.
    Closed,
}

impl PreviewState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Open, Self::Removed, Self::Closed];

    /// Returns the stored word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Removed => "removed",
            Self::Closed => "closed",
        }
    }

    /// Returns the state of a stored word. `None` means that no state has it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A preview as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewRecord {
    /// App with the environment of the preview.
    pub app: App,
    pub state: PreviewState,
    /// Name of the repository in the project's file. Empty means that no pull request made it.
    pub repository: String,
    /// Number of the pull request. `None` means that a caller chose the name.
    pub number: Option<u64>,
    /// Commit that was pushed last. Empty means that none was.
    pub head: String,
    /// Time of the last push, in milliseconds since 1970.
    pub last_push_ms: u64,
    /// Time at which it ends if nobody pushes, in milliseconds since 1970.
    pub until_ms: u64,
    /// Job that removes it. Empty means that none does.
    pub removal: String,
}

impl PreviewRecord {
    /// Returns whether the preview of another pull request is open in the namespace of this one: numbers are of one
    /// repository, and the namespace is of the number. `rivals` are the names of repositories that are not this one's.
    #[must_use]
    pub fn is_beside(&self, other: &Self, rivals: &[String]) -> bool {
        let is_same_namespace = self.app.namespace() == other.app.namespace();
        let is_rival = self.repository != other.repository && rivals.contains(&other.repository);
        let are_pulls = self.number.is_some() && other.number.is_some();
        is_same_namespace && is_rival && are_pulls && other.state == PreviewState::Open
    }
}

impl Preview {
    /// Returns a spec as a preview has it: one pod of each process, and no host but the preview's own. Without a gateway
    /// and an ingress class it has none. A secret beyond the list is refused, and any secret where the commit is of a fork.
    ///
    /// # Errors
    /// [`SpecError`] with the field that names such a secret.
    pub fn limit(&self, mut spec: Spec) -> Result<Spec, SpecError> {
        let named = spec.secrets.iter().map(|(env, name)| (format!("secrets.{env}"), name));
        let built = spec.build.secrets.iter().map(|name| ("build.secrets".to_owned(), name));
        for (field, name) in named.chain(built) {
            if self.fork {
                let problem = "is a secret, and the preview of a fork's pull request gets none: let the app start without it".to_owned();
                return Err(SpecError { field, value: name.clone(), problem });
            }
            if !self.secrets.contains(name) {
                let problem = "is no secret for previews: name it in `previews.secrets` of the project's file, or use one that is".to_owned();
                return Err(SpecError { field, value: name.clone(), problem });
            }
        }
        let expose = &mut spec.expose;
        let is_reached = expose.gateway.is_some() || expose.ingress_class.is_some();
        expose.hosts = self.host.iter().filter(|_| is_reached).cloned().collect();
        if expose.hosts.is_empty() {
            (expose.gateway, expose.ingress_class, expose.tls_secret) = (None, None, None);
        }
        spec.replicas = spec.replicas.map(|replicas| replicas.min(1));
        for process in spec.processes.values_mut() {
            process.replicas = process.replicas.map(|replicas| replicas.min(1));
            process.autoscale = AutoscaleSpec::default();
            process.max_unavailable = None;
        }
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_of_a_preview_by_its_prefix() {
        assert_eq!((&*environment("7"), name_of("pr-7")), ("pr-7", Some("7")));
        for other in ["production", "pr", "pr-", "apr-7"] {
            assert_eq!(name_of(other), None, "{other}");
        }
        for state in PreviewState::ALL {
            assert_eq!(PreviewState::parse(state.as_str()), Some(state));
        }
    }

    #[test]
    fn pull_requests_of_two_repositories_do_not_share_a_namespace() {
        let record = |project: &str, app: &str, repository: &str, number: Option<u64>| {
            let name = number.map_or("x".to_owned(), |number| number.to_string());
            PreviewRecord {
                app: App::new(project, app, &environment(&name)).unwrap(),
                state: PreviewState::Open,
                repository: repository.into(),
                number,
                head: "abc".into(),
                last_push_ms: 1,
                until_ms: 2,
                removal: String::new(),
            }
        };
        let rivals = ["site".to_owned(), String::new()];
        let own = record("shop", "web", "web", Some(7));
        let is_beside = |other: &PreviewRecord| own.is_beside(other, &rivals);
        let other = record("shop", "site", "site", Some(7));
        assert!(is_beside(&other));
        // The app has moved to the repository of `own`.
        assert!(is_beside(&record("shop", "web", "site", Some(7))));
        assert!(!is_beside(&PreviewRecord { state: PreviewState::Closed, ..other.clone() }));
        assert!(!is_beside(&record("shop", "site", "web", Some(7))), "another app of it");
        assert!(!is_beside(&record("shop", "site", "renamed", Some(7))));
        assert!(!is_beside(&record("shop", "site", "site", Some(8))));
        assert!(!is_beside(&record("blog", "site", "site", Some(7))));
        // Whoever chose the name chose the namespace.
        let chosen = PreviewRecord { number: None, repository: String::new(), ..other };
        assert!(!is_beside(&chosen) && !chosen.is_beside(&own, &["web".to_owned()]));
    }

    #[test]
    fn a_preview_has_one_pod_of_each_process_and_no_secret_of_production() {
        let secrets = vec!["db-preview".into()];
        let preview = Preview { host: None, secrets, fork: false };
        let spec = |text: &str| Spec::from_toml(text).unwrap();
        let limited = preview
            .limit(spec(
                "replicas = 4\n[secrets]\nDB = \"db-preview\"\n\
                 [processes.worker]\ncommand = [\"work\"]\nreplicas = 3\n\
                 [processes.idle]\ncommand = [\"idle\"]\nreplicas = 0\n",
            ))
            .unwrap();
        assert_eq!(limited.replicas, Some(1));
        assert_eq!(limited.processes["worker"].replicas, Some(1));
        assert_eq!(limited.processes["idle"].replicas, Some(0));
        let exposed = "[expose]\nhosts = [\"shop.example.com\"]\ngateway = \"public\"\n";
        let hidden = preview.limit(spec(exposed)).unwrap().expose;
        assert!(hidden.hosts.is_empty() && hidden.gateway.is_none(), "{hidden:?}");
        let shown = Preview { host: Some("web-pr-7.example.com".into()), ..preview.clone() };
        assert_eq!(shown.limit(spec(exposed)).unwrap().expose.hosts, ["web-pr-7.example.com"]);
        assert!(shown.limit(spec("")).unwrap().expose.hosts.is_empty());
        for (text, field) in [
            ("[secrets]\nDB = \"db\"\n", "secrets.DB"),
            ("[build]\nsecrets = [\"npm\"]\n", "build.secrets"),
        ] {
            let error = preview.limit(spec(text)).unwrap_err();
            assert_eq!(error.field, field);
            assert!(error.problem.contains("`previews.secrets`"), "{error}");
        }
    }

    #[test]
    fn a_preview_of_a_fork_has_no_secret_not_even_one_for_previews() {
        let fork = Preview { host: None, secrets: vec!["db-preview".into()], fork: true };
        for (text, field) in [
            ("[secrets]\nDB = \"db-preview\"\n", "secrets.DB"),
            ("[build]\nsecrets = [\"db-preview\"]\n", "build.secrets"),
        ] {
            let error = fork.limit(Spec::from_toml(text).unwrap()).unwrap_err();
            assert_eq!(error.field, field);
            assert!(error.problem.contains("of a fork's pull request gets none"), "{error}");
        }
        let limited = fork.limit(Spec::from_toml("replicas = 4\n").unwrap()).unwrap();
        assert_eq!(limited.replicas, Some(1));
    }

    #[test]
    fn a_preview_of_an_older_journal_is_of_no_fork() {
        let old = serde_json::json!({ "host": null, "secrets": ["db-preview"] });
        let preview: Preview = serde_json::from_value(old.clone()).unwrap();
        assert!(!preview.fork);
        assert_eq!(serde_json::to_value(preview).unwrap(), old);
    }
}
