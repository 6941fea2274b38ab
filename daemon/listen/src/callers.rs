//! Identifies callers. The service checks their rights.
//!
//! On the unix socket the kernel names the caller (`SO_PEERCRED`). Over TCP a caller shows a bearer token,
//! of which only the hash is configured, or a client certificate.

use crate::{
    connection::{Connection, Origin},
    principal::Principal,
    refused::Refused,
    token::{hash, same, token_sha256},
};
use http::{Extensions, HeaderMap, header::AUTHORIZATION};
use std::sync::Arc;
use tokio::sync::watch;
use windlass_service::Caller;

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
pub struct Identity {
    pub caller: Arc<Caller>,
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
    #[must_use]
    pub fn knows_user(&self, uid: u32) -> bool {
        self.0.borrow().uids.contains(&uid)
    }

    /// Identifies the caller of a request.
    ///
    /// # Errors
    /// [`Refused::Denied`] for a user who may not use the unix socket, [`Refused::Unauthenticated`] for a request without
    /// a known certificate or token.
    pub fn identify(
        &self,
        extensions: &Extensions,
        headers: &HeaderMap,
    ) -> Result<Identity, Refused> {
        let allowed = self.0.subscribe();
        let access = allowed.borrow().clone();
        let (credential, caller) = access.identify(extensions, headers)?;
        Ok(Identity { caller: Arc::new(caller), credential, allowed })
    }

    /// Returns the caller whose token has a SHA-256, as a session keeps it. `None` means that the operator allows nobody
    /// with it.
    #[must_use]
    pub fn of_token_hash(&self, sha256_hex: &str) -> Option<Identity> {
        let allowed = self.0.subscribe();
        let access = allowed.borrow().clone();
        let credential = Credential::Token(sha256_hex.to_ascii_lowercase());
        let caller = access.caller_of(&credential)?;
        Some(Identity { caller: Arc::new(caller), credential, allowed })
    }

    /// Returns the caller that the operator has given a name, for doors at which no one shows a proof. `None` means
    /// that no principal has it.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Caller> {
        let access = self.0.borrow();
        access.principals.iter().find(|principal| principal.name == name).map(Principal::caller)
    }
}

impl Identity {
    /// Returns the SHA-256 of the token that the caller has shown, for a session. `None` means that it has shown another
    /// proof.
    #[must_use]
    pub fn token_hash(&self) -> Option<&str> {
        match &self.credential {
            Credential::Token(hash) => Some(hash),
            Credential::User(_) | Credential::Certificate(_) => None,
        }
    }

    /// Waits until the operator changes or removes the caller, and returns the error for its streams.
    pub async fn revoked(mut self) -> Refused {
        loop {
            if self.allowed.changed().await.is_err() {
                // The daemon ends, and its streams with it.
                return std::future::pending().await;
            }
            let access = self.allowed.borrow_and_update().clone();
            match access.caller_of(&self.credential) {
                Some(caller) if caller == *self.caller => {}
                Some(_) => return Refused::RightsChanged,
                None => return Refused::Unauthenticated("the operator has revoked this login"),
            }
        }
    }
}

impl Access {
    fn identify(
        &self,
        extensions: &Extensions,
        headers: &HeaderMap,
    ) -> Result<(Credential, Caller), Refused> {
        if let Some(Origin::Unix(uid)) = extensions.get::<Connection>().map(|one| one.origin) {
            let credential = uid.map(Credential::User);
            let caller = credential.as_ref().and_then(|credential| self.caller_of(credential));
            return credential.zip(caller).ok_or_else(|| {
                Refused::Denied(format!(
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
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(token) = header.and_then(|header| header.strip_prefix("Bearer ")) else {
            return Err(Refused::Unauthenticated("no token was sent"));
        };
        let token = Credential::Token(token_sha256(token));
        match self.caller_of(&token) {
            Some(caller) => Ok((token, caller)),
            None => Err(Refused::Unauthenticated("the token is unknown")),
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
    let certificate = extensions.get::<Connection>()?.certificate.as_deref()?;
    Some(Credential::Certificate(hash(certificate)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_service::Verb;

    fn principal(token: &str) -> Principal {
        Principal {
            name: "ci".into(),
            token_sha256: Some(hash(token.as_bytes()).to_uppercase()),
            certificate_sha256: None,
            projects: vec!["shop".into()],
            verbs: vec![Verb::Read],
        }
    }

    fn with(callers: &Callers, header: &'static str) -> Result<Identity, Refused> {
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
            assert!(matches!(error, Refused::Unauthenticated(_)), "{bad}: {error}");
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
        let why = Refused::Unauthenticated("the operator has revoked this login");
        assert_eq!(revoked.await, why);
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
        assert_eq!(revoked.await, Refused::RightsChanged);
    }

    #[test]
    fn a_session_is_of_its_token_for_as_long_as_that_is_allowed() {
        let callers = callers();
        let found = with(&callers, "Bearer t0ken").unwrap();
        let hash = found.token_hash().unwrap().to_owned();
        assert_eq!(callers.of_token_hash(&hash).unwrap().caller, found.caller);
        assert_eq!(callers.of_token_hash(&hash.to_uppercase()).unwrap().caller, found.caller);
        assert!(callers.of_token_hash("t0ken").is_none());
        callers.replace_principals(vec![principal("other")]);
        assert!(callers.of_token_hash(&hash).is_none());
    }
}
