//! The connection to a cluster: only this file and its folder talk to an API server.

mod access_review;
mod connect;
mod discovery;
mod error;
mod role;

pub use connect::{ConnectError, runs_programs};
pub(crate) use error::limited;

use crate::json::text;
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
use tokio::{sync::Semaphore, time::sleep};
use windlass_model::error::ClusterError;

/// Our name among the managers of fields.
pub(crate) const MANAGER: &str = "windlass";
/// The name under which a field is held that another will take.
pub(crate) const HOLDER: &str = "windlass-handover";

/// Milliseconds after which the same apply is sent again, where the API server cannot do it just
/// now: were only the whole change tried again, one bad moment in each would be one too many.
const AGAIN: [u64; 4] = [100, 300, 900, 2700];

/// No longer than this without a word: one that hangs is the pipeline's to tell.
const UNTOLD: Duration = Duration::from_secs(6);

/// Calls to one cluster at once: fair to others, and far from what an API server queues.
const AT_ONCE: usize = 16;

/// A connection to one cluster.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// Ways to apply an object.
#[derive(Clone, Copy, Default)]
pub(crate) struct ApplyOptions {
    /// Fields that others own are taken from them.
    pub(crate) force: bool,
    /// Nothing is stored.
    pub(crate) dry_run: bool,
}

/// What all users of a cluster know of it.
struct Shared {
    inner: RwLock<kube::Client>,
    /// Where the credentials come from; none: from the pod's own.
    kubeconfig: Option<PathBuf>,
    calls: Semaphore,
    kinds: ServedKinds,
    reviews: AccessReviews,
    /// Lists come as the beginning of a watch: one request instead of two.
    streams: AtomicBool,
}

impl Client {
    /// From a kubeconfig file, or from where a pod finds its own cluster. Does not connect yet.
    ///
    /// # Errors
    /// When the file cannot be read, or would have us run a program to log in.
    pub async fn new(kubeconfig: Option<&Path>) -> Result<Self, ConnectError> {
        let shared = Shared {
            inner: RwLock::new(connect::connect(kubeconfig).await?),
            kubeconfig: kubeconfig.map(Path::to_owned),
            calls: Semaphore::new(AT_ONCE),
            kinds: ServedKinds::default(),
            reviews: AccessReviews::default(),
            streams: AtomicBool::new(true),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Reads the credentials again, after they were refused: who replaces an expired certificate
    /// does not have to restart the daemon.
    pub(crate) async fn log_in_again(&self) {
        match connect::connect(self.shared.kubeconfig.as_deref()).await {
            Ok(client) => {
                *self.shared.inner.write().unwrap_or_else(PoisonError::into_inner) = client;
            }
            Err(error) => tracing::warn!(%error, "the cluster's credentials"),
        }
    }

    /// Asks for the version. Credentials that are refused are read again, for the next call.
    ///
    /// # Errors
    /// When the API server does not answer, refuses us, or is none.
    pub async fn check(&self) -> Result<String, ClusterError> {
        let inner = self.inner();
        match limited(inner.apiserver_version(), "the API server").await {
            Ok(version) => Ok(version.git_version),
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

    /// Whether lists are asked for as the beginning of a watch.
    pub(crate) fn streams(&self) -> bool {
        self.shared.streams.load(Ordering::Relaxed)
    }

    /// This API server does not do that, or its etcd cannot.
    pub(crate) fn list_first(&self) {
        self.shared.streams.store(false, Ordering::Relaxed);
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

    /// How objects of a kind are called for.
    pub(crate) fn resource(&self, kind: &GroupVersionKind) -> ApiResource {
        self.shared.kinds.resource(kind)
    }

    /// Whether the cluster serves all these kinds, and lets us make them.
    pub(crate) async fn can_make(
        &self,
        namespace: &str,
        objects: &[serde_json::Value],
    ) -> Result<(), ClusterError> {
        let inner = self.inner();
        let Shared { kinds, reviews, .. } = &*self.shared;
        let can = async {
            kinds.check(&inner, objects).await?;
            reviews.check(&inner, kinds, namespace, objects).await
        };
        match can.await {
            // Whatever it is that answers so.
            Err(error @ ClusterError::Rejected { .. }) => self.check().await.and(Err(error)),
            checked => checked,
        }
    }

    /// Server-side apply. One that the API server cannot do just now is sent again.
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
        let mut again = AGAIN.iter();
        let began = Instant::now();
        loop {
            let patched = limited(api.patch(name, &params, &patch), &what).await;
            match (patched, again.next()) {
                (Err(ClusterError::Unreachable { .. }), Some(after))
                    if began.elapsed() < UNTOLD =>
                {
                    sleep(Duration::from_millis(*after)).await;
                }
                (done, _) => return done,
            }
        }
    }

    /// The object as it is, if it is.
    pub(crate) async fn find(
        &self,
        manifest: &serde_json::Value,
    ) -> Result<Option<DynamicObject>, ClusterError> {
        let _one = self.shared.calls.acquire().await;
        let name = name_of(manifest);
        let api = self.dynamic(manifest);
        limited(api.get_opt(name), &named(manifest)).await
    }

    /// Holds fields of an object as they are, until another manager takes them.
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

    /// Makes an object; one that is there stays as it is.
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

    /// Deletes this very object; another of its name, or none, is no error.
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
            Err(ClusterError::Rejected { message, .. }) if message.contains("not found") => Ok(()),
            Err(ClusterError::Conflict { .. }) => Ok(()),
            deleted => deleted.map(drop),
        }
    }

    /// A merge patch of an object that exists.
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

/// As people call it: `Service web`.
fn named(manifest: &serde_json::Value) -> String {
    format!("{} {}", text(manifest, "/kind"), name_of(manifest))
}

fn name_of(manifest: &serde_json::Value) -> &str {
    text(manifest, "/metadata/name")
}
