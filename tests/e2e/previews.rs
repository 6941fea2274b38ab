//! Removals and previews on a real cluster: what goes, and what of others stays.

use serde_json::Value;
use std::{
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::Repository;
use windlass_tests::{Namespace, SMALL, TestEnv, bed, python};

/// Time in which a namespace is gone: its pods end first.
const GONE: Duration = Duration::from_secs(120);

/// Kinds of which a removal leaves nothing.
const KINDS: &str = "deployments,replicasets,pods,services,secrets,networkpolicies,poddisruptionbudgets,cronjobs,jobs,horizontalpodautoscalers";

/// Removes an app of an environment, and returns what the client printed.
fn remove(env: &TestEnv, app: &str, more: &[&str]) -> String {
    let mut args = vec!["remove", app, "--yes"];
    args.extend(more);
    let answer = env.daemon.windlass(&args).unwrap();
    assert_eq!(answer.code, 0, "{}\n{}", answer.text, env.daemon.log());
    answer.text
}

/// Waits until a namespace does not exist.
pub(super) fn await_gone(namespace: &Namespace) {
    let began = Instant::now();
    let what = format!("namespace/{} --ignore-not-found", namespace.as_str());
    while !namespace.names(&what).is_empty() {
        assert!(began.elapsed() < GONE, "{} is still there", namespace.as_str());
        sleep(Duration::from_millis(500));
    }
}

fn volume(name: &str) {
    let folder = bed().layout.at(&format!("daemons/{name}/volume"));
    std::fs::create_dir_all(&folder).unwrap();
    Namespace::of(&format!("{name}--production")).apply(&format!(
        "
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: {name}
  labels: {{ test: {name} }}
provisioner: kubernetes.io/no-provisioner
---
apiVersion: v1
kind: PersistentVolume
metadata:
  name: {name}
  labels: {{ test: {name} }}
spec:
  capacity: {{ storage: 1Gi }}
  accessModes: [ReadWriteOnce]
  storageClassName: {name}
  persistentVolumeReclaimPolicy: Retain
  hostPath: {{ path: {} }}
",
        folder.display()
    ));
}

#[test]
fn a_removal_leaves_what_is_not_its_own_and_what_holds_data() {
    let env = TestEnv::new("t-remove");
    let app = "t-remove/app";
    let volumes = "persistentvolumes,storageclasses --selector test=t-remove";
    env.delete("namespace/t-remove--production");
    env.delete(volumes);
    volume("t-remove");
    env.daemon.put_secret("t-remove", "database", "postgres://db.example/shop").unwrap();
    let repository = env.small_app();
    let disk = "[processes.web]\nvolumes.data = { path = \"/data\", size = \"1Gi\", class = \"t-remove\" }\n";
    repository.write("windlass.toml", &format!("{SMALL}{disk}")).unwrap();
    repository.commit("one").unwrap();
    let deploy = || env.submit("app", repository.url(), &["--secret", "DATABASE=database"]);
    deploy().succeeded();
    env.create("configmap foreign --from-literal=note=keep");

    let plan = env.daemon.windlass(&["remove", app, "--dry-run"]).unwrap();
    for object in ["Deployment app", "Service app", "Secret app-secrets-", "ConfigMap windlass-app"]
    {
        assert!(plan.text.contains(object), "{object}: {}", plan.text);
    }
    assert!(plan.text.contains("stays: it holds data"), "{}", plan.text);
    assert!(!plan.text.contains("foreign"), "{}", plan.text);
    env.serves("app", "one");
    // Nobody can be asked here.
    let unasked = env.daemon.windlass(&["remove", app]).unwrap();
    assert_eq!(unasked.code, 2, "{}", unasked.text);
    env.serves("app", "one");

    let text = remove(&env, app, &[]);
    assert!(text.contains("is removed"), "{text}");
    assert_eq!(env.names(KINDS), "");
    let maps = env.names("configmaps");
    assert_eq!(
        maps.lines().collect::<Vec<_>>(),
        ["configmap/foreign", "configmap/kube-root-ca.crt"]
    );
    assert_eq!(env.names("serviceaccounts"), "serviceaccount/default\n");
    assert_eq!(env.names("persistentvolumeclaims"), "persistentvolumeclaim/app-data\n");
    let back = env.daemon.windlass(&["rollback", app]).unwrap();
    assert!(back.code != 0 && back.text.contains("was removed"), "{}", back.text);

    // It is deployed as if for the first time, and finds its data.
    deploy().succeeded();
    env.serves("app", "one");
    remove(&env, app, &["--data"]);
    assert_eq!(env.names("persistentvolumeclaims"), "");
    assert!(env.names("configmaps").contains("configmap/foreign"));

    // With nothing of others in it, the namespace that Windlass made goes too.
    env.delete("configmap/foreign");
    remove(&env, app, &["--data"]);
    await_gone(&Namespace::of("t-remove--production"));
    env.delete_later(volumes);
}

#[test]
fn a_daemon_that_is_killed_in_a_removal_goes_on_with_it() {
    let mut env = TestEnv::new("t-remove-kill");
    env.delete("namespace/t-remove-kill--production");
    let repository = env.small_app();
    repository.commit("one").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    let args = ["--output", "json", "remove", "t-remove-kill/app", "--yes", "--detach"];
    let answer = env.daemon.windlass(&args).unwrap();
    let job: Value = serde_json::from_str(answer.text.trim()).unwrap();
    let id = job["id"].as_str().unwrap().to_owned();
    assert!(env.await_event(&id, |event| event["planned"].is_object()).is_some());
    env.daemon.kill();
    env.daemon.restart().unwrap();
    env.watch(&id).succeeded();
    await_gone(&Namespace::of("t-remove-kill--production"));
}

/// A namespace that an admin made stays, whatever is in it.
#[test]
fn a_namespace_of_an_admin_stays() {
    let env = TestEnv::new("t-remove-ours");
    env.fresh();
    let repository = env.small_app();
    repository.commit("one").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    remove(&env, "t-remove-ours/app", &[]);
    assert_eq!(env.names(KINDS), "");
    assert!(!env.names("namespace/t-remove-ours--production").is_empty());
}

/// Gives the daemon a project with previews.
fn with_previews(env: &TestEnv, repository: &Repository) {
    let project = format!(
        "project = \"{name}\"\n[repositories.app]\nurl = \"{url}\"\n[apps.app]\n\
         [previews]\nlimit = 1\nsecrets = [\"preview\"]\n",
        name = env.name,
        url = repository.url()
    );
    let file = env.spec_file("project", &project);
    let applied = env.daemon.windlass(&["project", "apply", "-f", &file]).unwrap();
    assert_eq!(applied.code, 0, "{}", applied.text);
}

#[test]
fn a_preview_has_its_own_namespace_and_few_secrets_and_ends_whole() {
    let env = TestEnv::new("t-preview");
    let preview = Namespace::of("t-preview--pr-blue");
    preview.delete("namespace/t-preview--pr-blue");
    for name in ["preview", "database"] {
        env.daemon.put_secret("t-preview", name, "postgres://db.example/shop").unwrap();
    }
    let repository = env.small_app();
    repository.write("windlass.toml", &format!("replicas = 3\n{SMALL}")).unwrap();
    repository.commit("one").unwrap();
    with_previews(&env, &repository);
    env.submit("app", repository.url(), &["--secret", "DATABASE=database"]).succeeded();
    env.serves("app", "one");

    // In the request, and in the app's own file.
    let blue = ["--preview", "blue"];
    let refused = env.submit(
        "app",
        repository.url(),
        &[&blue[..], &["--secret", "DATABASE=database"]].concat(),
    );
    assert!(refused.text.contains("spec.secrets.DATABASE"), "{}", refused.text);
    let file = format!("{SMALL}[secrets]\nDATABASE = \"database\"\n");
    repository.write("windlass.toml", &file).unwrap();
    repository.commit("two").unwrap();
    let refused = env.submit("app", repository.url(), &blue);
    assert_eq!(refused.outcome, "failed", "{}", refused.text);
    assert!(refused.text.contains("secrets.DATABASE"), "{}", refused.text);

    let file = format!("replicas = 3\n{SMALL}[secrets]\nDATABASE = \"preview\"\n");
    repository.write("windlass.toml", &file).unwrap();
    repository.write("index.html", "blue\n").unwrap();
    repository.commit("three").unwrap();
    env.submit("app", repository.url(), &blue).succeeded();
    preview.await_page("app", "blue").unwrap();
    assert_eq!(preview.get("deployment/app", "{.spec.replicas}"), "1");
    env.serves("app", "one");
    let red = env.submit("app", repository.url(), &["--preview", "red"]);
    assert!(red.text.contains("`previews.limit` is 1"), "{}", red.text);
    let list = || env.daemon.windlass(&["previews", "t-preview"]).unwrap().text;
    assert!(list().contains("t-preview/app/pr-blue") && list().contains("open"), "{}", list());

    remove(&env, "t-preview/app/pr-blue", &["--data"]);
    await_gone(&preview);
    assert!(list().contains("removed"), "{}", list());
    env.serves("app", "one");
}

/// A pull request is closed while its preview deploys: nothing is left, also of what the release had made by then.
#[test]
fn a_preview_that_ends_while_it_deploys_leaves_nothing() {
    let env = TestEnv::new("t-preview-late");
    let preview = Namespace::of("t-preview-late--pr-blue");
    preview.delete("namespace/t-preview-late--pr-blue");
    let repository = env.small_app();
    // It never listens, so that its release waits for it.
    let file = format!("{}{SMALL}", python("import time; time.sleep(600)"));
    repository.write("windlass.toml", &file).unwrap();
    repository.commit("one").unwrap();
    with_previews(&env, &repository);
    let id = env.submit_detached("app", repository.url(), &["--preview", "blue"]);
    let waits = |event: &Value| {
        let sentence = event["sentence"].as_str().unwrap_or_default();
        event["kind"] == "step" && sentence.contains(": wait until")
    };
    let waits = env.await_event(&id, waits);
    assert!(waits.is_some(), "{:#?}", env.events(&id));
    assert_eq!(env.daemon.windlass(&["cancel", &id]).unwrap().code, 0);
    remove(&env, "t-preview-late/app/pr-blue", &["--data"]);
    await_gone(&preview);
    assert_eq!(env.watch(&id).outcome, "stopped");
}
