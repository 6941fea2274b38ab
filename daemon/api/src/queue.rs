//! The service `Queue`: messages of the queue that could become no job.

use crate::{auth::caller, convert, errors, outgoing, serve::Handlers};
use tonic::{Request, Response, Status};
use windlass_proto::v1::{self, queue_server};

#[tonic::async_trait]
impl queue_server::Queue for Handlers {
    async fn list_dead(
        &self,
        request: Request<v1::ListDeadRequest>,
    ) -> Result<Response<v1::ListDeadResponse>, Status> {
        let caller = caller(&request)?;
        let page = self.0.list_dead(&caller, request.get_ref().page_size).await;
        let page = page.map_err(errors::service)?;
        let messages = page.messages.into_iter().map(outgoing::dead).collect();
        Ok(Response::new(v1::ListDeadResponse { messages, more: page.more }))
    }

    async fn get_dead(
        &self,
        request: Request<v1::GetDeadRequest>,
    ) -> Result<Response<v1::DeadMessage>, Status> {
        let caller = caller(&request)?;
        let message = self.0.dead_message(&caller, &request.get_ref().id).await;
        Ok(Response::new(outgoing::dead(message.map_err(errors::service)?)))
    }

    async fn replay_dead(
        &self,
        request: Request<v1::ReplayDeadRequest>,
    ) -> Result<Response<v1::ReplayDeadResponse>, Status> {
        let caller = caller(&request)?;
        let id = convert::given(request.into_inner().id);
        let count = self.0.replay_dead(&caller, id).await.map_err(errors::service)?;
        Ok(Response::new(v1::ReplayDeadResponse { count }))
    }

    async fn drop_dead(
        &self,
        request: Request<v1::DropDeadRequest>,
    ) -> Result<Response<v1::DeadMessage>, Status> {
        let caller = caller(&request)?;
        let message = self.0.drop_dead(&caller, &request.get_ref().id).await;
        Ok(Response::new(outgoing::dead(message.map_err(errors::service)?)))
    }
}
