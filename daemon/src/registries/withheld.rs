//! Logins for clusters of projects' own: those of the operator are withheld.

use super::Registries;
use async_trait::async_trait;
use std::sync::Arc;
use windlass_engine::{
    ports::{ImagePlaces, Login, LoginRequest, Logins},
    recorder::Recorder,
};
use windlass_model::error::{BuildError, LoginError};

/// Logins at the registries that projects bring. Whoever has a cluster reads every Secret in it, and one login of the
/// operator's pulls the images of all projects, or pushes them too.
pub(crate) struct Withheld(pub(crate) Arc<Registries>);

#[async_trait]
impl ImagePlaces for Withheld {
    async fn place(&self, project: &str) -> Result<String, BuildError> {
        self.0.place(project).await
    }

    async fn renewal(&self, project: &str, host: &str) -> Option<String> {
        self.0.renewal(project, host).await
    }

    async fn withheld(&self, project: &str, host: &str) -> Option<String> {
        self.0.withheld(project, host).await
    }
}

#[async_trait]
impl Logins for Withheld {
    async fn login(
        &self,
        request: &LoginRequest<'_>,
        recorder: &Recorder,
    ) -> Result<Option<Login>, LoginError> {
        let login = self.0.of_project(request, recorder).await?;
        if let Some(login) = &login {
            recorder.mask(login.secrets());
        }
        Ok(login)
    }

    async fn knows(&self, project: &str, host: &str) -> Result<bool, LoginError> {
        self.0.has_own(project, host).await
    }

    async fn refused(&self, project: &str, host: &str) -> bool {
        self.0.refused(project, host).await
    }
}
