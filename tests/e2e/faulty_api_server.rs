//! A cluster with faults during a release: the job waits, records that once, goes on, and its verdict is right. Each
//! daemon has an API server that spoils its answers.

use serde_json::Value;
use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
    thread::{JoinHandle, scope, sleep, spawn},
    time::{Duration, Instant, SystemTime},
};
use windlass_bed::{daemon::Config, layout::HOST, layout::port, part::pki};
use windlass_tests::{
    SERVE, SMALL, TestEnv, bed,
    faulty_api_server::{FaultyApiServer, Reply, write_kubeconfig},
    python,
};

/// Two apps that need a while: the first then serves, and the second crashes.
struct Pair {
    env: TestEnv,
    server: FaultyApiServer,
    jobs: [String; 2],
}

impl Pair {
    /// Submits both apps, and waits until both rollouts are waited for.
    fn on_their_way(
        name: &'static str,
        behaviour: impl Fn(&str, u32) -> Reply + Send + 'static,
    ) -> Self {
        let server = FaultyApiServer::start(name);
        server.behave(behaviour);
        let mut config = Config::of(bed()).unwrap();
        config.kubeconfig.clone_from(&server.kubeconfig);
        let env = TestEnv::with(name, &config);
        let repository = env.small_app();
        repository.commit("one").unwrap();
        let programs = [
            ("good", format!("import time; time.sleep(12); {SERVE}")),
            ("bad", "import time; time.sleep(12); raise SystemExit(3)".to_owned()),
        ];
        let jobs = programs.map(|(app, program)| {
            let file = env.spec_file(app, &(python(&program) + SMALL));
            env.submit_detached(app, repository.url(), &["--spec", &file])
        });
        for id in &jobs {
            let waits = |event: &Value| {
                event["step"]["description"]
                    .as_str()
                    .is_some_and(|step| step.starts_with("wait until"))
            };
            let waiting = env.await_event(id, waits).is_some();
            assert!(waiting, "{name}: {}", env.watch(id).text);
        }
        Self { env, server, jobs }
    }

    /// Asserts that the first app serves, and that the second has the right diagnosis. Returns how often each
    /// job recorded that it waits for the cluster.
    fn ends_right(&self) -> [usize; 2] {
        self.env.watch(&self.jobs[0]).succeeded();
        let _ = self.env.watch(&self.jobs[1]).failed_with("release", "app-crashes");
        let count = |id: &String| {
            let events = self.env.events(id);
            let retries: Vec<_> =
                events.iter().filter(|event| event["retrying"].is_object()).collect();
            println!("{}: {retries:?}", self.env.name);
            retries.len()
        };
        [count(&self.jobs[0]), count(&self.jobs[1])]
    }
}

fn healthy(_: &str, _: u32) -> Reply {
    Reply::Forwarded
}

fn is_watch(line: &str) -> bool {
    line.contains("watch=true")
}

/// The API server is stopped for a minute, in the middle of a rollout.
fn stopped() {
    let pair = Pair::on_their_way("t-gone", healthy);
    pair.server.behave(|_, _| Reply::Dropped);
    pair.server.break_connections();
    sleep(Duration::from_secs(60));
    pair.server.behave(healthy);
    for retries in pair.ends_right() {
        assert!((1..=3).contains(&retries), "{retries}");
    }
}

/// Each answer takes five seconds.
fn slow() {
    let late = |_: &str, _: u32| Reply::Delayed(Duration::from_secs(5));
    assert_eq!(Pair::on_their_way("t-late", late).ends_right(), [0, 0]);
}

/// Each request comes too soon twice. The daemon waits as long as the API server says, and records hardly anything.
fn busy() {
    let busy = |_: &str, before: u32| match before % 3 {
        2 => Reply::Forwarded,
        _ => Reply::Answered(
            "429 Too Many Requests\r\nretry-after: 1\r\ncontent-type: text/plain".into(),
            "Too many requests, please try again later.".into(),
        ),
    };
    for retries in Pair::on_their_way("t-busy", busy).ends_right() {
        assert!(retries < 2, "{retries}");
    }
}

/// Etcd elects a leader, for which the API server has no status of its own.
fn etcd() {
    let failing = |line: &str, before: u32| {
        match line.starts_with("PATCH") && before.is_multiple_of(4) {
        false => Reply::Forwarded,
        true => Reply::Answered(
            "500 Internal Server Error\r\ncontent-type: application/json".into(),
            "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"etcdserver: leader changed\",\"code\":500}".into(),
        ),
    }
    };
    for retries in Pair::on_their_way("t-etcd", failing).ends_right() {
        assert!(retries < 2, "{retries}");
    }
}

/// Watches break every three seconds, or get the answer that their `resourceVersion` is too old.
fn forgetful() {
    let expired = |line: &str, before: u32| {
        match is_watch(line) && before.is_multiple_of(2) {
        false => Reply::Forwarded,
        true => Reply::Answered(
            "200 OK\r\ncontent-type: application/json".into(),
            "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"too old resource version: 1 (2)\",\"reason\":\"Expired\",\"code\":410}}\n".into(),
        ),
    }
    };
    let pair = Pair::on_their_way("t-watch", expired);
    for _ in 0..6 {
        sleep(Duration::from_secs(3));
        pair.server.break_connections();
    }
    assert_eq!(pair.ends_right(), [0, 0]);
}

/// The API server's feature gate is off, or its etcd is old: it begins no watch with a list. The daemon lists first.
fn unstreamed() {
    let refuses = |line: &str, _: u32| {
        match line.contains("sendInitialEvents=true") {
        false => Reply::Forwarded,
        true => Reply::Answered(
            "422 Unprocessable Entity\r\ncontent-type: application/json".into(),
            "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"ListOptions.meta.k8s.io \\\"\\\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled\",\"reason\":\"Invalid\",\"code\":422}".into(),
        ),
    }
    };
    assert_eq!(Pair::on_their_way("t-listed", refuses).ends_right(), [0, 0]);
}

#[test]
fn a_cluster_that_misbehaves_is_waited_for() {
    let cases: [(&str, fn()); 6] = [
        ("stopped", stopped),
        ("slow", slow),
        ("busy", busy),
        ("etcd", etcd),
        ("forgetful", forgetful),
        ("unstreamed", unstreamed),
    ];
    let running: Vec<(&str, JoinHandle<()>)> =
        cases.into_iter().map(|(name, case)| (name, spawn(case))).collect();
    let ended = running.into_iter().map(|(name, case)| (name, case.join().is_err()));
    let wrong: Vec<_> = ended.filter(|(_, failed)| *failed).map(|(name, _)| name).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// The daemon's certificate expires in the middle of a rollout, and somebody replaces it.
#[test]
fn a_certificate_that_expires_is_read_again() {
    let folder = bed().layout.at("kube/pki");
    let kubeconfig = bed().layout.at("daemons/t-expired.kubeconfig");
    let server = format!("https://{HOST}:{}", port::API);
    let until = SystemTime::now() + Duration::from_secs(20);
    pki::expiring(&folder, "expiring", until).unwrap();
    pki::kubeconfig(&folder, "expiring", &server, &kubeconfig).unwrap();
    let mut config = Config::of(bed()).unwrap();
    config.kubeconfig.clone_from(&kubeconfig);
    let env = TestEnv::with("t-expired", &config);
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let file =
        env.spec_file("app", &(python(&format!("import time; time.sleep(60); {SERVE}")) + SMALL));
    let id = env.submit_detached("app", repository.url(), &["--spec", &file]);
    let retrying = env.await_event(&id, |event| {
        event["retrying"]["reason"].as_str().is_some_and(|reason| reason.contains("401"))
    });
    assert!(retrying.is_some(), "{:#?}", env.events(&id));
    pki::kubeconfig(&folder, "admin", &server, &kubeconfig).unwrap();
    env.watch(&id).succeeded();

    // A job that begins without a valid certificate is not built.
    pki::kubeconfig(&folder, "expiring", &server, &kubeconfig).unwrap();
    let mut config = Config::of(bed()).unwrap();
    config.kubeconfig = kubeconfig;
    let env = TestEnv::with("t-expired-2", &config);
    let began = Instant::now();
    let ended = env.submit("app", repository.url(), &[]);
    let text = ended.failed_with("release", "cluster-not-trusted");
    assert!(text.contains("put a token or a certificate that is valid"), "{text}");
    println!("without a certificate: {:.1} s", began.elapsed().as_secs_f32());
}

/// Neither a page of the web nor a server with an expired certificate is taken for the cluster.
#[test]
fn what_is_not_the_cluster_is_named() {
    let folder = bed().layout.at("kube/pki");
    let expired = SystemTime::now() - Duration::from_secs(3600);
    pki::expiring(&folder, "expired", expired).unwrap();
    let file = |name: &str| folder.join(name).display().to_string();
    let tls_port = 21522;
    let mut server = Command::new("openssl")
        .args(["s_server", "-quiet", "-www", "-accept", &tls_port.to_string()])
        .args(["-cert", &file("expired.crt"), "-key", &file("expired.key")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let page = TcpListener::bind("127.0.0.1:0").unwrap();
    let web = format!("http://{}", page.local_addr().unwrap());
    spawn(move || {
        for mut stream in page.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let body = "<html>hello</html>";
            let text = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(text.as_bytes());
        }
    });
    let kubeconfig = |name: &str| bed().layout.at(&format!("daemons/{name}.kubeconfig"));
    write_kubeconfig(&kubeconfig("t-web"), &web);
    let tls = format!("https://127.0.0.1:{tls_port}");
    pki::kubeconfig(&folder, "admin", &tls, &kubeconfig("t-tls")).unwrap();
    let repository = windlass_bed::Repository::new(&bed().layout, "t-web", true).unwrap();
    repository.write("Dockerfile", &windlass_tests::dockerfile()).unwrap();
    repository.write("index.html", "one\n").unwrap();
    repository.commit("one").unwrap();
    scope(|scope| {
        for (name, expected) in [("t-web", "no API server of Kubernetes"), ("t-tls", "clocks")] {
            let (repository, kubeconfig) = (&repository, kubeconfig(name));
            scope.spawn(move || {
                let mut config = Config::of(bed()).unwrap();
                config.kubeconfig = kubeconfig;
                let env = TestEnv::with(name, &config);
                let ended = env.submit("app", repository.url(), &[]);
                let text = ended.failed_with("release", "cluster-not-trusted");
                assert!(text.contains(expected), "{text}");
            });
        }
    });
    let _ = server.kill();
    let _ = server.wait();
    let _ = fs::remove_file(folder.join("expired.key"));
}
