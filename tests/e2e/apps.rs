//! Status and logs of an app: what serves, and what it prints.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    iter,
    process::Stdio,
    sync::mpsc,
    thread::{sleep, spawn},
    time::{Duration, Instant},
};
use windlass_tests::{SMALL, TestEnv, bed, python};

/// Program that prints its secret and serves. It prints each request.
const TALKS: &str = "import os, http.server as h; print('my word is ' + os.environ['WORD'], flush=True); h.test(h.SimpleHTTPRequestHandler, port=8080)";

#[test]
fn a_status_tells_what_serves_and_logs_tell_what_it_prints() {
    let env = TestEnv::new("t-apps");
    env.daemon.put_secret("t-apps", "word", "sesame-of-apps").unwrap();
    let ask = |args: &[&str]| env.daemon.windlass(args).unwrap();
    let nothing = ask(&["status", "t-apps/app"]);
    assert!(nothing.code == 0 && nothing.text.contains("windlass submit"), "{}", nothing.text);

    let repository = env.small_app();
    let commit = repository.commit("one").unwrap();
    let spec = env.spec_file("talks", &(python(TALKS) + "secrets = { WORD = \"word\" }\n" + SMALL));
    let ended = env.submit("app", repository.url(), &["--spec", &spec]);
    ended.succeeded();
    env.serves("app", "one");

    let answer = ask(&["--output", "json", "status", "t-apps/app"]);
    let status: Value = serde_json::from_str(answer.text.trim()).unwrap();
    let cluster = &status["clusters"][0];
    assert_eq!(cluster["health"], "healthy", "{status:#}");
    assert_eq!(cluster["release"]["commit"], commit.trim(), "{status:#}");
    assert_eq!(cluster["principal"], "uid:0", "{status:#}");
    assert!(cluster["release"]["bytes"].as_u64() > Some(0), "{status:#}");
    assert_eq!(status["jobs"][0]["stage"], "release", "{status:#}");
    let url = cluster["endpoints"][0]["url"].as_str().unwrap();
    let address = env.get("service/app", "{.spec.clusterIP}");
    assert_eq!(url, format!("http://{address}/"));

    let printed = ask(&["logs", "t-apps/app", "--no-follow"]);
    assert!(printed.text.contains("my word is ***"), "{}", printed.text);
    assert!(printed.text.contains("GET /index.html"), "{}", printed.text);
    assert!(!printed.text.contains("sesame"), "{}", printed.text);
    let other = ask(&["logs", "t-apps/app", "--process", "worker", "--no-follow"]);
    assert!(other.text.contains("has printed nothing"), "{}", other.text);
    let wrong = ask(&["logs", "t-apps/app", "--process", "web,x=y"]);
    assert!(wrong.code == 2 && wrong.text.contains("must be a process's name"), "{}", wrong.text);

    let before = ask(&["logs", "t-apps/app", "--previous"]);
    assert!(before.text.contains("there is no run before"), "{}", before.text);

    // A stage's line is printed whole, also where its beginning was printed before.
    let last = status["jobs"][0]["last_seq"].as_u64().unwrap();
    let late = ask(&["watch", &ended.id, "--after", &(last - 2).to_string()]);
    assert!(late.code == 0 && late.text.contains("✔ release"), "{}", late.text);
    assert!(!late.text.contains("✔ clone") && late.text.contains("took:      clone"), "{late:?}");

    // The client ends once nobody reads its output any more.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut unread = env.daemon.client(&["logs", "t-apps/app"]).unwrap();
    let mut unread = unread.stdout(writer).spawn().unwrap();
    let began = Instant::now();
    let code = loop {
        match unread.try_wait().unwrap() {
            Some(status) => break status.code(),
            None if began.elapsed() > Duration::from_secs(30) => {
                let _ = unread.kill();
                panic!("it goes on without a reader");
            }
            None => sleep(Duration::from_millis(50)),
        }
    };
    assert_eq!(code, Some(141));

    // The log is followed to a new pod, whose lines are printed, too.
    let mut follow = env.daemon.client(&["logs", "t-apps/app", "--tail", "1"]).unwrap();
    let mut child = follow.stdout(Stdio::piped()).spawn().unwrap();
    let printed = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let (send, receive) = mpsc::channel();
    spawn(move || printed.for_each(|line| drop(send.send(line))));
    // A client that hangs fails the test, and does not hang the suite.
    let mut lines = iter::from_fn(|| receive.recv_timeout(Duration::from_secs(120)).ok());
    assert!(lines.next().is_some());
    env.delete_later("pods --all");
    assert!(lines.any(|line| line.contains("my word is ***")));
    // The newest version, which was stored while the log was followed, is masked, too.
    env.daemon.put_secret("t-apps", "word", "another-word-of-apps").unwrap();
    env.submit("app", repository.url(), &["--spec", &spec]).succeeded();
    let printed = lines.find(|line| line.contains("my word is"));
    assert!(printed.as_ref().is_some_and(|line| line.contains("my word is ***")), "{printed:?}");
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn init_writes_what_was_detected_and_the_file_is_taken() {
    let env = TestEnv::new("t-init");
    let repository = env.repository();
    repository.write("go.mod", "module example.com/x\n\ngo 1.24\n").unwrap();
    repository.write("main.go", "package main\n\nfunc main() {}\n").unwrap();
    repository.commit("go").unwrap();
    let file = bed().layout.at("daemons/t-init/written.toml");
    let _ = std::fs::remove_file(&file);
    let to = file.display().to_string();
    let init = ["init", "t-init/app", "--repository", repository.url(), "--to", &to];
    let answer = env.daemon.windlass(&init).unwrap();
    assert!(answer.code == 0 && answer.text.contains("windlass submit"), "{}", answer.text);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("# Detected: go") && text.contains("go.mod: a Go module"), "{text}");
    let again = env.daemon.windlass(&init).unwrap();
    assert!(again.code == 2 && again.text.contains("is there already"), "{}", again.text);

    let edited = text.replace("# port = ", "port = ").replace("# replicas = 1", "replicas = 2");
    repository.write("windlass.toml", &edited).unwrap();
    repository.commit("say it").unwrap();
    let plan = ["plan", "t-init/app", "--repository", repository.url()];
    let plan = env.daemon.windlass(&plan).unwrap();
    assert!(plan.text.contains("replicas: decided by windlass.toml"), "{}", plan.text);
}
