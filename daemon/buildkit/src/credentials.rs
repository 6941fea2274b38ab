//! Logins of one build, for buildkitd (BuildKit's `authprovider`).

use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tonic::Status;
use windlass_engine::{
    ports::{Action, Credential, LoginRequest, Logins},
    recorder::Recorder,
};
use windlass_model::error::PluginError;

/// Docker Hub: its host in the names of images, and the host of its API.
const HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// Logins of one build, and a key that proves to buildkitd whose they are.
pub(crate) struct CredentialProvider {
    logins: Arc<dyn Logins>,
    recorder: Recorder,
    /// Reference of the image that is pushed: `host/path/project/app:commit`.
    reference: String,
    /// The build is done, and its image is pushed.
    pushes: AtomicBool,
    /// Key of this build alone: buildkitd shares tokens among all sessions that prove the same key.
    /// `None` means that no key could be made: buildkitd then asks for credentials.
    key: Option<Ed25519KeyPair>,
    /// Host and error of the last login that failed.
    failed: Mutex<Option<(String, PluginError)>>,
}

impl CredentialProvider {
    pub(crate) fn new(logins: Arc<dyn Logins>, recorder: Recorder, reference: &str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).ok();
        let key = document.and_then(|document| Ed25519KeyPair::from_pkcs8(document.as_ref()).ok());
        let (reference, pushes) = (reference.to_owned(), AtomicBool::new(false));
        Self { logins, recorder, reference, pushes, key, failed: Mutex::default() }
    }

    /// Reports that the build is done: from now on the login may push the image.
    pub(crate) fn begin_push(&self) {
        self.pushes.store(true, Ordering::Relaxed);
    }

    /// Finds the login of exactly this host. `None` means that nobody logs in there.
    pub(crate) async fn login(&self, host: &str) -> Result<Option<Credential>, Status> {
        let (own, path) = self.reference.split_once('/').unwrap_or_default();
        let path = path.rsplit_once(':').map_or(path, |(path, _)| path);
        let project = path.rsplit('/').nth(1).unwrap_or_default();
        let host = named(host);
        let pushes = host == own && self.pushes.load(Ordering::Relaxed);
        let (repository, action) = if pushes { (path, Action::Push) } else { ("", Action::Pull) };
        let request = LoginRequest { host, project, repository, action };
        match self.logins.login(&request, &self.recorder).await {
            Ok(login) => Ok(login.map(|login| login.credential)),
            Err(error) => {
                let status = Status::unauthenticated(error.to_string());
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                *failed = Some((host.into(), error));
                Err(status)
            }
        }
    }

    pub(crate) async fn refused(&self, host: &str) -> bool {
        self.logins.refused(named(host)).await
    }

    pub(crate) fn failed(&self) -> Option<(String, PluginError)> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn key(&self) -> Result<&Ed25519KeyPair, Status> {
        self.key.as_ref().ok_or_else(|| Status::unimplemented("ask for credentials"))
    }

    pub(crate) fn public_key(&self) -> Result<Vec<u8>, Status> {
        Ok(self.key()?.public_key().as_ref().to_vec())
    }

    /// Returns signature and payload, one after the other, as NaCl's `crypto_sign` does.
    pub(crate) fn signed(&self, payload: &[u8]) -> Result<Vec<u8>, Status> {
        Ok([self.key()?.sign(payload).as_ref(), payload].concat())
    }
}

fn named(host: &str) -> &str {
    if host == HUB.1 { HUB.0 } else { host }
}
