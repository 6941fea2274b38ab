//! The service `Projects`.

use crate::{auth::caller, convert, errors, outgoing, serve::Handlers};
use tonic::{Request, Response, Status};
use windlass_proto::v1::{self, projects_server};
use windlass_service::{AppliedProject, ApplyProject};

#[tonic::async_trait]
impl projects_server::Projects for Handlers {
    async fn apply(
        &self,
        request: Request<v1::ApplyProjectRequest>,
    ) -> Result<Response<v1::ApplyProjectResponse>, Status> {
        let caller = caller(&request)?;
        let message = request.into_inner();
        convert::check_project(&message.toml)?;
        let v1::ApplyProjectRequest { toml, expected_version: expected, dry_run } = message;
        let request = ApplyProject { toml, expected, dry_run };
        let applied = self.0.apply_project(&caller, request).await.map_err(errors::service)?;
        let AppliedProject { record, changes } = applied;
        let project = Some(outgoing::project(record));
        Ok(Response::new(v1::ApplyProjectResponse { project, changes }))
    }

    async fn get(
        &self,
        request: Request<v1::GetProjectRequest>,
    ) -> Result<Response<v1::Project>, Status> {
        let caller = caller(&request)?;
        let v1::GetProjectRequest { name, version } = request.get_ref();
        let record = self.0.project(&caller, name, *version).await.map_err(errors::service)?;
        Ok(Response::new(outgoing::project(record)))
    }

    async fn list(
        &self,
        request: Request<v1::ListProjectsRequest>,
    ) -> Result<Response<v1::ListProjectsResponse>, Status> {
        let caller = caller(&request)?;
        let records = self.0.list_projects(&caller).await.map_err(errors::service)?;
        let projects = records.into_iter().map(outgoing::project).collect();
        Ok(Response::new(v1::ListProjectsResponse { projects }))
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteProjectRequest>,
    ) -> Result<Response<v1::DeleteProjectResponse>, Status> {
        let caller = caller(&request)?;
        let deleted = self.0.delete_project(&caller, &request.get_ref().name).await;
        deleted.map_err(errors::service)?;
        Ok(Response::new(v1::DeleteProjectResponse {}))
    }

    async fn list_previews(
        &self,
        request: Request<v1::ListPreviewsRequest>,
    ) -> Result<Response<v1::ListPreviewsResponse>, Status> {
        let caller = caller(&request)?;
        let records = self.0.list_previews(&caller, &request.get_ref().project).await;
        let records = records.map_err(errors::service)?.into_iter();
        let previews = records.map(outgoing::preview).collect();
        Ok(Response::new(v1::ListPreviewsResponse { previews }))
    }
}
