//! Failing builds and tests, and their diagnosis.

use std::{
    fs,
    io::{Read, Write, copy},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};
use windlass_bed::{Repository, daemon::Config, part::buildkit};
use windlass_tests::{TestEnv, bed, dockerfile};

fn with_step(step: &str) -> String {
    dockerfile().replace("USER 10001", &format!("{step}\nUSER 10001"))
}

#[test]
fn dockerfiles_that_fail() {
    let env = TestEnv::new("t-dockerfile");
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &["--build-arg", "VERSOIN=1"]);
    ended.succeeded();
    assert!(ended.text.contains("no `ARG VERSOIN` is in the Dockerfile"), "{}", ended.text);

    repository.write("Dockerfile", "FROM python:3.11-slim\nRUNN true\n").unwrap();
    repository.commit("a typo").unwrap();
    let text = env.submit("app", repository.url(), &[]).failed_with("build", "dockerfile-invalid");
    assert!(text.contains("Dockerfile:2") && text.contains("RUNN"), "{text}");

    let step = "RUN echo a clue for you && exit 7";
    repository.write("Dockerfile", &with_step(step)).unwrap();
    repository.commit("a failing step").unwrap();
    let text = env.submit("app", repository.url(), &[]).failed_with("build", "build-step-failed");
    assert!(text.contains("exited with 7") && text.contains("a clue for you"), "{text}");
    assert!(text.contains("Dockerfile:5"), "{text}");

    repository.write("Dockerfile", "FROM nobody-has-this:1\n").unwrap();
    repository.commit("no base").unwrap();
    let text =
        env.submit("app", repository.url(), &[]).failed_with("build", "base-image-not-found");
    assert!(text.contains("nobody-has-this"), "{text}");

    env.serves("app", "one");
    env.runs_the_next_job();
}

#[test]
fn tests_that_fail_and_tests_that_never_end() {
    let env = TestEnv::new("t-tests");
    let repository = env.small_app();
    let dockerfile = dockerfile().replace(
        "USER 10001",
        "USER 10001\nFROM base AS test\nCMD [\"python3\", \"test.py\"]\nFROM base",
    );
    let dockerfile = dockerfile.replace("FROM python:3.11-slim", "FROM python:3.11-slim AS base");
    let dockerfile = dockerfile.replace("COPY index.html", "COPY index.html test.py");
    repository.write("Dockerfile", &dockerfile).unwrap();
    repository.write("test.py", "print('all is well')\n").unwrap();
    repository.commit("good").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    assert!(ended.text.contains("all is well"), "{}", ended.text);

    repository.write("index.html", "two\n").unwrap();
    repository.write("test.py", "import sys\nprint('expected 1, got 2')\nsys.exit(9)\n").unwrap();
    repository.commit("bad").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    let text = ended.failed_with("test", "tests-failed");
    assert!(text.contains("exited with 9") && text.contains("expected 1, got 2"), "{text}");
    let pushed = env.events(&ended.id).iter().any(|event| event["pushed"].is_object());
    assert!(!pushed, "nothing is pushed");

    // As unittest prints: the name, and the line's end once the test has ended.
    let hangs = "import time\nprint('test_adds ... ok')\nprint('test_waits_for_the_bank ... ', end='', flush=True)\ntime.sleep(3600)\n";
    repository.write("test.py", hangs).unwrap();
    repository.commit("hangs").unwrap();
    let began = Instant::now();
    // Long enough for a container to start on a busy machine: before, nothing is printed.
    let ended = env.submit("app", repository.url(), &["--test-timeout", "15"]);
    let text = ended.failed_with("test", "tests-hang");
    assert!(text.contains("after 15 s") && began.elapsed() < Duration::from_secs(90), "{text}");
    assert!(
        text.contains("test_adds ... ok") && text.contains("test_waits_for_the_bank"),
        "{text}"
    );

    // The stage may run its tests while it is built.
    let own = "CMD [\"python3\", \"test.py\"]";
    repository.write("Dockerfile", &dockerfile.replace(own, "RUN python3 test.py")).unwrap();
    repository.commit("hangs as a step").unwrap();
    let ended = env.submit("app", repository.url(), &["--test-timeout", "15"]);
    let text = ended.failed_with("test", "tests-hang");
    for expected in ["`stage test` was still", "test_adds ... ok", "test_waits_for_the_bank"] {
        assert!(ended.diagnosis.to_string().contains(expected), "{expected}: {text}");
    }
    env.submit("app", repository.url(), &["--no-test"]).succeeded();
    env.serves("app", "two");
}

#[test]
fn a_registry_with_a_login() {
    let mut config = Config::of(bed()).unwrap();
    config.registry = bed().layout.private_registry();
    let env = TestEnv::with("t-login", &config);
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    let text = ended.failed_with("push", "registry-denied");
    assert!(text.contains("[[registries]]"), "{text}");

    config.private_login = true;
    let env = TestEnv::with("t-registry", &config);
    // The node has no login of its own, and pulls with the pull secret that was made.
    env.submit("app", repository.url(), &[]).succeeded();
    env.serves("app", "one");
}

/// Secrets reach the step that names them, and no event, image or later step.
#[test]
fn a_build_secret_is_seen_by_its_step_alone() {
    let env = TestEnv::new("t-secret");
    env.daemon.put_secret("t-secret", "npm-token", "hunter2-hunter2").unwrap();
    let repository = env.small_app();
    let step = "RUN --mount=type=secret,id=npm-token,required=true cat /run/secrets/npm-token && \
                base64 /run/secrets/npm-token && sha256sum /run/secrets/npm-token > sum";
    repository.write("Dockerfile", &with_step(step)).unwrap();
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &["--build-secret", "npm-token"]);
    ended.succeeded();
    assert!(ended.text.contains("***"), "{}", ended.text);
    for leak in ["hunter2", "aHVudGVyMi1odW50ZXIy"] {
        assert!(!ended.text.contains(leak), "{}", ended.text);
    }
    let look = ["sh", "-c", "ls /run/secrets 2>/dev/null; cat sum"];
    let listed = env.exec("deploy/app", &look);
    assert!(listed.contains(" /run/secrets/npm-token") && !listed.contains("hunter2"), "{listed}");
}

/// A password in URLs, in the spellings of several libraries, and lines of a key that stood in JSON.
#[test]
fn a_secret_in_other_spellings_is_masked() {
    let env = TestEnv::new("t-spelled");
    env.daemon.put_secret("t-spelled", "db-password", "Rk7/wQ2+m@Jn!58bYd").unwrap();
    let account = r#"{"private_key":"-----BEGIN PRIVATE KEY-----\nMIICmadeupmadeup0123456789\nSEdGRURDQkE5ODc2NTQz\n-----END PRIVATE KEY-----\n"}"#;
    env.daemon.put_secret("t-spelled", "account", account).unwrap();
    let repository = env.small_app();
    let script = r#"
import json, sys
from urllib.parse import quote, quote_plus
password = open("/run/secrets/db-password").read().strip()
for spelled in [quote(password), quote(password, safe=""), quote_plus(password), quote(password, safe="!'()*"),
                quote(password, safe="$&+,;="), quote(quote(password, safe=""), safe=""), json.dumps(password).replace("/", "\\/")]:
    print("postgres://shop:" + spelled + "@db/shop")
# In two pieces, through an escape.
for piece in ["in pieces: Rk7%2", "FwQ2%2Bm%40Jn%2158bYd\n"]:
    sys.stdout.write(piece)
    sys.stdout.flush()
print(json.load(open("/run/secrets/account"))["private_key"])
"#;
    repository.write("print.py", script).unwrap();
    let step = "COPY print.py ./\nRUN --mount=type=secret,id=db-password --mount=type=secret,id=account python3 print.py";
    repository.write("Dockerfile", &with_step(step)).unwrap();
    repository.commit("one").unwrap();
    let more = ["--build-secret", "db-password", "--build-secret", "account"];
    let ended = env.submit("app", repository.url(), &more);
    ended.succeeded();
    assert!(ended.text.contains("postgres://shop:***@db/shop"), "{}", ended.text);
    for leak in ["Rk7", "wQ2", "58bYd", "MIICmadeup", "SEdGRURD"] {
        assert!(!ended.text.contains(leak), "{leak}: {}", ended.text);
    }
}

/// The test's own builder is killed in the middle of a build.
#[test]
fn a_builder_that_goes_away() {
    let layout = &bed().layout;
    let mut builder = buildkit::up(layout, "builder-away", None).unwrap();
    let mut config = Config::of(bed()).unwrap();
    config.builder = format!("unix://{}", layout.at("builder-away.sock").display());
    let env = TestEnv::with("t-builder", &config);
    let repository = env.small_app();
    repository.write("Dockerfile", &with_step("RUN echo now && sleep 600")).unwrap();
    repository.commit("slow").unwrap();
    let id = env.submit_detached("app", repository.url(), &[]);
    env.await_line(&id, "now");
    builder.kill();
    let text = env.watch(&id).failed_with("build", "builder-unreachable");
    assert!(text.contains("buildkitd"), "{text}");
    let builder = buildkit::up(layout, "builder-away", None).unwrap();
    env.runs_the_next_job();
    drop(builder);
}

/// Stands in for a Docker engine: connects each client that asks for BuildKit to a buildkitd.
fn engine(socket: &Path, buildkitd: PathBuf) {
    let _ = fs::remove_file(socket);
    let listener = UnixListener::bind(socket).unwrap();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let buildkitd = buildkitd.clone();
            thread::spawn(move || hand_over(client, &buildkitd));
        }
    });
}

fn hand_over(mut client: UnixStream, buildkitd: &Path) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(head.starts_with("post /grpc http/1.1\r\n") && head.contains("upgrade: h2c"), "{head}");
    let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    client.write_all(answer.as_bytes()).unwrap();
    let server = UnixStream::connect(buildkitd).unwrap();
    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let there = thread::spawn(move || pipe(from, to));
    pipe(server, client);
    let _ = there.join();
}

fn pipe(mut from: UnixStream, mut to: UnixStream) {
    let _ = copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn the_buildkit_of_a_docker_engine() {
    let socket = bed().layout.at("docker-engine.sock");
    let buildkitd = bed().buildkit();
    let buildkitd = buildkitd.strip_prefix("unix://").expect("a buildkitd on a socket");
    engine(&socket, buildkitd.into());
    let mut config = Config::of(bed()).unwrap();
    config.builder = format!("docker://{}", socket.display());
    let env = TestEnv::with("t-docker", &config);
    let repository = env.small_app();
    repository.commit("one").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    env.serves("app", "one");

    let socket = bed().layout.at("no-engine.sock");
    config.builder = format!("docker://{}", socket.display());
    let env = TestEnv::with("t-no-docker", &config);
    let ended = env.submit("app", repository.url(), &[]);
    let text = ended.failed_with("build", "builder-unreachable");
    assert!(text.contains(&config.builder), "{text}");
}

/// A job is cancelled while a step sleeps: the step is killed, not waited for.
#[test]
fn a_cancelled_build_ends_at_once() {
    let env = TestEnv::new("t-cancel");
    let repository = env.small_app();
    repository.write("Dockerfile", &with_step("RUN echo now && sleep 599")).unwrap();
    repository.commit("slow").unwrap();
    let id = env.submit_detached("app", repository.url(), &[]);
    env.await_line(&id, "now");
    let began = Instant::now();
    assert_eq!(env.daemon.windlass(&["cancel", &id]).unwrap().code, 0);
    let ended = env.watch(&id);
    assert_eq!((&*ended.outcome, ended.code), ("stopped", 1), "{}", ended.text);
    assert!(ended.text.contains("cancelled by uid:0"), "{}", ended.text);
    assert!(began.elapsed() < Duration::from_secs(10));
    env.runs_the_next_job();
}

/// The newest of two waiting jobs is the only one that runs.
#[test]
fn a_newer_job_takes_the_waiting_ones_place() {
    let env = TestEnv::new("t-newer");
    let repository = env.small_app();
    repository.write("Dockerfile", &with_step("RUN echo now && sleep 8")).unwrap();
    let slow = repository.commit("slow").unwrap();
    let first = env.submit_detached("app", repository.url(), &["--revision", &slow]);
    env.await_line(&first, "now");
    repository.write("Dockerfile", &dockerfile()).unwrap();
    let second = {
        repository.commit("two").unwrap();
        env.submit_detached("app", repository.url(), &[])
    };
    let third = {
        repository.commit("three").unwrap();
        env.submit_detached("app", repository.url(), &[])
    };
    let ended = env.watch(&second);
    assert!(ended.text.contains(&format!("superseded by job {third}")), "{}", ended.text);
    env.watch(&first).succeeded();
    env.watch(&third).succeeded();
}

/// Detection end to end: the three examples, unchanged.
#[test]
fn the_examples_are_detected_built_and_tested() {
    let env = TestEnv::new("t-examples");
    for language in ["node", "python", "go"] {
        let name = format!("t-examples-{language}");
        let repository = Repository::example(&bed().layout, &name, language).unwrap();
        repository.commit("one").unwrap();
        let ended = env.submit(language, repository.url(), &[]);
        ended.succeeded();
        let decided = env.events(&ended.id).iter().any(|event| {
            event["decided"]["value"].as_str().is_some_and(|value| value.starts_with(language))
        });
        assert!(decided, "{}", ended.text);
    }
}
