//! Hooks that forges call: made here with their secrets, which are shown once.

use crate::{
    caller::Caller, error::ServiceError, finish::finish, projects::repository_named,
    services::Services, verb::Verb,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rand::{Rng as _, RngCore as _};
use std::time::Duration;
use windlass_engine::ports::store::{HookRecord, OpenedHook};
use windlass_model::{app::label, clock::now_ms, forge::ForgeKind, secret::Secret};

/// Number of letters of a hook's id.
const ID_LETTERS: usize = 26;

/// Number of random bytes of a secret.
const SECRET_BYTES: usize = 32;

/// Number of hooks of one project.
const MOST_HOOKS: usize = 100;

/// Time for which the secret before stays valid, by default and at most.
const KEEP: (Duration, Duration) =
    (Duration::from_secs(24 * 3600), Duration::from_secs(7 * 24 * 3600));

/// Number of characters of a project's longest name.
const LONGEST_PROJECT: usize = 30;

/// A hook with its new secret, which is not shown again.
#[derive(Clone)]
pub struct CreatedHook {
    pub record: HookRecord,
    /// Secret for the forge.
    pub secret: String,
    /// Settings to make at the forge, a line each.
    pub steps: Vec<String>,
}

impl Services {
    /// Makes a hook for a repository. The empty name means the project's only repository.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a repository that is not there, or has no forge.
    pub async fn create_hook(
        &self,
        caller: &Caller,
        project: &str,
        repository: &str,
    ) -> Result<CreatedHook, ServiceError> {
        label("project", project, LONGEST_PROJECT)?;
        caller.may(Verb::Projects, project)?;
        let spec = self.find_project(project).await?.spec;
        let (repository, found) = repository_named(&spec, repository)?;
        let Some(forge) = &found.forge else {
            let expected = format!(
                "has no forge; add `[repositories.{repository}.forge]` with its `kind` to the project's file"
            );
            return Err(ServiceError::invalid("repository", repository, expected));
        };
        let kind = forge.kind;
        if self.hooks.hooks(project).await?.len() >= MOST_HOOKS {
            return Err(ServiceError::Exhausted {
                reason: "too-many-hooks",
                message: format!("project `{project}` has {MOST_HOOKS} hooks, and no more may be"),
                fix: format!("delete some: windlass hook list {project}"),
            });
        }
        let record = HookRecord {
            id: random_id(),
            project: project.to_owned(),
            repository: repository.to_owned(),
            created_ms: now_ms(),
            by: caller.name.clone(),
            previous_until_ms: None,
            seen_ms: None,
            repository_id: None,
        };
        let secret = random_secret(kind);
        let sealed = Secret::new(secret.clone().into_bytes());
        let (hooks, stored) = (self.hooks.clone(), record.clone());
        finish(async move { Ok(hooks.create_hook(&stored, &sealed).await?) }).await?;
        let steps = self.steps(kind, &record.id);
        Ok(CreatedHook { record, secret, steps })
    }

    /// Gives a hook a new secret. The one before stays valid for `keep`, 24 hours unless given; zero ends it at once.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a time of more than seven days, [`ServiceError::NotFound`] for an id that no hook
    /// of the project has.
    pub async fn rotate_hook(
        &self,
        caller: &Caller,
        project: &str,
        id: &str,
        keep: Option<Duration>,
    ) -> Result<CreatedHook, ServiceError> {
        label("project", project, LONGEST_PROJECT)?;
        caller.may(Verb::Projects, project)?;
        let keep = keep.unwrap_or(KEEP.0);
        if keep > KEEP.1 {
            let found = format!("{} s", keep.as_secs());
            return Err(ServiceError::invalid("keep", found, "must be 0 s to 604800 s (7 days)"));
        }
        let record = self.find_hook(project, id).await?;
        let kind = self.kind_of(&record).await?.ok_or_else(|| ServiceError::Conflict {
            reason: "no-forge",
            message: format!(
                "repository `{}` of the hook has no forge any more",
                record.repository
            ),
            fix: "add the forge to the project's file, or delete the hook".into(),
        })?;
        let secret = random_secret(kind);
        let sealed = Secret::new(secret.clone().into_bytes());
        let until_ms = now_ms() + u64::try_from(keep.as_millis()).unwrap_or_default();
        let (hooks, of) = (self.hooks.clone(), id.to_owned());
        let rotate = async move { Ok(hooks.rotate_hook(&of, &sealed, until_ms).await?) };
        if !finish(rotate).await? {
            return Err(no_hook(project, id));
        }
        let record = self.find_hook(project, id).await?;
        let steps = self.steps(kind, id);
        Ok(CreatedHook { record, secret, steps })
    }

    /// Returns the hooks of a project, the oldest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn list_hooks(
        &self,
        caller: &Caller,
        project: &str,
    ) -> Result<Vec<HookRecord>, ServiceError> {
        label("project", project, LONGEST_PROJECT)?;
        caller.may(Verb::Read, project)?;
        Ok(self.hooks.hooks(project).await?)
    }

    /// Deletes a hook: what its forge sends from then on is refused.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an id that no hook of the project has.
    pub async fn delete_hook(
        &self,
        caller: &Caller,
        project: &str,
        id: &str,
    ) -> Result<(), ServiceError> {
        label("project", project, LONGEST_PROJECT)?;
        caller.may(Verb::Projects, project)?;
        self.find_hook(project, id).await?;
        let (hooks, of) = (self.hooks.clone(), id.to_owned());
        let is_deleted = finish(async move { Ok(hooks.delete_hook(&of).await?) }).await?;
        if is_deleted { Ok(()) } else { Err(no_hook(project, id)) }
    }

    /// Returns a hook with its secrets, and the kind of its forge. `None` means that there is no such hook, or that its
    /// repository has no forge any more. The door asks before it has verified anything.
    ///
    /// # Errors
    /// The store fails.
    pub async fn open_hook(
        &self,
        id: &str,
    ) -> Result<Option<(OpenedHook, ForgeKind)>, ServiceError> {
        if id.len() != ID_LETTERS || !id.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Ok(None);
        }
        let Some(opened) = self.hooks.open_hook(id, now_ms()).await? else { return Ok(None) };
        let kind = self.kind_of(&opened.record).await?;
        Ok(kind.map(|kind| (opened, kind)))
    }

    /// Returns the kind of a hook's forge. `None` means that the project names none any more.
    async fn kind_of(&self, hook: &HookRecord) -> Result<Option<ForgeKind>, ServiceError> {
        let project = self.projects.project(&hook.project).await?;
        let repository = project.and_then(|project| {
            let mut repositories = project.spec.repositories;
            repositories.remove(&hook.repository)
        });
        Ok(repository.and_then(|repository| repository.forge).map(|forge| forge.kind))
    }

    async fn find_hook(&self, project: &str, id: &str) -> Result<HookRecord, ServiceError> {
        let hooks = self.hooks.hooks(project).await?;
        hooks.into_iter().find(|hook| hook.id == id).ok_or_else(|| no_hook(project, id))
    }

    /// Returns the settings to make at a forge.
    fn steps(&self, kind: ForgeKind, id: &str) -> Vec<String> {
        let url = match &self.hooks_url {
            Some(url) => format!("URL: {url}/hooks/{id}"),
            None => format!(
                "URL: the address of `listen.hooks` as the forge reaches it, then /hooks/{id}"
            ),
        };
        let (place, form, secret, events) = match kind {
            ForgeKind::Github => (
                "the repository's Settings, Webhooks, Add webhook",
                "Content type: application/json",
                "Secret: the secret",
                "Events: just the push event",
            ),
            ForgeKind::Gitlab => (
                "the project's Settings, Webhooks, Add new webhook",
                "SSL verification: on",
                "Signing token, or Secret token before GitLab 19: the secret",
                "Trigger: Push events and Tag push events",
            ),
            ForgeKind::Bitbucket => (
                "the repository's settings, Webhooks, Add webhook",
                "Status: active",
                "Secret: the secret",
                "Triggers: Repository, Push",
            ),
            ForgeKind::BitbucketServer => (
                "the repository's settings, Webhooks, Create webhook",
                "Status: active",
                "Secret: the secret",
                "Events: Repository, Push",
            ),
            ForgeKind::Gitea | ForgeKind::Forgejo => (
                "the repository's Settings, Webhooks, Add webhook",
                "POST content type: application/json",
                "Secret: the secret",
                "Trigger on: Push events, and Delete",
            ),
        };
        let place = format!("Open {place}");
        [place, url, form.into(), secret.into(), events.into()].into()
    }
}

fn no_hook(project: &str, id: &str) -> ServiceError {
    ServiceError::NotFound {
        what: "hook",
        id: id.chars().take(80).collect(),
        fix: format!("list them: windlass hook list {project}"),
    }
}

/// Returns the last part of an address that nobody guesses.
fn random_id() -> String {
    let mut random = rand::rng();
    (0..ID_LETTERS).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect()
}

/// Returns a secret in a form that the forge takes. That for GitLab is a signing token of Standard Webhooks, and as
/// good for the older secret token.
fn random_secret(kind: ForgeKind) -> String {
    let mut bytes = [0; SECRET_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    match kind {
        ForgeKind::Gitlab => format!("whsec_{}", STANDARD.encode(bytes)),
        _ => hex::encode(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fakes::{World, caller},
        projects::ApplyProject,
    };

    async fn world() -> (World, Caller) {
        let world = World::new();
        let owner = caller("owner", &["shop"], &[Verb::Projects, Verb::Read]);
        let toml = r#"
project = "shop"

[repositories.web]
url = "https://git.example/web.git"
forge = { kind = "gitea", api = "https://git.example/api/v1" }

[repositories.bare]
url = "https://git.example/bare.git"
"#;
        let request = ApplyProject { toml: toml.into(), expected: None, dry_run: false };
        world.services.apply_project(&owner, request).await.unwrap();
        (world, owner)
    }

    #[tokio::test]
    async fn a_hook_opens_with_its_secret_and_is_closed_by_its_deletion() {
        let (World { services, .. }, owner) = world().await;
        let made = services.create_hook(&owner, "shop", "web").await.unwrap();
        assert_eq!((made.record.id.len(), made.secret.len()), (26, 64));
        let url = format!("URL: https://hooks.example/hooks/{}", made.record.id);
        assert!(made.steps.contains(&url), "{:?}", made.steps);
        let (opened, kind) = services.open_hook(&made.record.id).await.unwrap().unwrap();
        assert_eq!((opened.secret.reveal(), kind), (made.secret.as_bytes(), ForgeKind::Gitea));
        assert!(opened.previous.is_none());
        for id in ["", "x", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"] {
            assert!(services.open_hook(id).await.unwrap().is_none(), "{id}");
        }
        services.delete_hook(&owner, "shop", &made.record.id).await.unwrap();
        assert!(services.open_hook(&made.record.id).await.unwrap().is_none());
        let error = services.delete_hook(&owner, "shop", &made.record.id).await.unwrap_err();
        assert_eq!(error.fixes(), ["list them: windlass hook list shop"]);
    }

    #[tokio::test]
    async fn a_secret_before_stays_valid_for_as_long_as_is_wished() {
        let (World { services, .. }, owner) = world().await;
        let made = services.create_hook(&owner, "shop", "web").await.unwrap();
        let id = &made.record.id;
        let rotated = services.rotate_hook(&owner, "shop", id, None).await.unwrap();
        assert_ne!(rotated.secret, made.secret);
        let (opened, _) = services.open_hook(id).await.unwrap().unwrap();
        assert_eq!(opened.previous.unwrap().reveal(), made.secret.as_bytes());
        services.rotate_hook(&owner, "shop", id, Some(Duration::ZERO)).await.unwrap();
        let (opened, _) = services.open_hook(id).await.unwrap().unwrap();
        assert!(opened.previous.is_none());
        let week = Some(Duration::from_secs(604_801));
        let error = services.rotate_hook(&owner, "shop", id, week).await.err().unwrap();
        assert!(error.to_string().starts_with("keep: `604801 s` must be"), "{error}");
    }

    #[tokio::test]
    async fn a_hook_needs_a_repository_with_a_forge_and_a_caller_with_the_verb() {
        let (World { services, .. }, owner) = world().await;
        let reader = caller("reader", &["shop"], &[Verb::Read, Verb::Deploy]);
        services.create_hook(&reader, "shop", "web").await.err().unwrap();
        for (repository, message) in [
            ("", "repository: `` is empty; name one: bare, web"),
            ("api", "repository: `api` is no repository of project `shop`; there are: bare, web"),
            ("bare", "repository: `bare` has no forge"),
        ] {
            let error = services.create_hook(&owner, "shop", repository).await.err().unwrap();
            assert!(error.to_string().starts_with(message), "{error}");
        }
        assert!(services.list_hooks(&reader, "shop").await.unwrap().is_empty());
    }

    #[test]
    fn a_secret_has_the_form_that_its_forge_takes() {
        let gitlab = random_secret(ForgeKind::Gitlab);
        let key = STANDARD.decode(gitlab.strip_prefix("whsec_").unwrap()).unwrap();
        assert_eq!(key.len(), SECRET_BYTES);
        assert_ne!(random_secret(ForgeKind::Github), random_secret(ForgeKind::Github));
        assert_ne!(random_id(), random_id());
    }
}
