//! Logins that are withheld from clusters of projects' own.

use async_trait::async_trait;
use windlass_engine::{
    ports::{Login, LoginRequest, Logins},
    recorder::Recorder,
};
use windlass_model::error::PluginError;

/// No login at any registry. Whoever has a cluster reads every Secret in it, and one login of the operator's pulls the
/// images of all projects, or pushes them too.
pub(crate) struct Withheld;

#[async_trait]
impl Logins for Withheld {
    async fn login(
        &self,
        _: &LoginRequest<'_>,
        _: &Recorder,
    ) -> Result<Option<Login>, PluginError> {
        Ok(None)
    }

    fn knows(&self, _: &str) -> bool {
        false
    }

    async fn refused(&self, _: &str) -> bool {
        false
    }
}
