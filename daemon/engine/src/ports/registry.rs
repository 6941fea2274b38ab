//! Port of logins at registries.

use crate::recorder::Recorder;
use async_trait::async_trait;
use windlass_model::{error::PluginError, secret::Secret};

/// Logins at registries. They live in the host only.
#[async_trait]
pub trait Logins: Send + Sync {
    /// Returns the login for a request. `None` means that no login is configured for the host.
    async fn login(
        &self,
        request: &LoginRequest<'_>,
        recorder: &Recorder,
    ) -> Result<Option<Login>, PluginError>;
    /// Returns whether a login is configured for a host, without logging in.
    fn knows(&self, host: &str) -> bool;
    /// Reports that the registry refused the login. Returns whether another login can be obtained.
    async fn refused(&self, host: &str) -> bool;
}

/// Use that a login is requested for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginRequest<'a> {
    /// Host, as image references name it.
    pub host: &'a str,
    pub project: &'a str,
    /// Path of the repository without the host. Empty means any.
    pub repository: &'a str,
    pub action: Action,
}

/// Right that a login needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Pull,
    Push,
}

/// Login at a registry.
#[derive(Clone, Debug)]
pub struct Login {
    pub credential: Credential,
    /// Time at which the login is to be renewed, in milliseconds since 1970. `None` means that it does not
    /// expire.
    pub renew_ms: Option<u64>,
}

/// Credential that a registry accepts.
#[derive(Clone, Debug)]
pub enum Credential {
    /// User, and password or token.
    Basic(String, Secret),
    /// OAuth2 refresh token, which is exchanged for tokens at the registry's token server.
    IdentityToken(Secret),
    /// Token of the registry itself.
    Bearer(Secret),
}
