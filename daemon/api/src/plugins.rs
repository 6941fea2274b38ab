//! The service `Plugins`: for operators.

use crate::{
    auth::{Verb, caller},
    errors, outgoing,
    serve::Services,
};
use tonic::{Request, Response, Status};
use windlass_proto::v1::{self, plugins_server};

#[tonic::async_trait]
impl plugins_server::Plugins for Services {
    async fn list(
        &self,
        request: Request<v1::ListPluginsRequest>,
    ) -> Result<Response<v1::ListPluginsResponse>, Status> {
        caller(&request)?.may_operate(Verb::Read)?;
        let plugins = self.plugins.list().into_iter().map(outgoing::plugin).collect();
        Ok(Response::new(v1::ListPluginsResponse { plugins }))
    }

    async fn reload(
        &self,
        request: Request<v1::ReloadPluginsRequest>,
    ) -> Result<Response<v1::ReloadPluginsResponse>, Status> {
        let principal = caller(&request)?;
        principal.may_operate(Verb::Deploy)?;
        tracing::info!(principal = principal.name, "reloading the plugins");
        let changes = self.plugins.reload().await.map_err(|why| {
            let fix = "mend what it names and reload again; jobs go on with the plugins of before";
            errors::precondition("plugins-not-loaded", why, fix)
        })?;
        Ok(Response::new(v1::ReloadPluginsResponse { changes }))
    }
}
