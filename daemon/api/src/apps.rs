//! The service `Apps`: what serves, and what it prints.

use crate::{
    auth::{Verb, caller},
    convert,
    errors::{self, field},
    outgoing,
    serve::Services,
};
use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tonic::{Request, Response, Status};
use windlass_engine::{
    failure::Failure,
    ports::{LogLine, LogRequest},
    records::{Filter, StoreError},
};
use windlass_model::{app::App, endpoint::Endpoint, job::Release};
use windlass_proto::v1::{self, apps_server};
use windlass_rollout::{health::Health, snapshot::Workload};

/// Jobs that a status tells.
const JOBS: u32 = 5;
/// Lines of each container's past, where nobody says how many; and at most.
const TAIL: (u32, u32) = (100, 10_000);

/// The release that serves in one cluster.
pub struct Serving {
    /// The cluster's name.
    pub cluster: String,
    /// The newest release of the journal there.
    pub release: Option<Brought>,
    /// The cluster's view of it, or the reason why there is none.
    pub shown: Result<Shown, String>,
}

/// A release, and who brought it.
pub struct Brought {
    /// Which.
    pub release: Release,
    /// When, in milliseconds since 1970.
    pub created_ms: Option<u64>,
    /// Empty where its job is forgotten.
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

/// Why an app was not looked at.
pub enum Unseen {
    /// The store's word.
    Store(StoreError),
    /// A cluster's, or a secret's.
    Failed(Box<Failure>),
    /// So many logs are read already.
    Busy(usize),
}

/// Looks at what serves an app.
#[async_trait]
pub trait Inspector: Send + Sync {
    /// Returns the releases that serve in these clusters, masked.
    async fn look(&self, app: &App, clusters: &[String]) -> Result<Vec<Serving>, Unseen>;
    /// Streams the log lines of these clusters, masked.
    async fn logs(
        &self,
        app: &App,
        clusters: &[String],
        request: &LogRequest,
    ) -> Result<mpsc::Receiver<LogLine>, Unseen>;
}

/// Lines as they go out.
type Lines = std::pin::Pin<
    Box<dyn tokio_stream::Stream<Item = Result<v1::AppLogLine, Status>> + Send + 'static>,
>;

#[tonic::async_trait]
impl apps_server::Apps for Services {
    async fn status(
        &self,
        request: Request<v1::AppStatusRequest>,
    ) -> Result<Response<v1::AppStatus>, Status> {
        let principal = caller(&request)?;
        let app = convert::app(request.into_inner().app)?;
        principal.may(Verb::Read, &app.project)?;
        let clusters = convert::clusters(&self.targets, &app, &[], 0)?;
        let serving = self.inspector.look(&app, &clusters.names).await.map_err(errors::unseen)?;
        let filter = Filter {
            projects: Some(vec![app.project.clone()]),
            app: Some(app.name.clone()),
            environment: Some(app.environment.clone()),
            limit: JOBS,
            ..Filter::default()
        };
        let jobs = self.jobs.jobs(&filter).await.map_err(errors::store)?;
        Ok(Response::new(v1::AppStatus {
            app: Some(outgoing::app(&app)),
            clusters: serving.into_iter().map(cluster).collect(),
            jobs: jobs.into_iter().map(outgoing::job).collect(),
        }))
    }

    type LogsStream = Lines;

    async fn logs(&self, request: Request<v1::AppLogsRequest>) -> Result<Response<Lines>, Status> {
        let principal = caller(&request)?;
        let message = request.into_inner();
        let app = convert::app(message.app)?;
        principal.may(Verb::Read, &app.project)?;
        let wanted = Some(message.cluster).filter(|name| !name.is_empty());
        let wanted: Vec<_> = wanted.into_iter().collect();
        let clusters = convert::clusters(&self.targets, &app, &wanted, 0)?;
        let tail = message.tail.unwrap_or(TAIL.0);
        if tail > TAIL.1 {
            return Err(field("tail", &tail.to_string(), "must be at most 10000 lines"));
        }
        if message.follow && message.previous {
            return Err(field("previous", "true", "cannot be followed: what ended prints no more"));
        }
        if message.since_seconds == Some(0) {
            return Err(field("since_seconds", "0", "must be at least 1"));
        }
        let wanted = LogRequest {
            process: process(message.process)?,
            follow: message.follow,
            previous: message.previous,
            tail,
            since_seconds: message.since_seconds,
        };
        let lines = self.inspector.logs(&app, &clusters.names, &wanted).await;
        let lines = lines.map_err(errors::unseen)?;
        let lines = ReceiverStream::new(lines);
        let lines: Lines = Box::pin(lines.map(|line| Ok::<_, Status>(outgoing::log_line(line))));
        Ok(Response::new(lines))
    }
}

/// It becomes part of a query for labels.
fn process(name: String) -> Result<String, Status> {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() > 63 || !name.chars().all(ok) {
        return Err(field("process", &name, "must be a process's name: a-z, 0-9 and `-`"));
    }
    Ok(name)
}

fn cluster(serving: Serving) -> v1::ClusterStatus {
    let mut status = v1::ClusterStatus { cluster: serving.cluster, ..Default::default() };
    if let Some(Brought { release, created_ms, principal }) = serving.release {
        status.release = Some(outgoing::release(&release, created_ms, true));
        status.principal = principal;
    }
    let shown = match serving.shown {
        Ok(shown) => shown,
        Err(away) => return v1::ClusterStatus { away, ..status },
    };
    let workload = |one: Workload| v1::WorkloadStatus {
        kind: one.kind,
        name: one.name,
        process: one.process,
        ready: one.ready,
        wanted: one.wanted,
    };
    status.workloads = shown.workloads.into_iter().map(workload).collect();
    status.endpoints = shown.endpoints.into_iter().map(outgoing::endpoint).collect();
    let health = match shown.health {
        None => v1::Health::Unspecified,
        Some(Health::Well) => v1::Health::Well,
        Some(Health::Coming(lasting)) => {
            status.diagnosis = lasting.map(|diagnosis| outgoing::diagnosis(*diagnosis));
            v1::Health::Coming
        }
        Some(Health::Other) => v1::Health::Other,
        Some(Health::Ill(diagnosis)) => {
            status.diagnosis = Some(outgoing::diagnosis(*diagnosis));
            v1::Health::Ill
        }
    };
    status.health = health.into();
    status
}

#[cfg(test)]
mod tests {
    use super::process;

    #[test]
    fn a_process_is_a_name_and_no_query() {
        assert_eq!(process("worker-2".into()).unwrap(), "worker-2");
        assert_eq!(process(String::new()).unwrap(), "");
        for bad in ["web,other=1", "Web", "web!=x", " "] {
            assert!(process(bad.into()).is_err(), "{bad}");
        }
    }
}
