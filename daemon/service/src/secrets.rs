//! Secrets: takes values in, and lists names. No value is given out.

use crate::{caller::Caller, error::ServiceError, services::Services, verb::Verb};
use windlass_engine::ports::store::SecretRecord;
use windlass_model::{app::label, redact::SHORTEST, secret::Secret};

/// Number of bytes of the longest secret.
const LONGEST: usize = 256 << 10;

/// Number of characters of a project's longest name.
const LONGEST_PROJECT: usize = 30;

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

    /// Deletes all versions of a secret.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a secret that is not there.
    pub async fn delete_secret(
        &self,
        caller: &Caller,
        project: &str,
        name: &str,
    ) -> Result<(), ServiceError> {
        check(project, name)?;
        caller.may(Verb::Secrets, project)?;
        if self.secrets.delete(project, name).await? {
            return Ok(());
        }
        Err(ServiceError::NotFound {
            what: "secret",
            id: name.to_owned(),
            fix: format!("list them: windlass secret list {project}"),
        })
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
    use crate::fakes::{World, caller};

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
            services.delete_secret(&reader, "shop", "git").await.unwrap_err(),
            services.put_secret(&keeper, put("blog", "git", "hunter24")).await.unwrap_err(),
            services.list_secrets(&keeper, "shop").await.unwrap_err(),
        ] {
            assert!(matches!(error, ServiceError::Forbidden { .. }), "{error}");
        }
        services.delete_secret(&keeper, "shop", "git").await.unwrap();
        let error = services.delete_secret(&keeper, "shop", "git").await.unwrap_err();
        assert_eq!(error.to_string(), "there is no secret `git`");
        assert_eq!(error.fixes(), ["list them: windlass secret list shop"]);
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
