//! Registries of a project's own: put, listed, tested and removed. No login is given out.

use crate::{
    caller::Caller, error::ServiceError, finish::finish, ports::RegistryFinding,
    services::Services, verb::Verb,
};
use windlass_engine::ports::store::{
    MOST_OWN_REGISTRIES, OpenedRegistry, OwnRegistryRecord, OwnRegistryVersion, PutRegistry,
};
use windlass_model::{
    app::label,
    own::registry::{OwnRegistry, RegistrySecrets, canonical_host},
};

/// Number of characters of a project's longest name.
const LONGEST_PROJECT: usize = 30;

/// Number of characters of the longest finding that is kept.
const LONGEST_FINDING: usize = 1000;

/// Request to put a registry of a project's own, in place of the one that the project has at the host.
#[derive(Clone, Debug)]
pub struct PutRegistryRequest {
    pub project: String,
    pub registry: OwnRegistry,
    pub secrets: RegistrySecrets,
    /// Stores the registry although a login does not work: the finding is kept with it.
    pub no_check: bool,
}

impl Services {
    /// Tries the logins of a registry, and stores it as a new version. It is used from the next job on.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a registry that is refused, [`ServiceError::Conflict`] for a login that does not
    /// work, and for a second place for images.
    pub async fn put_registry(
        &self,
        caller: &Caller,
        request: PutRegistryRequest,
    ) -> Result<OwnRegistryRecord, ServiceError> {
        let PutRegistryRequest { project, mut registry, secrets, no_check } = request;
        label("project", &project, LONGEST_PROJECT)?;
        caller.may(Verb::Registries, &project)?;
        name_canonically(&mut registry);
        registry.check()?;
        registry.check_secrets(&secrets)?;
        self.registry_admin.admit(&project, &registry, &secrets).await?;
        let findings = self.registry_admin.check(&project, &registry, &secrets).await;
        if !no_check && let Some(error) = refusal(&findings) {
            return Err(error);
        }
        let finding = text(&findings);
        let fewer = format!("remove some: windlass registry list {project}");
        let (store, by) = (self.own_registries.clone(), caller.name.clone());
        let admin = self.registry_admin.clone();
        let put = finish(async move {
            let put = store.put_registry(&project, &registry, &secrets, &finding, &by).await?;
            if let PutRegistry::Version(record) = &put {
                let OwnRegistryRecord { version, .. } = &**record;
                let (host, principal) = (&registry.host, &by);
                tracing::info!(project, host, version, principal, "a registry was put");
                admin.changed(&project).await;
            }
            Ok(put)
        });
        match put.await? {
            PutRegistry::Version(record) => Ok(*record),
            PutRegistry::SecondPlace(host) => Err(ServiceError::Conflict {
                reason: "second-image-place",
                message: format!("the project's images are pushed to `{host}` already"),
                fix: format!("put `{host}` without `images` first, or this registry without"),
            }),
            PutRegistry::TooMany => Err(ServiceError::Exhausted {
                reason: "too-many-registries",
                message: format!(
                    "the project has {MOST_OWN_REGISTRIES} registries, and no more may be"
                ),
                fix: fewer,
            }),
        }
    }

    /// Returns the registries of a project's own, by host.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a text that is no project's name.
    pub async fn list_registries(
        &self,
        caller: &Caller,
        project: &str,
    ) -> Result<Vec<OwnRegistryRecord>, ServiceError> {
        label("project", project, LONGEST_PROJECT)?;
        caller.may(Verb::Read, project)?;
        Ok(self.own_registries.registries(project).await?)
    }

    /// Returns the versions of a registry, the newest first, removals among them. They have no secrets.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a host that the project never had a registry at.
    pub async fn registry_history(
        &self,
        caller: &Caller,
        project: &str,
        host: &str,
    ) -> Result<Vec<OwnRegistryVersion>, ServiceError> {
        label("project", project, LONGEST_PROJECT)?;
        caller.may(Verb::Read, project)?;
        let host = canonical_host(host);
        let versions = self.own_registries.registry_versions(project, &host).await?;
        if versions.is_empty() { Err(no_registry(project, &host)) } else { Ok(versions) }
    }

    /// Tries the logins of a registry as it is stored, by the operator's rules of today. Empty means that all work.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a host that the project has no registry at, [`ServiceError::Invalid`] for one that
    /// the operator does not allow any more.
    pub async fn test_registry(
        &self,
        caller: &Caller,
        project: &str,
        host: &str,
    ) -> Result<Vec<RegistryFinding>, ServiceError> {
        label("project", project, LONGEST_PROJECT)?;
        caller.may(Verb::Registries, project)?;
        let opened = self.own_registries.open_registry(project, &canonical_host(host)).await?;
        let OpenedRegistry { record, secrets } =
            opened.ok_or_else(|| no_registry(project, host))?;
        self.registry_admin.admit(project, &record.registry, &secrets).await?;
        Ok(self.registry_admin.check(project, &record.registry, &secrets).await)
    }

    /// Removes a registry with its logins. Images that were pushed there stay, and pull secrets in clusters stay until the
    /// next release.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a host that the project has no registry at.
    pub async fn delete_registry(
        &self,
        caller: &Caller,
        project: &str,
        host: &str,
    ) -> Result<(), ServiceError> {
        label("project", project, LONGEST_PROJECT)?;
        caller.may(Verb::Registries, project)?;
        let (store, by) = (self.own_registries.clone(), caller.name.clone());
        let (of, at) = (project.to_owned(), canonical_host(host));
        let is_deleted = finish(async move { Ok(store.delete_registry(&of, &at, &by).await?) });
        if !is_deleted.await? {
            return Err(no_registry(project, host));
        }
        tracing::info!(project, host, principal = caller.name, "a registry was removed");
        Ok(())
    }
}

/// Gives a registry the one name of its host, also where its place for images names it.
fn name_canonically(registry: &mut OwnRegistry) {
    let host = canonical_host(&registry.host);
    if let Some((named, path)) =
        registry.images.as_deref().and_then(|images| images.split_once('/'))
        && canonical_host(named) == host
    {
        registry.images = Some(format!("{host}/{path}"));
    }
    registry.host = host;
}

/// Returns the error for logins that do not work. `None` means that all work.
fn refusal(findings: &[RegistryFinding]) -> Option<ServiceError> {
    let first = findings.first()?;
    Some(ServiceError::Conflict {
        reason: "own-registry-failed",
        message: text(findings),
        fix: first.fix.clone(),
    })
}

fn text(findings: &[RegistryFinding]) -> String {
    let one =
        |finding: &RegistryFinding| format!("{}: {}", finding.login.as_str(), finding.message);
    let text = findings.iter().map(one).collect::<Vec<_>>().join("; ");
    text.chars().take(LONGEST_FINDING).collect()
}

fn no_registry(project: &str, host: &str) -> ServiceError {
    ServiceError::NotFound {
        what: "registry",
        id: host.chars().take(80).collect(),
        fix: format!("list them: windlass registry list {project}"),
    }
}

#[cfg(test)]
mod tests;
