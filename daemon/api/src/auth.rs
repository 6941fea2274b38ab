//! Identifies callers. The service checks their rights.
//!
//! On the unix socket the kernel names the caller (`SO_PEERCRED`). Over TCP a caller shows a bearer token,
//! of which only the hash is configured, or a client certificate.

use crate::{
    errors,
    listen::{Connection, Origin},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt::Write, sync::Arc};
use tokio::sync::watch;
use tonic::{
    Request, Status,
    codegen::http::{Extensions, HeaderMap},
    transport::server::TlsConnectInfo,
};
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

/// The callers that are allowed now. A reload of the configuration replaces them while the daemon serves.
pub struct Callers(watch::Sender<Arc<Access>>);

/// Proof of identity that a request came with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Credential {
    /// User at the other end of the unix socket.
    User(u32),
    /// SHA-256 of a token.
    Token(String),
    /// SHA-256 of a certificate.
    Certificate(String),
}

/// A caller that was identified, and the way to see whether the operator still allows it.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) caller: Arc<Caller>,
    credential: Credential,
    allowed: watch::Receiver<Arc<Access>>,
}

impl Callers {
    /// Makes the list of all callers that the operator allows.
    #[must_use]
    pub fn new(access: Access) -> Self {
        Self(watch::Sender::new(Arc::new(access)))
    }

    /// Replaces the principals from now on. Streams of callers that are no longer the same end.
    pub fn replace_principals(&self, principals: Vec<Principal>) {
        self.0.send_modify(|access| {
            *access = Arc::new(Access { uids: access.uids.clone(), principals });
        });
    }

    /// Returns whether a user may call over the unix socket.
    pub(crate) fn knows_user(&self, uid: u32) -> bool {
        self.0.borrow().uids.contains(&uid)
    }

    /// Identifies the caller of a request.
    pub(crate) fn identify(
        &self,
        extensions: &Extensions,
        headers: &HeaderMap,
    ) -> Result<Identity, Status> {
        let allowed = self.0.subscribe();
        let access = allowed.borrow().clone();
        let (credential, caller) = access.identify(extensions, headers)?;
        Ok(Identity { caller: Arc::new(caller), credential, allowed })
    }
}

impl Identity {
    /// Waits until the operator changes or removes the caller, and returns the error for its streams.
    pub(crate) async fn revoked(mut self) -> Status {
        loop {
            if self.allowed.changed().await.is_err() {
                // The daemon ends, and its streams with it.
                return std::future::pending().await;
            }
            let access = self.allowed.borrow_and_update().clone();
            match access.caller_of(&self.credential) {
                Some(caller) if caller == *self.caller => {}
                Some(_) => return errors::rights_changed(),
                None => return errors::unauthenticated("the operator has revoked this login"),
            }
        }
    }
}

impl Access {
    fn identify(
        &self,
        extensions: &Extensions,
        headers: &HeaderMap,
    ) -> Result<(Credential, Caller), Status> {
        if let Some(Origin::Unix(uid)) = extensions.get::<Connection>().map(|one| one.origin) {
            let credential = uid.map(Credential::User);
            let caller = credential.as_ref().and_then(|credential| self.caller_of(credential));
            return credential.zip(caller).ok_or_else(|| {
                errors::denied(&format!(
                    "user id {} may not use this socket",
                    uid.map_or("unknown".into(), |uid| uid.to_string())
                ))
            });
        }
        if let Some(certificate) = certificate(extensions)
            && let Some(caller) = self.caller_of(&certificate)
        {
            return Ok((certificate, caller));
        }
        let header = headers.get("authorization").and_then(|value| value.to_str().ok());
        let Some(token) = header.and_then(|header| header.strip_prefix("Bearer ")) else {
            return Err(errors::unauthenticated("no token was sent"));
        };
        let token = Credential::Token(hash(token.trim().as_bytes()));
        match self.caller_of(&token) {
            Some(caller) => Ok((token, caller)),
            None => Err(errors::unauthenticated("the token is unknown")),
        }
    }

    /// Returns the caller with a credential. `None` means that nobody has it.
    fn caller_of(&self, credential: &Credential) -> Option<Caller> {
        let is_it = |known: Option<&str>, hash: &str| known.is_some_and(|known| same(known, hash));
        let found = match credential {
            Credential::User(uid) => {
                let is_known = self.uids.contains(uid);
                return is_known.then(|| Caller::with_all_rights(format!("uid:{uid}")));
            }
            Credential::Token(hash) => {
                self.principals.iter().find(|one| is_it(one.token_sha256.as_deref(), hash))
            }
            Credential::Certificate(hash) => {
                self.principals.iter().find(|one| is_it(one.certificate_sha256.as_deref(), hash))
            }
        };
        found.map(Principal::caller)
    }
}

/// Returns the client's own certificate. `None` means that the client shows none.
fn certificate(extensions: &Extensions) -> Option<Credential> {
    let certificates = extensions.get::<TlsConnectInfo<Connection>>()?.peer_certs()?;
    Some(Credential::Certificate(hash(certificates.first()?)))
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

/// Returns the identity that the door put into the request.
pub(crate) fn identity<T>(request: &Request<T>) -> Result<Identity, Status> {
    let identity = request.extensions().get::<Identity>();
    identity.cloned().ok_or_else(|| errors::unauthenticated("nobody was identified"))
}

/// Returns the caller that the door put into the request.
pub(crate) fn caller<T>(request: &Request<T>) -> Result<Arc<Caller>, Status> {
    Ok(identity(request)?.caller)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(token: &str) -> Principal {
        Principal {
            name: "ci".into(),
            token_sha256: Some(hash(token.as_bytes()).to_uppercase()),
            certificate_sha256: None,
            projects: vec!["shop".into()],
            verbs: vec![Verb::Read],
        }
    }

    fn with(callers: &Callers, header: &'static str) -> Result<Identity, Status> {
        let headers =
            HeaderMap::from_iter([("authorization".parse().unwrap(), header.parse().unwrap())]);
        callers.identify(&Extensions::new(), &headers)
    }

    fn callers() -> Callers {
        Callers::new(Access { uids: vec![], principals: vec![principal("t0ken")] })
    }

    #[test]
    fn a_token_opens_its_own_projects_only() {
        let callers = callers();
        let found = with(&callers, "Bearer t0ken").unwrap().caller;
        found.may(Verb::Read, "shop").unwrap();
        found.may(Verb::Deploy, "shop").unwrap_err();
        found.may(Verb::Read, "other").unwrap_err();
        for bad in ["Bearer other", "Bearer ", "t0ken", "Basic t0ken"] {
            let error = with(&callers, bad).err().unwrap();
            assert_eq!(error.code(), tonic::Code::Unauthenticated, "{bad}");
        }
        assert!(callers.identify(&Extensions::new(), &HeaderMap::new()).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_revoked_token_opens_nothing_and_its_streams_end() {
        let callers = callers();
        let revoked = with(&callers, "Bearer t0ken").unwrap().revoked();
        tokio::pin!(revoked);
        let second = std::time::Duration::from_secs(1);
        // Another principal that comes is none of this one's business.
        callers.replace_principals(vec![principal("t0ken"), principal("other")]);
        tokio::time::timeout(second, &mut revoked).await.unwrap_err();
        callers.replace_principals(vec![principal("other")]);
        assert_eq!(revoked.await.code(), tonic::Code::Unauthenticated);
        assert!(with(&callers, "Bearer t0ken").is_err());
        with(&callers, "Bearer other").map(|_| ()).unwrap();
    }

    #[tokio::test]
    async fn a_caller_whose_rights_change_calls_again() {
        let callers = callers();
        let revoked = with(&callers, "Bearer t0ken").unwrap().revoked();
        callers.replace_principals(vec![Principal {
            verbs: vec![Verb::Deploy],
            ..principal("t0ken")
        }]);
        assert_eq!(revoked.await.code(), tonic::Code::Unavailable);
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
