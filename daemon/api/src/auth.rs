//! Identifies callers. The service checks their rights.
//!
//! On the unix socket the kernel names the caller (`SO_PEERCRED`). Over TCP a caller shows a bearer token,
//! of which only the hash is configured, or a client certificate.

use crate::errors;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt::Write, sync::Arc};
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo, UdsConnectInfo};
use tonic::{Request, Status, service::Interceptor};
use windlass_model::app::label;
use windlass_service::{Caller, Verb};

/// Hex digits of a SHA-256.
const HASH: usize = 64;

/// Characters of the shortest token. A shorter one could be guessed, since SHA-256 is fast.
const SHORTEST_TOKEN: usize = 32;

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

/// All callers that the operator allows.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// User ids that may do everything over the unix socket.
    pub uids: Vec<u32>,
    /// Callers over TCP.
    pub principals: Vec<Principal>,
}

/// Interceptor that puts the caller into each request.
#[derive(Clone)]
pub(crate) struct AuthInterceptor(pub(crate) Arc<Access>);

impl Interceptor for AuthInterceptor {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let caller = self.0.identify(&request)?;
        request.extensions_mut().insert(Arc::new(caller));
        Ok(request)
    }
}

impl Access {
    fn identify(&self, request: &Request<()>) -> Result<Caller, Status> {
        if let Some(peer) = request.extensions().get::<UdsConnectInfo>() {
            let uid = peer.peer_cred.map(|credential| credential.uid());
            return match uid.filter(|uid| self.uids.contains(uid)) {
                Some(uid) => Ok(Caller::with_all_rights(format!("uid:{uid}"))),
                None => Err(errors::denied(&format!(
                    "user id {} may not use this socket",
                    uid.map_or("unknown".into(), |uid| uid.to_string())
                ))),
            };
        }
        if let Some(principal) = self.by_certificate(request) {
            return Ok(principal.caller());
        }
        let header = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let Some(token) = header.and_then(|header| header.strip_prefix("Bearer ")) else {
            return Err(errors::unauthenticated("no token was sent"));
        };
        let hash = hash(token.trim().as_bytes());
        let found = self.principals.iter().find(|principal| {
            principal.token_sha256.as_deref().is_some_and(|known| same(known, &hash))
        });
        found.map(Principal::caller).ok_or_else(|| errors::unauthenticated("the token is unknown"))
    }

    fn by_certificate(&self, request: &Request<()>) -> Option<&Principal> {
        let tls = request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>()?;
        let certificates = tls.peer_certs()?;
        let hash = hash(certificates.first()?);
        let known = |principal: &&Principal| {
            principal.certificate_sha256.as_deref().is_some_and(|known| same(known, &hash))
        };
        self.principals.iter().find(known)
    }
}

/// Hashes a token for `token-sha256`. Blanks around the token do not count.
///
/// # Errors
/// Names why the token cannot be sent or is too easy to guess, without the token.
pub fn hash_token(token: &str) -> Result<String, String> {
    let token = token.trim();
    let length = token.chars().count();
    if length < SHORTEST_TOKEN {
        return Err(format!(
            "the token has {length} characters; at least {SHORTEST_TOKEN} are expected, such as those of `openssl rand -hex 32`"
        ));
    }
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err("the token holds a blank or a character beyond ASCII, which no header may; expected letters, digits and signs, such as those of `openssl rand -hex 32`".into());
    }
    Ok(hash(token.as_bytes()))
}

/// Compares two hashes in a time that does not depend on where they differ.
fn same(known: &str, given: &str) -> bool {
    let differing =
        known.bytes().zip(given.bytes()).fold(0, |all, (a, b)| all | (a.to_ascii_lowercase() ^ b));
    known.len() == given.len() && differing == 0
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
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
            return Err("verbs: is empty; expected some of `read`, `deploy`, `secrets`".into());
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

    fn caller(&self) -> Caller {
        let (name, projects) = (self.name.clone(), self.projects.clone());
        Caller { name, projects, verbs: self.verbs.clone() }
    }
}

/// Returns the caller that [`AuthInterceptor`] put into the request.
pub(crate) fn caller<T>(request: &Request<T>) -> Result<Arc<Caller>, Status> {
    let caller = request.extensions().get::<Arc<Caller>>();
    caller.cloned().ok_or_else(|| errors::unauthenticated("nobody was identified"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_its_own_projects_only() {
        let principal = Principal {
            name: "ci".into(),
            token_sha256: Some(hash(b"t0ken").to_uppercase()),
            certificate_sha256: None,
            projects: vec!["shop".into()],
            verbs: vec![Verb::Read],
        };
        let access = Access { uids: vec![], principals: vec![principal] };
        let with = |header: &'static str| {
            let mut request = Request::new(());
            request.metadata_mut().insert("authorization", header.parse().unwrap());
            access.identify(&request)
        };
        let found = with("Bearer t0ken").unwrap();
        found.may(Verb::Read, "shop").unwrap();
        found.may(Verb::Deploy, "shop").unwrap_err();
        found.may(Verb::Read, "other").unwrap_err();
        for bad in ["Bearer other", "Bearer ", "t0ken", "Basic t0ken"] {
            assert_eq!(with(bad).unwrap_err().code(), tonic::Code::Unauthenticated, "{bad}");
        }
        access.identify(&Request::new(())).unwrap_err();
    }

    #[test]
    fn a_token_is_hashed_as_it_will_be_sent() {
        let token = "0123456789abcdef0123456789abcdef";
        let by_sha256sum = "3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9";
        assert_eq!(hash_token(&format!(" {token}\n")).unwrap(), by_sha256sum);
        assert!(hash_token("short").unwrap_err().contains("has 5 characters; at least 32"));
        for bad in ["0123456789abcdef 0123456789abcdef", "0123456789abcdef0123456789abcdeé"] {
            let error = hash_token(bad).unwrap_err();
            assert!(error.contains("no header may") && !error.contains(bad), "{error}");
        }
    }
}
