//! Checks of each value of a spec by itself.

use super::{
    Spec, defaults,
    error::{Checked, fail, within},
    expose::{ExposeSpec, NetworkSpec},
    migrate,
    names::{
        OBJECT_NAME, annotations, is_label_of_dns, is_name, is_object_name, is_url_path,
        is_variable, label,
    },
    process::{ProbeSpec, ProcessSpec, ResourceSpec},
    quantity::{self, Of},
    schedule, strategy, volume,
};
use crate::{reserved, runtime::WEB};
use std::collections::BTreeMap;

/// The largest number of bytes of the settings for one hook.
const LONGEST_HOOK: usize = 16 << 10;
/// The largest number of bytes of one variable: the kernel's own limit (`MAX_ARG_STRLEN`), without the
/// name.
const LONGEST_VARIABLE: usize = 120 << 10;
/// The largest number of bytes of all variables: a `ConfigMap` holds 1 MiB, with keys and what
/// Kubernetes adds.
const LONGEST_ENVIRONMENT: usize = 1_000_000;
/// The largest number of processes of one app.
const MOST_PROCESSES: usize = 20;
/// Build arguments of BuildKit's own that concern no other project: rules of the Dockerfile's checker, and cache
/// metadata in the image.
const BUILDER_ARGUMENTS: [&str; 2] = ["BUILDKIT_DOCKERFILE_CHECK", "BUILDKIT_INLINE_CACHE"];
/// The largest number of characters of a process's name: with the app's name it is a label.
const LONGEST_PROCESS: usize = 11;

pub(super) fn all(spec: &Spec) -> Checked {
    top(spec)?;
    if spec.processes.len() > MOST_PROCESSES {
        let count = spec.processes.len().to_string();
        return fail("processes", &count, &format!("are too many: at most {MOST_PROCESSES}"));
    }
    for (name, process) in &spec.processes {
        if !is_name(name, LONGEST_PROCESS) {
            let problem = "must be 1 to 11 lower-case letters, digits and `-`, from a letter";
            return fail("processes", name, problem);
        }
        self::process(&format!("processes.{name}."), process, name == WEB)?;
    }
    if let Some(web) = spec.processes.get(WEB) {
        set_once(spec, web)?;
    }
    if spec.running().next().is_none() && spec.manifests.is_empty() {
        return fail("processes.web.off", "true", "leaves nothing to run; name another process");
    }
    build_and_test(spec)?;
    exposed(&spec.expose)?;
    network(&spec.network)?;
    migrate::rules::check(spec)?;
    strategy::rules::check(spec)?;
    names(spec)
}

/// Checks the keys at the top, which are those of `web`.
fn top(spec: &Spec) -> Checked {
    process("", &spec.top(), true)?;
    environment("env", &spec.env)?;
    for (name, secret) in &spec.secrets {
        if !is_variable(name) {
            return fail("secrets", name, "must be letters, digits and `_`, not from a digit");
        }
        if secret.is_empty() {
            let problem = "names no secret; give the name that `windlass secret put` got";
            return fail("secrets", name, problem);
        }
    }
    if let Some(name) = spec.env.keys().find(|name| spec.secrets.contains_key(*name)) {
        return fail("env", name, "is a secret too; set it once");
    }
    Ok(())
}

fn set_once(spec: &Spec, web: &ProcessSpec) -> Checked {
    for (field, twice) in [
        ("port", spec.port.is_some() && web.port.is_some()),
        ("replicas", spec.replicas.is_some() && web.replicas.is_some()),
        ("health", spec.health.is_some() && web.health.is_some()),
        ("command", !spec.command.is_empty() && !web.command.is_empty()),
    ] {
        if twice {
            let problem = format!("is set at the top and in `processes.web.{field}`; set it once");
            return fail(field, "", &problem);
        }
    }
    Ok(())
}

fn environment(field: &str, env: &BTreeMap<String, String>) -> Checked {
    let mut bytes = 0;
    for (name, value) in env {
        if !is_variable(name) {
            return fail(field, name, "must be letters, digits and `_`, not from a digit");
        }
        if name == "PORT" {
            return fail(field, name, "is set by Windlass; say `port` instead");
        }
        if value.len() > LONGEST_VARIABLE {
            let problem = format!(
                "has {} bytes; at most {LONGEST_VARIABLE} are allowed: put it in a file",
                value.len()
            );
            return fail(&format!("{field}.{name}"), value, &problem);
        }
        if value.contains('\0') {
            return fail(&format!("{field}.{name}"), "", "holds a zero byte");
        }
        bytes += name.len() + value.len();
    }
    if bytes > LONGEST_ENVIRONMENT {
        let problem = format!(
            "has {bytes} bytes in {} variables; at most {LONGEST_ENVIRONMENT} are allowed, since a ConfigMap holds 1 MiB",
            env.len()
        );
        return fail(field, "", &problem);
    }
    Ok(())
}

fn process(at: &str, requested: &ProcessSpec, web: bool) -> Checked {
    let field = |name: &str| format!("{at}{name}");
    if requested.port == Some(0) {
        return fail(&field("port"), "0", "must be 1 to 65535");
    }
    within(&field("replicas"), requested.replicas, u32::from(requested.schedule.is_some()), 100)?;
    environment(&field("env"), &requested.env)?;
    ports(&field("ports"), requested)?;
    resources(&field("resources"), &requested.resources)?;
    if let Some(health) = requested.health.as_deref().filter(|health| !is_url_path(health)) {
        return fail(&field("health"), health, "must be a path that starts with `/`");
    }
    let probes = &requested.probes;
    for (name, probe) in [
        ("probes.startup", &probes.startup),
        ("probes.readiness", &probes.readiness),
        ("probes.liveness", &probes.liveness),
    ] {
        self::probe(&field(name), probe, web || requested.port.is_some())?;
    }
    if let Some(path) = requested.command.iter().find(|word| word.contains('\0')) {
        return fail(&field("command"), path, "holds a zero byte");
    }
    autoscale(&field("autoscale"), requested)?;
    for (name, one) in &requested.volumes {
        volume::check(&field("volumes"), name, one, requested)?;
    }
    scheduled(&field(""), requested, web)?;
    for (key, value) in &requested.placement.nodes {
        label(&field("placement.nodes"), key, value)?;
    }
    for toleration in &requested.placement.tolerations {
        let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        if let Some(effect) =
            toleration.effect.as_deref().filter(|requested| !effects.contains(requested))
        {
            let problem = "must be NoSchedule, PreferNoSchedule or NoExecute";
            return fail(&field("placement.tolerations.effect"), effect, problem);
        }
        let value = toleration.value.as_deref().unwrap_or_default();
        if toleration.key.is_empty() && toleration.value.is_some() {
            return fail(&field("placement.tolerations.value"), value, "needs a `key`");
        }
        if !toleration.key.is_empty() {
            label(&field("placement.tolerations.key"), &toleration.key, value)?;
        }
    }
    within(&field("termination.pre-stop-seconds"), requested.termination.pre_stop_seconds, 0, 300)?;
    within(&field("termination.drain-seconds"), requested.termination.drain_seconds, 1, 3600)?;
    within(&field("max-unavailable"), requested.max_unavailable, 1, 100)
}

/// Checks names as those of IANA services, at most 15 characters, and that a number stands once.
fn ports(field: &str, requested: &ProcessSpec) -> Checked {
    let mut known = BTreeMap::new();
    if let Some(port) = requested.port {
        known.insert(port, "port".to_owned());
    }
    for (name, port) in &requested.ports {
        if !is_name(name, 15) || name == "http" {
            let problem =
                "must be 1 to 15 lower-case letters, digits and `-`, from a letter, and not `http`";
            return fail(field, name, problem);
        }
        if *port == 0 {
            return fail(&format!("{field}.{name}"), "0", "must be 1 to 65535");
        }
        if let Some(other) = known.insert(*port, format!("{field}.{name}")) {
            let problem = format!("is `{other}` too; each port is named once");
            return fail(&format!("{field}.{name}"), &port.to_string(), &problem);
        }
    }
    Ok(())
}

fn resources(field: &str, requested: &ResourceSpec) -> Checked {
    let quantities = [
        ("cpu", &requested.cpu, Of::Cpu),
        ("cpu-limit", &requested.cpu_limit, Of::Cpu),
        ("memory", &requested.memory, Of::Bytes),
        ("memory-limit", &requested.memory_limit, Of::Bytes),
        ("ephemeral-storage", &requested.ephemeral_storage, Of::Bytes),
    ];
    for (name, quantity, of) in quantities {
        let Some(text) = quantity else { continue };
        if let Some(problem) = quantity::problem(text, of) {
            return fail(&format!("{field}.{name}"), text, &problem);
        }
    }
    let amount = |text: &Option<String>, default: &str| {
        quantity::amount(text.as_deref().unwrap_or(default)).unwrap_or_default()
    };
    for (name, limit, request, default) in [
        ("cpu-limit", &requested.cpu_limit, &requested.cpu, defaults::CPU),
        ("memory-limit", &requested.memory_limit, &requested.memory, defaults::MEMORY),
    ] {
        if let Some(text) = limit
            && amount(limit, "") < amount(request, default)
        {
            let request = request.as_deref().unwrap_or(default);
            let problem = format!("is less than the request of `{request}`");
            return fail(&format!("{field}.{name}"), text, &problem);
        }
    }
    Ok(())
}

fn probe(field: &str, requested: &ProbeSpec, listens: bool) -> Checked {
    let kinds = [
        ("http", requested.http.is_some()),
        ("tcp", requested.tcp == Some(true)),
        ("grpc", requested.grpc.is_some()),
        ("command", !requested.command.is_empty()),
    ];
    let mut asked = kinds.iter().filter(|(_, requested)| *requested).map(|(kind, _)| *kind);
    if let (Some(one), Some(other)) = (asked.next(), asked.next()) {
        return fail(field, other, &format!("stands beside `{one}`; a probe asks one thing"));
    }
    if let Some(path) = requested.http.as_deref().filter(|path| !is_url_path(path)) {
        return fail(&format!("{field}.http"), path, "must be a path that starts with `/`");
    }
    if requested.port == Some(0) {
        return fail(&format!("{field}.port"), "0", "must be 1 to 65535");
    }
    let needs_port = kinds.iter().take(3).any(|(_, requested)| *requested);
    if needs_port && !listens && requested.port.is_none() {
        return fail(&format!("{field}.port"), "", "is missing: the process has no `port`");
    }
    within(&format!("{field}.period-seconds"), requested.period_seconds, 1, 3600)?;
    within(&format!("{field}.timeout-seconds"), requested.timeout_seconds, 1, 300)?;
    within(&format!("{field}.failures"), requested.failures, 1, 1000)
}

fn autoscale(field: &str, process: &ProcessSpec) -> Checked {
    let requested = &process.autoscale;
    let Some(max) = requested.max else {
        if requested.cpu.is_some() || requested.memory.is_some() {
            return fail(&format!("{field}.max"), "", "is missing; it says how many pods at most");
        }
        return Ok(());
    };
    let least = process.replicas.unwrap_or(1);
    if least == 0 {
        return fail(&format!("{field}.max"), &max.to_string(), "needs `replicas` of at least 1");
    }
    within(&format!("{field}.max"), Some(max), least, 1000)?;
    within(&format!("{field}.cpu"), requested.cpu, 1, 1000)?;
    within(&format!("{field}.memory"), requested.memory, 1, 1000)
}

/// Checks the keys that only a process with a `schedule` has, and those that it cannot have.
fn scheduled(at: &str, requested: &ProcessSpec, web: bool) -> Checked {
    let field = |name: &str| format!("{at}{name}");
    within(&field("timeout-seconds"), requested.timeout_seconds, 1, 7 * 24 * 3600)?;
    within(&field("retries"), requested.retries, 0, 10)?;
    let Some(schedule) = &requested.schedule else {
        for (name, stands) in [
            ("timezone", requested.timezone.is_some()),
            ("timeout-seconds", requested.timeout_seconds.is_some()),
            ("retries", requested.retries.is_some()),
            ("overlap", requested.overlap.is_some()),
        ] {
            if stands {
                return fail(&field(name), "", "is for a process with a `schedule`");
            }
        }
        return Ok(());
    };
    if let Some(problem) = schedule::problem(schedule) {
        return fail(&field("schedule"), schedule, &problem);
    }
    if web {
        let problem = "is for another process: `web` always runs; say `[processes.NAME]`";
        return fail(&field("schedule"), schedule, problem);
    }
    let odd = |c: char| !(c.is_ascii_alphanumeric() || "/_+-".contains(c));
    if let Some(zone) = requested
        .timezone
        .as_deref()
        .filter(|zone| zone.is_empty() || zone.contains(odd) || zone.eq_ignore_ascii_case("local"))
    {
        return fail(&field("timezone"), zone, "must be a name such as `Europe/Berlin`");
    }
    for (name, stands) in [
        ("port", requested.port.is_some()),
        ("health", requested.health.is_some()),
        ("replicas", requested.replicas.is_some()),
        ("stateful", requested.stateful == Some(true)),
        ("autoscale.max", requested.autoscale.max.is_some()),
        ("max-unavailable", requested.max_unavailable.is_some()),
    ] {
        if stands {
            return fail(&field(name), "", "is for a process that always runs, without `schedule`");
        }
    }
    Ok(())
}

fn build_and_test(spec: &Spec) -> Checked {
    for name in spec.build.arguments.keys() {
        if !is_variable(name) {
            let problem = "must be letters, digits and `_`, not from a digit";
            return fail("build.arguments", name, problem);
        }
        // These are the builder's options: caches of other projects, another frontend.
        if name.to_ascii_uppercase().starts_with("BUILDKIT_")
            && !BUILDER_ARGUMENTS.contains(&name.as_str())
        {
            let allowed = BUILDER_ARGUMENTS.join("`, `");
            let problem = format!(
                "is an option of the builder, which Windlass sets; of those that begin with `BUILDKIT_` only `{allowed}` are allowed"
            );
            return fail("build.arguments", name, &problem);
        }
    }
    for (name, version) in &spec.build.versions {
        let is_runtime = (1..=30).contains(&name.len())
            && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        if !is_runtime {
            let problem =
                "must be a runtime's name: at most 30 letters a-z and `-`, such as `node`";
            return fail("build.versions", name, problem);
        }
        if version.trim().is_empty() || version.len() > 64 || version.chars().any(char::is_control)
        {
            let problem = "must be a version or a range of at most 64 bytes, such as `20`";
            return fail(&format!("build.versions.{name}"), version, problem);
        }
    }
    spec.build.custom()?;
    let inside = |path: &str| {
        !path.is_empty() && !path.starts_with('/') && !path.split('/').any(|part| part == "..")
    };
    if let Some(path) = spec.build.dockerfile.as_deref().filter(|path| !inside(path)) {
        return fail("build.dockerfile", path, "must be a path within the app's folder");
    }
    if let Some(path) = spec.manifests.iter().find(|path| !inside(path)) {
        return fail("manifests", path, "must be a path within the app's folder");
    }
    for (name, requested) in &spec.hooks {
        let field = format!("hooks.{name}");
        if requested.len() > LONGEST_HOOK {
            let problem =
                format!("has {} bytes; at most {LONGEST_HOOK} are allowed", requested.len());
            return fail(&field, requested, &problem);
        }
        if !serde_json::from_str(requested)
            .is_ok_and(|requested: serde_json::Value| requested.is_object())
        {
            let problem = "must be a JSON object, such as {\"command\": [\"./migrate\"]}";
            return fail(&field, requested, problem);
        }
    }
    within("test.timeout-seconds", spec.test.timeout_seconds, 1, 7 * 24 * 3600)
}

fn exposed(requested: &ExposeSpec) -> Checked {
    if requested.port == Some(0) {
        return fail("expose.port", "0", "must be 1 to 65535");
    }
    for host in &requested.hosts {
        let name = host.strip_prefix("*.").unwrap_or(host);
        if !is_object_name(name) || !name.contains('.') {
            return fail("expose.hosts", host, "must be a host name such as `shop.example.com`");
        }
    }
    if let Some(path) = requested.path.as_deref().filter(|path| !is_url_path(path)) {
        return fail("expose.path", path, "must be a path that starts with `/`");
    }
    match (&requested.gateway, &requested.ingress_class) {
        (Some(gateway), Some(_)) => {
            return fail("expose.gateway", gateway, "stands beside `ingress-class`; say one");
        }
        (Some(gateway), None) => {
            let parts: Vec<_> = gateway.split('/').collect();
            if parts.len() > 2 || !parts.iter().all(|part| is_object_name(part)) {
                return fail("expose.gateway", gateway, "must be `name` or `namespace/name`");
            }
            if let Some(secret) = &requested.tls_secret {
                let problem = "is for an Ingress; the certificate of a Gateway is its listener's";
                return fail("expose.tls-secret", secret, problem);
            }
        }
        (None, Some(class)) if !is_object_name(class) => {
            return fail("expose.ingress-class", class, OBJECT_NAME);
        }
        (None, Some(_)) => {}
        (None, None) => {
            if let Some(host) = requested.hosts.first() {
                let problem = "needs `expose.gateway` or `expose.ingress-class`";
                return fail("expose.hosts", host, problem);
            }
        }
    }
    if let Some(secret) = requested.tls_secret.as_deref().filter(|name| !is_object_name(name)) {
        return fail("expose.tls-secret", secret, OBJECT_NAME);
    }
    if let Some(secret) = requested.tls_secret.as_deref().filter(|name| reserved::is_secret(name)) {
        return fail("expose.tls-secret", secret, reserved::SECRET);
    }
    annotations("expose.annotations", &requested.annotations)
}

fn network(requested: &NetworkSpec) -> Checked {
    if requested.restrict == Some(false) && !(requested.from.is_empty() && requested.to.is_empty())
    {
        return fail("network.restrict", "false", "stands beside `from` or `to`");
    }
    if let Some(name) = requested.from.iter().find(|name| !is_label_of_dns(name)) {
        return fail("network.from", name, "must be a namespace");
    }
    match requested.to.iter().find(|peer| super::resolve::peer(peer).is_none()) {
        Some(peer) => {
            fail("network.to", peer, "must be `CIDR` or `CIDR:port`, such as `10.0.0.0/8:5432`")
        }
        None => Ok(()),
    }
}

fn names(spec: &Spec) -> Checked {
    if let Some(name) = spec.service_account.name.as_deref().filter(|name| !is_object_name(name)) {
        return fail("service-account.name", name, OBJECT_NAME);
    }
    if let (Some(name), false) =
        (&spec.service_account.name, spec.service_account.annotations.is_empty())
    {
        let problem = "is somebody else's: `service-account.annotations` are for the app's own";
        return fail("service-account.name", name, problem);
    }
    annotations("service-account.annotations", &spec.service_account.annotations)?;
    annotations("annotations", &spec.annotations)?;
    for (key, value) in &spec.labels {
        label("labels", key, value)?;
        if key.starts_with("app.kubernetes.io/") || key.starts_with("applyset.kubernetes.io/") {
            return fail("labels", key, "is set by Windlass");
        }
    }
    if let Some(name) = spec.pull_secrets.iter().find(|name| !is_object_name(name)) {
        return fail("pull-secrets", name, OBJECT_NAME);
    }
    match spec.pull_secrets.iter().find(|name| reserved::is_secret(name)) {
        Some(name) => fail("pull-secrets", name, reserved::SECRET),
        None => Ok(()),
    }
}
