//! Inspects what serves an app: the journal has the release that should, the clusters show the one that does.

use crate::error::ServiceError;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{Semaphore, mpsc};
use windlass_engine::{
    diagnose::diagnose,
    failure::{Cause, Failure},
    ports::{
        Inspect, LogLine, LogRequest, MadeObject, ObjectChange, Secrets,
        store::{Jobs, Releases, SecretRecords, StoreError},
    },
};
use windlass_model::{
    app::App,
    endpoint::Endpoint,
    error::ClusterError,
    job::{Release, Stage},
    redact::Redactor,
};
use windlass_rollout::{
    health::{Health, health},
    snapshot::Workload,
};

mod lines;
mod masks;

use lines::pass_on;
use masks::{Masks, SecretPorts, Shared};

/// Number of releases among which the one that serves is looked for, for its time.
const RELEASES: u32 = 100;

/// Number of lines that wait for a slow reader.
const WAITING: usize = 64;

/// Number of calls that read logs at once: each asks its clusters again and again, on many connections.
const READERS: usize = 32;

/// The release that serves in one cluster.
pub struct Serving {
    /// Name of the cluster.
    pub cluster: String,
    /// Newest release of the journal in the cluster. `None` means that nothing was released there.
    pub release: Option<Brought>,
    /// The cluster's view of the release, or the reason why there is none.
    pub shown: Result<Shown, String>,
}

/// A release, and the principal whose job made it.
pub struct Brought {
    pub release: Release,
    /// Time at which the release was made, in milliseconds since 1970. `None` means that the journal does not
    /// have it.
    pub created_ms: Option<u64>,
    /// Name of the caller whose job made the release. Empty means that the job is forgotten.
    pub principal: String,
}

/// A cluster's view of a release.
pub struct Shown {
    /// Health of the app. `None` means that nothing serves.
    pub health: Option<Health>,
    pub workloads: Vec<Workload>,
    pub endpoints: Vec<Endpoint>,
}

/// View of the clusters in which no secret is shown.
#[derive(Clone)]
pub struct Inspection {
    inspect: Arc<dyn Inspect>,
    jobs: Arc<dyn Jobs>,
    releases: Arc<dyn Releases>,
    masks: SecretPorts,
    readers: Arc<Semaphore>,
}

impl Inspection {
    /// Returns a view of clusters. `secrets` lists names and versions, and `opener` opens them, to be masked.
    #[must_use]
    pub fn new(
        inspect: Arc<dyn Inspect>,
        opener: Arc<dyn Secrets>,
        jobs: Arc<dyn Jobs>,
        releases: Arc<dyn Releases>,
        secrets: Arc<dyn SecretRecords>,
    ) -> Self {
        let shared = Shared::default();
        let masks = SecretPorts { opener, secrets, releases: releases.clone(), shared };
        let readers = Arc::new(Semaphore::new(READERS));
        Self { inspect, jobs, releases, masks, readers }
    }

    /// Returns the releases that serve in these clusters, masked.
    pub(crate) async fn look(
        &self,
        app: &App,
        clusters: &[String],
    ) -> Result<Vec<Serving>, ServiceError> {
        let mut masks = Masks::new(&self.masks, app, clusters);
        // The journal's part needs no mask. Without masks, nothing of a cluster is shown.
        let unmasked = match masks.renew().await {
            Ok(()) => None,
            Err(error @ ServiceError::Failed(_)) => Some(format!("not shown: {error}")),
            Err(error) => return Err(error),
        };
        let released = self.released(app, clusters).await?;
        let mut all = Vec::new();
        for (cluster, release) in released {
            if let (Some(why), Some(_)) = (&unmasked, &release) {
                all.push(Serving { cluster, release, shown: Err(why.clone()) });
                continue;
            }
            let shown = match &release {
                Some(brought) => self.shown(&brought.release, masks.redactor()).await,
                None => Ok(Shown { health: None, workloads: Vec::new(), endpoints: Vec::new() }),
            };
            let shown = shown.map_err(|error| masks.redactor().shown(&error.to_string()));
            all.push(Serving { cluster, release, shown });
        }
        Ok(all)
    }

    /// Returns the changes from one release's objects to those of another.
    pub(crate) async fn compare(
        &self,
        before: Option<&Release>,
        after: &Release,
    ) -> Result<Vec<ObjectChange>, ClusterError> {
        self.inspect.compare(before, after).await
    }

    /// Returns the version of a cluster's API server, which answers now.
    pub(crate) async fn version(&self, cluster: &str) -> Result<String, ClusterError> {
        self.inspect.version(cluster).await
    }

    /// Returns the objects that were made for a release's app in its cluster.
    pub(crate) async fn made(
        &self,
        release: &Release,
        data: bool,
    ) -> Result<Vec<MadeObject>, ServiceError> {
        self.inspect.made(release, data).await.map_err(|error| {
            let cause = Cause::applying(error, release);
            Box::new(diagnose(&Failure { at: Stage::Release, cause })).into()
        })
    }

    /// Streams the log lines of these clusters, masked.
    pub(crate) async fn logs(
        &self,
        app: &App,
        clusters: &[String],
        request: &LogRequest,
    ) -> Result<mpsc::Receiver<LogLine>, ServiceError> {
        let reader = self.readers.clone().try_acquire_owned();
        let reader = Arc::new(reader.map_err(|_| ServiceError::Busy { readers: READERS })?);
        let mut masks = Masks::new(&self.masks, app, clusters);
        masks.renew().await?;
        let (send, receive) = mpsc::channel(WAITING);
        let (mut opened, mut unreachable) = (Vec::new(), Vec::new());
        for cluster in clusters {
            match self.inspect.logs(app, cluster, request).await {
                Ok(lines) => opened.push(lines),
                Err(error) => unreachable.push((cluster.clone(), error)),
            }
        }
        if opened.is_empty()
            && let Some((_, error)) = unreachable.pop()
        {
            let failure = Failure { at: Stage::Release, cause: Cause::Cluster(error) };
            let mut mask = |text: String| masks.redactor().shown(&text);
            let diagnosis = diagnose(&failure).map_text(&mut mask);
            return Err(ServiceError::Failed(Box::new(diagnosis)));
        }
        for (cluster, error) in unreachable {
            let line = masks.redactor().shown(&format!("not read: {error}"));
            // The channel has room: nothing was sent yet.
            let _ = send.try_send(LogLine { cluster, line, ..LogLine::default() });
        }
        for name in masks.deleted() {
            let line = format!(
                "the secret `{name}` was deleted: it is not masked where pods still print it"
            );
            let _ = send.try_send(LogLine { line, ..LogLine::default() });
        }
        for lines in opened {
            tokio::spawn(pass_on(lines, send.clone(), masks.clone(), reader.clone()));
        }
        Ok(receive)
    }

    /// Returns the release of the journal in each cluster.
    async fn released(
        &self,
        app: &App,
        clusters: &[String],
    ) -> Result<Vec<(String, Option<Brought>)>, StoreError> {
        let releases = self.releases.releases(app, None, RELEASES).await?;
        let created: BTreeMap<_, _> =
            releases.into_iter().map(|(release, at_ms)| (release.id, at_ms)).collect();
        let mut all = Vec::new();
        for cluster in clusters {
            let last = self.releases.last_release(app, cluster).await?;
            let Some(release) = last.map(|last| last.at(std::slice::from_ref(cluster))) else {
                all.push((cluster.clone(), None));
                continue;
            };
            let job = self.jobs.job(&release.id).await?;
            let brought = Brought {
                created_ms: created.get(&release.id).copied(),
                principal: job.map(|record| record.job.principal).unwrap_or_default(),
                release,
            };
            all.push((cluster.clone(), Some(brought)));
        }
        Ok(all)
    }

    async fn shown(&self, release: &Release, redactor: &Redactor) -> Result<Shown, ClusterError> {
        let snapshot = self.inspect.look(release).await?;
        let endpoints = self.inspect.endpoints(release).await?.into_iter();
        let endpoints =
            endpoints.map(|one| Endpoint { url: redactor.shown(&one.url), ..one }).collect();
        let health = Some(health(&snapshot, release).masked(redactor));
        Ok(Shown { health, workloads: snapshot.workloads, endpoints })
    }
}
