//! The connection to a cluster. Objects are written here alone. Other files read, and run commands in pods, by the
//! `kube` client that is handed out here.

mod access_review;
mod bounded;
mod connect;
mod contents;
mod discovery;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod lease;
mod own;
mod role;

pub(crate) use access_review::Rights;
pub use connect::{ConnectError, runs_programs};
pub(crate) use error::{cut, limited};
pub(crate) use own::check as check_own_server;

use crate::{json::text, object::ObjectRef};
use access_review::AccessReviews;
use discovery::ServedKinds;
use kube::{
    Api,
    api::{
        DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions,
        ValidationDirective,
    },
    core::{ApiResource, GroupVersionKind},
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{RwLock as AsyncLock, Semaphore},
    time::sleep,
};
use windlass_model::{error::ClusterError, own::cluster::AllowedClusters};

/// `fieldManager` of all that we write, except for what [`HOLDER`] holds.
pub(crate) const MANAGER: &str = "windlass";
/// `fieldManager` of fields that are kept as they are until an autoscaler takes them.
pub(crate) const HOLDER: &str = "windlass-handover";

/// Milliseconds between tries of one apply. Trying the whole change again instead would multiply passing errors
/// by the number of objects.
const RETRY_DELAYS_MS: [u64; 4] = [100, 300, 900, 2700];

/// Time in which an apply is tried again in silence. After it, the pipeline reports the error.
const RETRY_BUDGET: Duration = Duration::from_secs(6);

/// Bytes of the longest version that is shown: `v1.35.0+k3s1`.
const LONGEST_VERSION: usize = 80;

/// Calls to one cluster at once: fair to other clients, and far from the length of an API server's queue.
const AT_ONCE: usize = 16;

/// A connection to one cluster.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// Options of a server-side apply.
#[derive(Clone, Copy, Default)]
pub(crate) struct ApplyOptions {
    /// `force`: takes fields from their owners.
    pub(crate) force: bool,
    /// `dryRun`: stores nothing.
    pub(crate) dry_run: bool,
}

/// Answer to a write of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Versioned {
    /// It is written, and has this version now.
    Done(String),
    /// It has another version, or is there already.
    Other,
    /// There is no such object, or no namespace for it.
    Missing,
}

/// Place that a client has its credentials from.
enum Credentials {
    /// The account of the daemon's own pod.
    Pod,
    /// A kubeconfig file, which may be replaced.
    File(PathBuf),
    /// A sealed kubeconfig. A newer version gets a client of its own.
    Sealed,
}

/// State that all clones of a client share.
struct Shared {
    inner: RwLock<kube::Client>,
    credentials: Credentials,
    calls: Semaphore,
    /// Read by whoever begins an app in a namespace, and written by whoever deletes a namespace.
    namespaces: AsyncLock<()>,
    kinds: ServedKinds,
    reviews: AccessReviews,
    /// Lists come as the beginning of a watch (`sendInitialEvents`): one request instead of two.
    streams: AtomicBool,
}

impl Client {
    /// Prepares a connection, by a kubeconfig file or by a pod's own account, without a call. A kubeconfig that
    /// needs a program to log in is refused.
    pub async fn new(kubeconfig: Option<&Path>) -> Result<Self, ConnectError> {
        let inner = connect::connect(kubeconfig).await?;
        let pod_or_file = |path: &Path| Credentials::File(path.to_owned());
        Ok(Self::of(inner, kubeconfig.map_or(Credentials::Pod, pod_or_file)))
    }

    /// Prepares a connection to a cluster of a project's own, without a call. It is made to addresses that the operator
    /// allows, and to no others.
    pub(crate) async fn own(
        kubeconfig: kube::config::Kubeconfig,
        allowed: &Arc<AllowedClusters>,
    ) -> Result<Self, ConnectError> {
        let inner = own::connect(kubeconfig, allowed).await?;
        Ok(Self::of(inner, Credentials::Sealed))
    }

    /// Returns a client of a server that a test brings.
    #[cfg(test)]
    fn fake(inner: kube::Client) -> Self {
        Self::of(inner, Credentials::Pod)
    }

    fn of(inner: kube::Client, credentials: Credentials) -> Self {
        let shared = Shared {
            inner: RwLock::new(inner),
            credentials,
            calls: Semaphore::new(AT_ONCE),
            namespaces: AsyncLock::new(()),
            kinds: ServedKinds::default(),
            reviews: AccessReviews::default(),
            streams: AtomicBool::new(true),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Reads the credentials again, after the API server refused them: an operator who replaces an expired
    /// certificate does not have to restart the daemon.
    pub(crate) async fn log_in_again(&self) {
        let kubeconfig = match &self.shared.credentials {
            Credentials::Pod => None,
            Credentials::File(path) => Some(path.as_path()),
            Credentials::Sealed => return,
        };
        match connect::connect(kubeconfig).await {
            Ok(client) => {
                *self.shared.inner.write().unwrap_or_else(PoisonError::into_inner) = client;
            }
            Err(error) => tracing::warn!(%error, "the cluster's credentials"),
        }
    }

    /// Returns the API server's version. Credentials that it refuses are read again for the next call.
    ///
    /// # Errors
    /// [`ClusterError::NotTrusted`] when credentials or certificate are refused, or the server is no API
    /// server; [`ClusterError::Unreachable`] when nothing answers.
    pub async fn check(&self) -> Result<String, ClusterError> {
        let inner = self.inner();
        match limited(inner.apiserver_version(), "the API server").await {
            Ok(version) => Ok(cut(version.git_version, LONGEST_VERSION)),
            Err(error @ ClusterError::NotTrusted { .. }) => {
                self.log_in_again().await;
                Err(error)
            }
            Err(ClusterError::Rejected { message, .. }) => {
                let message =
                    format!("what answers there is no API server of Kubernetes: {message}");
                Err(ClusterError::NotTrusted { message })
            }
            Err(error) => Err(error),
        }
    }

    /// Returns whether lists are requested as the beginning of a watch.
    pub(crate) fn streams(&self) -> bool {
        self.shared.streams.load(Ordering::Relaxed)
    }

    /// Requests lists by themselves from now on: the API server or its etcd cannot begin a watch with one.
    pub(crate) fn list_first(&self) {
        self.shared.streams.store(false, Ordering::Relaxed);
    }

    /// Returns whether a project brought the cluster: whoever runs its API server is a stranger.
    pub(crate) fn is_of_project(&self) -> bool {
        matches!(self.shared.credentials, Credentials::Sealed)
    }

    /// Returns the lock on which namespaces there are: read until an app's inventory is in its namespace, and written
    /// while an empty namespace is deleted.
    pub(crate) fn namespaces(&self) -> &AsyncLock<()> {
        &self.shared.namespaces
    }

    pub(crate) fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.inner(), namespace)
    }

    pub(crate) fn inner(&self) -> kube::Client {
        self.shared.inner.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the API resource of a kind.
    pub(crate) fn resource(&self, kind: &GroupVersionKind) -> ApiResource {
        self.shared.kinds.resource(kind)
    }

    /// Returns the other versions of its group in which the cluster serves an object's kind. Empty means that its own is
    /// served, or none.
    pub(crate) async fn other_versions(
        &self,
        object: &ObjectRef,
    ) -> Result<Vec<String>, ClusterError> {
        self.shared.kinds.other_versions(&self.inner(), object).await
    }

    /// Compares the account's rights in a namespace with those that a release of any app needs.
    pub(crate) async fn review(&self, namespace: &str) -> Result<Rights, ClusterError> {
        self.shared.reviews.review(&self.inner(), namespace).await
    }

    /// Checks that the cluster serves all these kinds, and lets us make their objects. `asks` means that pages of a new
    /// version are read, too.
    pub(crate) async fn can_make(
        &self,
        namespace: &str,
        objects: &[serde_json::Value],
        asks: bool,
    ) -> Result<(), ClusterError> {
        let inner = self.inner();
        let Shared { kinds, reviews, .. } = &*self.shared;
        let can = async {
            kinds.check(&inner, objects).await?;
            reviews.check(&inner, kinds, namespace, objects, asks).await
        };
        match can.await {
            // Something other than an API server may have answered.
            Err(error @ ClusterError::Rejected { .. }) => self.check().await.and(Err(error)),
            checked => checked,
        }
    }

    /// Applies an object (server-side apply). An apply that the API server cannot do just now is sent again.
    pub(crate) async fn apply(
        &self,
        manifest: &serde_json::Value,
        how: ApplyOptions,
    ) -> Result<DynamicObject, ClusterError> {
        let _one = self.shared.calls.acquire().await;
        let name = name_of(manifest);
        let api = self.dynamic(manifest);
        let params = PatchParams {
            field_manager: Some(MANAGER.into()),
            field_validation: Some(ValidationDirective::Strict),
            force: how.force,
            dry_run: how.dry_run,
        };
        let what = named(manifest);
        let patch = Patch::Apply(manifest);
        let mut delays = RETRY_DELAYS_MS.iter();
        let began = Instant::now();
        loop {
            let patched = limited(api.patch(name, &params, &patch), &what).await;
            match (patched, delays.next()) {
                (
                    Err(ClusterError::Unreachable { .. } | ClusterError::NotYet { .. }),
                    Some(after),
                ) if began.elapsed() < RETRY_BUDGET => {
                    sleep(Duration::from_millis(*after)).await;
                }
                (done, _) => return done,
            }
        }
    }

    /// Returns the object as the cluster has it. `None` means that there is none.
    pub(crate) async fn find(
        &self,
        manifest: &serde_json::Value,
    ) -> Result<Option<DynamicObject>, ClusterError> {
        let _one = self.shared.calls.acquire().await;
        let name = name_of(manifest);
        let api = self.dynamic(manifest);
        limited(api.get_opt(name), &named(manifest)).await
    }

    /// Takes fields of an object as [`HOLDER`], so that they stay until another manager takes them.
    pub(crate) async fn hold(&self, manifest: &serde_json::Value) -> Result<(), ClusterError> {
        let _one = self.shared.calls.acquire().await;
        let name = name_of(manifest);
        let api = self.dynamic(manifest);
        let params = PatchParams {
            field_manager: Some(HOLDER.into()),
            force: true,
            ..PatchParams::default()
        };
        let what = named(manifest);
        limited(api.patch(name, &params, &Patch::Apply(manifest)), &what).await.map(drop)
    }

    /// Makes an object. An object that exists stays as it is.
    pub(crate) async fn create(&self, manifest: &serde_json::Value) -> Result<(), ClusterError> {
        let _one = self.shared.calls.acquire().await;
        let what = named(manifest);
        let api = self.dynamic(manifest);
        let object: DynamicObject = serde_json::from_value(manifest.clone()).map_err(|error| {
            ClusterError::Rejected { object: what.clone(), message: error.to_string() }
        })?;
        let params = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
        let made = async {
            match api.create(&params, &object).await {
                Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => Ok(()),
                made => made.map(drop),
            }
        };
        limited(made, &what).await
    }

    /// Deletes the object with this uid. Another object of the same name stays, and a missing one is no error.
    pub(crate) async fn delete(
        &self,
        manifest: &serde_json::Value,
        uid: &str,
    ) -> Result<(), ClusterError> {
        let _one = self.shared.calls.acquire().await;
        let name = name_of(manifest);
        let api = self.dynamic(manifest);
        let uid = Some(uid.to_owned());
        let this = Preconditions { uid, resource_version: None };
        let params = DeleteParams::background().preconditions(this);
        let what = named(manifest);
        match limited(api.delete(name, &params), &what).await {
            // As the API server words it: a webhook may say of something else that it is not found.
            Err(ClusterError::Rejected { message, .. })
                if message.ends_with(&format!("{name:?} not found")) =>
            {
                Ok(())
            }
            Err(ClusterError::Conflict { .. }) => Ok(()),
            deleted => deleted.map(drop),
        }
    }

    /// Changes fields of an object that exists (merge patch).
    pub(crate) async fn merge(
        &self,
        manifest: &serde_json::Value,
        change: &serde_json::Value,
    ) -> Result<(), ClusterError> {
        let _one = self.shared.calls.acquire().await;
        let name = name_of(manifest);
        let api = self.dynamic(manifest);
        let params = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        let what = named(manifest);
        limited(api.patch(name, &params, &Patch::Merge(change)), &what).await.map(drop)
    }

    fn dynamic(&self, manifest: &serde_json::Value) -> Api<DynamicObject> {
        let (group, version) = text(manifest, "/apiVersion")
            .split_once('/')
            .unwrap_or(("", text(manifest, "/apiVersion")));
        let kind = GroupVersionKind::gvk(group, version, text(manifest, "/kind"));
        let resource = self.resource(&kind);
        match manifest.pointer("/metadata/namespace").and_then(|name| name.as_str()) {
            Some(namespace) => Api::namespaced_with(self.inner(), namespace, &resource),
            None => Api::all_with(self.inner(), &resource),
        }
    }
}

/// Returns kind and name: `Service web`.
fn named(manifest: &serde_json::Value) -> String {
    format!("{} {}", text(manifest, "/kind"), name_of(manifest))
}

fn name_of(manifest: &serde_json::Value) -> &str {
    text(manifest, "/metadata/name")
}
