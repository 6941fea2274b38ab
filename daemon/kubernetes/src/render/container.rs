//! The only container of a process's pods.

use super::{config_map::config_name, secret::secret_name};
use crate::json::set;
use serde_json::{Value, json};
use windlass_model::{
    job::Release,
    runtime::{Check, Probe, Process, SecretEnv},
};

/// Renders the container of a process, which has the app's name.
pub(crate) fn container(release: &Release, process: &Process) -> Value {
    let mut container = json!({
        "name": release.app.name,
        "image": release.image.by_digest(),
        "env": environment(release, process),
        "resources": resources(process),
        // The pod's status holds the end of the log: evidence without another call.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": security(release.runtime.user),
    });
    let ports: Vec<_> = process
        .port
        .iter()
        .map(|port| json!({ "name": "http", "containerPort": port }))
        .chain(
            process.ports.iter().map(|(name, port)| json!({ "name": name, "containerPort": port })),
        )
        .collect();
    if !ports.is_empty() {
        set(&mut container, "ports", json!(ports));
    }
    let probes = &process.probes;
    for (key, wanted) in [
        ("startupProbe", &probes.startup),
        ("readinessProbe", &probes.readiness),
        ("livenessProbe", &probes.liveness),
    ] {
        if let Some(wanted) = wanted {
            set(&mut container, key, probe(process, wanted));
        }
    }
    if process.pre_stop_seconds > 0 {
        // Endpoints and SIGTERM race (KEP-3960).
        let sleep = json!({ "sleep": { "seconds": process.pre_stop_seconds } });
        set(&mut container, "lifecycle", json!({ "preStop": sleep }));
    }
    if let Some(name) = config_name(release) {
        set(&mut container, "envFrom", json!([{ "configMapRef": { "name": name } }]));
    }
    if !process.command.is_empty() {
        set(&mut container, "command", json!(process.command));
    }
    let mounts: Vec<_> = process
        .volumes
        .iter()
        .map(|(name, volume)| {
            json!({ "name": name, "mountPath": volume.path, "readOnly": volume.read_only })
        })
        .collect();
    if !mounts.is_empty() {
        set(&mut container, "volumeMounts", json!(mounts));
    }
    container
}

fn resources(process: &Process) -> Value {
    let wanted = &process.resources;
    let mut requests = json!({ "cpu": wanted.cpu, "memory": wanted.memory });
    let mut limits = json!({ "memory": wanted.memory_limit });
    if let Some(cpu) = &wanted.cpu_limit {
        set(&mut limits, "cpu", json!(cpu));
    }
    if let Some(disk) = &wanted.ephemeral_storage {
        set(&mut requests, "ephemeral-storage", json!(disk));
        set(&mut limits, "ephemeral-storage", json!(disk));
    }
    json!({ "requests": requests, "limits": limits })
}

fn probe(process: &Process, wanted: &Probe) -> Value {
    let named = |port: &u16| if process.port == Some(*port) { json!("http") } else { json!(port) };
    let mut probe = match &wanted.check {
        Check::Http { path, port } => json!({ "httpGet": { "path": path, "port": named(port) } }),
        Check::Tcp { port } => json!({ "tcpSocket": { "port": named(port) } }),
        Check::Grpc { port, service } => json!({ "grpc": { "port": port, "service": service } }),
        Check::Exec { command } => json!({ "exec": { "command": command } }),
    };
    set(&mut probe, "periodSeconds", json!(wanted.period));
    set(&mut probe, "timeoutSeconds", json!(wanted.timeout));
    set(&mut probe, "failureThreshold", json!(wanted.failures));
    probe
}

/// Renders `env`: secrets key by key, so that the kubelet's error names a key that is missing.
fn environment(release: &Release, process: &Process) -> Vec<Value> {
    let port = process.port.map(|port| json!({ "name": "PORT", "value": port.to_string() }));
    let own = process.env.iter().map(|(name, value)| json!({ "name": name, "value": value }));
    let object = secret_name(release).unwrap_or_default();
    // A process's own variable replaces a secret of the app.
    let secrets = release.runtime.secrets.iter();
    let secrets = secrets.filter(|secret| !process.env.contains_key(&secret.env));
    let of_secret = |secret: &SecretEnv| {
        let from = json!({ "secretKeyRef": { "name": object, "key": secret.env } });
        json!({ "name": secret.env, "valueFrom": from })
    };
    port.into_iter().chain(own).chain(secrets.map(of_secret)).collect()
}

fn security(user: Option<u32>) -> Value {
    let mut context = json!({ "allowPrivilegeEscalation": false });
    // Root without capabilities cannot even chown, which images of root do at their start.
    if user.is_some() {
        set(&mut context, "capabilities", json!({ "drop": ["ALL"] }));
    }
    context
}
