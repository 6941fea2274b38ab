//! From a release to objects. Pure: values of secrets are handed in by the caller.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt::Write};
use windlass_core::{
    job::{Release, SecretEnv},
    secret::Secret,
};

/// How the cluster logs in at the registry.
#[derive(Clone, Debug)]
pub struct PullLogin {
    /// As image references name it: `registry.example.com:5000`.
    pub host: String,
    /// The user.
    pub user: String,
    /// Password or token.
    pub password: Secret,
}

/// The annotation that says which job rendered an object.
pub(crate) const JOB: &str = "windlass.dev/job";

/// Seconds that an old pod goes on serving after it is told to end, since endpoints and SIGTERM
/// race (KEP-3960).
const PRE_STOP: u32 = 5;

/// All objects of a release, in the order in which they are applied. `secrets` holds the values of
/// `release.runtime.secrets`, by variable; none renders their names only.
#[must_use]
pub fn manifests(
    release: &Release,
    secrets: Option<&BTreeMap<String, Secret>>,
    pull: Option<&PullLogin>,
) -> Vec<Value> {
    let mut all = vec![namespace(release)];
    all.extend(config_map(release));
    all.extend(secret(release, secrets));
    all.extend(pull.map(|login| pull_secret(release, login)));
    all.push(service(release));
    all.push(deployment(release, pull.is_some()));
    all
}

/// The Deployment's name and namespace, for patches of it alone.
pub(crate) fn deployment_head(release: &Release) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": release.app.name, "namespace": release.app.namespace() },
    })
}

/// Selects an app's pods. Never a version: selectors are immutable.
pub(crate) fn selector(release: &Release) -> Value {
    json!({
        "app.kubernetes.io/name": release.app.name,
        "app.kubernetes.io/instance": release.app.name,
    })
}

pub(crate) fn labels(release: &Release) -> Value {
    json!({
        "app.kubernetes.io/name": release.app.name,
        "app.kubernetes.io/instance": release.app.name,
        "app.kubernetes.io/part-of": release.app.project,
        "app.kubernetes.io/managed-by": "windlass",
    })
}

fn metadata(release: &Release, name: &str) -> Value {
    json!({
        "name": name,
        "namespace": release.app.namespace(),
        "labels": labels(release),
    })
}

fn namespace(release: &Release) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": release.app.namespace(),
            "labels": {
                "app.kubernetes.io/part-of": release.app.project,
                "app.kubernetes.io/managed-by": "windlass",
            },
        },
    })
}

/// Named by content and immutable: a release that is put back finds its own again, and an old pod
/// never reads new values.
fn config_map(release: &Release) -> Option<Value> {
    let env = &release.runtime.env;
    let name = config_name(release)?;
    Some(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(release, &name),
        "immutable": true,
        "data": env,
    }))
}

fn config_name(release: &Release) -> Option<String> {
    let env = &release.runtime.env;
    let text = env.iter().map(|(name, value)| format!("{name}={value}\0")).collect::<String>();
    (!env.is_empty()).then(|| format!("{}-env-{}", release.app.name, short_hash(&text)))
}

fn secret(release: &Release, values: Option<&BTreeMap<String, Secret>>) -> Option<Value> {
    let name = secret_name(release)?;
    let data: BTreeMap<_, _> = release
        .runtime
        .secrets
        .iter()
        .map(|secret| {
            let value = values.and_then(|values| values.get(&secret.env));
            let shown = value.map(|value| STANDARD.encode(value.reveal()));
            (secret.env.clone(), shown.unwrap_or_else(|| "***".into()))
        })
        .collect();
    Some(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(release, &name),
        "immutable": true,
        "data": data,
    }))
}

/// Of names and versions, never of values: a hash of a short value tells it.
fn secret_name(release: &Release) -> Option<String> {
    let secrets = &release.runtime.secrets;
    let text = secrets
        .iter()
        .map(|SecretEnv { env, name, version }| format!("{env}={name}@{version}\0"))
        .collect::<String>();
    (!secrets.is_empty()).then(|| format!("{}-secrets-{}", release.app.name, short_hash(&text)))
}

/// Under one name and mutable: tokens are renewed under running pods.
pub(crate) fn pull_secret(release: &Release, login: &PullLogin) -> Value {
    let password = login.password.reveal_text().unwrap_or_default();
    let auth = STANDARD.encode(format!("{}:{password}", login.user));
    let config = json!({
        "auths": { &login.host: { "username": login.user, "password": password, "auth": auth } },
    });
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": metadata(release, &pull_name(release)),
        "data": { ".dockerconfigjson": STANDARD.encode(config.to_string()) },
    })
}

pub(crate) fn pull_name(release: &Release) -> String {
    format!("{}-pull", release.app.name)
}

fn service(release: &Release) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(release, &release.app.name),
        "spec": {
            "selector": selector(release),
            "ports": [{ "name": "http", "port": 80, "targetPort": "http" }],
        },
    })
}

fn deployment(release: &Release, pull: bool) -> Value {
    let runtime = &release.runtime;
    let mut deployment = deployment_head(release);
    let mut head = metadata(release, &release.app.name);
    set(
        &mut head,
        "annotations",
        json!({ JOB: release.id, "windlass.dev/commit": release.commit }),
    );
    set(&mut deployment, "metadata", head);
    let tolerations = ["not-ready", "unreachable"].map(|state| {
        json!({
            "key": format!("node.kubernetes.io/{state}"),
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 30,
        })
    });
    let spread = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map(|key| {
        json!({
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": selector(release) },
            "matchLabelKeys": ["pod-template-hash"],
        })
    });
    let mut pod = json!({
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": PRE_STOP + 15,
        "securityContext": pod_security(runtime.user),
        // The API server's own 300 s outlast the rollout's deadline.
        "tolerations": tolerations,
        "topologySpreadConstraints": spread,
        "containers": [container(release)],
    });
    if pull {
        set(&mut pod, "imagePullSecrets", json!([{ "name": pull_name(release) }]));
    }
    set(
        &mut deployment,
        "spec",
        json!({
            "replicas": runtime.replicas,
            "minReadySeconds": 5,
            "progressDeadlineSeconds": 300,
            "revisionHistoryLimit": 5,
            "selector": { "matchLabels": selector(release) },
            // One replica with the default of one unavailable would be an outage.
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } },
            "template": { "metadata": { "labels": labels(release) }, "spec": pod },
        }),
    );
    deployment
}

pub(crate) fn container(release: &Release) -> Value {
    let runtime = &release.runtime;
    let resources = &runtime.resources;
    let probe = |period: u32, failures: u32| {
        let mut probe = match &runtime.health {
            Some(path) => json!({ "httpGet": { "path": path, "port": "http" } }),
            None => json!({ "tcpSocket": { "port": "http" } }),
        };
        set(&mut probe, "periodSeconds", json!(period));
        set(&mut probe, "timeoutSeconds", json!(2));
        set(&mut probe, "failureThreshold", json!(failures));
        probe
    };
    let mut container = json!({
        "name": release.app.name,
        "image": release.image.by_digest(),
        "ports": [{ "name": "http", "containerPort": runtime.port }],
        "env": environment(release),
        "resources": {
            "requests": { "cpu": resources.cpu, "memory": resources.memory },
            "limits": { "memory": resources.memory_limit },
        },
        // Two minutes to come up, looked at each second: a rollout waits no longer than the app.
        "startupProbe": probe(1, 120),
        "readinessProbe": probe(5, 2),
        "livenessProbe": probe(15, 3),
        "lifecycle": { "preStop": { "sleep": { "seconds": PRE_STOP } } },
        // The end of the log lands in the pod's status: evidence without another call.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": container_security(runtime.user),
    });
    if let Some(name) = config_name(release) {
        set(&mut container, "envFrom", json!([{ "configMapRef": { "name": name } }]));
    }
    if !runtime.command.is_empty() {
        set(&mut container, "command", json!(runtime.command));
    }
    container
}

/// Secrets key by key, so that one that lacks a key is called by its name.
fn environment(release: &Release) -> Vec<Value> {
    let port = json!({ "name": "PORT", "value": release.runtime.port.to_string() });
    let object = secret_name(release).unwrap_or_default();
    let of_secret = |secret: &SecretEnv| {
        let from = json!({ "secretKeyRef": { "name": object, "key": secret.env } });
        json!({ "name": secret.env, "valueFrom": from })
    };
    std::iter::once(port).chain(release.runtime.secrets.iter().map(of_secret)).collect()
}

/// An image of root runs as it is: it was warned of, or forbidden, at the build.
pub(crate) fn pod_security(user: Option<u32>) -> Value {
    let mut context = json!({ "seccompProfile": { "type": "RuntimeDefault" } });
    if let Some(user) = user {
        set(&mut context, "runAsNonRoot", json!(true));
        set(&mut context, "runAsUser", json!(user));
    }
    context
}

fn container_security(user: Option<u32>) -> Value {
    let mut context = json!({ "allowPrivilegeEscalation": false });
    // Root without capabilities cannot even chown, which images of root do at their start.
    if user.is_some() {
        set(&mut context, "capabilities", json!({ "drop": ["ALL"] }));
    }
    context
}

pub(crate) fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.into(), value);
    }
}

pub(crate) fn short_hash(text: &str) -> String {
    Sha256::digest(text).iter().take(5).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_core::{
        app::App,
        job::{Image, Resources, Runtime},
    };

    fn release() -> Release {
        Release {
            id: "0197".into(),
            app: App::new("shop", "web", "").unwrap(),
            commit: "c0ffee".into(),
            image: Image { reference: "r:5000/shop/web:c0ffee".into(), digest: "sha256:12".into() },
            hooks: Default::default(),
            runtime: Runtime {
                port: 3000,
                env: [("COLOR".into(), "blue".into())].into(),
                secrets: vec![SecretEnv { env: "TOKEN".into(), name: "token".into(), version: 2 }],
                replicas: 2,
                resources: Resources {
                    cpu: "100m".into(),
                    memory: "64Mi".into(),
                    memory_limit: "128Mi".into(),
                },
                health: Some("/healthz".into()),
                command: vec![],
                user: Some(10001),
            },
        }
    }

    #[test]
    fn reads_as_the_golden_file() {
        let login = PullLogin {
            host: "r:5000".into(),
            user: "u".into(),
            password: Secret::new(b"pw".into()),
        };
        let secrets = [("TOKEN".to_owned(), Secret::new(b"hunter2".into()))].into();
        let all = manifests(&release(), Some(&secrets), Some(&login));
        let text =
            all.iter().map(|o| serde_json::to_string_pretty(o).unwrap() + "\n").collect::<String>();
        let golden =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/render.golden.json");
        #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
        if std::env::var_os("WINDLASS_BLESS").is_some() {
            std::fs::write(&golden, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(golden).unwrap_or_default());
    }

    #[test]
    fn names_follow_content_and_tell_no_value() {
        let (one, mut other) = (release(), release());
        other.runtime.env.insert("COLOR".into(), "green".into());
        assert_ne!(config_name(&one), config_name(&other));
        assert_eq!(secret_name(&one), secret_name(&other));
        other.runtime.secrets[0].version = 3;
        assert_ne!(secret_name(&one), secret_name(&other));
        let shown = manifests(&one, None, None);
        assert!(shown.iter().any(|object| object["data"]["TOKEN"] == "***"));
    }
}
