//! Releases that look bad for a while and are not broken. None of them may fail. In each the test acts meanwhile. Those
//! that need no such action are folders in `cases/`.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread::{scope, sleep, spawn},
    time::{Duration, Instant},
};
use windlass_bed::{daemon::Config, layout::HOST};
use windlass_tests::{SERVE, SMALL, TestEnv, bed, python};

/// Port of the test's registry, below those that the kernel gives to connections.
const PORT: u16 = 21523;

/// Returns a `Deployment` whose image the test's own registry has after a while.
fn flaky() -> String {
    format!(
        "
apiVersion: apps/v1
kind: Deployment
metadata:
  name: flaky-own
spec:
  replicas: 1
  selector:
    matchLabels: {{ own: flaky }}
  template:
    metadata:
      labels: {{ own: flaky }}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: own
          image: {HOST}:{PORT}/flaky:1
          command: [sleep, '600']
"
    )
}

/// A `Deployment` that is ready for four seconds, and not for the next four.
const FLAPS: &str = r#"
resources = { cpu = "10m", memory = "32Mi" }
[processes.web]
volumes.tmp = { path = "/tmp", scratch = true }
[processes.web.probes.readiness]
command = ["sh", "-c", "test $(( $(date +%s) / 4 % 2 )) = 0"]
period-seconds = 1
failures = 1
"#;

#[test]
fn what_is_not_broken_is_not_failed() {
    let mut config = Config::of(bed()).unwrap();
    config.more = "jobs = 24\n".into();
    config.cluster = "pod-security = \"baseline\"".into();
    let env = TestEnv::with("t-well", &config);
    let repository = env.small_app();
    repository.write("windlass.toml", "").unwrap();
    repository.write("own/flaky.yaml", &flaky()).unwrap();
    repository.commit("one").unwrap();
    env.label("nodes --all", "pool-");
    registry();
    let pool = format!("processes.web.placement.nodes = {{ pool = \"t-well\" }}\n{SMALL}");
    let late = "processes.web.volumes.late = { path = \"/late\", secret = \"late\" }\n";
    let slow = python(&format!("import time; time.sleep(10); {SERVE}"));
    let healthy = [
        ("flaky", "processes.web.off = true\nmanifests = [\"own/flaky.yaml\"]\n".to_owned()),
        ("joins", pool.clone()),
        ("nominated", pool),
        ("late", format!("{late}{SMALL}")),
        ("drained", format!("{slow}{SMALL}")),
    ];
    let submit = |app: &str, spec: &str| {
        let file = env.spec_file(app, spec);
        env.submit_detached(app, repository.url(), &["--spec", &file])
    };
    let flapping = submit("flaps", FLAPS);
    let ids = healthy.each_ref().map(|(app, spec)| submit(app, spec));
    scope(|scope| {
        scope.spawn(|| joins(&env));
        scope.spawn(|| late_secret(&env));
        scope.spawn(|| drained(&env));
    });
    let mut wrong = Vec::new();
    for ((app, _), id) in healthy.iter().zip(&ids) {
        let ended = env.watch(id);
        if ended.outcome != "succeeded" {
            wrong.push(format!("{app}: {}", ended.diagnosis));
        }
    }
    // The app may never be ready for long enough. It must not fail before the rollout's progress deadline.
    let events = env.events(&flapping);
    if events.iter().any(|event| event["ended"]["outcome"] == "failed") {
        wrong.push(format!("flaps: {events:#?}"));
    }
    let _ = env.daemon.windlass(&["cancel", &flapping]).unwrap();
    env.label("nodes --all", "pool-");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the name and uid of an app's pod, once there is one.
fn pod(env: &TestEnv, app: &str) -> (String, String) {
    let pods = format!("pods --selector app.kubernetes.io/instance={app}");
    let began = Instant::now();
    loop {
        let text = env.get(&pods, "{.items[*].metadata.name} {.items[*].metadata.uid}");
        if let [name, uid] = text.split_whitespace().collect::<Vec<_>>()[..] {
            return (name.to_owned(), uid.to_owned());
        }
        assert!(began.elapsed() < Duration::from_secs(60), "no pod of {app}");
        sleep(Duration::from_millis(200));
    }
}

/// An autoscaler of nodes reports that a node comes, and the node comes: the Cluster Autoscaler, and Karpenter.
fn joins(env: &TestEnv) {
    let namespace = env.namespace();
    let says = [
        ("joins", "TriggeredScaleUp", "pod triggered scale-up"),
        ("nominated", "Nominated", "'Pod should schedule on: nodeclaim/default-7h2kx'"),
    ];
    let events = says.map(|(app, reason, message)| {
        let (name, uid) = pod(env, app);
        format!(
            "
apiVersion: v1
kind: Event
metadata:
  name: {app}
type: Normal
reason: {reason}
message: {message}
involvedObject: {{ kind: Pod, namespace: {namespace}, name: {name}, uid: {uid} }}
"
        )
    });
    env.apply(&events.join("---"));
    sleep(Duration::from_secs(35));
    env.label("nodes --all", "pool=t-well");
}

/// A secret that an operator of the cluster syncs from a vault.
fn late_secret(env: &TestEnv) {
    let _ = pod(env, "late");
    sleep(Duration::from_secs(8));
    env.create("secret generic late");
}

/// A node is drained of the pod that was about to be ready.
fn drained(env: &TestEnv) {
    let (name, _) = pod(env, "drained");
    sleep(Duration::from_secs(5));
    env.delete_later(&format!("pod/{name}"));
}

/// Starts a registry that fails for a while, and then redirects to the bed's own.
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
            let works = first.get_or_insert_with(Instant::now).elapsed() > Duration::from_secs(15);
            spawn(move || answer(stream, works));
        }
    });
}

fn answer(mut stream: TcpStream, works: bool) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    let _ = lines.find(|line| line.is_empty());
    let path = request.split(' ').nth(1).unwrap_or_default();
    let there = path.replace("/v2/flaky/manifests/1", "/v2/flaky/manifests/3.11-slim");
    let there = there.replace("/v2/flaky/", "/v2/library/python/");
    let status = if works {
        format!("307 Temporary Redirect\r\nlocation: http://{}{there}", bed().registry())
    } else {
        "503 Service Unavailable".to_owned()
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
}
