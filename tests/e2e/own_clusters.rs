//! Clusters of a project's own: the bed's Kubernetes, with the token of an account that the test makes.

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{
    daemon::{Answer, Config},
    layout::HOST,
};
use windlass_tests::{Namespace, TestEnv, bed, kubeconfig_of};

const PROJECT: &str = "t-own";
const NAMESPACE: &str = "t-own--production";

/// Time in which the API server knows of a Role or an account.
const KNOWN: Duration = Duration::from_secs(15);

/// Makes an account of the namespace, and returns a token of it.
fn account(namespace: &Namespace, name: &str) -> String {
    namespace.create(&format!("serviceaccount {name}"));
    namespace.create(&format!("token {name} --duration=1h")).trim().to_owned()
}

/// Writes the admin's kubeconfig with another user.
fn written(name: &str, user: &str) -> PathBuf {
    let file = bed().layout.at(&format!("{PROJECT}-{name}.kubeconfig"));
    fs::write(&file, kubeconfig_of(user)).unwrap();
    file
}

fn put(env: &TestEnv, name: &str, file: &Path, more: &[&str]) -> Answer {
    let file = file.display().to_string();
    let args = ["cluster", "put", PROJECT, name, "--kubeconfig", &file];
    env.daemon.windlass(&[&args[..], more].concat()).unwrap()
}

/// Puts a cluster until its rights are known to be enough.
fn put_in_time(env: &TestEnv, name: &str, file: &Path) -> Answer {
    let began = Instant::now();
    loop {
        let answer = put(env, name, file, &[]);
        if answer.code == 0 {
            return answer;
        }
        assert!(began.elapsed() < KNOWN, "{}", answer.text);
        // Authorizers have no event for it.
        sleep(Duration::from_millis(300));
    }
}

fn refused(answer: &Answer, text: &str) {
    assert_eq!(answer.code, 2, "{}", answer.text);
    assert!(answer.text.contains(text), "{text}: {}", answer.text);
}

#[test]
fn a_project_brings_a_cluster_rotates_its_token_and_removes_it() {
    let namespace = Namespace::of(NAMESPACE);
    namespace.fresh();
    let first = account(&namespace, "first");
    let file = written("first", &format!("token: {first}"));
    let mut config = Config::of(bed()).unwrap();
    config.tables =
        format!("[own-clusters]\nallow = [\"{HOST}\"]\nprivate-addresses = [\"{HOST}/32\"]\n");
    let env = TestEnv::with(PROJECT, &config);
    let repository = env.small_app();
    repository.commit("one").unwrap();

    // Without rights it is refused, with the Role that grants them.
    let answer = put(&env, "ours", &file, &[]);
    refused(&answer, "code: cluster-forbids");
    let (_, role) = answer.text.split_once("in cluster `ours`:\n").unwrap();
    let (role, _) = role.split_once("\n  code:").unwrap();
    assert!(role.contains("kind: Role") && role.contains("[\"deployments\"]"), "{role}");
    let listed = env.daemon.windlass(&["cluster", "list", PROJECT]).unwrap();
    assert!(listed.text.contains("no cluster of its own"), "{}", listed.text);
    namespace.apply(role);
    namespace.create(
        "rolebinding windlass --role=windlass-missing --serviceaccount=t-own--production:first",
    );
    let answer = put_in_time(&env, "ours", &file);
    assert!(answer.text.contains("version 1, is stored"), "{}", answer.text);

    // The next job goes there, and not to the operator's.
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    env.serves("app", "one");
    let releases = env.daemon.windlass(&["releases", "t-own/app"]).unwrap().text;
    assert!(releases.lines().nth(1).is_some_and(|line| line.ends_with(" in ours")), "{releases}");

    // Another account takes its place, and the first one is gone: the daemon is not started again.
    let second = account(&namespace, "second");
    namespace.create(
        "rolebinding second --role=windlass-missing --serviceaccount=t-own--production:second",
    );
    let file = written("second", &format!("token: {second}"));
    assert!(put_in_time(&env, "ours", &file).text.contains("version 2, is stored"));
    namespace.delete("serviceaccount/first");
    repository.write("index.html", "two\n").unwrap();
    repository.commit("two").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    env.serves("app", "two");
    let tested = env.daemon.windlass(&["--output", "json", "cluster", "test", PROJECT, "ours"]);
    let tested: Value = serde_json::from_str(tested.unwrap().text.trim()).unwrap();
    assert!(
        tested["kubernetes"].as_str().is_some_and(|version| version.starts_with('v')),
        "{tested}"
    );
    assert_eq!(tested["missing_roles"], serde_json::json!([]));

    // Another project has no such cluster.
    let other =
        ["submit", "t-own-other/app", "--repository", repository.url(), "--cluster", "ours"];
    let other = env.daemon.windlass(&other).unwrap();
    refused(&other, "`ours` is no cluster for t-own-other/app");

    for token in [&first, &second] {
        env.keeps_nothing_of(token);
        assert!(!ended.text.contains(&**token));
    }

    // Removed: what serves goes on, and whoever names it learns how to get it back.
    let removed = env.daemon.windlass(&["cluster", "remove", PROJECT, "ours"]).unwrap();
    assert_eq!(removed.code, 0, "{}", removed.text);
    assert!(removed.text.contains("t-own/app/production"), "{}", removed.text);
    env.serves("app", "two");
    let history = ["--output", "json", "cluster", "history", PROJECT, "ours"];
    let history = env.daemon.windlass(&history).unwrap().text;
    let versions: Vec<Value> =
        history.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shown: Vec<_> = versions.iter().map(|one| (&one["version"], &one["removed"])).collect();
    let [one, two, three] = [1, 2, 3].map(Value::from);
    let [there, gone] = [false, true].map(Value::from);
    assert_eq!(shown, [(&three, &gone), (&two, &there), (&one, &there)], "{history}");
    let named = ["submit", "t-own/app", "--repository", repository.url(), "--cluster", "ours"];
    for command in [&named[..], &["remove", "t-own/app", "--yes"], &["rollback", "t-own/app"]] {
        let answer = env.daemon.windlass(command).unwrap();
        refused(&answer, "was removed");
        assert!(answer.text.contains("windlass cluster put t-own ours"), "{}", answer.text);
    }
    assert_eq!(put(&env, "ours", &file, &[]).code, 0);
    let removal = env.daemon.windlass(&["remove", "t-own/app", "--yes"]).unwrap();
    assert_eq!(removal.code, 0, "{}", removal.text);
    assert_eq!(env.names("deployments").trim(), "");
}

/// Whatever a kubeconfig holds: nothing is run or read on the daemon's machine, and no private address is reached that
/// the operator did not name.
#[test]
fn a_kubeconfig_reaches_nothing_that_the_operator_did_not_allow() {
    let marker = bed().layout.at("t-own-refused.marker");
    let _ = fs::remove_file(&marker);
    let exec = format!(
        "exec: {{ apiVersion: client.authentication.k8s.io/v1, command: touch, args: [\"{}\"] }}",
        marker.display()
    );
    let mut config = Config::of(bed()).unwrap();
    let env = TestEnv::with("t-own-closed", &config);
    let put = |env: &TestEnv, file: &Path| {
        let file = file.display().to_string();
        let args = ["cluster", "put", env.name, "ours", "--kubeconfig", &file];
        env.daemon.windlass(&[&args[..], &["--no-check"]].concat()).unwrap()
    };
    let token = written("refused-token", "token: hunter22");
    refused(
        &put(&env, &token),
        "the operator allows hosts by `own-clusters.allow`, and has allowed none",
    );
    drop(env);

    // The host is allowed, its address is not.
    config.tables = format!("[own-clusters]\nallow = [\"{HOST}\", \"localhost\"]\n");
    let env = TestEnv::with("t-own-refused", &config);
    refused(&put(&env, &token), "`own-clusters.private-addresses`");
    refused(
        &put(&env, &written("refused-exec", &exec)),
        ".user.exec: `(not shown)` wants a program",
    );
    let file = written("refused-file", "tokenFile: /etc/passwd");
    refused(&put(&env, &file), ".user.tokenFile: `(not shown)` names a file");

    // A name is resolved when the connection is made. Stored unchecked, it does not help either.
    let own = format!("https://{HOST}");
    let named = fs::read_to_string(&token).unwrap().replace(&own, "https://localhost");
    let file = bed().layout.at("t-own-refused-name.kubeconfig");
    fs::write(&file, named).unwrap();
    let stored = put(&env, &file);
    assert_eq!(stored.code, 0, "{}", stored.text);
    assert!(stored.text.contains("localhost is "), "{}", stored.text);
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    let text = ended.failed_with("release", "cluster-not-trusted");
    assert!(text.contains("own-clusters.private-addresses"), "{text}");
    assert!(!marker.exists(), "a program of the kubeconfig was run");
}

/// Whoever has a cluster reads all Secrets in it: the operator's login stays away, and nobody learns so from pods alone.
#[test]
fn nodes_that_get_no_login_of_the_operators_are_warned_of_and_explained() {
    let namespace = Namespace::of("t-own-pull--production");
    namespace.fresh();
    let token = account(&namespace, "admin");
    namespace.create(
        "rolebinding admin --clusterrole=cluster-admin --serviceaccount=t-own-pull--production:admin",
    );
    let file = written("pull", &format!("token: {token}"));
    let mut config = Config::of(bed()).unwrap();
    config.registry = bed().layout.private_registry();
    config.private_login = true;
    config.tables =
        format!("[own-clusters]\nallow = [\"{HOST}\"]\nprivate-addresses = [\"{HOST}/32\"]\n");
    let env = TestEnv::with("t-own-pull", &config);
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let file = file.display().to_string();
    let put = ["cluster", "put", "t-own-pull", "ours", "--kubeconfig", &file, "--no-check"];
    let test = ["cluster", "test", "t-own-pull", "ours"];
    for command in [&put[..], &test[..]] {
        let text = env.daemon.windlass(command).unwrap().text;
        assert!(text.contains("get none of the operator's logins"), "{text}");
        assert!(text.contains("own-clusters.pull-secrets"), "{text}");
    }
    let ended = env.submit("app", repository.url(), &[]);
    // Nodes have several words for a login that is missing.
    let code = ended.diagnosis["code"].as_str().unwrap_or_default();
    assert!(["pull-unauthorized", "pull-denied"].contains(&code), "{}", ended.text);
    let text = ended.failed_with("release", code);
    assert!(text.contains("windlass registry put t-own-pull HOST --images"), "{text}");
    assert!(!env.names("secrets").contains("-pull"), "no login is there");
}
