//! Registries that projects bring: put, used, rotated and refused, on the bed's registry with a login.

use serde_json::Value;
use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{
    Repository,
    daemon::{Answer, Config},
    layout::{HOST, PASSWORD},
    part::python::ECR_PASSWORD,
};
use windlass_tests::{SMALL, TestEnv, bed, dockerfile};

const PROJECT: &str = "t-own-registries";
const NEIGHBOUR: &str = "t-own-neighbour/app";

/// Returns a configuration that lets projects bring the bed's private registry, and no other.
fn allowing() -> Config {
    let host = bed().layout.private_registry();
    let mut config = Config::of(bed()).unwrap();
    config.tables = format!(
        "[own-registries]\nallow = [\"{host}\"]\nprivate-addresses = [\"{HOST}/32\"]\n\
         plain-http = [\"{host}\"]\n"
    );
    config
}

/// A project, and the files with its passwords.
struct Tenant {
    env: TestEnv,
    host: String,
}

impl Tenant {
    /// Puts the registry with the passwords of a user that pushes and of one that pulls.
    fn put(&self, push: &str, pull: &str, more: &[&str]) -> Answer {
        let folder = bed().layout.at("hooks/t-own-registries");
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, password: &str| {
            let path = folder.join(name);
            // As an editor writes it.
            fs::write(&path, format!("{password}\n")).unwrap();
            path.display().to_string()
        };
        let (push, pull) = (file("push", push), file("pull", pull));
        let images = format!("{}/t-own", self.host);
        let mut args = vec!["--output", "json", "registry", "put", PROJECT, &self.host];
        args.extend(["--images", &images, "--push-user", "bed", "--push-password-file", &push]);
        args.extend(["--pull-user", "AWS", "--pull-password-file", &pull]);
        args.extend(more);
        self.env.daemon.windlass(&args).unwrap()
    }

    fn stores(&self, push: &str, pull: &str, more: &[&str]) {
        let answer = self.put(push, pull, more);
        assert_eq!(answer.code, 0, "{}", answer.text);
    }

    fn list(&self) -> Vec<Value> {
        let args = ["--output", "json", "registry", "list", PROJECT];
        let text = self.env.daemon.windlass(&args).unwrap().text;
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns what nodes log in with.
    fn pull_secret(&self) -> String {
        let template = "go-template={{index .data \".dockerconfigjson\" | base64decode}}";
        self.env.kubectl(&["get", "secret/app-pull", "-o", template])
    }

    fn await_pull_secret(&self, password: &str) {
        let began = Instant::now();
        while !self.pull_secret().contains(password) {
            assert!(began.elapsed() < Duration::from_secs(60), "{}", self.env.daemon.log());
            // The API server is polled as `kubectl` does.
            sleep(Duration::from_millis(200));
        }
    }
}

#[test]
fn a_project_brings_its_registry_and_nobody_else_uses_it() {
    let env = TestEnv::with(PROJECT, &allowing());
    let tenant = Tenant { env, host: bed().layout.private_registry() };
    let env = &tenant.env;

    // Only what the operator allows, and only with a login that works.
    let args = ["registry", "put", PROJECT, "ghcr.io", "--push-plugin", "registry-static"];
    let answer = env.daemon.windlass(&args).unwrap();
    assert_eq!(answer.code, 2, "{}", answer.text);
    assert!(answer.text.contains("own-registries.allow"), "{}", answer.text);
    let answer = tenant.put("wrong-password", ECR_PASSWORD, &[]);
    assert_eq!(answer.code, 2, "{}", answer.text);
    assert!(answer.text.contains("push: ") && answer.text.contains("refuses the login: 401"));
    assert!(answer.text.contains("own-registry-failed"), "{}", answer.text);
    assert!(tenant.list().is_empty(), "nothing is stored");
    tenant.stores(PASSWORD, ECR_PASSWORD, &[]);
    let listed = tenant.list();
    assert_eq!(listed[0]["host"], tenant.host.as_str());
    assert_eq!(listed[0]["version"], 1);
    assert_eq!(listed[0]["push"]["user"], "bed");
    assert_eq!(listed[0]["pull"]["user"], "AWS");
    let tested = env.daemon.windlass(&["registry", "test", PROJECT, &tenant.host]).unwrap();
    assert_eq!(tested.code, 0, "{}", tested.text);

    // The image is pushed there with the one login, and nodes pull it with the other.
    let repository = env.small_app();
    let commit = repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    env.serves("app", "one");
    let image = env.get("deployment/app", "{.spec.template.spec.containers[0].image}");
    let place = format!("{}/t-own/app", tenant.host);
    assert!(image.starts_with(&format!("{place}@sha256:")), "{image}");
    let secret = tenant.pull_secret();
    assert!(secret.contains(ECR_PASSWORD) && !secret.contains(PASSWORD), "{secret}");
    for leak in [PASSWORD, ECR_PASSWORD] {
        assert!(!ended.text.contains(leak) && !env.daemon.log().contains(leak));
    }
    env.keeps_nothing_of(ECR_PASSWORD);

    // A neighbour has no login there, and its own images go to the operator's registry.
    let foreign = format!("FROM {place}:{commit}\nCMD [\"true\"]\n");
    repository.write("Dockerfile", &foreign).unwrap();
    repository.commit("foreign").unwrap();
    let id = env.submit_detached_as(NEIGHBOUR, repository.url(), &[]);
    let text = env.watch(&id).failed_with("build", "registry-denied");
    assert!(!text.contains("windlass registry put"), "{text}");

    repository.write("Dockerfile", &dockerfile()).unwrap();
    rotated(&tenant, &repository);
    taken_back(&tenant, &repository);
}

/// Logins that are put take effect without a restart. Those that the registry refuses name the command that renews them.
fn rotated(tenant: &Tenant, repository: &Repository) {
    let env = &tenant.env;
    let renews = format!("windlass registry put {PROJECT} {} --images", tenant.host);

    // Nodes: the image of a new commit is not there yet.
    tenant.stores(PASSWORD, "rotated-by-mistake", &["--no-check"]);
    assert!(tenant.list()[0]["finding"].as_str().unwrap().contains("pull: "));
    tenant.await_pull_secret("rotated-by-mistake");
    repository.write("index.html", "two\n").unwrap();
    repository.commit("two").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    // Nodes have several words for a password that is wrong.
    let code = ended.diagnosis["code"].as_str().unwrap_or_default();
    assert!(["pull-unauthorized", "pull-denied"].contains(&code), "{}", ended.text);
    let text = ended.failed_with("release", code);
    assert!(text.contains(&renews), "{text}");
    env.serves("app", "one");

    // The push.
    tenant.stores("rotated-by-mistake", ECR_PASSWORD, &["--no-check"]);
    repository.write("index.html", "three\n").unwrap();
    repository.commit("three").unwrap();
    let text = env.submit("app", repository.url(), &[]).failed_with("push", "own-registry-failed");
    assert!(text.contains(&renews), "{text}");

    tenant.stores(PASSWORD, ECR_PASSWORD, &[]);
    tenant.await_pull_secret(ECR_PASSWORD);
    env.submit("app", repository.url(), &[]).succeeded();
    env.serves("app", "three");
    assert_eq!(tenant.list()[0]["version"], 4);
}

/// The operator decides at each use. A host that both have is refused with both names, and a removal ends it.
fn taken_back(tenant: &Tenant, repository: &Repository) {
    let env = &tenant.env;
    repository.write("index.html", "four\n").unwrap();
    repository.commit("four").unwrap();
    let reload = |config: &str| {
        fs::write(env.daemon.config_file(), config).unwrap();
        let reloaded = env.daemon.windlass(&["plugin", "reload"]).unwrap();
        assert_eq!(reloaded.code, 0, "{}", reloaded.text);
    };
    let before = fs::read_to_string(env.daemon.config_file()).unwrap();
    let password = bed().layout.at("hooks/t-own-registries/push");
    reload(&format!(
        "{before}[[registries]]\nhost = \"{}\"\nusername = \"bed\"\npassword-file = \"{}\"\n",
        tenant.host,
        password.display()
    ));
    let text =
        env.submit("app", repository.url(), &[]).failed_with("detect", "own-registry-failed");
    assert!(text.contains("is the operator's and one of project"), "{text}");
    let remove = format!("windlass registry remove {PROJECT} {}", tenant.host);
    assert!(text.contains(&remove), "{text}");
    let (without, _) = before.split_once("[own-registries]").unwrap();
    reload(without);
    let text =
        env.submit("app", repository.url(), &[]).failed_with("detect", "own-registry-failed");
    assert!(text.contains("own-registries.allow"), "{text}");
    env.serves("app", "three");

    let args = ["registry", "remove", PROJECT, &*tenant.host];
    let removed = env.daemon.windlass(&args).unwrap();
    assert_eq!(removed.code, 0, "{}", removed.text);
    assert!(tenant.list().is_empty());
    let args = ["--output", "json", "registry", "history", PROJECT, &*tenant.host];
    let text = env.daemon.windlass(&args).unwrap().text;
    let versions: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<_> = versions.iter().map(|one| one["version"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    assert_eq!(versions[0]["removed"], true);
    assert!(versions.iter().all(|one| one["by"].as_str().is_some_and(|by| !by.is_empty())));
    assert!(versions[3]["finding"].as_str().unwrap().contains("pull: "), "{text}");
    assert!(!text.contains(PASSWORD) && !text.contains(ECR_PASSWORD), "{text}");
    let spec = env.spec_file("small", SMALL);
    env.submit("app", repository.url(), &["--spec", &spec]).succeeded();
    let image = env.get("deployment/app", "{.spec.template.spec.containers[0].image}");
    assert!(image.starts_with(&format!("{}/{PROJECT}/app@", bed().registry())), "{image}");
}
