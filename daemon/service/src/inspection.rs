//! Looks at what serves an app: the journal says what should, the clusters show what does.

use crate::error::ServiceError;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{Semaphore, mpsc};
use windlass_engine::{
    diagnose::diagnose,
    failure::{Cause, Failure},
    ports::{
        Inspect, LogLine, LogRequest, Secrets,
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
use masks::{Masks, SecretPorts};

/// Releases among which the one that serves is looked for, to say since when.
const RELEASES: u32 = 100;

/// Lines that wait for a slow reader.
const WAITING: usize = 64;

/// Calls that read logs at once: each asks its clusters again and again, over many connections.
const READERS: usize = 32;

/// The release that serves in one cluster.
pub struct Serving {
    /// The cluster's name.
    pub cluster: String,
    /// The newest release of the journal there. `None` means that nothing was released there.
    pub release: Option<Brought>,
    /// The cluster's view of it, or the reason why there is none.
    pub shown: Result<Shown, String>,
}

/// A release, and who brought it.
pub struct Brought {
    /// The release.
    pub release: Release,
    /// Time that it was made, in milliseconds since 1970. `None` means that the journal does not say.
    pub created_ms: Option<u64>,
    /// Name of the caller whose job made it. Empty where that job is forgotten.
    pub principal: String,
}

/// A cluster's view of a release.
pub struct Shown {
    /// The app's health. `None` where nothing serves.
    pub health: Option<Health>,
    /// Workloads of the release.
    pub workloads: Vec<Workload>,
    /// Addresses of the app.
    pub endpoints: Vec<Endpoint>,
}

/// A view of the clusters in which no secret is shown.
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
        let masks = SecretPorts { opener, secrets, releases: releases.clone() };
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
        masks.renew().await?;
        let released = self.released(app, clusters).await?;
        let mut all = Vec::new();
        for (cluster, release) in released {
            let shown = match &release {
                Some(brought) => self.shown(&brought.release, masks.redactor()).await,
                None => Ok(Shown { health: None, workloads: Vec::new(), endpoints: Vec::new() }),
            };
            let shown = shown.map_err(|error| masks.redactor().mask(&error.to_string()));
            all.push(Serving { cluster, release, shown });
        }
        Ok(all)
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
        let (mut opened, mut away) = (Vec::new(), Vec::new());
        for cluster in clusters {
            match self.inspect.logs(app, cluster, request).await {
                Ok(lines) => opened.push(lines),
                Err(error) => away.push((cluster.clone(), error)),
            }
        }
        if opened.is_empty()
            && let Some((_, error)) = away.pop()
        {
            let failure = Failure { at: Stage::Release, cause: Cause::Cluster(error) };
            let mut mask = |text: String| masks.redactor().mask(&text);
            let diagnosis = diagnose(&failure).map_text(&mut mask);
            return Err(ServiceError::Failed(Box::new(diagnosis)));
        }
        for (cluster, error) in away {
            let line = masks.redactor().mask(&format!("not read: {error}"));
            // There is room: nothing was sent yet.
            let _ = send.try_send(LogLine { cluster, line, ..LogLine::default() });
        }
        for name in masks.gone() {
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

    /// Returns what the journal knows to serve in each cluster.
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
        let seen = self.inspect.look(release).await?;
        let endpoints = self.inspect.endpoints(release).await?.into_iter();
        let endpoints =
            endpoints.map(|one| Endpoint { url: redactor.mask(&one.url), ..one }).collect();
        let health = Some(health(&seen, release).masked(redactor));
        Ok(Shown { health, workloads: seen.workloads, endpoints })
    }
}
