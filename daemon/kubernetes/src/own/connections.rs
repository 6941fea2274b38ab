//! Connections to clusters of projects' own: made when they are used, from the newest sealed kubeconfig.

use super::kubeconfig;
use crate::{client::Client, cluster::Kubernetes};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use windlass_engine::ports::{
    Logins, Secrets,
    store::{OwnClusterRecord, OwnClusters, StoreError},
};
use windlass_model::{
    cluster::NoCluster,
    error::{ClusterError, SecretError},
    own::cluster::{AllowedClusters, KUBECONFIG_OF},
};

/// Connections that are kept, at most. The one that was not used for the longest time goes first.
const MOST_KEPT: usize = 256;

/// Connections to clusters of projects' own.
pub struct OwnConnections {
    store: Arc<dyn OwnClusters>,
    allowed: Arc<AllowedClusters>,
    secrets: Arc<dyn Secrets>,
    logins: Arc<dyn Logins>,
    kept: Mutex<BTreeMap<Key, Kept>>,
    /// Number of the next use.
    uses: AtomicU64,
}

/// Project and name of a cluster.
type Key = (String, String);

/// A connection by one version of a kubeconfig.
struct Kept {
    /// Number and time of the version: a name that was forgotten begins with the first number again.
    version: (u32, u64),
    /// Number of the last use.
    used: u64,
    cluster: Arc<Kubernetes>,
}

impl OwnConnections {
    /// Takes the store of the kubeconfigs, the operator's limits, and what writing to a cluster needs.
    #[must_use]
    pub fn new(
        store: Arc<dyn OwnClusters>,
        allowed: Arc<AllowedClusters>,
        secrets: Arc<dyn Secrets>,
        logins: Arc<dyn Logins>,
    ) -> Self {
        Self { store, allowed, secrets, logins, kept: Mutex::default(), uses: AtomicU64::new(0) }
    }

    /// Returns a cluster of a project's own. `None` means that it never had one of this name.
    ///
    /// # Errors
    /// [`NoCluster::Gone`] for one that was removed; an error of the store, or of the kubeconfig.
    pub(crate) async fn find(
        &self,
        project: &str,
        name: &str,
    ) -> Result<Option<Arc<Kubernetes>>, ClusterError> {
        let key = (project.to_owned(), name.to_owned());
        let unread = |error: StoreError| unread(project, name, &error);
        let Some(newest) = self.store.own_cluster(project, name).await.map_err(unread)? else {
            self.kept().remove(&key);
            return Ok(None);
        };
        if newest.cluster.is_none() {
            self.kept().remove(&key);
            return Err(gone(key).into());
        }
        if let Some(cluster) = self.known(&key, &newest) {
            return Ok(Some(cluster));
        }
        let opened = self.store.open_cluster(project, name).await.map_err(unread)?;
        let Some((record, sealed)) = opened else { return Err(gone(key).into()) };
        let not_trusted = |message: String| ClusterError::NotTrusted { message };
        let read = kubeconfig::read(&sealed).map_err(|error| not_trusted(error.to_string()))?;
        let client = Client::own(read.kubeconfig, &self.allowed).await;
        let client = client.map_err(|error| not_trusted(error.to_string()))?;
        let level = record.cluster.as_ref().and_then(|cluster| cluster.pod_security.label());
        let (secrets, logins) = (self.secrets.clone(), self.logins.clone());
        let cluster = Arc::new(Kubernetes::new(client, secrets, logins, level));
        self.keep(key.clone(), &record, &cluster);
        // A removal that came meanwhile has dropped what was kept before it.
        let newest = self.store.own_cluster(project, name).await.map_err(unread)?;
        if newest.is_none_or(|newest| newest.cluster.is_none()) {
            self.kept().remove(&key);
            return Err(gone(key).into());
        }
        Ok(Some(cluster))
    }

    /// Drops the connection to a project's cluster, with the token of its kubeconfig. `None` means all of the project's.
    pub(super) fn forget(&self, project: &str, name: Option<&str>) {
        let is_other =
            |(of, called): &Key| of != project || name.is_some_and(|name| name != called);
        self.kept().retain(|key, _| is_other(key));
    }

    /// Returns the connection that is kept for this version. `None` means that none is.
    fn known(&self, key: &Key, newest: &OwnClusterRecord) -> Option<Arc<Kubernetes>> {
        let used = self.uses.fetch_add(1, Ordering::Relaxed);
        let mut kept = self.kept();
        let known = kept.get_mut(key).filter(|known| known.version == version(newest))?;
        known.used = used;
        Some(known.cluster.clone())
    }

    fn keep(&self, key: Key, record: &OwnClusterRecord, cluster: &Arc<Kubernetes>) {
        let used = self.uses.fetch_add(1, Ordering::Relaxed);
        let mut kept = self.kept();
        kept.insert(key, Kept { version: version(record), used, cluster: cluster.clone() });
        while kept.len() > MOST_KEPT {
            let oldest = kept.iter().min_by_key(|(_, known)| known.used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { break };
            kept.remove(&oldest);
        }
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<Key, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn version(record: &OwnClusterRecord) -> (u32, u64) {
    (record.version, record.at_ms)
}

fn gone((project, name): Key) -> NoCluster {
    NoCluster::Gone { name, project }
}

/// Converts an error of the store. One that may pass is no verdict on a job.
fn unread(project: &str, name: &str, error: &StoreError) -> ClusterError {
    let message = error.to_string();
    let error = match error {
        StoreError::Unreadable { .. } | StoreError::TooNew { .. } => SecretError::Sealed {
            project: project.to_owned(),
            name: format!("{KUBECONFIG_OF}{name}"),
            message,
        },
        _ => SecretError::Unavailable { message },
    };
    error.into()
}
