//! Broken releases: the diagnosis has the cause from the real node, in seconds, and the old version serves.

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
use windlass_tests::{Ended, SERVE, SMALL, TestEnv, bed, python};

/// Starts an environment where version one serves, and returns it with its repository.
fn serving(name: &'static str) -> (TestEnv, Repository) {
    let env = TestEnv::new(name);
    let repository = env.small_app();
    repository.commit("one").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    env.serves("app", "one");
    (env, repository)
}

/// Commits another page, submits it with these arguments, and asserts the code and that version one still serves.
fn breaks(env: &TestEnv, repository: &Repository, code: &str, more: &[&str]) -> (Ended, String) {
    let (began, page) = (Instant::now(), format!("broken by {code}\n"));
    repository.write("index.html", &page).unwrap();
    repository.commit(code).unwrap();
    let ended = env.submit("app", repository.url(), more);
    let text = ended.failed_with("release", code);
    println!(
        "{code}: {:.1} s from submit to the end of the rollback",
        began.elapsed().as_secs_f32()
    );
    env.serves("app", "one");
    (ended, text)
}

#[test]
fn a_quota_that_is_used_up() {
    let (env, repository) = serving("t-room");
    env.create("quota small --hard=pods=1");
    let (_, text) = breaks(&env, &repository, "quota-exceeded", &[]);
    assert!(text.contains("exceeded quota: small"), "{text}");
    env.delete("quota/small");
    env.runs_the_next_job();
}

/// A first release that fails leaves nothing running.
#[test]
fn a_first_release_that_crashes_is_scaled_to_nothing() {
    let env = TestEnv::new("t-first");
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let ended =
        env.submit("app", repository.url(), &["--", "python3", "-c", "raise SystemExit(1)"]);
    let _ = ended.failed_with("release", "app-crashes");
    assert_eq!(env.get("deployment/app", "{.spec.replicas}"), "0");
}

/// Somebody deletes what a release needs while its pods are on their way.
#[test]
fn a_config_that_disappears() {
    let (env, repository) = serving("t-config");
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                env.delete("configmaps --selector app.kubernetes.io/managed-by=windlass");
            }
        });
        let (_, text) = breaks(&env, &repository, "config-missing", &["--env", "COLOR=blue"]);
        is_done.store(true, Ordering::Relaxed);
        assert!(text.contains("not found"), "{text}");
    });
}

/// Somebody replaces the `Secret` while the pods are on their way.
#[test]
fn a_secret_that_lacks_its_key() {
    let (env, repository) = serving("t-key");
    env.daemon.put_secret("t-key", "database", "postgres://db.example/shop").unwrap();
    let namespace = env.namespace();
    let (layout, log) = (&bed().layout, bed().layout.at("log/proxy.log"));
    // Plain HTTP to the API server: a process for each call would be slower than the node.
    let proxy =
        ["proxy", "--port", PROXY, "--kubeconfig", &layout.kubeconfig().display().to_string()];
    let mut proxy = start("proxy", &log, &layout.program("kubectl"), proxy).unwrap();
    let port = PROXY.parse().unwrap();
    await_ready(&mut proxy, &log, Duration::from_secs(20), || listens("127.0.0.1", port)).unwrap();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Ends the thread also where an assertion fails: it would go on for ever.
        let _guard = Done(&is_done);
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                replace(&namespace);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        // The node may read the `Secret` before it is replaced, or between its deletion and its creation. Then
        // another pod is tried.
        let tries = (0..8).map(|n| {
            env.delete("secrets --all");
            let more = ["--secret", "DATABASE=database", "--env", &format!("TRY={n}")];
            env.submit("app", repository.url(), &more)
        });
        let mut tries = tries.into_iter();
        let ended = tries.find(|ended| ended.diagnosis["code"] == "config-key-missing");
        let ended = ended.expect("the key is missed");
        let text = ended.failed_with("release", "config-key-missing");
        assert!(text.contains("DATABASE"), "{text}");
        assert!(!ended.text.contains("db.example"), "a secret's value is never shown");
    });
    env.serves("app", "one");
}

struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Port of the proxy, below those that the kernel gives to connections.
const PROXY: &str = "21513";

/// Replaces the app's `Secret` by another, where there is one.
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

/// Sends a request without a login, and returns the answer's body.
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

/// The image is deleted from the registry between the push and the release.
#[test]
fn an_image_that_disappears_and_a_registry_that_wants_a_login() {
    let mut env = TestEnv::new("t-image");
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let digest = killed_when_pushed(&mut env, &repository);
    delete_manifest(&format!("/v2/t-image/app/manifests/{digest}"));
    env.daemon.restart().unwrap();
    let id = newest(&env);
    let text = env.watch(&id).failed_with("release", "image-not-found");
    assert!(text.contains(&digest), "{text}");

    // The image is pushed with a login. Then the operator removes the login.
    let mut config = Config::of(bed()).unwrap();
    config.registry = bed().layout.private_registry();
    config.private_login = true;
    let mut env = TestEnv::with("t-pull", &config);
    let repository = env.small_app();
    repository.write("index.html", "pull\n").unwrap();
    repository.commit("one").unwrap();
    let _ = killed_when_pushed(&mut env, &repository);
    let path = env.daemon.config_file();
    let text = std::fs::read_to_string(&path).unwrap();
    let (kept, _) = text.split_once("[[registries]]").unwrap();
    std::fs::write(path, kept).unwrap();
    env.daemon.restart().unwrap();
    let text = env.watch(&newest(&env)).failed_with("release", "pull-unauthorized");
    assert!(text.contains("pull secret"), "{text}");
}

fn killed_when_pushed(env: &mut TestEnv, repository: &Repository) -> String {
    let id = env.submit_detached("app", repository.url(), &[]);
    let pushed = env.await_event(&id, |event| event["pushed"].is_object());
    env.daemon.kill();
    pushed.expect("pushed")["pushed"]["digest"].as_str().unwrap().to_owned()
}

fn newest(env: &TestEnv) -> String {
    let answer = env.daemon.windlass(&["--output", "json", "jobs", "--limit", "1"]).unwrap();
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
    let (env, repository) = serving("t-rollback");
    repository.write("index.html", "two\n").unwrap();
    let two = repository.commit("two").unwrap();
    env.submit("app", repository.url(), &["--env", "COLOR=blue"]).succeeded();
    env.serves("app", "two");
    let rollback =
        |to: &str| env.daemon.windlass(&["rollback", "t-rollback/app", "--to", to]).unwrap();
    let answer = rollback("");
    assert_eq!(answer.code, 0, "{}", answer.text);
    assert!(!answer.text.contains("build "), "{}", answer.text);
    env.serves("app", "one");
    let answer = rollback(&two[..12]);
    assert_eq!(answer.code, 0, "{}", answer.text);
    env.serves("app", "two");
    let answer = rollback("0000000000");
    assert_eq!(answer.code, 2, "{}", answer.text);
    assert!(answer.text.contains("there is no release"), "{}", answer.text);
}

/// An autoscaler does not scale what was scaled to zero after a first release that failed.
#[test]
fn an_autoscaled_app_that_failed_first_comes_up() {
    let env = TestEnv::new("t-scaled");
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let deploy = |name: &str, code: &str| {
        let scaled = "processes.web.autoscale = { max = 2, cpu = 60 }\n";
        let file = env.spec_file(name, &(python(code) + scaled + SMALL));
        env.submit("app", repository.url(), &["--spec", &file])
    };
    let _ = deploy("bad", "raise SystemExit(3)").failed_with("release", "app-crashes");
    deploy("good", SERVE).succeeded();
    env.serves("app", "one");
}

/// Returns an autoscaler of the app, with at least so many pods.
fn autoscaler(name: &str, least: u32) -> String {
    format!(
        "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {name}
spec:
  minReplicas: {least}
  maxReplicas: 3
  scaleTargetRef: {{ apiVersion: apps/v1, kind: Deployment, name: app }}
"
    )
}

/// An autoscaler outside of the release decides the number of pods. The next release corrects what a deleted
/// autoscaler, or a person, left behind.
#[test]
fn what_scales_a_workload_is_left_alone() {
    let (env, repository) = serving("t-scalers");
    let replicas = || env.get("deployment/app", "{.spec.replicas}");
    let scale = |manager: &str, replicas: u32| {
        let flags = ["--subresource=scale", &format!("--field-manager={manager}")];
        let patch = format!("{{\"spec\":{{\"replicas\":{replicas}}}}}");
        env.patch("deployment/app", &flags, &patch);
    };
    let deploy = |page: &str| {
        repository.write("index.html", page).unwrap();
        repository.commit(page).unwrap();
        env.submit("app", repository.url(), &[]).succeeded();
        env.serves("app", page);
        replicas()
    };
    env.apply(&autoscaler("theirs", 1));
    scale("keda", 2);
    assert_eq!(deploy("two"), "2");
    env.delete("horizontalpodautoscaler/theirs");
    scale("keda", 0);
    assert_eq!(deploy("nothing"), "1");
    scale("kubectl-patch", 3);
    assert_eq!(deploy("three"), "1");

    // With an autoscaler of the repository's own, there are `minReplicas` pods.
    repository.write("deploy/mine.yaml", &autoscaler("mine", 2)).unwrap();
    let spec = format!("manifests = [\"deploy/mine.yaml\"]\n{SMALL}");
    repository.write("windlass.toml", &spec).unwrap();
    let _ = deploy("four");
    let began = Instant::now();
    while replicas() != "2" {
        assert!(began.elapsed() < Duration::from_secs(60), "its autoscaler says nothing");
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(deploy("five"), "2");
    repository.write("windlass.toml", SMALL).unwrap();
    assert_eq!(deploy("six"), "1", "it is gone, and so is what it said");
}

/// A `StatefulSet` would wait for the broken pod for ever, whether the pod ends or only never gets ready.
#[test]
fn an_ordered_process_comes_back() {
    let env = TestEnv::new("t-ordered");
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let deploy = |name: &str, code: &str, more: &str| {
        let ordered =
            format!("processes.web = {{ stateful = true, ordered = true, replicas = 2{more} }}\n");
        let file = env.spec_file(name, &(python(code) + &ordered + SMALL));
        env.submit("app", repository.url(), &["--spec", &file])
    };
    let back = |ended: &Ended, code: &str| {
        let _ = ended.failed_with("release", code);
        let ready = env.get("statefulset/app", "{.status.readyReplicas}");
        assert_eq!(ready, "2", "{}", ended.text);
        env.serves("app", "one");
    };
    deploy("good", SERVE, "").succeeded();
    back(&deploy("bad", "raise SystemExit(3)", ""), "app-crashes");
    let unready = ", probes.readiness.http = \"/nope\"";
    back(&deploy("unready", SERVE, unready), "health-path-missing");
}

/// Somebody else's object of the same name is left alone.
#[test]
fn an_object_that_is_not_ours_is_left_alone() {
    let env = TestEnv::new("t-other");
    env.create(&format!("namespace {}", env.namespace()));
    env.create("service clusterip app --tcp=80:9999");
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let text = env.submit("app", repository.url(), &[]).failed_with("release", "object-of-another");
    assert!(text.contains("Service app") && text.contains("`kubectl-create`"), "{text}");
    still(&env, "app");
}

/// A later version needs a name that another owner's object has. Neither the release nor the rollback changes that
/// object. The same holds for an object of another app.
#[test]
fn what_belongs_to_somebody_else_outlives_the_way_back() {
    let env = TestEnv::new("t-owner");
    let repository = env.small_app();
    repository.commit("one").unwrap();
    env.fresh();
    env.submit("app", repository.url(), &[]).succeeded();
    env.create("service clusterip app-cache --tcp=80:9999");
    env.submit("app-worker", repository.url(), &[]).succeeded();
    for (process, owner) in [("cache", "`kubectl-create`"), ("worker", "the app `app-worker`")] {
        repository.commit(process).unwrap();
        let spec = format!("processes.{process} = {{ port = 9999 }}\n{SMALL}");
        let file = env.spec_file(process, &spec);
        let plan = ["plan", "t-owner/app", "--repository", repository.url(), "--spec", &file];
        let plan = env.daemon.windlass(&plan).unwrap();
        assert!(plan.code != 0 && plan.text.contains(owner), "{}", plan.text);
        let answer = env.submit("app", repository.url(), &["--spec", &file]);
        let text = answer.failed_with("release", "object-of-another");
        assert!(text.contains(owner) && text.contains("and is left as it is"), "{text}");
        env.serves("app", "one");
    }
    still(&env, "app-cache");
    env.serves("app-worker", "one");
}

/// Taking an object over leaves its uid, by which a release deletes what it has no more.
#[test]
fn what_another_tool_took_over_outlives_the_release_that_had_it() {
    let env = TestEnv::new("t-taken-over");
    env.fresh();
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let job = |name: &str| {
        format!("processes.{name} = {{ command = [\"true\"], schedule = \"30 3 * * *\" }}\n")
    };
    let both = format!("{}{}{SMALL}", job("nightly"), job("weekly"));
    let file = env.spec_file("both", &both);
    env.submit("app", repository.url(), &["--spec", &file]).succeeded();
    env.label("cronjob/app-nightly", "app.kubernetes.io/managed-by=Helm");
    let plan = ["plan", "t-taken-over/app", "--repository", repository.url()];
    let plan = env.daemon.windlass(&plan).unwrap();
    assert!(
        plan.text.contains("app-weekly") && !plan.text.contains("app-nightly"),
        "{}",
        plan.text
    );
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    let stays =
        "CronJob app-nightly is not in this release any more, and stays: it is of another tool";
    assert!(ended.text.contains(stays), "{}", ended.text);
    assert_eq!(env.names("cronjobs"), "cronjob.batch/app-nightly\n");
    let listed = env.json("configmap/windlass-app")["data"]["objects"].to_string();
    assert!(!listed.contains("app-nightly"), "{listed}");
    let again = env.submit("app", repository.url(), &[]);
    again.succeeded();
    assert!(!again.text.contains("app-nightly"), "it is said once: {}", again.text);
}

/// Asserts that a `Service` that was made by hand is unchanged.
fn still(env: &TestEnv, name: &str) {
    let parts = "{.spec.ports[0].targetPort} {.metadata.labels}";
    let found = env.get(&format!("service/{name}"), parts);
    assert!(found.starts_with("9999") && !found.contains("windlass"), "{found}");
}
