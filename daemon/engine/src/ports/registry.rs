//! Registries: logins.

use crate::recorder::Recorder;
use async_trait::async_trait;
use windlass_model::{error::PluginError, secret::Secret};

/// Logins at registries. They live in the host only.
#[async_trait]
pub trait Logins: Send + Sync {
    /// The login of a host, as image references name it; none where nobody logs in there.
    async fn login(&self, host: &str, recorder: &Recorder) -> Result<Option<Login>, PluginError>;
    /// Whether anybody logs in there, without logging in.
    fn knows(&self, host: &str) -> bool;
    /// The registry refused the login: says whether another one can be had.
    async fn refused(&self, host: &str) -> bool;
}

/// A login at a registry.
#[derive(Clone, Debug)]
pub struct Login {
    /// What it is.
    pub credential: Credential,
    /// When it is to be renewed, in milliseconds since 1970; none where it does not expire.
    pub renew_ms: Option<u64>,
}

/// What a registry is shown.
#[derive(Clone, Debug)]
pub enum Credential {
    /// User, and password or token.
    Basic(String, Secret),
    /// Exchanged for tokens at the registry's token server (OAuth2 refresh token).
    IdentityToken(Secret),
    /// A token of the registry itself.
    Bearer(Secret),
}
