//! Callers over TCP, as the operator configures them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_model::app::label;
use windlass_service::{Caller, Verb};

/// Hex digits of a SHA-256.
const HASH: usize = 64;

/// A caller over TCP. It has a token, a certificate, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Principal {
    /// Name that is recorded with each job. Two principals may share it while a token is replaced.
    pub name: String,
    /// SHA-256 of the bearer token, 64 hex digits, as `windlassd hash-token` prints it.
    #[serde(default)]
    pub token_sha256: Option<String>,
    /// SHA-256 of the client certificate in DER, 64 hex digits. It needs `listen.client-ca`.
    #[serde(default)]
    pub certificate_sha256: Option<String>,
    /// Projects in which the principal has its rights; `*` for all. Listing and reloading plugins needs `*`.
    pub projects: Vec<String>,
    /// Rights in these projects.
    pub verbs: Vec<Verb>,
}

impl Principal {
    /// Checks the principal as the operator configured it.
    ///
    /// # Errors
    /// Names the key, what is expected and what to do. A wrong hash is not repeated, since it may be a token that
    /// was put there by mistake.
    pub fn check(&self) -> Result<(), String> {
        if self.name.trim().is_empty() {
            return Err("name: is empty; expected a name that is recorded with each job".into());
        }
        if self.token_sha256.is_none() && self.certificate_sha256.is_none() {
            return Err("token-sha256: is missing, and so is `certificate-sha256`: nobody could call as this principal; `windlassd hash-token` prints the hash of a token".into());
        }
        for (key, hash) in self.hashes() {
            if hash.len() != HASH || !hash.chars().all(|c| c.is_ascii_hexdigit()) {
                return Err(format!(
                    "{key}: has {} characters; expected {HASH} hex digits, as `windlassd hash-token` prints them",
                    hash.chars().count()
                ));
            }
        }
        if self.projects.is_empty() {
            return Err("projects: is empty; expected names of projects, or `*` for all".into());
        }
        for project in self.projects.iter().filter(|project| *project != "*") {
            label("projects", project, 30).map_err(|error| error.to_string())?;
        }
        if self.verbs.is_empty() {
            return Err("verbs: is empty; expected some of `read`, `deploy`, `secrets`, `projects`, `approve`".into());
        }
        Ok(())
    }

    /// Finds another principal with the same token or certificate, and the key that both have.
    pub fn same_hash<'a>(
        &self,
        others: impl IntoIterator<Item = &'a Self>,
    ) -> Option<(&'static str, &'a Self)> {
        others.into_iter().find_map(|other| {
            let mut own = self.hashes();
            let shared = own.find(|(key, hash)| {
                other.hashes().any(|(name, known)| name == *key && known.eq_ignore_ascii_case(hash))
            });
            shared.map(|(key, _)| (key, other))
        })
    }

    fn hashes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let token = self.token_sha256.as_deref().map(|hash| ("token-sha256", hash));
        let certificate = self.certificate_sha256.as_deref();
        token.into_iter().chain(certificate.map(|hash| ("certificate-sha256", hash)))
    }

    /// Returns the caller that the service knows.
    pub(crate) fn caller(&self) -> Caller {
        let (name, projects) = (self.name.clone(), self.projects.clone());
        Caller { name, projects, verbs: self.verbs.clone() }
    }
}
