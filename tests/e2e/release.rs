//! What broken releases get: the cause from the real node, in seconds, and the old version serves.

use crate::cases::{SERVE, apply, python, spec_file};
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use windlass_bed::{
    Repository,
    daemon::Config,
    process::{await_ready, listens, start},
};
use windlass_tests::{Ended, SMALL, Stand, bed};

/// A stand where version one serves, and its repository.
fn serving(name: &'static str) -> (Stand, Repository) {
    let stand = Stand::new(name);
    let repository = stand.small_app();
    repository.commit("one").unwrap();
    stand.submit("app", repository.url(), &[]).succeeded();
    stand.serves("app", "one");
    (stand, repository)
}

/// Commits another page, submits it so, and expects that version one still serves.
fn breaks(stand: &Stand, repository: &Repository, code: &str, more: &[&str]) -> (Ended, String) {
    let (began, page) = (Instant::now(), format!("broken by {code}\n"));
    repository.write("index.html", &page).unwrap();
    repository.commit(code).unwrap();
    let ended = stand.submit("app", repository.url(), more);
    let text = ended.failed_with("release", code);
    println!(
        "{code}: {:.1} s from submit to the end of the way back",
        began.elapsed().as_secs_f32()
    );
    stand.serves("app", "one");
    (ended, text)
}

#[test]
fn a_crash_a_missing_command_and_no_memory() {
    let (stand, repository) = serving("t-crash");
    let script = "import sys; print('no database at db:5432'); sys.exit(3)";
    let (_, text) = breaks(&stand, &repository, "app-crashes", &["--", "python3", "-c", script]);
    assert!(
        text.contains("exits with code 3") && text.contains("no database at db:5432"),
        "{text}"
    );

    let (_, text) = breaks(&stand, &repository, "command-not-found", &["--", "/no/such/program"]);
    assert!(text.contains("/no/such/program"), "{text}");

    let greedy = "x = bytearray(512 << 20); print(sum(x[::4096]))";
    let more = ["--memory", "32Mi", "--memory-limit", "32Mi", "--", "python3", "-c", greedy];
    let (_, text) = breaks(&stand, &repository, "out-of-memory", &more);
    assert!(text.contains("limit of 32Mi"), "{text}");
    stand.runs_the_next_job();
}

#[test]
fn no_room_and_no_quota() {
    let (stand, repository) = serving("t-room");
    let (_, text) = breaks(&stand, &repository, "no-room-on-nodes", &["--cpu", "64"]);
    assert!(text.contains("Insufficient cpu"), "{text}");

    let namespace = stand.namespace();
    let quota = ["-n", &namespace, "create", "quota", "small", "--hard=pods=1"];
    let _ = stand.kubectl(&quota);
    let (_, text) = breaks(&stand, &repository, "quota-exceeded", &[]);
    assert!(text.contains("exceeded quota: small"), "{text}");
}

#[test]
fn an_app_that_never_answers() {
    let (stand, repository) = serving("t-probe");
    let (_, text) = breaks(&stand, &repository, "startup-probe-failed", &["--", "sleep", "3600"]);
    assert!(text.contains("0.0.0.0:$PORT"), "{text}");
}

/// A first release that fails leaves nothing running.
#[test]
fn a_first_release_that_crashes_is_scaled_to_nothing() {
    let stand = Stand::new("t-first");
    let repository = stand.small_app();
    repository.commit("one").unwrap();
    let ended =
        stand.submit("app", repository.url(), &["--", "python3", "-c", "raise SystemExit(1)"]);
    let _ = ended.failed_with("release", "app-crashes");
    let namespace = stand.namespace();
    let replicas = stand.kubectl(&[
        "-n",
        &namespace,
        "get",
        "deploy",
        "app",
        "-o",
        "jsonpath={.spec.replicas}",
    ]);
    assert_eq!(replicas, "0");
}

/// Somebody deletes what a release needs while its pods are on their way.
#[test]
fn a_config_that_disappears() {
    let (stand, repository) = serving("t-config");
    let namespace = stand.namespace();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let _ = stand.kubectl(&[
                    "-n",
                    &namespace,
                    "delete",
                    "configmap",
                    "--ignore-not-found",
                    "--selector=app.kubernetes.io/managed-by=windlass",
                ]);
            }
        });
        let (_, text) = breaks(&stand, &repository, "config-missing", &["--env", "COLOR=blue"]);
        over.store(true, Ordering::Relaxed);
        assert!(text.contains("not found"), "{text}");
    });
}

/// Somebody puts another Secret in its place while the pods are on their way.
#[test]
fn a_secret_that_lacks_its_key() {
    let (stand, repository) = serving("t-key");
    stand.daemon.put_secret("t-key", "database", "postgres://db.example/shop").unwrap();
    let namespace = stand.namespace();
    let (layout, log) = (&bed().layout, bed().layout.at("log/proxy.log"));
    // Plain HTTP to the API server: a process for each call would be slower than the node.
    let proxy =
        ["proxy", "--port", PROXY, "--kubeconfig", &layout.kubeconfig().display().to_string()];
    let mut proxy = start("proxy", &log, &layout.program("kubectl"), proxy).unwrap();
    let port = PROXY.parse().unwrap();
    await_ready(&mut proxy, &log, Duration::from_secs(20), || listens("127.0.0.1", port)).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Also where an assertion fails: the thread would go on for ever.
        let _over = Over(&over);
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                replace(&namespace);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        // The node may look before it is replaced, or between its deletion and its creation: another
        // try then, with another pod.
        let tries = (0..8).map(|n| {
            let _ = stand.kubectl(&["-n", &namespace, "delete", "secret", "--all"]);
            let env = ["--secret", "DATABASE=database", "--env", &format!("TRY={n}")];
            stand.submit("app", repository.url(), &env)
        });
        let mut tries = tries.into_iter();
        let ended = tries.find(|ended| ended.diagnosis["code"] == "config-key-missing");
        let ended = ended.expect("the key is missed");
        let text = ended.failed_with("release", "config-key-missing");
        assert!(text.contains("DATABASE"), "{text}");
        assert!(!ended.text.contains("db.example"), "a secret's value is never shown");
    });
    stand.serves("app", "one");
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Below the ports that the kernel gives to connections.
const PROXY: &str = "21513";

/// Puts another Secret in the place of the app's, where there is one.
fn replace(namespace: &str) {
    let all = format!("/api/v1/namespaces/{namespace}/secrets");
    let ours = format!("{all}?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dwindlass");
    let text = call("GET", &ours, "");
    let list: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    for item in list["items"].as_array().into_iter().flatten() {
        let name = item["metadata"]["name"].as_str().unwrap_or_default();
        let _ = call("DELETE", &format!("{all}/{name}"), "");
        let other =
            serde_json::json!({ "metadata": { "name": name }, "stringData": { "other": "1" } });
        let _ = call("POST", &all, &other.to_string());
    }
}

/// The answer's body, of a call that needs no login.
fn call(method: &str, path: &str, body: &str) -> String {
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(format!("127.0.0.1:{PROXY}")) {
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all((head + body).as_bytes());
        let _ = stream.read_to_string(&mut answer);
    }
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

/// The image goes from the registry between the push and the release.
#[test]
fn an_image_that_disappears_and_a_registry_that_wants_a_login() {
    let mut stand = Stand::new("t-image");
    let repository = stand.small_app();
    repository.commit("one").unwrap();
    let digest = killed_when_pushed(&mut stand, &repository);
    delete_manifest(&format!("/v2/t-image/app/manifests/{digest}"));
    stand.daemon.restart().unwrap();
    let id = newest(&stand);
    let text = stand.watch(&id).failed_with("release", "image-not-found");
    assert!(text.contains(&digest), "{text}");

    // Pushed with a login; then the operator takes the login away.
    let mut config = Config::of(bed()).unwrap();
    config.registry = bed().layout.private_registry();
    config.private_login = true;
    let mut stand = Stand::with("t-pull", &config);
    let repository = stand.small_app();
    repository.write("index.html", "pull\n").unwrap();
    repository.commit("one").unwrap();
    let _ = killed_when_pushed(&mut stand, &repository);
    let path = stand.daemon.config_file();
    let text = std::fs::read_to_string(&path).unwrap();
    let (kept, _) = text.split_once("[[registries]]").unwrap();
    std::fs::write(path, kept).unwrap();
    stand.daemon.restart().unwrap();
    let text = stand.watch(&newest(&stand)).failed_with("release", "pull-unauthorized");
    assert!(text.contains("pull secret"), "{text}");
}

fn killed_when_pushed(stand: &mut Stand, repository: &Repository) -> String {
    let id = stand.submit_detached("app", repository.url(), &[]);
    let pushed = stand.await_event(&id, |event| event["pushed"].is_object());
    stand.daemon.kill();
    pushed.expect("pushed")["pushed"]["digest"].as_str().unwrap().to_owned()
}

fn newest(stand: &Stand) -> String {
    let answer = stand.daemon.windlass(&["--output", "json", "jobs", "--limit", "1"]).unwrap();
    let job: serde_json::Value = serde_json::from_str(answer.text.trim()).unwrap();
    job["id"].as_str().unwrap().to_owned()
}

fn delete_manifest(path: &str) {
    let mut stream = TcpStream::connect(bed().registry()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(stream, "DELETE {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 202 "), "{answer}");
}

#[test]
fn a_rollback_puts_an_earlier_release_back_and_builds_nothing() {
    let (stand, repository) = serving("t-rollback");
    repository.write("index.html", "two\n").unwrap();
    let two = repository.commit("two").unwrap();
    stand.submit("app", repository.url(), &["--env", "COLOR=blue"]).succeeded();
    stand.serves("app", "two");
    let rollback =
        |to: &str| stand.daemon.windlass(&["rollback", "t-rollback/app", "--to", to]).unwrap();
    let answer = rollback("");
    assert_eq!(answer.code, 0, "{}", answer.text);
    assert!(!answer.text.contains("build "), "{}", answer.text);
    stand.serves("app", "one");
    let answer = rollback(&two[..12]);
    assert_eq!(answer.code, 0, "{}", answer.text);
    stand.serves("app", "two");
    let answer = rollback("0000000000");
    assert_eq!(answer.code, 2, "{}", answer.text);
    assert!(answer.text.contains("there is no release"), "{}", answer.text);
}

/// An autoscaler leaves alone what was scaled to nothing after a first release that failed.
#[test]
fn an_autoscaled_app_that_failed_first_comes_up() {
    let stand = Stand::new("t-scaled");
    let repository = stand.small_app();
    repository.commit("one").unwrap();
    let deploy = |name: &str, code: &str| {
        let scaled = "processes.web.autoscale = { max = 2, cpu = 60 }\n";
        let file = spec_file(&stand, name, &(python(code) + scaled + SMALL));
        stand.submit("app", repository.url(), &["--spec", &file])
    };
    let _ = deploy("bad", "raise SystemExit(3)").failed_with("release", "app-crashes");
    deploy("good", SERVE).succeeded();
    stand.serves("app", "one");
}

/// An autoscaler that is no release of ours says how many pods there are. What one that is gone, or a person,
/// left behind the next release puts right.
#[test]
fn what_scales_a_workload_is_left_alone() {
    let (stand, repository) = serving("t-scalers");
    let namespace = stand.namespace();
    let get = ["-n", &namespace, "get", "deployment", "app", "-o", "jsonpath={.spec.replicas}"];
    let scale = |manager: &str, replicas: u32| {
        let field = format!("--field-manager={manager}");
        let patch = format!("--patch={{\"spec\":{{\"replicas\":{replicas}}}}}");
        let _ = stand.kubectl(&[
            "-n",
            &namespace,
            "patch",
            "deployment",
            "app",
            "--subresource=scale",
            "--type=merge",
            &patch,
            &field,
        ]);
    };
    let deploy = |page: &str| {
        repository.write("index.html", page).unwrap();
        repository.commit(page).unwrap();
        stand.submit("app", repository.url(), &[]).succeeded();
        stand.serves("app", page);
        stand.kubectl(&get)
    };
    let theirs = format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{ name: theirs, namespace: {namespace} }}\nspec:\n  minReplicas: 1\n  maxReplicas: 3\n  scaleTargetRef: {{ apiVersion: apps/v1, kind: Deployment, name: app }}\n"
    );
    apply(&stand, &theirs);
    scale("keda", 2);
    assert_eq!(deploy("two"), "2");
    let _ = stand.kubectl(&["-n", &namespace, "delete", "horizontalpodautoscaler", "theirs"]);
    scale("keda", 0);
    assert_eq!(deploy("nothing"), "1");
    scale("kubectl-patch", 3);
    assert_eq!(deploy("three"), "1");

    // An autoscaler of the repository's own: there are its least.
    let own = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: { name: mine }\nspec:\n  minReplicas: 2\n  maxReplicas: 3\n  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: app }\n";
    repository.write("deploy/mine.yaml", own).unwrap();
    let spec = format!("manifests = [\"deploy/mine.yaml\"]\n{SMALL}");
    repository.write("windlass.toml", &spec).unwrap();
    let _ = deploy("four");
    let began = Instant::now();
    while stand.kubectl(&get) != "2" {
        assert!(began.elapsed() < Duration::from_secs(60), "its autoscaler says nothing");
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(deploy("five"), "2");
    repository.write("windlass.toml", SMALL).unwrap();
    assert_eq!(deploy("six"), "1", "it is gone, and so is what it said");
}

/// A StatefulSet would wait for the broken pod for ever, whether that ends or only never gets ready.
#[test]
fn an_ordered_process_comes_back() {
    let stand = Stand::new("t-ordered");
    let repository = stand.small_app();
    repository.commit("one").unwrap();
    let deploy = |name: &str, code: &str, more: &str| {
        let ordered =
            format!("processes.web = {{ stateful = true, ordered = true, replicas = 2{more} }}\n");
        let file = spec_file(&stand, name, &(python(code) + &ordered + SMALL));
        stand.submit("app", repository.url(), &["--spec", &file])
    };
    let back = |ended: &Ended, code: &str| {
        let _ = ended.failed_with("release", code);
        let namespace = stand.namespace();
        let query = ["-n", &namespace, "get", "statefulset", "app", "-o"];
        let ready = [&query[..], &["jsonpath={.status.readyReplicas}"]].concat();
        assert_eq!(stand.kubectl(&ready), "2", "{}", ended.text);
        stand.serves("app", "one");
    };
    deploy("good", SERVE, "").succeeded();
    back(&deploy("bad", "raise SystemExit(3)", ""), "app-crashes");
    let unready = ", probes.readiness.http = \"/nope\"";
    back(&deploy("unready", SERVE, unready), "health-path-missing");
}

/// Somebody else's object of the same name is left alone.
#[test]
fn an_object_that_is_not_ours_is_left_alone() {
    let stand = Stand::new("t-other");
    let namespace = stand.namespace();
    let _ = stand.kubectl(&["create", "namespace", &namespace]);
    let _ = stand.kubectl(&[
        "-n",
        &namespace,
        "create",
        "service",
        "clusterip",
        "app",
        "--tcp=80:9999",
    ]);
    let repository = stand.small_app();
    repository.commit("one").unwrap();
    let text =
        stand.submit("app", repository.url(), &[]).failed_with("release", "object-of-another");
    assert!(text.contains("Service app") && text.contains("`kubectl-create`"), "{text}");
    still(&stand, "app");
}

/// What a later version would want: neither it nor the way back touches it. The same of another app.
#[test]
fn what_belongs_to_somebody_else_outlives_the_way_back() {
    let stand = Stand::new("t-owner");
    let repository = stand.small_app();
    repository.commit("one").unwrap();
    let namespace = stand.fresh_namespace();
    stand.submit("app", repository.url(), &[]).succeeded();
    let foreign =
        ["-n", &*namespace, "create", "service", "clusterip", "app-cache", "--tcp=80:9999"];
    let _ = stand.kubectl(&foreign);
    stand.submit("app-worker", repository.url(), &[]).succeeded();
    for (process, owner) in [("cache", "`kubectl-create`"), ("worker", "the app `app-worker`")] {
        repository.commit(process).unwrap();
        let spec = format!("processes.{process} = {{ port = 9999 }}\n{SMALL}");
        let file = spec_file(&stand, process, &spec);
        let plan = ["plan", "t-owner/app", "--repository", repository.url(), "--spec", &file];
        let plan = stand.daemon.windlass(&plan).unwrap();
        assert!(plan.code != 0 && plan.text.contains(owner), "{}", plan.text);
        let answer = stand.submit("app", repository.url(), &["--spec", &file]);
        let text = answer.failed_with("release", "object-of-another");
        assert!(text.contains(owner) && text.contains("and is left as it is"), "{text}");
        stand.serves("app", "one");
    }
    still(&stand, "app-cache");
    stand.serves("app-worker", "one");
}

/// A Service that was made by hand is as it was made.
fn still(stand: &Stand, name: &str) {
    let path = "jsonpath={.spec.ports[0].targetPort} {.metadata.labels}";
    let namespace = stand.namespace();
    let found = stand.kubectl(&["-n", &namespace, "get", "service", name, "-o", path]);
    assert!(found.starts_with("9999") && !found.contains("windlass"), "{found}");
}
