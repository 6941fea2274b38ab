//! Requests at the door: errors of wrong requests, exit codes, rights, configuration, plugins that misbehave.

use std::{fs, os::unix::fs::symlink, process::Command};
use windlass_bed::{
    build::{plugins, programs},
    daemon::Config,
    part::pki,
    process::{run, sh},
};
use windlass_tests::{TestEnv, bed, kubeconfig_of};

#[test]
fn wrong_requests_name_the_field_and_the_rule() {
    let env = TestEnv::new("t-face");
    let refused = |args: &[&str], expected: &[&str]| {
        let answer = env.daemon.windlass(args).unwrap();
        assert_eq!(answer.code, 2, "{}", answer.text);
        for text in expected {
            assert!(answer.text.contains(text), "{text}: {}", answer.text);
        }
    };
    let id = "0123456789012345678901234567890123456789";
    let submit = |app: &'static str, more: &[&'static str]| -> Vec<&'static str> {
        [&["submit", app, "--revision", id, "--repository", "https://git.example/x"], more].concat()
    };
    refused(&submit("t-face/Web!", &[]), &["app.name", "Web!", "a-z"]);
    refused(&submit("/web", &[]), &["app.project", "is empty"]);
    refused(&submit("t-face/web", &["--port", "70000"]), &["spec.port", "70000", "1 to 65535"]);
    refused(
        &submit("t-face/web", &["--memory", "lots"]),
        &["spec.resources.memory", "lots", "128Mi"],
    );
    refused(&submit("t-face/web", &["--health", "healthz"]), &["spec.health", "starts with `/`"]);
    refused(&submit("t-face/web", &["--replicas", "101"]), &["spec.replicas", "0 to 100"]);
    refused(&["submit", "web"], &["--repository"]);
    refused(&["show", "nothing"], &["there is no job `nothing`", "windlass jobs"]);
    refused(&["rollback", "t-face/web"], &["has no earlier release"]);
    refused(&["secret", "put", "t-face", "Bad"], &["name", "from a letter"]);
    refused(&["secret", "put", "t-face", "short"], &["value", "could not be masked"]);
    refused(&["jobs", "--state", "asleep"], &["asleep", "rolling-back"]);
    refused(&["jobs", "--state", "turning-back"], &["its name is `rolling-back` now"]);

    let answer = env.daemon.windlass(&["--address", "unix:///nowhere.sock", "jobs"]).unwrap();
    assert_eq!(answer.code, 3, "{}", answer.text);
    assert!(answer.text.contains("start windlassd"), "{}", answer.text);
    let answer = env.daemon.windlass(&["completion", "bash"]).unwrap();
    assert!(answer.code == 0 && answer.text.contains("_windlass"));
}

/// The address has the form that people paste from their forge's "clone" box.
#[test]
fn a_token_in_an_address_is_refused_and_kept_nowhere() {
    let env = TestEnv::new("t-pasted");
    let url = "https://deploy:glpat-Pasted0123456789@git.example/shop/web.git";
    for command in ["submit", "plan"] {
        let args = [command, "t-pasted/web", "--repository", url, "--revision", "main"];
        let answer = env.daemon.windlass(&args).unwrap();
        assert_eq!(answer.code, 2, "{}", answer.text);
        assert!(!answer.text.contains("Pasted0123456789"), "{}", answer.text);
        for word in ["source.repository", "source.credential", "https://***@git.example"] {
            assert!(answer.text.contains(word), "{word}: {}", answer.text);
        }
    }
    let jobs = env.daemon.windlass(&["jobs", "--project", "t-pasted"]).unwrap();
    assert_eq!((jobs.code, &*jobs.text), (0, ""));
    env.keeps_nothing_of("Pasted0123456789");
}

#[test]
fn the_same_request_is_one_job_and_plans_change_nothing() {
    let env = TestEnv::new("t-plan");
    let repository = env.repository();
    repository.write("go.mod", "module example.com/x\n\ngo 1.24\n").unwrap();
    repository.write("main.go", "package main\n\nfunc main() {}\n").unwrap();
    repository.commit("go").unwrap();
    let url = repository.url();
    let answer = env.daemon.windlass(&["plan", "t-plan/app", "--repository", url]).unwrap();
    assert_eq!(answer.code, 0, "{}", answer.text);
    for part in
        ["go.mod: a Go module", "FROM golang:1-bookworm AS build", "+ create Deployment app"]
    {
        assert!(answer.text.contains(part), "{}", answer.text);
    }
    let namespaces = env.names("namespaces");
    assert!(!namespaces.contains("t-plan"), "{namespaces}");

    let submit = |revision: &str| {
        let args = [
            "submit",
            "t-plan/app",
            "--repository",
            url,
            "--revision",
            revision,
            "--request-id",
            "one",
            "--detach",
        ];
        env.daemon.windlass(&args).unwrap()
    };
    let first = submit("main");
    assert_eq!(submit("main").text, first.text);
    let other = submit("0123456789012345678901234567890123456789");
    assert!(other.code == 2 && other.text.contains("another request"), "{}", other.text);
}

#[test]
fn tokens_open_their_own_project_over_tcp() {
    let mut config = Config::of(bed()).unwrap();
    let file = bed().layout.at("token");
    fs::write(&file, "t0ken-of-ci").unwrap();
    let hash = sh(&format!("sha256sum {}", file.display())).unwrap();
    let hash = hash.split(' ').next().unwrap();
    config.more = format!(
        "listen = {{ tcp = \"127.0.0.1:21777\" }}\n\
         principals = [{{ name = \"ci\", token-sha256 = \"{hash}\", projects = [\"t-tcp\"], verbs = [\"read\"] }}]\n"
    );
    let env = TestEnv::with("t-tcp", &config);
    let ask = |token: &str, args: &[&str]| {
        let all = [&["--address", "http://127.0.0.1:21777", "--token", token], args].concat();
        env.daemon.windlass(&all).unwrap()
    };
    assert_eq!(ask("t0ken-of-ci", &["jobs", "--project", "t-tcp"]).code, 0);
    let answer = ask("t0ken-of-ci", &["jobs", "--project", "other"]);
    assert!(answer.code == 2 && answer.text.contains("lacks the verb \"read\""), "{}", answer.text);
    let answer = ask("t0ken-of-ci", &["secret", "put", "t-tcp", "name"]);
    assert!(answer.text.contains("lacks the verb \"secrets\""), "{}", answer.text);
    let answer = ask("wrong", &["jobs"]);
    assert!(answer.code == 2 && answer.text.contains("the token is unknown"), "{}", answer.text);
}

/// A certificate of the CA is a login, and its name decides the rights.
#[test]
fn certificates_open_their_own_project_over_tls() {
    let folder = bed().layout.at("daemons/t-tls-pki");
    pki::write(&folder).unwrap();
    let at = |file: &str| folder.join(file).display().to_string();
    let hash = format!("sed /-----/d {} | base64 -d | sha256sum", at("admin.crt"));
    let hash = run(Command::new("bash").args(["-c", &hash])).unwrap();
    let mut config = Config::of(bed()).unwrap();
    config.more = format!(
        "listen = {{ tcp = \"127.0.0.1:21778\", certificate = \"{}\", key = \"{}\", client-ca = \"{}\" }}\n\
         principals = [{{ name = \"ci\", certificate-sha256 = \"{}\", projects = [\"t-tls\"], verbs = [\"read\"] }}]\n",
        at("apiserver.crt"),
        at("apiserver.key"),
        at("ca.crt"),
        hash.split(' ').next().unwrap()
    );
    let env = TestEnv::with("t-tls", &config);
    let ask = |ca: &str, own: Option<&str>, project: &str| {
        let (ca, mut args) = (at(ca), vec!["--address", "https://127.0.0.1:21778"]);
        let files = own.map(|own| (at(&format!("{own}.crt")), at(&format!("{own}.key"))));
        args.extend(["--ca", &ca]);
        if let Some((certificate, key)) = &files {
            args.extend(["--certificate", certificate, "--key", key]);
        }
        args.extend(["jobs", "--project", project]);
        let answer = env.daemon.windlass(&args).unwrap();
        (answer.code, answer.text)
    };
    assert_eq!(ask("ca.crt", Some("admin"), "t-tls"), (0, String::new()));
    let (code, text) = ask("ca.crt", Some("admin"), "other");
    assert!(code == 2 && text.contains("ci lacks the verb"), "{text}");
    let (code, text) = ask("ca.crt", Some("scheduler"), "t-tls");
    assert!(code == 2 && text.contains("no token was sent"), "{text}");
    let (code, text) = ask("ca.crt", None, "t-tls");
    assert_eq!(code, 3, "without a certificate nobody is heard: {text}");
    let others = bed().layout.at("kube/pki/ca.crt").display().to_string();
    let (code, text) = ask(&others, Some("admin"), "t-tls");
    assert_eq!(code, 3, "another CA's server is not believed: {text}");
}

#[test]
fn configurations_that_are_wrong_and_parts_that_are_away() {
    let env = TestEnv::new("t-check");
    let file = env.daemon.config_file();
    let daemon = |args: &[&str]| {
        let output =
            Command::new(programs().unwrap().join("windlassd")).args(args).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let good = fs::read_to_string(&file).unwrap();
    let check = |text: &str| {
        let path = file.with_extension("other.toml");
        // Another data folder, since the daemon that runs holds this one.
        fs::write(&path, text.replace("t-check/data", "t-check/other")).unwrap();
        daemon(&["--config", &path.display().to_string(), "check"])
    };
    let (code, text) = check(&good);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("Kubernetes v1.34"), "{text}");
    let (code, text) = check(&good.replace("[builder]", "[bilder]"));
    assert!(code == Some(1) && text.contains("did you mean `builder`?"), "{text}");
    let (code, text) = check(&good.replace(&bed().buildkit(), "unix:///nowhere.sock"));
    assert!(
        code == Some(1)
            && text
                .contains("FAILED  builder: the builder at unix:///nowhere.sock does not answer"),
        "{text}"
    );
    // Each of several clusters is named. One whose credentials come from a program is refused.
    let runs = file.with_extension("runs.kubeconfig");
    let program = "exec: { apiVersion: client.authentication.k8s.io/v1, command: /bin/true }";
    fs::write(&runs, kubeconfig_of(program)).unwrap();
    let us = format!("[[clusters]]\nname = \"us\"\nkubeconfig = \"{}\"\n", runs.display());
    let several = good.replace("[cluster]\n", &format!("{us}[[clusters]]\nname = \"eu\"\n"));
    let (code, text) = check(&several);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("ok      cluster eu: Kubernetes v1.34"), "{text}");
    assert!(
        text.contains("FAILED  cluster us:") && text.contains("wants a program to be run"),
        "{text}"
    );
    let (code, text) = daemon(&["--config", &file.display().to_string()]);
    assert!(code == Some(1) && text.contains("another daemon holds the store"), "{text}");
}

/// Plugins are listed and inspected, and swapped while the daemon runs.
#[test]
fn plugins_are_listed_looked_into_and_reloaded() {
    let env = TestEnv::new("t-plugins");
    let ask = |args: &[&str]| {
        let answer = env.daemon.windlass(args).unwrap();
        (answer.code, answer.text)
    };
    let (code, list) = ask(&["plugin", "list"]);
    let all = Config::of(bed()).unwrap().plugins.len();
    assert!(code == 0 && list.lines().count() == all, "{list}");
    let (_, text) = ask(&["plugin", "inspect", "test-go"]);
    for part in ["test-runner", "**/*_test.go", "for go", "cannot reach the network"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (code, text) = ask(&["plugin", "inspect", "cobol"]);
    assert!(code == 2 && text.contains("there are: node, bun, deno, python, go"), "{text}");
    let (_, text) = ask(&["plugin", "reload"]);
    assert!(text.contains("nothing has changed"), "{text}");

    let file = env.daemon.config_file();
    let good = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{good}[[plugins]]\npath = \"/nowhere.wasm\"\n")).unwrap();
    let (code, text) = ask(&["plugin", "reload"]);
    assert!(
        code == 2 && text.contains("/nowhere.wasm") && text.contains("plugins-not-loaded"),
        "{text}"
    );
    assert_eq!(ask(&["plugin", "list"]).1.lines().count(), all, "those of before stay");

    let hostile = plugins().unwrap().join("hostile.wasm");
    fs::write(&file, format!("{good}[[plugins]]\npath = \"{}\"\n", hostile.display())).unwrap();
    let (code, text) = ask(&["plugin", "reload"]);
    assert!(code == 0 && text.contains("`hostile` 0.1.0 is new"), "{text}");
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    let (_, text) = ask(&["show", &ended.id, "--plugins"]);
    assert!(
        text.contains("plugin `hostile` detect: answered") && !text.contains("`node`"),
        "{text}"
    );
}

/// One hostile component misbehaves as its settings say.
#[test]
fn plugins_that_trap_loop_or_eat_memory() {
    let cases = [
        ("t-trap", "trap", "gave up"),
        ("t-spin", "spin", "limit `cpu-ms`"),
        ("t-memory", "memory", "limit `memory`"),
        ("t-recursion", "recursion", "trapped"),
        ("t-flood", "flood", "limit `host-calls`"),
    ];
    for (name, mode, expected) in cases {
        let env = TestEnv::with(name, &hostile(mode));
        let repository = env.repository();
        repository.write("README.md", mode).unwrap();
        repository.commit(mode).unwrap();
        let ended = env.submit("app", repository.url(), &[]);
        let text = ended.failed_with("detect", "plugin-failed");
        assert!(text.contains(expected) && text.contains("hostile"), "{mode}: {text}");
        let forged = env.events(&ended.id).iter().any(|event| event["decided"].is_object());
        assert!(!forged && !ended.text.contains("\\u001b["), "{mode}: {}", ended.text);
        // With a Dockerfile the plugin is only a warning, and the daemon still works.
        env.runs_the_next_job();
    }
    let env = TestEnv::with("t-paths", &hostile("paths"));
    let repository = env.repository();
    symlink("/etc/passwd", repository.folder().join("link")).unwrap();
    repository.commit("paths").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    let _ = ended.failed_with("detect", "nothing-detected");
}

fn hostile(mode: &str) -> Config {
    let mut config = Config::of(bed()).unwrap();
    config.plugins = vec![plugins().unwrap().join("hostile.wasm")];
    config.settings = Some(format!("{{ mode = \"{mode}\" }}"));
    config
}
