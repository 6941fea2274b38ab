//! Secrets: takes values in, and lists names. No value is given out.

use crate::{caller::Caller, error::ServiceError, services::Services, verb::Verb};
use windlass_engine::ports::store::{Replay, SecretRecord};
use windlass_model::{
    app::label,
    event::Event,
    job::{Release, Source},
    redact::SHORTEST,
    secret::Secret,
};

/// Number of bytes of the longest secret.
const LONGEST: usize = 256 << 10;

/// Number of characters of a project's longest name.
const LONGEST_PROJECT: usize = 30;

/// Number of releases and jobs that a refusal names, at most.
const MOST_NAMED: usize = 10;

/// Request to put a new version of a secret.
#[derive(Clone, Debug)]
pub struct PutSecretRequest {
    pub project: String,
    /// Name of 1 to 63 characters.
    pub name: String,
    /// Value of 4 bytes to 256 KiB, without the blanks around it.
    pub value: Secret,
}

impl Services {
    /// Seals a new version of a secret.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a name or a value that is refused.
    pub async fn put_secret(
        &self,
        caller: &Caller,
        request: PutSecretRequest,
    ) -> Result<SecretRecord, ServiceError> {
        let PutSecretRequest { project, name, value } = request;
        check(&project, &name)?;
        caller.may(Verb::Secrets, &project)?;
        let length = value.reveal().trim_ascii().len();
        if !(SHORTEST..=LONGEST).contains(&length) {
            let expected = format!(
                "must have {SHORTEST} to {LONGEST} bytes: shorter ones could not be masked in logs"
            );
            return Err(ServiceError::invalid("value", format!("({length} bytes)"), expected));
        }
        Ok(self.secrets.put(&project, &name, &value).await?)
    }

    /// Returns the newest version of each secret of a project, by name.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a text that is no project's name.
    pub async fn list_secrets(
        &self,
        caller: &Caller,
        project: &str,
    ) -> Result<Vec<SecretRecord>, ServiceError> {
        label("project", project, LONGEST_PROJECT)?;
        caller.may(Verb::Read, project)?;
        Ok(self.secrets.list(project).await?)
    }

    /// Deletes all versions of a secret. A rollback opens the version that its release names: unless `is_forced`, a
    /// secret stays that is named by a release that serves, or by the release of a job that has not ended.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a secret that is not there, and [`ServiceError::Conflict`] with `secret-in-use` for
    /// one that stays.
    pub async fn delete_secret(
        &self,
        caller: &Caller,
        project: &str,
        name: &str,
        is_forced: bool,
    ) -> Result<(), ServiceError> {
        check(project, name)?;
        caller.may(Verb::Secrets, project)?;
        let users = if is_forced { Vec::new() } else { self.users_of(project, name).await? };
        if !users.is_empty() {
            return Err(in_use(project, name, &users));
        }
        if self.secrets.delete(project, name).await? {
            return Ok(());
        }
        Err(ServiceError::NotFound {
            what: "secret",
            id: name.to_owned(),
            fix: format!("list them: windlass secret list {project}"),
        })
    }

    /// Returns a phrase for each release that serves with a secret, and for each job that has not ended and releases with
    /// it, at most [`MOST_NAMED`].
    async fn users_of(&self, project: &str, name: &str) -> Result<Vec<String>, ServiceError> {
        let names = |release: &Release| {
            let mut secrets = release.runtime.secrets.iter();
            release.app.project == project && secrets.any(|secret| secret.name == name)
        };
        // Each stored release has the name as a text.
        let serving = self.releases.serving(&format!("\"{name}\"")).await?;
        let serving = serving.iter().filter(|release| names(release));
        let phrase =
            |release: &Release| format!("release {} of {} serves", release.id, release.app);
        let mut users: Vec<_> = serving.map(phrase).take(MOST_NAMED).collect();
        for job in self.runs.unfinished().await?.jobs {
            if users.len() == MOST_NAMED {
                break;
            }
            if job.app.project != project {
                continue;
            }
            let replay = self.runs.replay(&job.id).await?;
            if replay.is_some_and(|replay| releases(&replay).any(names)) {
                users.push(format!("job {} of {} has not ended", job.id, job.app));
            }
        }
        Ok(users)
    }
}

/// Returns the releases of a job, as far as it came.
fn releases(replay: &Replay) -> impl Iterator<Item = &Release> {
    let source = match &replay.record.job.source {
        Source::Release(release) | Source::Contract(release) => Some(&**release),
        Source::Commit(_) | Source::Removal(_) => None,
    };
    let made = replay.events.iter().filter_map(|recorded| match &recorded.event {
        Event::Pushed(release) => Some(&**release),
        Event::Planned(plan) => Some(&plan.release),
        _ => None,
    });
    source.into_iter().chain(made)
}

fn in_use(project: &str, name: &str, users: &[String]) -> ServiceError {
    ServiceError::Conflict {
        reason: "secret-in-use",
        message: format!("secret `{name}` is in use: {}", users.join(", ")),
        fix: format!(
            "deploy without it first, or put a new value; `windlass secret delete {project} {name} --force` \
             deletes it all the same, and no rollback to these releases succeeds then"
        ),
    }
}

/// Returns whether a text can be a secret's name.
pub(crate) fn is_secret_name(text: &str) -> bool {
    windlass_model::secret::is_name(text)
}

fn check(project: &str, name: &str) -> Result<(), ServiceError> {
    label("project", project, LONGEST_PROJECT)?;
    if is_secret_name(name) {
        return Ok(());
    }
    let expected = "must be 1 to 63 of a-z, 0-9, `-`, `_`, `.`, from a letter";
    Err(ServiceError::invalid("name", name, expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, app, caller, release, submit};
    use windlass_model::runtime::SecretEnv;

    fn put(project: &str, name: &str, value: &str) -> PutSecretRequest {
        let value = Secret::new(value.as_bytes().to_vec());
        PutSecretRequest { project: project.into(), name: name.into(), value }
    }

    #[tokio::test]
    async fn names_are_read_by_some_and_values_are_put_by_others() {
        let world = World::new();
        let keeper = caller("keeper", &["shop"], &[Verb::Secrets]);
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let services = &world.services;
        services.put_secret(&keeper, put("shop", "git", "hunter22")).await.unwrap();
        let record = services.put_secret(&keeper, put("shop", "git", "hunter23")).await.unwrap();
        assert_eq!(record.version, 2);
        assert_eq!(services.list_secrets(&reader, "shop").await.unwrap(), [record]);
        for error in [
            services.put_secret(&reader, put("shop", "git", "hunter24")).await.unwrap_err(),
            services.delete_secret(&reader, "shop", "git", false).await.unwrap_err(),
            services.put_secret(&keeper, put("blog", "git", "hunter24")).await.unwrap_err(),
            services.list_secrets(&keeper, "shop").await.unwrap_err(),
        ] {
            assert!(matches!(error, ServiceError::Forbidden { .. }), "{error}");
        }
        services.delete_secret(&keeper, "shop", "git", false).await.unwrap();
        let error = services.delete_secret(&keeper, "shop", "git", false).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no secret `git`");
        assert_eq!(error.fixes(), ["list them: windlass secret list shop"]);
    }

    /// A rollback opens exactly the version that its release names, also one that nobody asked for.
    #[tokio::test]
    async fn a_secret_that_a_rollback_may_need_is_deleted_only_by_force() {
        let world = World::new();
        let keeper = caller("keeper", &["shop", "blog"], &[Verb::Secrets]);
        let services = &world.services;
        let delete = async |project: &str, is_forced| {
            services.delete_secret(&keeper, project, "db", is_forced).await
        };
        let with_secret = |id: &str| {
            let mut release = release(id, "new", &["eu"]);
            let (env, name) = ("DB".to_owned(), "db".to_owned());
            release.runtime.secrets.push(SecretEnv { env, name, version: 1 });
            release
        };
        for project in ["shop", "blog"] {
            world.sealed(project, "db", "hunter22").await;
        }
        world.released(with_secret("1")).await;
        let error = delete("shop", false).await.unwrap_err();
        assert_eq!(error.reason(), "secret-in-use");
        let of = app("shop");
        assert_eq!(error.to_string(), format!("secret `db` is in use: release 1 of {of} serves"));
        let fixes = error.fixes();
        assert!(fixes[0].contains("windlass secret delete shop db --force"), "{fixes:?}");
        delete("blog", false).await.unwrap();

        // It serves no more, and a job is to release with it.
        world.released(release("2", "other", &["eu"])).await;
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let id = services.submit(&ci, submit("one")).await.unwrap().job.id;
        world.append(&id, Event::Pushed(Box::new(with_secret(&id)))).await;
        let error = delete("shop", false).await.unwrap_err();
        let message = format!("secret `db` is in use: job {id} of {of} has not ended");
        assert_eq!(error.to_string(), message);
        delete("shop", true).await.unwrap();
        let error = delete("shop", true).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no secret `db`");
    }

    #[tokio::test]
    async fn a_value_that_could_not_be_masked_is_refused_and_not_repeated() {
        let world = World::new();
        let keeper = caller("keeper", &["shop"], &[Verb::Secrets]);
        let long = "x".repeat(LONGEST + 1);
        for (request, message) in [
            (put("shop", "git", "  abc\n"), "value: `(3 bytes)` must have 4 to 262144 bytes"),
            (put("shop", "git", &long), "value: `(262145 bytes)` must have"),
            (put("shop", "Git", "hunter22"), "name: `Git` must be 1 to 63"),
            (put("Shop", "git", "hunter22"), "project: `Shop` must start with a letter"),
        ] {
            let error = world.services.put_secret(&keeper, request).await.unwrap_err();
            assert!(error.to_string().starts_with(message), "{error}");
        }
    }
}
