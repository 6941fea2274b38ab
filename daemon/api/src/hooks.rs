//! The service `Hooks`: webhooks that forges call.

use crate::{auth::caller, convert, errors, outgoing, serve::Handlers};
use tonic::{Request, Response, Status};
use windlass_proto::v1::{self, hooks_server};

#[tonic::async_trait]
impl hooks_server::Hooks for Handlers {
    async fn create(
        &self,
        request: Request<v1::CreateHookRequest>,
    ) -> Result<Response<v1::CreatedHook>, Status> {
        let caller = caller(&request)?;
        let v1::CreateHookRequest { project, repository } = request.get_ref();
        let created = self.0.create_hook(&caller, project, repository).await;
        let created = created.map_err(errors::service)?;
        Ok(Response::new(outgoing::created_hook(created, self.0.hooks_url.as_deref())))
    }

    async fn rotate(
        &self,
        request: Request<v1::RotateHookRequest>,
    ) -> Result<Response<v1::CreatedHook>, Status> {
        let caller = caller(&request)?;
        let v1::RotateHookRequest { project, id, keep } = request.get_ref();
        let keep = convert::duration("keep", keep.as_ref())?;
        let rotated = self.0.rotate_hook(&caller, project, id, keep).await;
        let rotated = rotated.map_err(errors::service)?;
        Ok(Response::new(outgoing::created_hook(rotated, self.0.hooks_url.as_deref())))
    }

    async fn list(
        &self,
        request: Request<v1::ListHooksRequest>,
    ) -> Result<Response<v1::ListHooksResponse>, Status> {
        let caller = caller(&request)?;
        let records = self.0.list_hooks(&caller, &request.get_ref().project).await;
        let records = records.map_err(errors::service)?.into_iter();
        let base = self.0.hooks_url.as_deref();
        let hooks = records.map(|record| outgoing::hook(record, base)).collect();
        Ok(Response::new(v1::ListHooksResponse { hooks }))
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteHookRequest>,
    ) -> Result<Response<v1::DeleteHookResponse>, Status> {
        let caller = caller(&request)?;
        let v1::DeleteHookRequest { project, id } = request.get_ref();
        self.0.delete_hook(&caller, project, id).await.map_err(errors::service)?;
        Ok(Response::new(v1::DeleteHookResponse {}))
    }

    async fn test(
        &self,
        request: Request<v1::TestHookRequest>,
    ) -> Result<Response<v1::TestHookResponse>, Status> {
        let caller = caller(&request)?;
        let v1::TestHookRequest { project, repository, r#ref: name } = request.get_ref();
        let verdicts = self.0.test_hook(&caller, project, repository, name).await;
        let verdicts = verdicts.map_err(errors::service)?;
        let verdicts = verdicts.into_iter().map(outgoing::verdict).collect();
        Ok(Response::new(v1::TestHookResponse { verdicts }))
    }
}
