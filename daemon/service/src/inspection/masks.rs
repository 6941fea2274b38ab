//! Masks all secrets of an app's project, and those of what serves in their versions: an app may print its
//! environment.

use crate::error::ServiceError;
use async_trait::async_trait;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Weak},
};
use tokio::sync::Mutex;
use windlass_engine::{
    diagnose::diagnose,
    failure::{Cause, Failure},
    ports::{
        Secrets,
        store::{Releases, SecretRecords, StoreError},
    },
};
use windlass_model::{
    app::App,
    error::SecretError,
    job::Stage,
    redact::{LARGEST_SUM, Redactor},
    secret::Secret,
};

/// Number of versions of a secret that are masked, up to the newest: a job may have begun before the newest
/// was put.
const VERSIONS: u32 = 4;

/// Names of secrets with versions.
type Versions = BTreeSet<(String, u32)>;

/// Source of redactors that know an app's newest secrets.
#[async_trait]
pub(super) trait Renews: Send {
    async fn renewed(&mut self) -> Result<Redactor, ServiceError>;
}

/// Names and versions of secrets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    /// The newest versions, and those that serve: without them nothing is shown.
    needed: Versions,
    /// Earlier versions, which are masked as far as there is room.
    earlier: Versions,
    /// Part of `needed` that serves.
    serving: Versions,
}

fn failed(error: SecretError) -> ServiceError {
    let failure = Failure { at: Stage::Release, cause: Cause::Secret(error) };
    Box::new(diagnose(&failure)).into()
}

/// A redactor that was made of an app's secrets.
#[derive(Default)]
struct Known {
    redactor: Redactor,
    /// Names of known secrets that were deleted.
    deleted: BTreeSet<String>,
}

/// Project and secrets that a redactor is made for.
type Key = (String, Wanted);

/// Redactors in use, by project and secrets. Calls that want the same secrets share one, and one is made at a
/// time: each takes many times the memory of its secrets, and callers look as often as they like.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<BTreeMap<Key, Weak<Known>>>>);

/// Ports that secrets come from.
#[derive(Clone)]
pub(super) struct SecretPorts {
    pub(super) opener: Arc<dyn Secrets>,
    pub(super) secrets: Arc<dyn SecretRecords>,
    pub(super) releases: Arc<dyn Releases>,
    pub(super) shared: Shared,
}

/// Redactor for one app, and the secrets that it knows.
#[derive(Clone)]
pub(super) struct Masks {
    ports: SecretPorts,
    app: App,
    clusters: Vec<String>,
    /// Names and versions that the redactor was made for. `None` means that none was made yet.
    wanted: Option<Wanted>,
    known: Arc<Known>,
}

impl Masks {
    pub(super) fn new(ports: &SecretPorts, app: &App, clusters: &[String]) -> Self {
        Self {
            ports: ports.clone(),
            app: app.clone(),
            clusters: clusters.to_vec(),
            wanted: None,
            known: Arc::default(),
        }
    }

    pub(super) fn redactor(&self) -> &Redactor {
        &self.known.redactor
    }

    /// Returns the names of secrets that serve and were deleted: they cannot be masked.
    pub(super) fn deleted(&self) -> &BTreeSet<String> {
        &self.known.deleted
    }

    /// Makes the redactor again, if a secret was put since.
    pub(super) async fn renew(&mut self) -> Result<(), ServiceError> {
        let wanted = self.wanted().await?;
        if self.wanted.as_ref() == Some(&wanted) {
            return Ok(());
        }
        let key = (self.app.project.clone(), wanted.clone());
        let mut shared = self.ports.shared.0.lock().await;
        let known = match shared.get(&key).and_then(Weak::upgrade) {
            Some(known) => known,
            None => {
                let known = Arc::new(self.made(&wanted).await?);
                shared.retain(|_, known| known.strong_count() > 0);
                shared.insert(key, Arc::downgrade(&known));
                known
            }
        };
        (self.wanted, self.known) = (Some(wanted), known);
        Ok(())
    }

    async fn made(&self, wanted: &Wanted) -> Result<Known, ServiceError> {
        let Wanted { needed, earlier, serving } = wanted;
        let (mut secrets, mut deleted): (Vec<Secret>, _) = (Vec::new(), BTreeSet::new());
        let mut bytes = 0_usize;
        // The newest of the earlier ones first.
        let mut earlier: Vec<_> = earlier.iter().collect();
        earlier.sort_by_key(|(_, version)| Reverse(*version));
        for one in needed.iter().chain(earlier) {
            let (name, version) = one;
            let opened = self.ports.opener.open(&self.app.project, name, Some(*version));
            match opened.await {
                Ok((secret, _)) if secrets.iter().any(|one| one.reveal() == secret.reveal()) => {}
                Ok((secret, _)) => {
                    let sum = bytes.saturating_add(secret.reveal().len());
                    if sum <= LARGEST_SUM {
                        bytes = sum;
                        secrets.push(secret);
                    } else if needed.contains(one) {
                        // They are the project's: the app may name few of them.
                        let app = format!("project {}", self.app.project);
                        let count = secrets.len() + 1;
                        return Err(failed(SecretError::TooLarge { app, count, bytes: sum }));
                    }
                }
                Err(SecretError::Missing { .. }) => {
                    // Other versions were deleted before the secret was put again.
                    if serving.contains(one) {
                        deleted.insert(name.clone());
                    }
                }
                Err(SecretError::Unavailable { message }) => {
                    return Err(StoreError::Other(message).into());
                }
                // Without this secret no line could be shown that is sure not to hold it.
                Err(error) => return Err(failed(error)),
            }
        }
        // Many large secrets take a while.
        let made = tokio::task::spawn_blocking(move || Redactor::new(&secrets)).await;
        let redactor = made.map_err(|error| StoreError::Other(error.to_string()))?;
        Ok(Known { redactor, deleted })
    }

    async fn wanted(&self) -> Result<Wanted, StoreError> {
        let (mut needed, mut earlier) = (BTreeSet::new(), BTreeSet::new());
        for record in self.ports.secrets.list(&self.app.project).await? {
            let oldest = record.version.saturating_sub(VERSIONS - 1).max(1);
            earlier.extend((oldest..record.version).map(|version| (record.name.clone(), version)));
            needed.insert((record.name, record.version));
        }
        let mut serving = BTreeSet::new();
        for cluster in &self.clusters {
            let last = self.ports.releases.last_release(&self.app, cluster).await?;
            let named = last.into_iter().flat_map(|release| release.runtime.secrets);
            serving.extend(named.map(|secret| (secret.name, secret.version)));
        }
        needed.extend(serving.iter().cloned());
        earlier.retain(|one| !needed.contains(one));
        Ok(Wanted { needed, earlier, serving })
    }
}

#[async_trait]
impl Renews for Masks {
    async fn renewed(&mut self) -> Result<Redactor, ServiceError> {
        self.renew().await?;
        Ok(self.redactor().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::app;
    use windlass_store::MemoryStore;

    #[tokio::test]
    async fn calls_that_want_the_same_secrets_share_a_redactor() {
        let store = Arc::new(MemoryStore::default());
        let (secrets, releases) = (store.clone(), store.clone());
        let ports = SecretPorts { opener: store, secrets, releases, shared: Shared::default() };
        let mut all = [(); 2].map(|()| Masks::new(&ports, &app("shop"), &[]));
        for masks in &mut all {
            masks.renew().await.unwrap();
        }
        let [first, second] = &all;
        assert!(Arc::ptr_eq(&first.known, &second.known));
        drop(all);
        let shared = ports.shared.0.lock().await;
        assert!(
            shared.values().all(|known| known.strong_count() == 0),
            "it is kept while it is used"
        );
    }
}
