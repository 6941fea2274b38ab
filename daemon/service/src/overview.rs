//! Lists all apps that a caller may see.

use crate::{caller::Caller, error::ServiceError, services::Services, verb::Verb};
use std::collections::{BTreeMap, BTreeSet};
use windlass_engine::ports::store::{Filter, JobRecord};
use windlass_model::{app::App, job::Release};

/// Number of newest jobs among which the last one of each app is looked for.
const JOBS: u32 = 500;

/// An app of an overview.
#[derive(Clone, Debug)]
pub struct ListedApp {
    pub app: App,
    /// Newest release in each cluster, with the clusters where it is that. Empty means that none succeeded.
    pub releases: Vec<Release>,
    /// Last job, without its spec. `None` means that it is not among the newest 500 jobs that the caller may see.
    pub last: Option<JobRecord>,
}

impl ListedApp {
    /// Leaves of each release the clusters that no newer one came to.
    fn where_it_serves(mut self) -> Self {
        self.releases.sort_by(|one, other| other.id.cmp(&one.id));
        let mut served = BTreeSet::new();
        for release in &mut self.releases {
            release.clusters.retain(|cluster| served.insert(cluster.clone()));
        }
        self.releases.retain(|release| !release.clusters.is_empty());
        self
    }
}

impl Services {
    /// Returns the apps that were deployed, or that jobs are for, by name. `None` means of all projects that the
    /// caller may see.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] for a project that the caller may not read.
    pub async fn list_apps(
        &self,
        caller: &Caller,
        project: Option<&str>,
    ) -> Result<Vec<ListedApp>, ServiceError> {
        let projects = match project {
            None => caller.visible(),
            Some(project) => {
                caller.may(Verb::Read, project)?;
                Some(vec![project.to_owned()])
            }
        };
        let is_wanted = |app: &App| {
            let is_one = projects.as_ref().is_none_or(|all| all.contains(&app.project));
            is_one && caller.may(Verb::Read, &app.project).is_ok()
        };
        let mut apps: BTreeMap<App, ListedApp> = BTreeMap::new();
        let entry = |app: &App| ListedApp { app: app.clone(), releases: Vec::new(), last: None };
        for release in self.releases.serving("").await? {
            if !is_wanted(&release.app) {
                continue;
            }
            let listed = apps.entry(release.app.clone()).or_insert_with(|| entry(&release.app));
            listed.releases.push(release);
        }
        let filter = Filter { projects: projects.clone(), limit: JOBS, ..Filter::default() };
        for record in self.jobs.jobs(&filter).await?.jobs {
            let app = &record.job.app;
            if is_wanted(app) {
                let listed = apps.entry(app.clone()).or_insert_with(|| entry(app));
                // The newest comes first.
                listed.last.get_or_insert(record);
            }
        }
        Ok(apps.into_values().map(ListedApp::where_it_serves).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, app, caller, release, submit};
    use crate::submit::SubmitRequest;

    #[tokio::test]
    async fn an_overview_has_what_serves_and_what_runs_for_those_who_may_read() {
        let world = World::new();
        world.released(release("job-1", "one", &["eu", "us"])).await;
        world.released(release("job-2", "two", &["us"])).await;
        let all = Caller::with_all_rights("uid:0".into());
        let request = SubmitRequest { app: app("blog"), ..submit("new") };
        let id = world.services.submit(&all, request).await.unwrap().job.id;
        let listed = world.services.list_apps(&all, None).await.unwrap();
        let names: Vec<_> = listed.iter().map(|one| one.app.project.as_str()).collect();
        assert_eq!(names, ["blog", "shop"]);
        assert_eq!(listed[0].last.as_ref().unwrap().job.id, id);
        assert!(listed[0].releases.is_empty());
        let serving = listed[1].releases.iter().map(|one| (&*one.id, one.clusters.join(" ")));
        let serving: Vec<_> = serving.collect();
        assert_eq!(serving, [("job-2", "us".to_owned()), ("job-1", "eu".to_owned())]);
        let reader = caller("reader", &["blog"], &[Verb::Read]);
        assert_eq!(world.services.list_apps(&reader, None).await.unwrap().len(), 1);
        let error = world.services.list_apps(&reader, Some("shop")).await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
        let deployer = caller("ci", &["shop"], &[Verb::Deploy]);
        assert!(world.services.list_apps(&deployer, None).await.unwrap().is_empty());
    }
}
