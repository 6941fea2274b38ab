//! Port of logins at registries.

use crate::recorder::Recorder;
use async_trait::async_trait;
use windlass_model::{error::PluginError, secret::Secret};

/// Logins at registries. They live in the host only.
#[async_trait]
pub trait Logins: Send + Sync {
    /// Returns the login for one action of one project, and masks it in all that `recorder` records from then
    /// on. `None` means that no login is configured for the host. It is an error to push outside of the
    /// project's own path in the daemon's registry, and to pull from the path of another project there.
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

/// Request for a login: who does what where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginRequest<'a> {
    /// Host, as image references name it.
    pub host: &'a str,
    /// Project that the login is for.
    pub project: &'a str,
    /// Path of the image at the host, without the host: `apps/shop/web`. Empty means any.
    pub repository: &'a str,
    pub action: Action,
}

/// Use of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Reads images: base images of a build, and an app's image on its nodes.
    Pull,
    /// Writes an app's own image. Only the builder does so.
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

impl Login {
    /// Returns the values that nobody may see. Of a user and a password these are the password, and both as
    /// HTTP's basic authentication and a `.dockerconfigjson` join them before they encode them.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        match &self.credential {
            Credential::Basic(user, password) => {
                let joined = [user.as_bytes(), b":", password.reveal()].concat();
                vec![password.clone(), Secret::new(joined)]
            }
            Credential::IdentityToken(token) | Credential::Bearer(token) => vec![token.clone()],
        }
    }
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
