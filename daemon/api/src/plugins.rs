//! The service `Plugins`: for operators.

use crate::{auth::caller, errors, outgoing, serve::Handlers};
use tonic::{Request, Response, Status};
use windlass_proto::v1::{self, plugins_server};

#[tonic::async_trait]
impl plugins_server::Plugins for Handlers {
    async fn list(
        &self,
        request: Request<v1::ListPluginsRequest>,
    ) -> Result<Response<v1::ListPluginsResponse>, Status> {
        let caller = caller(&request)?;
        let plugins = self.0.list_plugins(&caller).map_err(errors::service)?;
        let plugins = plugins.into_iter().map(outgoing::plugin).collect();
        Ok(Response::new(v1::ListPluginsResponse { plugins }))
    }

    async fn reload(
        &self,
        request: Request<v1::ReloadPluginsRequest>,
    ) -> Result<Response<v1::ReloadPluginsResponse>, Status> {
        let caller = caller(&request)?;
        let changes = self.0.reload_plugins(&caller).await.map_err(errors::service)?;
        Ok(Response::new(v1::ReloadPluginsResponse { changes }))
    }
}
