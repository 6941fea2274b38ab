//! Lists the previews of a project with what serves there.

use crate::{caller::Caller, error::ServiceError, services::Services};
use std::collections::BTreeMap;
use windlass_engine::ports::store::JobRecord;
use windlass_model::{endpoint::Endpoint, job::Release, preview::PreviewRecord};

/// A preview with what serves there.
#[derive(Clone, Debug)]
pub struct ListedPreview {
    pub record: PreviewRecord,
    /// Page of the pull request. `None` means that a caller chose the name, or that the project's file names no forge.
    pub pull_page: Option<String>,
    /// Newest release. `None` means that none succeeded since it was made.
    pub release: Option<Release>,
    /// Addresses that the release names. Empty means that it is reached within the cluster alone.
    pub endpoints: Vec<Endpoint>,
    /// Last job, without its spec. `None` means that it is not among the newest jobs.
    pub last: Option<JobRecord>,
}

impl Services {
    /// Returns the previews of a project with what serves there, those that were pushed last first.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] for a caller who may not see the project.
    pub async fn overview_of_previews(
        &self,
        caller: &Caller,
        project: &str,
    ) -> Result<Vec<ListedPreview>, ServiceError> {
        let previews = self.list_previews(caller, project).await?;
        let file = self.projects.project(project).await?;
        let repositories = file.map(|file| file.spec.repositories).unwrap_or_default();
        let apps = self.list_apps(caller, Some(project)).await?;
        let mut apps: BTreeMap<_, _> =
            apps.into_iter().map(|listed| (listed.app.clone(), listed)).collect();
        let listed = |record: PreviewRecord| {
            let pull_page = record.number.and_then(|number| {
                let repository = repositories.get(&record.repository)?;
                repository.forge.as_ref()?.kind.pull_page(&repository.url, number)
            });
            let found = apps.remove(&record.app);
            let (releases, last) =
                found.map(|found| (found.releases, found.last)).unwrap_or_default();
            let release = releases.into_iter().next();
            let endpoints = release.as_ref().map(Endpoint::named).unwrap_or_default();
            ListedPreview { record, pull_page, release, endpoints, last }
        };
        Ok(previews.into_iter().map(listed).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fakes::{World, app, caller, release},
        verb::Verb,
    };
    use windlass_engine::ports::store::{PreviewPush, Previews};
    use windlass_model::{
        app::App,
        preview::PreviewState,
        runtime::{Expose, Route},
    };

    const FILE: &str = r#"
project = "shop"

[repositories.web]
url = "https://git.example/shop/web.git"
forge = { kind = "gitea", api = "https://git.example/api/v1" }

[previews]
"#;

    async fn pushed(world: &World, environment: &str, number: Option<u64>) -> App {
        let app = App { environment: environment.into(), ..app("shop") };
        let record = PreviewRecord {
            app: app.clone(),
            state: PreviewState::Open,
            repository: number.map(|_| "web".to_owned()).unwrap_or_default(),
            number,
            head: "abc".into(),
            last_push_ms: 1,
            until_ms: u64::MAX,
            removal: String::new(),
        };
        let push = PreviewPush { record, reopens: false, limit: 10 };
        world.store.push_preview(&push).await.unwrap();
        app
    }

    #[tokio::test]
    async fn a_preview_leads_to_its_pull_request_and_to_its_address() {
        let world = World::new();
        world.apply(FILE).await;
        let pull = pushed(&world, "pr-7", Some(7)).await;
        let named = pushed(&world, "pr-blue", None).await;
        let mut serving = Release { app: pull.clone(), ..release("0001", "one", &["eu"]) };
        serving.runtime.expose = Expose {
            hosts: vec!["web-pr-7.example".into()],
            route: Some(Route::Ingress { class: "public".into(), tls: None }),
            ..Expose::default()
        };
        world.released(serving).await;
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let listed = world.services.overview_of_previews(&reader, "shop").await.unwrap();
        let of = |app: &App| listed.iter().find(|one| one.record.app == *app).unwrap();
        let (pull, named) = (of(&pull), of(&named));
        assert_eq!(pull.pull_page.as_deref(), Some("https://git.example/shop/web/pulls/7"));
        assert_eq!(pull.endpoints[0].url, "http://web-pr-7.example/");
        assert_eq!(pull.last.as_ref().unwrap().job.id, "0001");
        assert_eq!((&named.pull_page, named.endpoints.len()), (&None, 0));
        assert!(named.release.is_none() && named.last.is_none());
        let other = caller("other", &["blog"], &[Verb::Read]);
        let error = world.services.overview_of_previews(&other, "shop").await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
    }
}
