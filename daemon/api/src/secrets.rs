//! The service `Secrets`: write-only.

use crate::{auth::caller, errors, outgoing, serve::Handlers};
use tonic::{Request, Response, Status};
use windlass_model::secret::Secret;
use windlass_proto::v1::{self, secrets_server};
use windlass_service::PutSecretRequest;

#[tonic::async_trait]
impl secrets_server::Secrets for Handlers {
    async fn put(
        &self,
        request: Request<v1::PutSecretRequest>,
    ) -> Result<Response<v1::Secret>, Status> {
        let caller = caller(&request)?;
        let v1::PutSecretRequest { project, name, value } = request.into_inner();
        let request = PutSecretRequest { project, name, value: Secret::new(value) };
        let record = self.0.put_secret(&caller, request).await.map_err(errors::service)?;
        Ok(Response::new(outgoing::secret(record)))
    }

    async fn list(
        &self,
        request: Request<v1::ListSecretsRequest>,
    ) -> Result<Response<v1::ListSecretsResponse>, Status> {
        let caller = caller(&request)?;
        let records = self.0.list_secrets(&caller, &request.get_ref().project).await;
        let records = records.map_err(errors::service)?;
        let secrets = records.into_iter().map(outgoing::secret).collect();
        Ok(Response::new(v1::ListSecretsResponse { secrets }))
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteSecretRequest>,
    ) -> Result<Response<v1::DeleteSecretResponse>, Status> {
        let caller = caller(&request)?;
        let v1::DeleteSecretRequest { project, name, force } = request.get_ref();
        let deleted = self.0.delete_secret(&caller, project, name, *force).await;
        deleted.map_err(errors::service)?;
        Ok(Response::new(v1::DeleteSecretResponse {}))
    }
}
