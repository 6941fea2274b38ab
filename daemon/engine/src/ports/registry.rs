//! Ports of registries: places for images, and logins.

use crate::recorder::Recorder;
use async_trait::async_trait;
use windlass_model::{
    error::{BuildError, LoginError},
    secret::Secret,
};

/// Places that the images of projects are pushed to: the operator's registry, or one of the project's own.
#[async_trait]
pub trait ImagePlaces: Send + Sync {
    /// Returns the host and path that a project's images are pushed below: `registry.example.com/apps/shop`. May be
    /// repeated; another place may be set meanwhile. It is an error where the project has a place of its own that the
    /// operator does not allow. A store that cannot be read is [`windlass_model::error::LoginError::Unavailable`].
    async fn place(&self, project: &str) -> Result<String, BuildError>;
    /// Returns advice that names the command by which the project renews its own login at a host. `None` means that the
    /// project never had a registry of its own there, or that the host is the operator's.
    async fn renewal(&self, project: &str, host: &str) -> Option<String>;
    /// Returns advice for nodes of clusters of the project's own, where the operator's login at a host is withheld from
    /// them. `None` means that nothing is withheld there, or that the project has a registry of its own at the host.
    async fn withheld(&self, project: &str, host: &str) -> Option<String>;
}

/// Logins at registries. They live in the host only.
#[async_trait]
pub trait Logins: ImagePlaces {
    /// Returns the login for one action of one project, and masks it in all that `recorder` records from then
    /// on. `None` means that no login is configured for the host. It is an error to push outside of the
    /// project's own path in the daemon's registry or of its place in a registry of its own, and to pull from the
    /// path of another project in the daemon's registry.
    async fn login(
        &self,
        request: &LoginRequest<'_>,
        recorder: &Recorder,
    ) -> Result<Option<Login>, LoginError>;
    /// Returns whether a project has a login for pulls at a host, its own or the operator's, without logging in.
    async fn knows(&self, project: &str, host: &str) -> Result<bool, LoginError>;
    /// Reports that the registry refused the login of a project. Returns whether another login can be obtained.
    async fn refused(&self, project: &str, host: &str) -> bool;
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
