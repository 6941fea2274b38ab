//! The service `Deliveries`: what forges reported, each with what came of it.

use crate::{auth::caller, convert, errors, outgoing, serve::Handlers};
use tonic::{Request, Response, Status};
use windlass_proto::v1::{self, deliveries_server};
use windlass_service::DeliveriesRequest;

#[tonic::async_trait]
impl deliveries_server::Deliveries for Handlers {
    async fn list(
        &self,
        request: Request<v1::ListDeliveriesRequest>,
    ) -> Result<Response<v1::ListDeliveriesResponse>, Status> {
        let caller = caller(&request)?;
        let message = request.into_inner();
        let request = DeliveriesRequest {
            project: message.project,
            repository: convert::given(message.repository),
            before: convert::given(message.page_token),
            limit: message.page_size,
        };
        let page = self.0.list_deliveries(&caller, request).await.map_err(errors::service)?;
        Ok(Response::new(v1::ListDeliveriesResponse {
            deliveries: page.deliveries.into_iter().map(outgoing::delivery).collect(),
            next_page_token: page.next.unwrap_or_default(),
        }))
    }

    async fn get(
        &self,
        request: Request<v1::GetDeliveryRequest>,
    ) -> Result<Response<v1::Delivery>, Status> {
        let caller = caller(&request)?;
        let delivery = self.0.delivery(&caller, &request.get_ref().id).await;
        Ok(Response::new(outgoing::delivery(delivery.map_err(errors::service)?)))
    }

    async fn replay(
        &self,
        request: Request<v1::ReplayDeliveryRequest>,
    ) -> Result<Response<v1::Delivery>, Status> {
        let caller = caller(&request)?;
        let delivery = self.0.replay_delivery(&caller, &request.get_ref().id).await;
        Ok(Response::new(outgoing::delivery(delivery.map_err(errors::service)?)))
    }
}
