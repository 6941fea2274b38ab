//! The `Secret` that nodes pull an image with.

use super::names::{metadata, pull_name};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use windlass_model::{job::Release, secret::Secret};

/// Login of the cluster's nodes at a registry.
#[derive(Clone, Debug)]
pub(crate) struct PullLogin {
    /// Host as image references name it: `registry.example.com:5000`.
    pub(crate) host: String,
    pub(crate) user: String,
    /// Password or token.
    pub(crate) password: Secret,
}

impl PullLogin {
    /// Makes a login that names its host, and is never used.
    #[must_use]
    pub(crate) fn named(host: &str) -> Self {
        Self { host: host.into(), user: String::new(), password: Secret::new(Vec::new()) }
    }

    /// Returns `auth` of a `.dockerconfigjson`: user and password in base64.
    #[must_use]
    pub(crate) fn auth(&self) -> Secret {
        let joined = [self.user.as_bytes(), b":", self.password.reveal()].concat();
        Secret::new(STANDARD.encode(joined).into_bytes())
    }
}

/// Renders the Secret. It keeps its name and is mutable, since tokens are renewed while pods run.
pub(crate) fn pull_secret(release: &Release, login: &PullLogin) -> Value {
    let password = login.password.reveal_text().unwrap_or_default();
    let auth = login.auth();
    let auth = auth.reveal_text().unwrap_or_default();
    let config = json!({
        "auths": { &login.host: { "username": login.user, "password": password, "auth": auth } },
    });
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": metadata(release, &pull_name(release)),
        "data": { ".dockerconfigjson": STANDARD.encode(config.to_string()) },
    })
}
