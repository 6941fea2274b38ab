//! What looks bad for a while and is not broken: none of these may be failed.

use crate::cases::{Case, HELPER, SERVE, apply, own, python, spec_file, stand};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread::{scope, sleep, spawn},
    time::{Duration, Instant},
};
use windlass_bed::layout::HOST;
use windlass_tests::{Stand, bed};

/// Below the ports that the kernel gives to connections.
const PORT: u16 = 21523;
/// A folder that outlives a container, not its pod.
const KEPT: &str = "processes.web.volumes.kept = { path = \"/kept\", scratch = true }\n";

/// Does this once, in the first container of a pod, and serves from then on.
fn once(what: &str) -> String {
    let code = format!(
        "import os, sys, time\nif not os.path.exists('/kept/x'): open('/kept/x', 'w'); {what}\n{SERVE}"
    );
    python(&code) + KEPT
}

#[test]
fn what_is_not_broken_is_not_failed() {
    let (stand, repository) = stand("t-well", "baseline");
    let _ = stand.kubectl(&["label", "nodes", "--all", "pool-"]);
    registry();
    let mut patient = own("patient", "", HELPER, "");
    let forever = "  replicas: 1\n  progressDeadlineSeconds: 2147483647";
    patient.manifest = patient.manifest.map(|text| text.replace("  replicas: 1", forever));
    let slow = python(&format!("import time; time.sleep(40); {SERVE}"));
    let healthy = [
        // An autoscaler that finds nothing to scale is told, and is no failure.
        Case {
            manifest: Some("apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: { name: lost }\nspec: { maxReplicas: 2, scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: none-such } }\n".into()),
            ..Case::of("lost", "", &format!("{slow}manifests = [\"own/lost.yaml\"]\n"))
        },
        // Nor is one that finds no metrics meanwhile.
        Case::of(
            "slow",
            "",
            &format!("{slow}processes.web.autoscale = {{ max = 2, cpu = 60 }}\n"),
        ),
        Case::of("once", "", &once("sys.exit(1)")),
        // Two pods that wait for the same database.
        Case::of("both", "", &format!("replicas = 2\n{}", once("time.sleep(2); sys.exit(1)"))),
        Case::of("memory", "", &once("x = b'x' * (200 << 20)")),
        Case::of(
            "deaf",
            "",
            &format!(
                "{}processes.web.probes.liveness = {{ command = [\"sh\", \"-c\", \"test -e /kept/y || ! touch /kept/y\"], period-seconds = 1, failures = 1 }}\nprocesses.web.termination = {{ pre-stop-seconds = 0, drain-seconds = 1 }}\n",
                python(SERVE) + KEPT
            ),
        ),
        own("flaky", "", &format!("{HOST}:{PORT}/flaky:1"), ""),
        Case::of("joins", "", "processes.web.placement.nodes = { pool = \"t-well\" }"),
        Case::of("nominated", "", "processes.web.placement.nodes = { pool = \"t-well\" }"),
        // Its controller tells no progress of it.
        patient,
        Case::of(
            "late",
            "",
            "processes.web.volumes.late = { path = \"/late\", secret = \"late\" }",
        ),
        Case::of("drained", "", &python(&format!("import time; time.sleep(10); {SERVE}"))),
    ];
    let flaps = Case::of(
        "flaps",
        "",
        "processes.web.probes.readiness = { command = [\"sh\", \"-c\", \"test $(( $(date +%s) / 4 % 2 )) = 0\"], period-seconds = 1, failures = 1 }\nprocesses.web.volumes.tmp = { path = \"/tmp\", scratch = true }\n",
    );
    for case in &healthy {
        if let Some(manifest) = &case.manifest {
            repository.write(&format!("own/{}.yaml", case.name), manifest).unwrap();
        }
    }
    repository.commit("one").unwrap();
    let submit = |case: &Case| {
        let file = spec_file(&stand, case.name, &case.spec);
        stand.submit_detached(case.name, repository.url(), &["--spec", &file])
    };
    let (flapping, ids) = (submit(&flaps), healthy.each_ref().map(submit));
    scope(|scope| {
        scope.spawn(|| joins(&stand));
        scope.spawn(|| late(&stand));
        scope.spawn(|| drained(&stand));
    });
    let mut wrong = Vec::new();
    for (case, id) in healthy.iter().zip(&ids) {
        let ended = stand.watch(id);
        if ended.outcome != "succeeded" {
            wrong.push(format!("{}: {}", case.name, ended.diagnosis));
        }
    }
    let warnings = [
        "the autoscaler does not find what it is to scale",
        "the autoscaler cannot read how busy the pods are",
    ];
    for (words, id) in warnings.into_iter().zip(&ids) {
        let events = stand.events(id);
        if !events.iter().any(|event| event["warning"].to_string().contains(words)) {
            wrong.push(format!("no warning `{words}`: {events:#?}"));
        }
    }
    // It may never be ready for long enough; what matters is that it is not called broken before the
    // rollout's own time.
    let events = stand.events(&flapping);
    if events.iter().any(|event| event["ended"]["outcome"] == "failed") {
        wrong.push(format!("flaps: {events:#?}"));
    }
    let _ = stand.daemon.windlass(&["cancel", &flapping]).unwrap();
    let _ = stand.kubectl(&["label", "nodes", "--all", "pool-"]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The name and uid of an app's pod, once there is one.
fn pod(stand: &Stand, app: &str) -> (String, String) {
    let (label, began) = (format!("app.kubernetes.io/instance={app}"), Instant::now());
    let query =
        ["-n", &stand.namespace(), "get", "pods", "--selector", &label, "-o"].map(String::from);
    let jsonpath = "jsonpath={.items[*].metadata.name} {.items[*].metadata.uid}".to_owned();
    let query: Vec<_> = query.iter().chain([&jsonpath]).map(|arg| &**arg).collect();
    loop {
        let text = stand.kubectl(&query);
        if let [name, uid] = text.split_whitespace().collect::<Vec<_>>()[..] {
            return (name.to_owned(), uid.to_owned());
        }
        assert!(began.elapsed() < Duration::from_secs(60), "no pod of {app}");
        sleep(Duration::from_millis(200));
    }
}

/// An autoscaler of nodes says that one comes, and it does: the Cluster Autoscaler, and Karpenter.
fn joins(stand: &Stand) {
    let namespace = stand.namespace();
    let says = [
        ("joins", "TriggeredScaleUp", "pod triggered scale-up"),
        ("nominated", "Nominated", "'Pod should schedule on: nodeclaim/default-7h2kx'"),
    ];
    let events = says.map(|(app, reason, message)| {
        let (name, uid) = pod(stand, app);
        format!(
            "apiVersion: v1\nkind: Event\nmetadata: {{ name: {app}, namespace: {namespace} }}\ntype: Normal\nreason: {reason}\nmessage: {message}\ninvolvedObject: {{ kind: Pod, namespace: {namespace}, name: {name}, uid: {uid} }}\n"
        )
    });
    apply(stand, &events.join("---\n"));
    sleep(Duration::from_secs(35));
    let _ = stand.kubectl(&["label", "nodes", "--all", "--overwrite", "pool=t-well"]);
}

/// A secret that an operator of the cluster syncs from a vault.
fn late(stand: &Stand) {
    let _ = pod(stand, "late");
    sleep(Duration::from_secs(8));
    let _ = stand.kubectl(&["-n", &stand.namespace(), "create", "secret", "generic", "late"]);
}

/// A node is emptied, with the pod that was about to be ready.
fn drained(stand: &Stand) {
    let (name, _) = pod(stand, "drained");
    sleep(Duration::from_secs(5));
    let _ = stand.kubectl(&["-n", &stand.namespace(), "delete", "pod", &name, "--wait=false"]);
}

/// Unwell for a while; then it leads to the bed's own.
fn registry() {
    let folder = bed().layout.at(&format!("node/certs.d/{HOST}:{PORT}"));
    fs::create_dir_all(&folder).unwrap();
    let text = format!(
        "server = \"http://{HOST}:{PORT}\"\n[host.\"http://{HOST}:{PORT}\"]\ncapabilities = [\"pull\", \"resolve\"]\n"
    );
    fs::write(folder.join("hosts.toml"), text).unwrap();
    let listener = TcpListener::bind((HOST, PORT)).unwrap();
    spawn(move || {
        let mut first = None;
        for stream in listener.incoming().flatten() {
            let well = first.get_or_insert_with(Instant::now).elapsed() > Duration::from_secs(15);
            spawn(move || answer(stream, well));
        }
    });
}

fn answer(mut stream: TcpStream, well: bool) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    let _ = lines.find(|line| line.is_empty());
    let path = request.split(' ').nth(1).unwrap_or_default();
    let there = path.replace("/v2/flaky/manifests/1", "/v2/flaky/manifests/3.11-slim");
    let there = there.replace("/v2/flaky/", "/v2/library/python/");
    let status = match well {
        true => {
            format!("307 Temporary Redirect\r\nlocation: http://{}{there}", bed().registry())
        }
        false => "503 Service Unavailable".to_owned(),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
}
