//! The only file that talks to the cluster.

use http::{HeaderValue, header::USER_AGENT};
use kube::{
    Api, Config,
    api::{DynamicObject, Patch, PatchParams, ValidationDirective},
    config::{KubeConfigOptions, Kubeconfig},
    core::{ApiResource, GroupVersionKind, Status},
};
use std::{path::Path, time::Duration};
use tokio::time::timeout;
use windlass_core::ports::ClusterError;

/// No single call takes longer; watches have their own limit.
const CALL: Duration = Duration::from_secs(20);

/// Our name among the managers of fields.
const MANAGER: &str = "windlass";

/// A connection to one cluster.
#[derive(Clone)]
pub struct Client(kube::Client);

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
        Ok(Self(kube::Client::try_from(config)?))
    }

    /// Asks for the version.
    ///
    /// # Errors
    /// When the API server does not answer, or refuses.
    pub async fn check(&self) -> Result<String, ClusterError> {
        let version = limited(self.0.apiserver_version(), "the API server").await?;
        Ok(version.git_version)
    }

    pub(crate) fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.0.clone(), namespace)
    }

    /// Server-side apply. What others own is taken only from objects that are ours.
    pub(crate) async fn apply(&self, manifest: &serde_json::Value) -> Result<(), ClusterError> {
        let name = name_of(manifest);
        let (api, object) = self.dynamic(manifest);
        let params = |force| PatchParams {
            field_manager: Some(MANAGER.into()),
            field_validation: Some(ValidationDirective::Strict),
            force,
            dry_run: false,
        };
        let what = format!("{} {name}", text(manifest, "/kind"));
        let patch = |force| {
            let (api, patch, params) = (api.clone(), Patch::Apply(&object), params(force));
            let what = &what;
            async move { limited(api.patch(name, &params, &patch), what).await }
        };
        match patch(false).await {
            Ok(_) => Ok(()),
            Err(ClusterError::Conflict { object, message }) => {
                let live = limited(api.get(name), &what).await?;
                let labels = live.metadata.labels.unwrap_or_default();
                match labels.get("app.kubernetes.io/managed-by").map(String::as_str) {
                    Some("windlass") => patch(true).await.map(drop),
                    _ => Err(ClusterError::Conflict { object, message }),
                }
            }
            Err(error) => Err(error),
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
        let resource = ApiResource::from_gvk(&kind);
        let api = match manifest.pointer("/metadata/namespace").and_then(|name| name.as_str()) {
            Some(namespace) => Api::namespaced_with(self.0.clone(), namespace, &resource),
            None => Api::all_with(self.0.clone(), &resource),
        };
        (api, manifest)
    }
}

fn name_of(manifest: &serde_json::Value) -> &str {
    text(manifest, "/metadata/name")
}

fn text<'a>(manifest: &'a serde_json::Value, pointer: &str) -> &'a str {
    manifest.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default()
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
        403 if has(&["exceeded quota", "admission webhook", "violates PodSecurity"]) => {
            ClusterError::Rejected { object, message }
        }
        403 => ClusterError::Forbidden { object, message },
        409 if status.reason == "Conflict" => ClusterError::Conflict { object, message },
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
