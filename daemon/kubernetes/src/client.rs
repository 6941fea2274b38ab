//! The only file that talks to the cluster.

use crate::{kinds::Kinds, render::text, rights::Rights};
use http::{HeaderValue, header::USER_AGENT};
use kube::{
    Api, Config,
    api::{
        DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions,
        ValidationDirective,
    },
    config::{KubeConfigOptions, Kubeconfig},
    core::{ApiResource, GroupVersionKind, Status},
};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::timeout};
use windlass_core::ports::ClusterError;

/// No single call takes longer; watches have their own limit.
const CALL: Duration = Duration::from_secs(20);

/// Our name among the managers of fields.
const MANAGER: &str = "windlass";
/// The name under which a field is held that another will take.
const HOLDER: &str = "windlass-handover";

/// Calls to one cluster at once: fair to others, and far from what an API server queues.
const AT_ONCE: usize = 16;

/// A connection to one cluster.
#[derive(Clone)]
pub struct Client {
    inner: kube::Client,
    shared: Arc<Shared>,
}

/// What all users of a cluster know of it.
struct Shared {
    calls: Semaphore,
    kinds: Kinds,
    rights: Rights,
}

/// Why there is no connection.
pub type ConnectError = Box<dyn std::error::Error + Send + Sync>;

impl Client {
    /// From a kubeconfig file, or from where a pod finds its own cluster. Does not connect yet.
    ///
    /// # Errors
    /// When the file cannot be read, or would have us run a program to log in.
    pub async fn new(kubeconfig: Option<&Path>) -> Result<Self, ConnectError> {
        let mut config = match kubeconfig {
            None => Config::incluster()?,
            Some(path) => {
                let file = Kubeconfig::read_from(path)?;
                let runs = |info: &kube::config::NamedAuthInfo| {
                    info.auth_info.as_ref().is_some_and(|info| info.exec.is_some())
                };
                if file.auth_infos.iter().any(runs) {
                    let path = path.display();
                    return Err(format!("{path} wants a program to be run for its credentials; give it a token or a certificate").into());
                }
                Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?
            }
        };
        config.connect_timeout = Some(Duration::from_secs(5));
        // Retries are the pipeline's, where the user is told.
        config.default_retry = false;
        config.headers.push((USER_AGENT, HeaderValue::from_static("windlass")));
        let shared = Shared {
            calls: Semaphore::new(AT_ONCE),
            kinds: Kinds::default(),
            rights: Rights::default(),
        };
        Ok(Self { inner: kube::Client::try_from(config)?, shared: Arc::new(shared) })
    }

    /// Asks for the version.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses.
    pub async fn check(&self) -> Result<String, ClusterError> {
        let version = limited(self.inner.apiserver_version(), "the API server").await?;
        Ok(version.git_version)
    }

    pub(crate) fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.inner.clone(), namespace)
    }

    pub(crate) fn inner(&self) -> kube::Client {
        self.inner.clone()
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
        self.shared.kinds.check(self, objects).await?;
        self.shared.rights.check(self, namespace, objects).await
    }

    /// Server-side apply. What others own is taken only from objects that are ours. Gives the
    /// object's uid.
    pub(crate) async fn apply(&self, manifest: &serde_json::Value) -> Result<String, ClusterError> {
        let applied = self.patched(manifest, false).await?;
        Ok(applied.metadata.uid.unwrap_or_default())
    }

    /// What applying would lead to.
    pub(crate) async fn dry_run(
        &self,
        manifest: &serde_json::Value,
    ) -> Result<DynamicObject, ClusterError> {
        self.patched(manifest, true).await
    }

    async fn patched(
        &self,
        manifest: &serde_json::Value,
        dry_run: bool,
    ) -> Result<DynamicObject, ClusterError> {
        let _one = self.shared.calls.acquire().await;
        let name = name_of(manifest);
        let (api, object) = self.dynamic(manifest);
        let params = |force| PatchParams {
            field_manager: Some(MANAGER.into()),
            field_validation: Some(ValidationDirective::Strict),
            force,
            dry_run,
        };
        let what = format!("{} {name}", text(manifest, "/kind"));
        let patch = |force| {
            let (api, patch, params) = (api.clone(), Patch::Apply(&object), params(force));
            let what = &what;
            async move { limited(api.patch(name, &params, &patch), what).await }
        };
        match patch(false).await {
            Ok(applied) => Ok(applied),
            Err(ClusterError::Conflict { object, message }) => {
                let live = limited(api.get(name), &what).await?;
                let labels = live.metadata.labels.unwrap_or_default();
                match labels.get("app.kubernetes.io/managed-by").map(String::as_str) {
                    Some("windlass") => patch(true).await,
                    _ => Err(ClusterError::Conflict { object, message }),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// The object as it is, if it is.
    pub(crate) async fn find(
        &self,
        manifest: &serde_json::Value,
    ) -> Result<Option<DynamicObject>, ClusterError> {
        let _one = self.shared.calls.acquire().await;
        let name = name_of(manifest);
        let (api, _) = self.dynamic(manifest);
        limited(api.get_opt(name), &format!("{} {name}", text(manifest, "/kind"))).await
    }

    /// Holds fields of an object as they are, until another manager takes them.
    pub(crate) async fn hold(&self, manifest: &serde_json::Value) -> Result<(), ClusterError> {
        let name = name_of(manifest);
        let (api, object) = self.dynamic(manifest);
        let params = PatchParams {
            field_manager: Some(HOLDER.into()),
            force: true,
            ..PatchParams::default()
        };
        let what = format!("{} {name}", text(manifest, "/kind"));
        limited(api.patch(name, &params, &Patch::Apply(object)), &what).await.map(drop)
    }

    /// Makes an object; one that is there stays as it is.
    pub(crate) async fn create(&self, manifest: &serde_json::Value) -> Result<(), ClusterError> {
        let _one = self.shared.calls.acquire().await;
        let what = format!("{} {}", text(manifest, "/kind"), name_of(manifest));
        let (api, _) = self.dynamic(manifest);
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
        let (api, _) = self.dynamic(manifest);
        let mut params = DeleteParams::background();
        if !uid.is_empty() {
            let uid = Some(uid.to_owned());
            params = params.preconditions(Preconditions { uid, resource_version: None });
        }
        let what = format!("{} {name}", text(manifest, "/kind"));
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
        let name = name_of(manifest);
        let (api, _) = self.dynamic(manifest);
        let params = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        let what = format!("{} {name}", text(manifest, "/kind"));
        limited(api.patch(name, &params, &Patch::Merge(change)), &what).await.map(drop)
    }

    fn dynamic<'a>(
        &self,
        manifest: &'a serde_json::Value,
    ) -> (Api<DynamicObject>, &'a serde_json::Value) {
        let (group, version) = text(manifest, "/apiVersion")
            .split_once('/')
            .unwrap_or(("", text(manifest, "/apiVersion")));
        let kind = GroupVersionKind::gvk(group, version, text(manifest, "/kind"));
        let resource = self.resource(&kind);
        let api = match manifest.pointer("/metadata/namespace").and_then(|name| name.as_str()) {
            Some(namespace) => Api::namespaced_with(self.inner.clone(), namespace, &resource),
            None => Api::all_with(self.inner.clone(), &resource),
        };
        (api, manifest)
    }
}

fn name_of(manifest: &serde_json::Value) -> &str {
    text(manifest, "/metadata/name")
}

/// A call with a limit, and its error in our terms.
pub(crate) async fn limited<T>(
    call: impl Future<Output = Result<T, kube::Error>>,
    object: &str,
) -> Result<T, ClusterError> {
    match timeout(CALL, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(explain(error, object)),
        Err(_) => {
            let message = format!("no answer within {} s", CALL.as_secs());
            Err(ClusterError::Unreachable { message })
        }
    }
}

fn explain(error: kube::Error, object: &str) -> ClusterError {
    let (object, message) = (object.to_owned(), error.to_string());
    match error {
        kube::Error::Api(status) => explain_status(&status, object),
        kube::Error::Service(error) => ClusterError::Unreachable { message: root_cause(&*error) },
        kube::Error::HyperError(error) => ClusterError::Unreachable { message: root_cause(&error) },
        _ => ClusterError::Rejected { object, message },
    }
}

/// What may pass, by the API server's own words (kubernetes/kubernetes#112152: errors of etcd come
/// as plain 500).
fn explain_status(status: &Status, object: String) -> ClusterError {
    let message = status.message.clone();
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    match status.code {
        429 | 503 | 504 => ClusterError::Unreachable { message },
        500 if has(&["etcdserver:", "raft proposal dropped", "failed calling webhook"]) => {
            ClusterError::Unreachable { message }
        }
        // A namespace on its way out comes back once it is gone.
        403 | 409 if has(&["being terminated"]) => ClusterError::Unreachable { message },
        401 => ClusterError::Forbidden { object, message },
        403 if has(&[
            "exceeded quota",
            "admission webhook",
            "violates PodSecurity",
            "ValidatingAdmissionPolicy",
            " usage per ",
        ]) =>
        {
            ClusterError::Rejected { object, message }
        }
        403 => ClusterError::Forbidden { object, message },
        409 if status.reason == "Conflict" => ClusterError::Conflict { object, message },
        // Not the object, but its kind: discovery may have known it a moment ago.
        404 if has(&["could not find the requested resource"]) => {
            ClusterError::NoKind { object, message }
        }
        _ => ClusterError::Rejected { object, message },
    }
}

fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
