//! The service `Outbox`: messages to forges and to endpoints.

use crate::{auth::caller, convert, errors, outgoing, serve::Handlers};
use tonic::{Request, Response, Status};
use windlass_proto::v1::{self, outbox_server};
use windlass_service::{MessagesRequest, ReplayMessages};

#[tonic::async_trait]
impl outbox_server::Outbox for Handlers {
    async fn list(
        &self,
        request: Request<v1::ListMessagesRequest>,
    ) -> Result<Response<v1::ListMessagesResponse>, Status> {
        let caller = caller(&request)?;
        let message = request.into_inner();
        let request = MessagesRequest {
            project: message.project,
            states: message.states,
            job: convert::given(message.job),
            receiver: convert::given(message.receiver),
            before: convert::given(message.page_token),
            limit: message.page_size,
        };
        let page = self.0.list_messages(&caller, request).await.map_err(errors::service)?;
        Ok(Response::new(v1::ListMessagesResponse {
            messages: page.messages.into_iter().map(outgoing::message).collect(),
            next_page_token: page.next.unwrap_or_default(),
            unwell: page.unwell.into_iter().map(outgoing::unwell).collect(),
        }))
    }

    async fn get(
        &self,
        request: Request<v1::GetMessageRequest>,
    ) -> Result<Response<v1::Message>, Status> {
        let caller = caller(&request)?;
        let message = self.0.message(&caller, &request.get_ref().id).await;
        Ok(Response::new(outgoing::message(message.map_err(errors::service)?)))
    }

    async fn replay(
        &self,
        request: Request<v1::ReplayMessagesRequest>,
    ) -> Result<Response<v1::ReplayMessagesResponse>, Status> {
        let caller = caller(&request)?;
        let message = request.into_inner();
        let request = ReplayMessages {
            project: message.project,
            id: convert::given(message.id),
            receiver: convert::given(message.receiver),
            since_ms: convert::time("since", message.since.as_ref())?,
        };
        let count = self.0.replay_messages(&caller, request).await.map_err(errors::service)?;
        Ok(Response::new(v1::ReplayMessagesResponse { count }))
    }

    async fn drop(
        &self,
        request: Request<v1::DropMessageRequest>,
    ) -> Result<Response<v1::Message>, Status> {
        let caller = caller(&request)?;
        let message = self.0.drop_message(&caller, &request.get_ref().id).await;
        Ok(Response::new(outgoing::message(message.map_err(errors::service)?)))
    }
}
