//! Contraction: a job that takes out of the data of an app what only releases before the one that serves work with.

use crate::{
    caller::Caller, check, error::ServiceError, services::Services, submit::NewJob, verb::Verb,
};
use std::collections::BTreeMap;
use windlass_engine::ports::store::JobRecord;
use windlass_model::{
    app::App,
    clock::now_ms,
    cluster::place,
    job::{Gate, Release, Source},
    outcome::{Outcome, Stop},
    spec::Spec,
};

/// Principal of jobs that the daemon makes when a release has served for its time.
const PRINCIPAL: &str = "windlassd";

/// Milliseconds between two looks at a job that waits for its approval.
const LOOK_MS: u64 = 600_000;

/// Milliseconds until a look where a job of the app is unfinished.
const BUSY_MS: u64 = 60_000;

/// Milliseconds until a look where the configuration does not name a cluster in which the app serves.
const UNKNOWN_MS: u64 = 3_600_000;

/// Milliseconds beyond the time for which pods of the version before are kept, in which they are deleted. They are not
/// while a job of the app is unfinished.
const PRUNED_MS: u64 = 600_000;

/// Number of jobs for one release, each after one that a newer job of the app ended.
const MOST: u32 = 100;

/// Request for a contraction of an app's data.
#[derive(Clone, Debug)]
pub struct ContractRequest {
    /// Id that the caller chose, 1 to 64 printable ASCII characters without spaces.
    /// A repeat with the same `body` is one job.
    pub request_id: String,
    /// Whole request as the door received it. It distinguishes a repeat from another request.
    pub body: Vec<u8>,
    pub app: App,
    /// Names of clusters. Empty means all in which the release serves.
    pub clusters: Vec<String>,
}

impl Services {
    /// Accepts a job that contracts the data of the release that serves, before its time too. It waits for an approval. The
    /// answer to a repeat of a request is the job of the first.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] if no release serves, it has no `migrate.contract`, another one serves in each cluster, or
    /// a job of the app is unfinished.
    pub async fn contract(
        &self,
        caller: &Caller,
        request: ContractRequest,
    ) -> Result<JobRecord, ServiceError> {
        let ContractRequest { request_id, body, app, clusters } = request;
        caller.may(Verb::Deploy, &app.project)?;
        check::request_id(&request_id)?;
        if let Some(known) = self.jobs.submitted(&caller.name, &request_id, &body).await? {
            return Ok(known);
        }
        let clusters = self.clusters_of(&app, &clusters).await?;
        let release = self.contractible(&app, &clusters.names).await?;
        self.accept_contract(&caller.name, request_id, body, release).await
    }

    /// Has somebody asked to approve the contraction of an app's data, once its release has served for its time, and
    /// returns when to look again. `None` means never: there is nothing to contract, or somebody decided.
    ///
    /// # Errors
    /// As [`Self::contract`]: it is to be tried again.
    pub async fn contract_due(&self, app: &App) -> Result<Option<u64>, ServiceError> {
        let (releases, mut next) = self.all_contractible(app).await?;
        for release in releases {
            let at_ms = self.contracts_at(&release).await?;
            if at_ms > now_ms() {
                next = Some(next.map_or(at_ms, |next| next.min(at_ms)));
            } else if let Some(at_ms) = self.contract_now(app, release).await? {
                return Ok(Some(at_ms));
            }
            // Somebody decided: the data of another cluster is another question.
        }
        Ok(next)
    }

    /// Has somebody asked to approve the contraction of a release's data, and returns when to look again. `None` means that
    /// somebody decided.
    async fn contract_now(&self, app: &App, release: Release) -> Result<Option<u64>, ServiceError> {
        for number in 0..MOST {
            let request_id = format!("contract-{}-{number}", release.id);
            let body = request_id.clone().into_bytes();
            match self.jobs.submitted(PRINCIPAL, &request_id, &body).await? {
                None if self.runs.has_unfinished(app).await? => {
                    return Ok(Some(now_ms() + BUSY_MS));
                }
                None => {
                    let record = self.accept_contract(PRINCIPAL, request_id, body, release).await?;
                    tracing::info!(%app, job = record.job.id, "the data may be contracted: the job waits for an approval");
                    return Ok(Some(now_ms() + LOOK_MS));
                }
                // The newer job did not succeed: the release serves still.
                Some(JobRecord {
                    outcome: Some(Outcome::Stopped { why: Stop::Superseded { .. }, .. }),
                    ..
                }) => {}
                Some(record) => {
                    return Ok(record.outcome.is_none().then(|| now_ms() + LOOK_MS));
                }
            }
        }
        tracing::warn!(%app, "nobody is asked again to contract the data: newer jobs took the place of {MOST} jobs for that; use `windlass contract`");
        Ok(None)
    }

    /// Returns the releases of an app whose data may be contracted, the newest first, each with the clusters in which it
    /// serves. The time is that of a look at clusters that nobody knows now. `None` means that there are none.
    async fn all_contractible(
        &self,
        app: &App,
    ) -> Result<(Vec<Release>, Option<u64>), ServiceError> {
        let reachable = self.targets.targets(&app.project).await?.reachable(app);
        let mut names = reachable.clone();
        if let Some((newest, _)) = self.releases.releases(app, None, 1).await?.into_iter().next() {
            names.extend(newest.clusters.into_iter().filter(|name| !reachable.contains(name)));
        }
        let (mut found, mut next) = (Vec::<Release>::new(), None);
        for cluster in &names {
            let Some(release) = self.releases.last_release(app, cluster).await? else { continue };
            if !self.is_contractible(&release, cluster).await? {
                continue;
            }
            if !reachable.contains(cluster) {
                next = Some(now_ms() + UNKNOWN_MS);
                continue;
            }
            match found.iter_mut().find(|known| known.id == release.id) {
                Some(known) => known.clusters.push(cluster.clone()),
                None => found.push(release.at(std::slice::from_ref(cluster))),
            }
        }
        found.sort_by(|one, other| other.id.cmp(&one.id));
        Ok((found, next))
    }

    /// Returns the time from which the data of a release may be contracted, in milliseconds since 1970. Pods of the version
    /// before that are kept are gone by then: they may use the data, and stay as long as the job waits.
    async fn contracts_at(&self, release: &Release) -> Result<u64, ServiceError> {
        let seconds = release.runtime.migrate.as_ref().map_or(0, |it| it.contract_after_seconds);
        let strategy = &release.runtime.strategy;
        let kept_ms = match strategy.keep_seconds {
            seconds if seconds > 0 && strategy.has_tracks() => {
                u64::from(seconds) * 1000 + PRUNED_MS
            }
            _ => 0,
        };
        // A job that is forgotten ended long ago.
        let ended_ms = self.jobs.job(&release.id).await?.and_then(|record| record.ended_ms);
        let after_ms = kept_ms.max(u64::from(seconds) * 1000);
        Ok(ended_ms.unwrap_or_default().saturating_add(after_ms))
    }

    /// Returns whether the data of a release that serves in a cluster holds something that it does not need.
    async fn is_contractible(
        &self,
        release: &Release,
        cluster: &str,
    ) -> Result<bool, ServiceError> {
        if !has_contract(release) {
            return Ok(false);
        }
        let done = self.releases.contraction(&release.app, cluster).await?;
        Ok(done.is_none_or(|done| done.release < release.id && done.digest != release.image.digest))
    }

    /// Returns the release that serves in all these clusters, or in those of them where one serves.
    async fn contractible(&self, app: &App, clusters: &[String]) -> Result<Release, ServiceError> {
        let mut found: Option<Release> = None;
        for cluster in clusters {
            let Some(serving) = self.releases.last_release(app, cluster).await? else { continue };
            match &mut found {
                None => found = Some(serving.at(std::slice::from_ref(cluster))),
                Some(first) if first.id == serving.id => first.clusters.push(cluster.clone()),
                Some(first) => {
                    return Err(ServiceError::Conflict {
                        reason: "clusters-differ",
                        message: format!(
                            "release {} serves{}, and {}{}",
                            first.id,
                            first.place(),
                            serving.id,
                            place(cluster)
                        ),
                        fix: "name one cluster: --cluster".into(),
                    });
                }
            }
        }
        let Some(release) = found else {
            return Err(ServiceError::Conflict {
                reason: "no-release",
                message: format!("no release of {app} serves"),
                fix: format!("see where it serves: windlass status {app}"),
            });
        };
        if !has_contract(&release) {
            return Err(ServiceError::Conflict {
                reason: "no-contract",
                message: format!("release {} of {app} has no `migrate.contract`", release.id),
                fix: "write the command into windlass.toml, and deploy".into(),
            });
        }
        Ok(release)
    }

    async fn accept_contract(
        &self,
        principal: &str,
        request_id: String,
        body: Vec<u8>,
        release: Release,
    ) -> Result<JobRecord, ServiceError> {
        let app = release.app.clone();
        let job = NewJob {
            clusters: self.clusters_of(&app, &release.clusters).await?,
            app,
            source: Source::Contract(Box::new(release)),
            spec: Spec::default(),
            labels: BTreeMap::new(),
            timeout: check::timeout(None)?,
            // Nobody's data goes without somebody's word.
            gates: vec![Gate::Release],
            principal: principal.to_owned(),
            preview: None,
            ends: None,
        };
        self.accept(request_id, body, job).await
    }
}

/// Returns whether a release has a command that takes something out of its data.
fn has_contract(release: &Release) -> bool {
    release.runtime.migrate.as_ref().is_some_and(|migrate| !migrate.contract.is_empty())
}

#[cfg(test)]
mod tests;
