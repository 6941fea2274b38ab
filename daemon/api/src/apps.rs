//! The service `Apps`: what serves, and what it prints.

use crate::{
    auth::{caller, identity},
    convert, errors, outgoing,
    revocable::Revocable,
    serve::Handlers,
};
use std::pin::Pin;
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};
use tonic::{Request, Response, Status};
use windlass_proto::v1::{self, apps_server};
use windlass_rollout::{health::Health, snapshot::Workload};
use windlass_service::{Brought, LogsRequest, Serving};

/// Stream of log lines to a client.
type Lines = Pin<Box<dyn Stream<Item = Result<v1::AppLogLine, Status>> + Send + 'static>>;

#[tonic::async_trait]
impl apps_server::Apps for Handlers {
    async fn status(
        &self,
        request: Request<v1::AppStatusRequest>,
    ) -> Result<Response<v1::AppStatus>, Status> {
        let caller = caller(&request)?;
        let app = convert::app(request.into_inner().app)?;
        let status = self.0.app_status(&caller, app).await.map_err(errors::service)?;
        Ok(Response::new(v1::AppStatus {
            app: Some(outgoing::app(&status.app)),
            clusters: status.clusters.into_iter().map(cluster).collect(),
            jobs: self.shown(status.jobs),
        }))
    }

    type LogsStream = Lines;

    async fn logs(&self, request: Request<v1::AppLogsRequest>) -> Result<Response<Lines>, Status> {
        let identity = identity(&request)?;
        let message = request.into_inner();
        let request = LogsRequest {
            app: convert::app(message.app)?,
            process: message.process,
            cluster: convert::given(message.cluster),
            follow: message.follow,
            previous: message.previous,
            tail: message.tail,
            since_seconds: message.since_seconds,
        };
        let lines = self.0.app_logs(&identity.caller, request).await.map_err(errors::service)?;
        let lines = ReceiverStream::new(lines);
        let lines = lines.map(|line| Ok::<_, Status>(outgoing::log_line(line)));
        let lines: Lines = Box::pin(Revocable::new(lines, identity));
        Ok(Response::new(lines))
    }
}

pub(crate) fn cluster(serving: Serving) -> v1::ClusterStatus {
    let mut status = v1::ClusterStatus { cluster: serving.cluster, ..Default::default() };
    if let Some(Brought { release, created_ms, principal }) = serving.release {
        status.release = Some(outgoing::release(&release, created_ms, true));
        status.principal = principal;
    }
    let shown = match serving.shown {
        Ok(shown) => shown,
        Err(unreachable) => return v1::ClusterStatus { unreachable, ..status },
    };
    let workload = |one: Workload| v1::WorkloadStatus {
        kind: one.kind,
        name: one.name,
        process: one.process,
        ready: one.ready,
        desired: one.wanted,
    };
    status.workloads = shown.workloads.into_iter().map(workload).collect();
    status.endpoints = shown.endpoints.into_iter().map(outgoing::endpoint).collect();
    let health = match shown.health {
        None => v1::Health::Unspecified,
        Some(Health::Healthy) => v1::Health::Healthy,
        Some(Health::Progressing(lasting)) => {
            status.diagnosis = lasting.map(|diagnosis| outgoing::diagnosis(*diagnosis));
            v1::Health::Progressing
        }
        Some(Health::OutOfSync) => v1::Health::OutOfSync,
        Some(Health::Degraded(diagnosis)) => {
            status.diagnosis = Some(outgoing::diagnosis(*diagnosis));
            v1::Health::Degraded
        }
    };
    status.health = health.into();
    status
}
