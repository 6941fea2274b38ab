//! Places that images of projects are pushed to, and the rules for those that projects bring.

use super::{
    Registries,
    own::{NotAllowed, OwnLogins, command, no_longer_allowed},
    refusal::own_refused,
};
use async_trait::async_trait;
use windlass_engine::ports::ImagePlaces;
use windlass_model::{
    error::{BuildError, LoginError},
    own::registry::{OwnRegistry, canonical_host},
};

impl Registries {
    /// Checks that the operator still allows a registry, and has not taken its host.
    pub(super) fn check_own(
        &self,
        own: &OwnLogins,
        project: &str,
        registry: &OwnRegistry,
    ) -> Result<(), LoginError> {
        let allowed = own.allowed().check(registry);
        allowed.map_err(|error| no_longer_allowed(project, &error))?;
        let host = &*registry.host;
        if self.is_operators(host) {
            return Err(own_refused(
                format!(
                    "the registry `{host}` is the operator's and one of project `{project}` too: which login is meant is not guessed"
                ),
                &format!(
                    "remove that of the project: windlass registry remove {project} {host}; or have the operator remove `{host}` from the configuration"
                ),
            ));
        }
        Ok(())
    }

    /// Returns the place of a project's own. `None` means that the project has none.
    async fn own_place(&self, project: &str) -> Result<Option<String>, BuildError> {
        let Some(own) = &self.own else { return Ok(None) };
        let failed = |host: &str| {
            let host = host.to_owned();
            move |error| BuildError::Login { host, error }
        };
        let found = own.with_place(project).await.map_err(failed(self.operator.host()))?;
        let Some(record) = found else { return Ok(None) };
        let host = &*record.registry.host;
        self.check_own(own, project, &record.registry).map_err(failed(host))?;
        // The builder and the nodes connect by themselves: the name may lead elsewhere than when it was put.
        match own.allowed().rules.forbidden_address(host).await {
            Ok(None) => Ok(record.registry.images),
            Ok(Some(address)) => {
                let message = format!("{host} is {address}, which is not of the public internet");
                let hint = "have the operator name its network in `own-registries.private-addresses`, or put another registry";
                Err(failed(host)(own_refused(message, hint)))
            }
            // A name server may be away for a moment.
            Err(fault) => {
                let (host, message) = (host.to_owned(), fault.message);
                Err(BuildError::Registry { host, message, is_own: true })
            }
        }
    }

    /// Returns the advice of [`ImagePlaces::withheld`] for the place that a project's images are pushed to.
    pub(crate) async fn withheld_place(&self, project: &str) -> Option<String> {
        if let Some(own) = &self.own {
            match own.with_place(project).await {
                Ok(None) => {}
                Ok(Some(_)) => return None,
                Err(error) => {
                    tracing::warn!(project, %error, "no advice on the login of nodes");
                    return None;
                }
            }
        }
        self.withheld(project, self.operator.host()).await
    }

    /// Checks the operator's rules for a registry that is put.
    pub(crate) fn admit(&self, registry: &OwnRegistry) -> Result<(), NotAllowed> {
        let Some(own) = &self.own else { return Ok(()) };
        own.allowed().check(registry)?;
        if self.is_operators(&registry.host) {
            return Err(NotAllowed {
                field: "host".into(),
                value: registry.host.clone(),
                expected: "is the operator's: its login is in the daemon's configuration, or images of all projects are pushed there; a project cannot bring it too".into(),
            });
        }
        Ok(())
    }
}

#[async_trait]
impl ImagePlaces for Registries {
    async fn place(&self, project: &str) -> Result<String, BuildError> {
        let own = self.own_place(project).await?;
        Ok(own.unwrap_or_else(|| self.operator.place(project)))
    }

    async fn renewal(&self, project: &str, host: &str) -> Option<String> {
        if self.is_operators(&canonical_host(host)) {
            return None;
        }
        // An image of before may be at a registry that was removed since.
        match self.own.as_ref()?.last(project, host).await {
            Ok(last) => {
                let command = command(project, &last?);
                Some(format!("put a login of the project's that is valid: {command}"))
            }
            Err(error) => {
                tracing::warn!(project, host, %error, "no advice on the login");
                None
            }
        }
    }

    async fn withheld(&self, project: &str, host: &str) -> Option<String> {
        if !self.withholds || !self.has_login(host) {
            return None;
        }
        match self.has_own(project, host).await {
            Ok(true) => None,
            Ok(false) => Some(format!(
                "nodes of clusters of the project's own get none of the operator's logins, and the login at `{host}` is one: put a registry of the project's own that its images go to: windlass registry put {project} HOST --images HOST/PATH; or have the operator set `own-clusters.pull-secrets = true`; or name a Secret that is in the cluster in `pull-secrets` of windlass.toml"
            )),
            Err(error) => {
                tracing::warn!(project, host, %error, "no advice on the login of nodes");
                None
            }
        }
    }
}
