//! Rollback: a job whose source is an earlier release.

use crate::{
    caller::Caller, check, error::ServiceError, services::Services, submit::NewJob, verb::Verb,
};
use std::collections::BTreeMap;
use windlass_engine::ports::store::JobRecord;
use windlass_model::{
    app::App,
    clock::now_ms,
    cluster::{Clusters, RolloutOrder, place},
    job::{Gate, Release, Source},
    spec::Spec,
};

/// Number of characters of an id or a commit that a request needs at least.
const SHORTEST: usize = 7;

/// Number of releases that are read at once.
const PAGE: u32 = 100;

/// Number of releases that an error lists.
const LISTED: usize = 10;

/// Request for a rollback to an earlier release.
#[derive(Clone, Debug)]
pub struct RollbackRequest {
    /// Id that the caller chose, 1 to 64 printable ASCII characters without spaces.
    /// A repeat with the same `body` is one job.
    pub request_id: String,
    /// Whole request as the door received it. It distinguishes a repeat from another request.
    pub body: Vec<u8>,
    pub app: App,
    /// Id of a release, or the beginning of the id or commit of exactly one: at least 7 characters. `None` means
    /// the release before the one that serves.
    pub to: Option<String>,
    /// Names of clusters, in order. Empty means the clusters of the release.
    pub clusters: Vec<String>,
    /// Order in which the release goes to the clusters. `None` means the operator's order.
    pub order: Option<RolloutOrder>,
}

impl Services {
    /// Accepts a job that rolls back to an earlier release. The answer to a repeat of a request is the job of
    /// the first.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] if there is no earlier release, or another one in each cluster;
    /// [`ServiceError::NotFound`] if no release fits `to`, [`ServiceError::Invalid`] if several do.
    pub async fn rollback(
        &self,
        caller: &Caller,
        request: RollbackRequest,
    ) -> Result<JobRecord, ServiceError> {
        self.rollback_kept(caller, request, Vec::new()).await
    }

    /// Accepts a rollback with the gates of an earlier job. See [`Self::rollback`].
    pub(crate) async fn rollback_kept(
        &self,
        caller: &Caller,
        request: RollbackRequest,
        gates: Vec<Gate>,
    ) -> Result<JobRecord, ServiceError> {
        let RollbackRequest { request_id, body, app, to, clusters: wanted, order } = request;
        caller.may(Verb::Deploy, &app.project)?;
        check::request_id(&request_id)?;
        // A repeat is the job that there is, whatever serves by now.
        if let Some(known) = self.jobs.submitted(&caller.name, &request_id, &body).await? {
            return Ok(known);
        }
        let (release, clusters) = match to {
            None => self.release_before(&app, wanted, order).await?,
            Some(to) => {
                // A release that is named may go to a cluster where it never was.
                let release = self.named_release(&app, &to).await?;
                let wanted = if wanted.is_empty() { &release.clusters } else { &wanted };
                let clusters = self.clusters(&app, wanted, order).await?;
                (release, clusters)
            }
        };
        self.check_not_removed(&release, &clusters.names).await?;
        let job = NewJob {
            app,
            clusters,
            source: Source::Release(Box::new(release)),
            spec: Spec::default(),
            labels: BTreeMap::new(),
            timeout: check::timeout(None)?,
            gates,
            principal: caller.name.clone(),
            preview: None,
            ends: None,
        };
        self.accept(request_id, body, job).await
    }

    /// Checks that an app was not removed since a release, from none of these clusters.
    async fn check_not_removed(
        &self,
        release: &Release,
        clusters: &[String],
    ) -> Result<(), ServiceError> {
        for cluster in clusters {
            let removal = self.releases.removal(&release.app, cluster).await?;
            if let Some(job) = removal.filter(|job| release.id <= *job) {
                return Err(removed(&release.app, cluster, &job));
            }
        }
        Ok(())
    }

    /// Returns the release before the one that serves, and the clusters that it goes to.
    async fn release_before(
        &self,
        app: &App,
        wanted: Vec<String>,
        order: Option<RolloutOrder>,
    ) -> Result<(Release, Clusters), ServiceError> {
        let wanted =
            if wanted.is_empty() { self.newest_release(app).await?.clusters } else { wanted };
        let clusters = self.clusters(app, &wanted, order).await?;
        let release = self.before_in_all(app, &clusters.names).await?;
        Ok((release, clusters))
    }

    async fn newest_release(&self, app: &App) -> Result<Release, ServiceError> {
        let newest = self.releases.releases(app, None, 1).await?;
        newest.into_iter().next().map(|(release, _)| release).ok_or_else(|| no_earlier(app, ""))
    }

    /// Returns the release before, if it is the same in all these clusters. Otherwise the caller has to choose.
    async fn before_in_all(&self, app: &App, clusters: &[String]) -> Result<Release, ServiceError> {
        let mut found: Option<(Release, &String)> = None;
        for cluster in clusters {
            let before = self.before_in(app, cluster).await?;
            let before = before.ok_or_else(|| no_earlier(app, &place(cluster)))?;
            match &found {
                Some((other, first)) if other.id != before.id => {
                    return Err(ServiceError::Conflict {
                        reason: "clusters-differ",
                        message: format!(
                            "the release before is {} in {first} and {} in {cluster}",
                            other.id, before.id
                        ),
                        fix: "name one cluster (--cluster), or one release (--to)".into(),
                    });
                }
                Some(_) => {}
                None => found = Some((before, cluster)),
            }
        }
        found.map(|(release, _)| release).ok_or_else(|| no_earlier(app, ""))
    }

    /// Returns the newest release in a cluster that is not what serves there, so that two rollbacks do not go
    /// in circles.
    async fn before_in(&self, app: &App, cluster: &str) -> Result<Option<Release>, ServiceError> {
        let serving = self.releases.last_release(app, cluster).await?;
        let removal = self.releases.removal(app, cluster).await?;
        let Some(serving) = serving else {
            return match removal {
                Some(job) => Err(removed(app, cluster, &job)),
                None => Ok(None),
            };
        };
        let placed = [cluster.to_owned()];
        let serving_there = serving.at(&placed);
        let is_it = |release: &Release| {
            release.clusters.iter().any(|name| name == cluster)
                // One image may serve with another configuration.
                && !release.at(&placed).runs_as(&serving_there)
                && removal.as_ref().is_none_or(|job| release.id > *job)
        };
        self.find_release(app, Some(serving.id.clone()), is_it).await
    }

    async fn named_release(&self, app: &App, to: &str) -> Result<Release, ServiceError> {
        if to.len() < SHORTEST {
            let expected = "must have at least 7 characters of a release's id or commit";
            return Err(ServiceError::invalid("to", to, expected));
        }
        let mut found: Vec<(Release, u64)> = Vec::new();
        let mut before = None;
        loop {
            let page = self.releases.releases(app, before.as_deref(), PAGE).await?;
            let Some((oldest, _)) = page.last() else { break };
            before = Some(oldest.id.clone());
            for (release, created_ms) in page {
                if release.id == to {
                    return Ok(release);
                }
                let is_named = release.id.starts_with(to) || release.commit.starts_with(to);
                // Rollbacks to a release are releases, too: of those that are the same, the newest stands for all.
                // One more than is listed says that there are more.
                if is_named
                    && found.len() <= LISTED
                    && !found.iter().any(|(newer, _)| newer.runs_as(&release))
                {
                    found.push((release, created_ms));
                }
            }
        }
        let mut found = found.into_iter();
        let newest = found.next();
        let others: Vec<_> = found.collect();
        if let Some(newest) = &newest
            && !others.is_empty()
        {
            return Err(ambiguous(to, newest, &others));
        }
        newest.map(|(release, _)| release).ok_or_else(|| ServiceError::NotFound {
            what: "release",
            id: to.to_owned(),
            fix: list_them(app),
        })
    }

    /// Returns the newest fitting release that is older than `before`. `None` begins with the newest.
    async fn find_release(
        &self,
        app: &App,
        mut before: Option<String>,
        is_it: impl Fn(&Release) -> bool,
    ) -> Result<Option<Release>, ServiceError> {
        loop {
            let page = self.releases.releases(app, before.as_deref(), PAGE).await?;
            let Some((oldest, _)) = page.last() else { return Ok(None) };
            before = Some(oldest.id.clone());
            if let Some((found, _)) = page.into_iter().find(|(release, _)| is_it(release)) {
                return Ok(Some(found));
            }
        }
    }
}

fn no_earlier(app: &App, place: &str) -> ServiceError {
    ServiceError::Conflict {
        reason: "no-earlier-release",
        message: format!("{app} has no earlier release{place}"),
        fix: list_them(app),
    }
}

/// Returns the error for a release of before the app's removal.
fn removed(app: &App, cluster: &str, job: &str) -> ServiceError {
    ServiceError::Conflict {
        reason: "removed",
        message: format!(
            "{app} was removed{} by job {job}: its releases from before do not come back",
            place(cluster)
        ),
        fix: "deploy a commit: windlass submit".into(),
    }
}

/// Returns the error for several releases that a text names, with what tells them apart.
fn ambiguous(to: &str, newest: &(Release, u64), others: &[(Release, u64)]) -> ServiceError {
    let now = now_ms();
    let one = |(release, created_ms): &(Release, u64)| {
        let minutes = now.saturating_sub(*created_ms) / 60_000;
        let commit: String = release.commit.chars().take(12).collect();
        format!("{} (commit {commit}, {minutes} min ago, {})", release.id, release.image.digest)
    };
    let found = std::iter::once(newest).chain(others);
    let mut all = found.take(LISTED).map(one).collect::<Vec<_>>().join("; ");
    if others.len() >= LISTED {
        all.push_str("; and more");
    }
    let expected =
        format!("is the beginning of several releases, write the whole id of one: {all}");
    ServiceError::invalid("to", to, expected)
}

fn list_them(app: &App) -> String {
    format!("list them: windlass releases {app}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, app, caller, release};
    use windlass_engine::queue::Message;
    use windlass_model::runtime::Track;

    fn request(to: Option<&str>, clusters: &[&str]) -> RollbackRequest {
        // Another request has another id.
        let request_id = format!("{}-{}", to.unwrap_or_default(), clusters.join("-"));
        RollbackRequest {
            body: request_id.clone().into(),
            request_id,
            app: app("shop"),
            to: to.map(Into::into),
            clusters: clusters.iter().map(ToString::to_string).collect(),
            order: None,
        }
    }

    /// Rolls back as a caller who may, and returns the release of the job and its clusters.
    async fn rolled(
        world: &World,
        request: RollbackRequest,
    ) -> Result<(String, Vec<String>), ServiceError> {
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        let job = world.services.rollback(&ci, request).await?.job;
        let Source::Release(release) = job.source else { panic!("it is a commit") };
        Ok((release.id, job.clusters.names))
    }

    #[tokio::test]
    async fn a_rollback_leads_to_the_image_before_wherever_the_newest_release_is() {
        let world = World::new();
        world.released(release("job-1", "old", &["eu", "us"])).await;
        world.released(release("job-2", "new", &["eu", "us"])).await;
        world.released(release("job-3", "new", &["eu", "us"])).await;
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let error = world.services.rollback(&reader, request(None, &[])).await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
        assert!(world.queued().is_empty());
        let (to, clusters) = rolled(&world, request(None, &[])).await.unwrap();
        assert_eq!((&*to, clusters), ("job-1", vec!["eu".to_owned(), "us".to_owned()]));
        assert!(matches!(&*world.queued(), [Message::Submitted { begun: false, .. }]));
        // A repeat is the same job.
        rolled(&world, request(None, &[])).await.unwrap();
        assert!(world.queued().is_empty() && world.accepted().await.len() == 1);
    }

    #[tokio::test]
    async fn clusters_that_had_other_releases_before_are_asked_about() {
        let world = World::new();
        world.released(release("job-1", "one", &["eu"])).await;
        world.released(release("job-2", "two", &["us"])).await;
        world.released(release("job-3", "three", &["eu", "us"])).await;
        let error = rolled(&world, request(None, &[])).await.unwrap_err();
        assert_eq!(error.reason(), "clusters-differ");
        let message = "the release before is job-1 in eu and job-2 in us";
        assert_eq!(error.to_string(), message);
        let (to, clusters) = rolled(&world, request(None, &["us"])).await.unwrap();
        assert_eq!((&*to, clusters), ("job-2", vec!["us".to_owned()]));
    }

    #[tokio::test]
    async fn a_release_is_named_by_the_beginning_of_its_id_or_commit() {
        let world = World::new();
        world.released(release("job-0001", "one", &["eu"])).await;
        world.released(release("job-0002", "two", &["us"])).await;
        let (to, clusters) = rolled(&world, request(Some("job-0001"), &["us"])).await.unwrap();
        assert_eq!((&*to, clusters), ("job-0001", vec!["us".to_owned()]));
        let error = rolled(&world, request(Some("job-00"), &[])).await.unwrap_err();
        assert!(error.to_string().starts_with("to: `job-00` must have at least 7"), "{error}");
        let error = rolled(&world, request(Some("job-0003"), &[])).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no release `job-0003`");
        assert_eq!(error.fixes(), ["list them: windlass releases shop/web/production"]);
    }

    #[tokio::test]
    async fn a_beginning_of_several_releases_is_an_error_that_lists_them() {
        let world = World::new();
        for (id, commit) in
            [("job-0001", "aaaa111"), ("job-00012", "aaaa111"), ("job-0003", "bbbb222")]
        {
            world.released(Release { commit: commit.into(), ..release(id, id, &["us"]) }).await;
        }
        for several in ["job-000", "aaaa111"] {
            let error = rolled(&world, request(Some(several), &[])).await.unwrap_err();
            assert_eq!(error.reason(), "field-invalid");
            for text in ["is the beginning of several", "job-0001 (commit aaaa111, ", "job-00012 ("]
            {
                assert!(error.to_string().contains(text), "{text}: {error}");
            }
        }
        // A whole id is one release, also where it begins another.
        assert_eq!(rolled(&world, request(Some("job-0001"), &[])).await.unwrap().0, "job-0001");
        assert_eq!(rolled(&world, request(Some("bbbb222"), &[])).await.unwrap().0, "job-0003");
        // What a rollback made is the same once more.
        let again = release("job-0004", "job-0003", &["us"]);
        world.released(Release { commit: "bbbb222".into(), ..again }).await;
        let again = RollbackRequest { request_id: "again".into(), ..request(Some("bbbb222"), &[]) };
        assert_eq!(rolled(&world, again).await.unwrap().0, "job-0004");
        // It came back at once, on the other track.
        let mut beside = release("job-0005", "job-0003", &["us"]);
        beside.commit = "bbbb222".into();
        beside.runtime.strategy = beside.runtime.strategy.at_once();
        beside.runtime.tracks = [("us".to_owned(), Track::Blue)].into();
        world.released(beside).await;
        let again =
            RollbackRequest { request_id: "beside".into(), ..request(Some("bbbb222"), &[]) };
        assert_eq!(rolled(&world, again).await.unwrap().0, "job-0005");
        // However often the newest was released again, an older one that differs is not passed over in silence.
        for number in 1..=2 * LISTED {
            let again = release(&format!("repeat-{number:02}"), "job-00012", &["us"]);
            world.released(Release { commit: "aaaa111".into(), ..again }).await;
        }
        let named = RollbackRequest { request_id: "named".into(), ..request(Some("aaaa111"), &[]) };
        let error = rolled(&world, named).await.unwrap_err().to_string();
        assert!(error.contains("; job-0001 (") && error.matches("min ago").count() == 2, "{error}");
        for number in 10..30 {
            let id = format!("many-00{number}");
            world.released(release(&id, &id, &["us"])).await;
        }
        let error = rolled(&world, request(Some("many-00"), &[])).await.unwrap_err().to_string();
        assert_eq!(error.matches("min ago").count(), LISTED);
        assert!(error.ends_with("; and more"), "{error}");
    }

    #[tokio::test]
    async fn the_first_release_has_none_before_it() {
        let world = World::new();
        let error = rolled(&world, request(None, &[])).await.unwrap_err();
        assert_eq!(error.to_string(), "shop/web/production has no earlier release");
        world.released(release("job-1", "one", &["us"])).await;
        let error = rolled(&world, request(None, &[])).await.unwrap_err();
        assert_eq!(error.to_string(), "shop/web/production has no earlier release in us");
        assert_eq!(error.reason(), "no-earlier-release");
    }

    #[tokio::test]
    async fn a_repeat_is_the_job_that_there_is_whatever_serves_by_now() {
        let world = World::new();
        world.released(release("job-1", "old", &["eu", "us"])).await;
        world.released(release("job-2", "new", &["eu", "us"])).await;
        let first = rolled(&world, request(None, &[])).await.unwrap();
        world.released(release("job-3", "three", &["us"])).await;
        world.released(release("job-4", "four", &["eu", "us"])).await;
        // By now the clusters had other releases before.
        assert_eq!(rolled(&world, request(None, &[])).await.unwrap(), first);
        assert_eq!(world.accepted().await.len(), 1);
        let other = RollbackRequest { body: b"other".to_vec(), ..request(None, &[]) };
        let error = rolled(&world, other).await.unwrap_err();
        assert_eq!(error.reason(), "field-invalid");
    }
}
