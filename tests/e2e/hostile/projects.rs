//! Two projects of one daemon against each other, at the registry and in the cluster.

use std::{
    fs,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{
    Repository,
    daemon::{Answer, Config},
    layout::PASSWORD,
    part::python::ECR_PASSWORD,
};
use windlass_tests::{SMALL, TestEnv, bed};

const PROJECT: &str = "t-projects";
const NEIGHBOUR: &str = "t-projects-evil/app";

const MOUNTS: &str = "
apiVersion: batch/v1
kind: Job
metadata:
  name: look
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: look, image: $WINDLASS_IMAGE, command: [cat, /c/.dockerconfigjson] }]
      volumes: [{ name: c, secret: { secretName: app-pull } }]
";

const OPENS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: look
rules: [{ apiGroups: [''], resources: [secrets], verbs: [get] }]
";

const TAKES: &str = "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: look
spec:
  ingressClassName: public
  rules:
    - host: t-projects.example.com
      http:
        paths:
          - { path: /login, pathType: Prefix, backend: { service: { name: app, port: { number: 80 } } } }
";

/// Returns a configuration with a login that pushes, and one for pulls. Both passwords are in files of this folder.
fn with_two_logins(folder: &Path) -> Config {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("push"), PASSWORD).unwrap();
    fs::write(folder.join("pull"), ECR_PASSWORD).unwrap();
    let mut config = Config::of(bed()).unwrap();
    config.registry = bed().layout.private_registry();
    config.tables = format!(
        "[[registries]]\nhost = \"{}\"\nusername = \"bed\"\npassword-file = \"{}\"\n\
         pull = {{ username = \"AWS\", password-file = \"{}\" }}\n",
        bed().layout.private_registry(),
        folder.join("push").display(),
        folder.join("pull").display(),
    );
    config
}

/// Returns what nodes log in with.
fn pull_secret(env: &TestEnv) -> String {
    let template = "go-template={{index .data \".dockerconfigjson\" | base64decode}}";
    env.kubectl(&["get", "secret/app-pull", "-o", template])
}

/// Plans the neighbour's app with this spec.
fn plan(env: &TestEnv, repository: &Repository, name: &str, spec: &str) -> Answer {
    let file = env.spec_file(name, &format!("{spec}\n{SMALL}"));
    let args = ["plan", NEIGHBOUR, "--repository", repository.url(), "--spec", &file];
    env.daemon.windlass(&args).unwrap()
}

#[test]
fn a_project_takes_neither_logins_nor_hosts_of_another() {
    let folder = bed().layout.at("hooks/t-projects");
    let env = TestEnv::with(PROJECT, &with_two_logins(&folder));
    let repository = env.small_app();
    repository.write("windlass.toml", "").unwrap();
    repository.write("mounts.yaml", MOUNTS).unwrap();
    repository.write("opens.yaml", OPENS).unwrap();
    repository.write("takes.yaml", TAKES).unwrap();
    repository.commit("one").unwrap();
    let exposed = "expose = { hosts = [\"t-projects.example.com\"], ingress-class = \"public\" }";
    let spec = env.spec_file("exposed", &format!("{exposed}\n{SMALL}"));
    let ended = env.submit("app", repository.url(), &["--spec", &spec]);
    ended.succeeded();

    // The image was pushed with the one login, and the namespace has the other.
    let secrets = env.names("secrets");
    assert_eq!(secrets.trim(), "secret/app-pull");
    let before = pull_secret(&env);
    assert!(before.contains(ECR_PASSWORD) && before.contains("\"AWS\""), "{before}");
    assert!(!before.contains(PASSWORD), "{before}");
    for leak in [PASSWORD, ECR_PASSWORD] {
        assert!(!ended.text.contains(leak) && !env.daemon.log().contains(leak));
    }

    // A rotated password reaches an app that runs, without a release.
    fs::write(folder.join("pull"), "rotated-by-the-operator").unwrap();
    let reloaded = env.daemon.windlass(&["plugin", "reload"]).unwrap();
    assert_eq!(reloaded.code, 0, "{}", reloaded.text);
    let began = Instant::now();
    while !pull_secret(&env).contains("rotated-by-the-operator") {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", env.daemon.log());
        // The API server is polled as `kubectl` does.
        sleep(Duration::from_millis(200));
    }

    // Whatever the neighbour asks for is refused before anything is built, with the field and the rule.
    let mounts = "[processes.web.volumes.c]\npath = \"/c\"\nsecret = \"app-pull\"";
    for (name, spec, field, problem) in [
        ("mounts", mounts, "processes.web.volumes.c.secret", "holds the operator's login"),
        ("pulls", "pull-secrets = [\"app-pull\"]", "pull-secrets", "holds the operator's login"),
        ("own", "manifests = [\"mounts.yaml\"]", "mounts.yaml", "holds the operator's login"),
        ("opens", "manifests = [\"opens.yaml\"]", "opens.yaml", "gives a right to `secrets`"),
        ("takes", "manifests = [\"takes.yaml\"]", "takes.yaml", "release of another project"),
        (
            "path",
            "expose = { hosts = [\"t-projects.example.com\"], path = \"/login\", gateway = \"infra/public\" }",
            "expose.hosts",
            "release of another project",
        ),
        (
            "snippet",
            "expose.annotations = { \"nginx.ingress.kubernetes.io/configuration-snippet\" = \"x\" }",
            "expose.annotations",
            "nginx.ingress.kubernetes.io/proxy-body-size",
        ),
    ] {
        let answer = plan(&env, &repository, name, spec);
        assert_ne!(answer.code, 0, "{name}: {}", answer.text);
        // Lines are wrapped for people.
        let text = answer.text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(field) && text.contains(problem), "{name}: {text}");
    }
    let free = exposed.replace("t-projects.", "free.");
    let answer = plan(&env, &repository, "free", &free);
    assert_eq!(answer.code, 0, "{}", answer.text);

    // A request that names a reserved Secret itself is not accepted.
    let file = env.spec_file("submitted", mounts);
    let args = ["submit", NEIGHBOUR, "--repository", repository.url(), "--spec", &file, "--detach"];
    let answer = env.daemon.windlass(&args).unwrap();
    assert_eq!(answer.code, 2, "{}", answer.text);
    assert!(answer.text.contains("processes.web.volumes.c.secret"), "{}", answer.text);

    // Without a login nothing new is released, and what serves is put back with the pull secret that there is.
    fs::remove_file(folder.join("pull")).unwrap();
    let ended = env.submit("app", repository.url(), &["--spec", &spec, "--env", "COLOR=blue"]);
    let text = ended.failed_with("release", "registry-login-failed");
    assert!(text.contains("password-file") && text.contains("pull: No such file"), "{text}");
    assert!(ended.text.contains("stays as it is"), "{}", ended.text);
    assert!(pull_secret(&env).contains("rotated-by-the-operator"));
    env.serves("app", "one");
}
