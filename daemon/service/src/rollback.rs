//! Rollback: a job whose source is an earlier release.

use crate::{
    caller::Caller, check, error::ServiceError, services::Services, submit::NewJob, verb::Verb,
};
use std::collections::BTreeMap;
use windlass_engine::ports::store::{Collected, JobRecord};
use windlass_model::{
    app::App,
    clock::{now_ms, utc},
    cluster::{Clusters, RolloutOrder, place},
    contraction::Contraction,
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
        self.check_not_contracted(&release, &clusters.names).await?;
        self.check_migrated(&release, &clusters.names).await?;
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

    /// Checks that the data still holds what a release works with, in these clusters.
    async fn check_not_contracted(
        &self,
        release: &Release,
        clusters: &[String],
    ) -> Result<(), ServiceError> {
        for cluster in clusters {
            let contraction = self.releases.contraction(&release.app, cluster).await?;
            if let Some(contraction) = contraction.filter(|it| it.is_past(release)) {
                return Err(contracted(release, cluster, &contraction));
            }
        }
        Ok(())
    }

    /// Checks that the data was made for a release in each of these clusters: a rollback migrates nothing.
    async fn check_migrated(
        &self,
        release: &Release,
        clusters: &[String],
    ) -> Result<(), ServiceError> {
        let expands = |release: &Release| {
            release.runtime.migrate.as_ref().is_some_and(|migrate| !migrate.expand.is_empty())
        };
        if !expands(release) {
            return Ok(());
        }
        for cluster in clusters {
            let place = std::slice::from_ref(cluster);
            let placed = release.at(place);
            let was_there = |other: &Release| {
                other.clusters.contains(cluster) && other.at(place).runs_as(&placed)
            };
            if self.find_release(&release.app, None, was_there).await?.is_none() {
                return Err(not_migrated(release, cluster));
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
        match newest {
            Some((release, _)) => Ok(release),
            None => Err(self.not_there(app, to).await?),
        }
    }

    /// Returns the error for a text that names no release: it was collected, or never was.
    async fn not_there(&self, app: &App, to: &str) -> Result<ServiceError, ServiceError> {
        let Some(gone) = self.releases.collected(app, to).await? else {
            let id = to.to_owned();
            return Ok(ServiceError::NotFound { what: "release", id, fix: list_them(app) });
        };
        let kept = self.releases.releases(app, None, PAGE).await?;
        Ok(collected(app, &gone, &kept))
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

/// Returns the error for a release whose migration did not run in a cluster.
fn not_migrated(release: &Release, cluster: &str) -> ServiceError {
    let app = &release.app;
    ServiceError::Conflict {
        reason: "not-migrated",
        message: format!(
            "release {} of {app} has `migrate.expand`, and was never{}: a rollback migrates nothing",
            release.id,
            place(cluster)
        ),
        fix: format!(
            "deploy its commit there, which migrates first: windlass submit {app} --revision {} --cluster {cluster}",
            release.commit
        ),
    }
}

/// Returns the error for a release that does not work with the data any more.
fn contracted(release: &Release, cluster: &str, contraction: &Contraction) -> ServiceError {
    let Contraction { release: since, at_ms, .. } = contraction;
    let app = &release.app;
    ServiceError::Conflict {
        reason: "contracted",
        message: format!(
            "release {} of {app} does not come back{}: the data was contracted at {}, and holds only what {since} and later releases work with",
            release.id,
            place(cluster),
            utc(*at_ms)
        ),
        fix: format!(
            "roll back to {since} or a later release, or deploy a commit that works with the data: windlass submit; {}",
            list_them(app)
        ),
    }
}

/// Returns the error for a release that is kept no more, with those that are.
fn collected(app: &App, gone: &Collected, kept: &[(Release, u64)]) -> ServiceError {
    let now = now_ms();
    let mut distinct: Vec<&Release> = Vec::new();
    for (release, _) in kept {
        if distinct.len() < LISTED && !distinct.iter().any(|newer| newer.runs_as(release)) {
            distinct.push(release);
        }
    }
    let one = |release: &&Release| format!("{} ({})", release.id, short(&release.commit));
    let kept = match distinct.iter().map(one).collect::<Vec<_>>().join(", ") {
        // The app was removed.
        none if none.is_empty() => "none is kept".to_owned(),
        kept => format!("kept are {kept}"),
    };
    let days = now.saturating_sub(gone.at_ms) / 86_400_000;
    let when = if days == 0 { "today".to_owned() } else { format!("{days} d ago") };
    ServiceError::Conflict {
        reason: "release-collected",
        message: format!(
            "release {} ({}) of {app} is kept no more: it was collected {when}; {kept}",
            gone.id,
            short(&gone.commit)
        ),
        fix: format!("deploy its commit again: windlass submit; {}", list_them(app)),
    }
}

/// Returns the beginning of a commit's id.
fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}

/// Returns the error for several releases that a text names, with what tells them apart.
fn ambiguous(to: &str, newest: &(Release, u64), others: &[(Release, u64)]) -> ServiceError {
    let now = now_ms();
    let one = |(release, created_ms): &(Release, u64)| {
        let minutes = now.saturating_sub(*created_ms) / 60_000;
        let commit = short(&release.commit);
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
mod tests;
