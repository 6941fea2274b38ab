//! The service `Releases`.

use crate::{auth::caller, convert, errors, outgoing, serve::Handlers};
use prost::Message;
use tonic::{Request, Response, Status};
use windlass_proto::v1::{self, releases_server};
use windlass_service::{ContractRequest, ReleasesRequest, RemoveRequest, RollbackRequest, Verb};

#[tonic::async_trait]
impl releases_server::Releases for Handlers {
    async fn list(
        &self,
        request: Request<v1::ListReleasesRequest>,
    ) -> Result<Response<v1::ListReleasesResponse>, Status> {
        let caller = caller(&request)?;
        let message = request.into_inner();
        let request = ReleasesRequest {
            app: convert::app(message.app)?,
            before: convert::given(message.page_token),
            page_size: message.page_size,
        };
        let page = self.0.list_releases(&caller, request).await.map_err(errors::service)?;
        let shown = page.releases.iter().map(|listed| {
            outgoing::release(&listed.release, Some(listed.created_ms), listed.is_current)
        });
        Ok(Response::new(v1::ListReleasesResponse {
            releases: shown.collect(),
            next_page_token: page.next.unwrap_or_default(),
        }))
    }

    async fn rollback(
        &self,
        request: Request<v1::RollbackRequest>,
    ) -> Result<Response<v1::Job>, Status> {
        let caller = caller(&request)?;
        let message = request.into_inner();
        let body = message.encode_to_vec();
        let app = convert::app(message.app)?;
        caller.may(Verb::Deploy, &app.project).map_err(errors::service)?;
        let request = RollbackRequest {
            body,
            request_id: message.request_id,
            app,
            to: convert::given(message.to),
            clusters: message.clusters,
            order: convert::order(message.cluster_order)?,
        };
        let record = self.0.rollback(&caller, request).await.map_err(errors::service)?;
        Ok(Response::new(outgoing::job(record)))
    }

    async fn contract(
        &self,
        request: Request<v1::ContractRequest>,
    ) -> Result<Response<v1::Job>, Status> {
        let caller = caller(&request)?;
        let message = request.into_inner();
        let body = message.encode_to_vec();
        let v1::ContractRequest { request_id, app, clusters } = message;
        let request = ContractRequest { request_id, body, app: convert::app(app)?, clusters };
        let record = self.0.contract(&caller, request).await.map_err(errors::service)?;
        Ok(Response::new(outgoing::job(record)))
    }

    async fn remove(
        &self,
        request: Request<v1::RemoveRequest>,
    ) -> Result<Response<v1::Job>, Status> {
        let caller = caller(&request)?;
        let message = request.into_inner();
        let body = message.encode_to_vec();
        let v1::RemoveRequest { request_id, app, data, clusters } = message;
        let app = convert::app(app)?;
        let request = RemoveRequest { request_id, body, app, data, clusters };
        let record = self.0.remove(&caller, request).await.map_err(errors::service)?;
        Ok(Response::new(outgoing::job(record)))
    }

    async fn plan_removal(
        &self,
        request: Request<v1::PlanRemovalRequest>,
    ) -> Result<Response<v1::PlanRemovalResponse>, Status> {
        let caller = caller(&request)?;
        let v1::PlanRemovalRequest { app, data, clusters } = request.into_inner();
        let app = convert::app(app)?;
        let found = self.0.plan_removal(&caller, &app, data, &clusters).await;
        let objects = found.map_err(errors::service)?.into_iter().map(outgoing::removed);
        Ok(Response::new(v1::PlanRemovalResponse { objects: objects.collect() }))
    }
}
