//! Who calls, and what they may do.
//!
//! On the unix socket the kernel says who (`SO_PEERCRED`); over TCP a bearer token, of which only
//! the hash is configured, or a client certificate.

use crate::errors;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt::Write, sync::Arc};
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo, UdsConnectInfo};
use tonic::{Request, Status, service::Interceptor};

/// What can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// See jobs, events, releases, names of secrets.
    Read,
    /// Submit, cancel, roll back.
    Deploy,
    /// Put and delete secrets.
    Secrets,
}

/// Somebody who may call over TCP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Principal {
    /// Recorded with each job.
    pub name: String,
    /// Hex SHA-256 of the bearer token.
    #[serde(default)]
    pub token_sha256: Option<String>,
    /// Hex SHA-256 of the client certificate (DER).
    #[serde(default)]
    pub certificate_sha256: Option<String>,
    /// Projects; `*` is all.
    pub projects: Vec<String>,
    /// What it may do there.
    pub verbs: Vec<Verb>,
}

/// Who may call.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// User ids that may do everything over the unix socket.
    pub uids: Vec<u32>,
    /// Those over TCP.
    pub principals: Vec<Principal>,
}

/// Puts the caller's principal into each request.
#[derive(Clone)]
pub(crate) struct Gate(pub(crate) Arc<Access>);

impl Interceptor for Gate {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let principal = self.0.identify(&request)?;
        request.extensions_mut().insert(Arc::new(principal));
        Ok(request)
    }
}

impl Access {
    fn identify(&self, request: &Request<()>) -> Result<Principal, Status> {
        if let Some(peer) = request.extensions().get::<UdsConnectInfo>() {
            let uid = peer.peer_cred.map(|credential| credential.uid());
            return match uid.filter(|uid| self.uids.contains(uid)) {
                Some(uid) => Ok(all_of(format!("uid:{uid}"))),
                None => Err(errors::denied(format!(
                    "user id {} may not use this socket",
                    uid.map_or("unknown".into(), |uid| uid.to_string())
                ))),
            };
        }
        if let Some(principal) = self.by_certificate(request) {
            return Ok(principal);
        }
        let header = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let Some(token) = header.and_then(|header| header.strip_prefix("Bearer ")) else {
            return Err(errors::unauthenticated("no token was sent"));
        };
        let hash = hex(&Sha256::digest(token.trim()));
        let found = self.principals.iter().find(|principal| {
            principal.token_sha256.as_deref().is_some_and(|known| same(known, &hash))
        });
        found.cloned().ok_or_else(|| errors::unauthenticated("the token is unknown"))
    }

    fn by_certificate(&self, request: &Request<()>) -> Option<Principal> {
        let tls = request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>()?;
        let certificates = tls.peer_certs()?;
        let hash = hex(&Sha256::digest(certificates.first()?));
        let known = |principal: &&Principal| {
            principal.certificate_sha256.as_deref().is_some_and(|known| same(known, &hash))
        };
        self.principals.iter().find(known).cloned()
    }
}

fn all_of(name: String) -> Principal {
    Principal {
        name,
        token_sha256: None,
        certificate_sha256: None,
        projects: vec!["*".into()],
        verbs: vec![Verb::Read, Verb::Deploy, Verb::Secrets],
    }
}

/// Takes as long wherever the difference is.
fn same(known: &str, given: &str) -> bool {
    let differing =
        known.bytes().zip(given.bytes()).fold(0, |all, (a, b)| all | (a.to_ascii_lowercase() ^ b));
    known.len() == given.len() && differing == 0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

impl Principal {
    /// All projects are its.
    fn sees_all(&self) -> bool {
        self.projects.iter().any(|project| project == "*")
    }

    /// The projects that a list may show; none: all.
    pub(crate) fn visible(&self) -> Option<Vec<String>> {
        (!self.sees_all()).then(|| self.projects.clone())
    }

    /// What belongs to no project: only for those who see all.
    pub(crate) fn may_operate(&self, verb: Verb) -> Result<(), Status> {
        match self.sees_all() {
            true => self.may(verb, "*"),
            false => Err(errors::denied(format!("{} is no operator of all projects", self.name))),
        }
    }

    pub(crate) fn may(&self, verb: Verb, project: &str) -> Result<(), Status> {
        let known = self.sees_all() || self.projects.iter().any(|own| own == project);
        match known && self.verbs.contains(&verb) {
            true => Ok(()),
            false => {
                let verb = serde_json::to_string(&verb).unwrap_or_default();
                Err(errors::denied(format!(
                    "{} lacks the verb {verb} in project `{project}`",
                    self.name
                )))
            }
        }
    }
}

/// The caller, put there by [`Gate`].
pub(crate) fn caller<T>(request: &Request<T>) -> Result<Arc<Principal>, Status> {
    let principal = request.extensions().get::<Arc<Principal>>();
    principal.cloned().ok_or_else(|| errors::unauthenticated("nobody was identified"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_its_own_projects_only() {
        let hash = hex(&Sha256::digest("t0ken"));
        let principal = Principal {
            name: "ci".into(),
            token_sha256: Some(hash.to_uppercase()),
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
}
