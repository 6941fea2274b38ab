//! The service `Sessions`: logins of browsers at the page.

use crate::{auth::identity, errors, outgoing, serve::Handlers};
use tonic::{Request, Response, Status};
use windlass_proto::v1::{self, sessions_server};

#[tonic::async_trait]
impl sessions_server::Sessions for Handlers {
    async fn create_login_link(
        &self,
        request: Request<v1::CreateLoginLinkRequest>,
    ) -> Result<Response<v1::LoginLink>, Status> {
        let identity = identity(&request)?;
        let link = self.0.login_link(&identity.caller, identity.token_hash());
        let link = link.map_err(errors::service)?;
        let (principal, base) = (&identity.caller.name, self.0.page_url.as_deref());
        Ok(Response::new(outgoing::login_link(link, principal, base)))
    }
}
