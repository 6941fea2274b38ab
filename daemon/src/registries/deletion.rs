//! Deletion of images from the operator's registry.

use super::Registries;
use crate::config::Config;
use async_trait::async_trait;
use std::sync::Arc;
use windlass_engine::{
    ports::{Action, Login, LoginRequest},
    recorder::Recorder,
};
use windlass_model::{app::App, docker_hub};
use windlass_registry::{Checker, Deleted, Deletion, Rules};

/// Networks of all addresses: the operator's registry may be anywhere.
const ANYWHERE: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// Deletes images that no release needs any more.
#[async_trait]
pub(crate) trait ImageDeletion: Send + Sync {
    /// Deletes an image of an app by its digest. `None` means that the image is not at the app's own place in the operator's
    /// registry: nobody is asked.
    async fn delete(
        &self,
        app: &App,
        reference: &str,
        digest: &str,
    ) -> Result<Option<Deleted>, String>;
}

/// The operator's registry, with the operator's login for pushes.
pub(crate) struct OperatorImages {
    registries: Arc<Registries>,
    client: Checker,
}

impl OperatorImages {
    /// Takes the settings of TLS and of plain HTTP from `own-registries`.
    ///
    /// # Errors
    /// The key that cannot be read.
    pub(crate) fn new(registries: Arc<Registries>, config: &Config) -> Result<Self, String> {
        let own = &config.own_registries;
        let rules = Rules::parse(&[], &ANYWHERE.map(str::to_owned), &own.plain_http)?;
        Ok(Self { registries, client: Checker::new(Arc::new(rules), own.ca.clone()) })
    }
}

#[async_trait]
impl ImageDeletion for OperatorImages {
    async fn delete(
        &self,
        app: &App,
        reference: &str,
        digest: &str,
    ) -> Result<Option<Deleted>, String> {
        let place = self.registries.operator.place(&app.project);
        let Some((host, repository)) = own_repository(&place, app, reference) else {
            return Ok(None);
        };
        let request =
            LoginRequest { host, project: &app.project, repository, action: Action::Push };
        let login = self.registries.of_operator(&request, &Recorder::null()).await;
        let login: Option<Login> = login.map_err(|error| error.to_string())?;
        let credential = login.as_ref().map(|login| &login.credential);
        let host = docker_hub::canonical(host);
        let deletion = Deletion { host, repository, digest, credential };
        let deleted = self.client.delete(&deletion).await;
        deleted.map(Some).map_err(|fault| format!("{fault}; {}", fault.fix))
    }
}

/// Splits the name of an image into host and repository. `None` means that it is not at the app's own place.
fn own_repository<'a>(place: &str, app: &App, reference: &'a str) -> Option<(&'a str, &'a str)> {
    let name = format!("{place}/{}", app.name);
    let tag = reference.strip_prefix(&name)?;
    let is_tag = tag.is_empty() || tag.starts_with(':') || tag.starts_with('@');
    if !is_tag || tag.contains('/') {
        return None;
    }
    reference.get(..name.len())?.split_once('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_image_at_the_apps_own_place_is_deleted() {
        let app = App::new("shop", "web", "staging").unwrap();
        let of = |reference| own_repository("r:5000/apps/shop", &app, reference);
        let own = Some(("r:5000", "apps/shop/web"));
        assert_eq!(of("r:5000/apps/shop/web:c0ffee"), own);
        assert_eq!(of("r:5000/apps/shop/web"), own);
        for other in [
            "",
            "r:5000/apps/shop/webshop:1",
            "r:5000/apps/shop/web/other:1",
            "r:5000/apps/shop/api:1",
            "r:5000/apps/evil/web:1",
            "r:5000/shop/web:1",
            "other:5000/apps/shop/web:1",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
