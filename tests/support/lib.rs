//! Tools of end-to-end tests: the bed, a daemon for each test, and jobs that are submitted and asserted.
//!
//! All functions panic where the bed, the daemon or the client does not do what the test asks for.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests: what cannot go on should stop"
)]

pub mod audit;
pub mod faulty_api_server;
pub mod flood;
pub mod forge_project;
pub mod growth;
pub mod http;
mod namespace;
pub mod simulated_nodes;
pub mod traffic;
pub mod webhooks;

pub use namespace::Namespace;

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    ops::Deref,
    process::{Command, Stdio},
    sync::{OnceLock, mpsc::channel},
    thread::{park, spawn},
    time::{SystemTime, UNIX_EPOCH},
};
use windlass_bed::{
    Bed, Daemon, Layout, Report, Repository, Wanted, build,
    daemon::{Answer, Config},
    part::{
        gateway,
        gitea::{self, Gitea},
        prometheus::{self, Prometheus},
    },
    process::{Running, run},
};

/// Returns the bed, which is held until the test program ends. The first call builds all that tests use from this
/// checkout, whatever command started the program.
pub fn bed() -> &'static Bed {
    static BED: OnceLock<Bed> = OnceLock::new();
    BED.get_or_init(|| {
        build::everything(&Layout::main(), &Report::silent()).expect("daemon, client and plugins");
        Bed::up(Wanted::default(), &Report::silent()).expect("the bed")
    })
}

/// Returns the forge, which runs until the test program ends. The first call starts it.
pub fn forge() -> &'static Gitea {
    static FORGE: OnceLock<Gitea> = OnceLock::new();
    FORGE
        .get_or_init(|| lasting(|| gitea::up(&bed().layout, &Report::silent()).expect("the forge")))
}

/// Starts the gateway, which runs until the test program ends, unless it runs already.
pub fn gateway() {
    static GATEWAY: OnceLock<Running> = OnceLock::new();
    GATEWAY.get_or_init(|| {
        lasting(|| gateway::up(&bed().layout, &Report::printed()).expect("the gateway"))
    });
}

/// Returns the Prometheus that reads the gateway, which runs until the test program ends. The first call starts both.
pub fn gateway_metrics() -> &'static Prometheus {
    static PROMETHEUS: OnceLock<Prometheus> = OnceLock::new();
    gateway();
    PROMETHEUS.get_or_init(|| {
        lasting(|| prometheus::of_gateway(&bed().layout).expect("a Prometheus of the gateway"))
    })
}

/// Starts a part in a thread that lasts. A part ends with the thread that started it: this one outlives the test that
/// asked first.
fn lasting<P: Send + 'static>(up: impl FnOnce() -> P + Send + 'static) -> P {
    let (send, receive) = channel();
    spawn(move || {
        if send.send(up()).is_ok() {
            loop {
                park();
            }
        }
    });
    receive.recv().expect("the part starts")
}

/// Returns the hash of a token, by the command of the operator's guide.
#[must_use]
pub fn hash_of(token: &str) -> String {
    let program = build::programs().unwrap().join("windlassd");
    let line = format!("printf %s {token} | {} hash-token", program.display());
    run(Command::new("bash").args(["-c", &line])).unwrap().trim().to_owned()
}

/// Environment of one test: a daemon, a project, and the project's namespace. `TestEnv` has the methods of
/// [`Namespace`], such as `env.get("service/app", "{.spec.clusterIP}")`.
pub struct TestEnv {
    pub daemon: Daemon,
    /// Name of the project, the repository and the daemon.
    pub name: &'static str,
    namespace: Namespace,
}

/// End of a job.
#[derive(Debug)]
pub struct Ended {
    /// Output of the client.
    pub text: String,
    /// Exit code of the client.
    pub code: i32,
    pub id: String,
    /// The diagnosis. Null means that the job did not fail.
    pub diagnosis: Value,
    /// `succeeded`, `failed` or `stopped`. `none` means that the client printed no end.
    pub outcome: String,
}

impl TestEnv {
    /// Starts a daemon with the bed's parts, in an environment of this name.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        let config = Config::of(bed()).unwrap();
        Self::with(name, &config)
    }

    /// Starts a daemon with this configuration, in an environment of this name.
    #[must_use]
    pub fn with(name: &'static str, config: &Config) -> Self {
        Self::around(name, Daemon::start(bed(), name, config).unwrap())
    }

    /// Makes the environment of a daemon that runs.
    #[must_use]
    pub fn around(name: &'static str, daemon: Daemon) -> Self {
        Self { daemon, name, namespace: Namespace::of(&format!("{name}--production")) }
    }

    /// Asserts that no file of the daemon holds `text`: journal, sealed secrets, log, workspaces.
    pub fn keeps_nothing_of(&self, text: &str) {
        let folder = self.daemon.config_file().parent().unwrap().to_owned();
        let found = Command::new("grep").args(["-rl", text]).arg(folder).output().unwrap();
        let files = String::from_utf8_lossy(&found.stdout);
        // 1 means that grep searched, and found nothing.
        assert_eq!((found.status.code(), &*files), (Some(1), ""), "{found:?}");
    }

    /// Makes a repository of this test, with a small app in a Dockerfile that needs no network.
    #[must_use]
    pub fn small_app(&self) -> Repository {
        let repository = Repository::new(&bed().layout, self.name, true).unwrap();
        repository.write("Dockerfile", &dockerfile()).unwrap();
        repository.write("index.html", "one\n").unwrap();
        repository.write("windlass.toml", SMALL).unwrap();
        repository
    }

    /// Stores a secret of this test's project.
    pub fn put_secret(&self, name: &str, value: &str) {
        self.daemon.put_secret(self.name, name, value).unwrap();
    }

    /// Makes an empty repository of this test.
    #[must_use]
    pub fn repository(&self) -> Repository {
        Repository::new(&bed().layout, self.name, true).unwrap()
    }

    /// Submits `app` of this test's project with these arguments, and waits for its end.
    #[must_use]
    pub fn submit(&self, app: &str, url: &str, more: &[&str]) -> Ended {
        let app = format!("{}/{app}", self.name);
        let mut args = vec!["--output", "json", "submit", &app, "--repository", url];
        args.extend(more);
        ended(self.daemon.windlass(&args).unwrap())
    }

    /// Rolls an app of this test's project back to the release before, and waits for the end.
    #[must_use]
    pub fn roll_back(&self, app: &str) -> Ended {
        let app = format!("{}/{app}", self.name);
        ended(self.daemon.windlass(&["--output", "json", "rollback", &app]).unwrap())
    }

    /// Rolls an app of this test's project back to a release or commit, and waits for the end.
    #[must_use]
    pub fn roll_back_to(&self, app: &str, to: &str) -> Ended {
        let app = format!("{}/{app}", self.name);
        let args = ["--output", "json", "rollback", &app, "--to", to];
        ended(self.daemon.windlass(&args).unwrap())
    }

    /// Submits without waiting, and returns the job's id.
    #[must_use]
    pub fn submit_detached(&self, app: &str, url: &str, more: &[&str]) -> String {
        self.submit_detached_as(&format!("{}/{app}", self.name), url, more)
    }

    /// Submits an app of any project without waiting, and returns the job's id. `app` is `project/app`.
    #[must_use]
    pub fn submit_detached_as(&self, app: &str, url: &str, more: &[&str]) -> String {
        let mut args = vec!["--output", "json", "submit", app, "--repository", url, "--detach"];
        args.extend(more);
        let answer = self.daemon.windlass(&args).unwrap();
        assert_eq!(answer.code, 0, "{}", answer.text);
        let job: Value = serde_json::from_str(answer.text.trim()).unwrap();
        job["id"].as_str().unwrap().to_owned()
    }

    /// Waits for a job's end.
    #[must_use]
    pub fn watch(&self, id: &str) -> Ended {
        ended(self.daemon.windlass(&["--output", "json", "watch", id]).unwrap())
    }

    /// Returns all events of a job, as JSON.
    #[must_use]
    pub fn events(&self, id: &str) -> Vec<Value> {
        let answer = self.daemon.windlass(&["--output", "json", "show", id, "--events"]).unwrap();
        let lines = answer.text.lines().filter_map(|line| serde_json::from_str(line).ok());
        lines.filter(|value: &Value| value["seq"].is_u64()).collect()
    }

    /// Follows a job until an event is `wanted`. `None` means that the job ended before.
    pub fn await_event(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        let mut command = self.daemon.client(&["--output", "json", "watch", id]).unwrap();
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut events =
            lines.map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok());
        let found = events.find(|event: &Value| wanted(event));
        let _ = child.kill();
        let _ = child.wait();
        found
    }

    /// Follows a job until a tool prints this line. Panics if the job ends before.
    pub fn await_line(&self, id: &str, line: &str) {
        let found = self.await_event(id, |event| event["log"]["line"] == line);
        assert!(found.is_some(), "`{line}` was never printed: {:#?}", self.events(id));
    }

    /// Asserts that the app serves this text within some seconds.
    pub fn serves(&self, app: &str, text: &str) {
        if let Err(page) = self.await_page(app, text) {
            panic!("{text}, not {page}\n{}", self.daemon.log());
        }
    }

    /// Asserts that the daemon still runs a job to its success.
    pub fn runs_the_next_job(&self) {
        let repository =
            Repository::new(&bed().layout, &format!("{}-next", self.name), true).unwrap();
        repository.write("Dockerfile", &dockerfile()).unwrap();
        repository.write("index.html", "next\n").unwrap();
        repository.write("windlass.toml", SMALL).unwrap();
        repository.commit("next").unwrap();
        let ended = self.submit("next", repository.url(), &[]);
        assert_eq!(ended.outcome, "succeeded", "{}\n{}", ended.text, self.daemon.log());
    }

    /// Writes a file for `--spec`, and returns its path.
    #[must_use]
    pub fn spec_file(&self, name: &str, text: &str) -> String {
        let file = bed().layout.at(&format!("daemons/{}/{name}.toml", self.name));
        fs::write(&file, text).unwrap();
        file.display().to_string()
    }

    /// Returns the name of this test's namespace.
    #[must_use]
    pub fn namespace(&self) -> String {
        self.namespace.as_str().to_owned()
    }
}

impl Deref for TestEnv {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        &self.namespace
    }
}

impl Drop for TestEnv {
    /// Deletes what was deployed, without waiting.
    fn drop(&mut self) {
        self.discard();
    }
}

impl Ended {
    /// Asserts a failure's stage and code, and returns the diagnosis as text.
    #[must_use]
    pub fn failed_with(&self, stage: &str, code: &str) -> String {
        let found = (self.diagnosis["stage"].as_str(), self.diagnosis["code"].as_str());
        assert_eq!(found, (Some(stage), Some(code)), "{}", self.text);
        assert_eq!(self.code, 1, "exit code of a job that failed");
        self.diagnosis.to_string()
    }

    /// Asserts success.
    pub fn succeeded(&self) {
        assert_eq!((&*self.outcome, self.code), ("succeeded", 0), "{}", self.text);
    }

    /// Asserts that the diagnosis has a code, which `windlass explain` has a page of, and a fix.
    pub fn is_explained(&self) {
        let fixes = self.diagnosis["fixes"].as_array().map_or(0, Vec::len);
        let has_code = self.diagnosis["code"].as_str().is_some_and(|code| !code.is_empty());
        assert!(fixes > 0 && has_code, "no fix or no code: {:#}", self.diagnosis);
    }
}

fn ended(answer: Answer) -> Ended {
    let lines: Vec<Value> =
        answer.text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let id = lines.iter().find_map(|line| line["id"].as_str()).unwrap_or_default().to_owned();
    let end = lines.iter().find(|line| line["ended"].is_object()).map(|line| line["ended"].clone());
    let end = end.unwrap_or_default();
    Ended {
        code: answer.code,
        id,
        diagnosis: end["diagnosis"].clone(),
        outcome: end["outcome"].as_str().unwrap_or("none").to_owned(),
        text: answer.text,
    }
}

/// Returns the tables that configure a plugin of the project with a grant.
#[must_use]
pub fn granted(name: &str, grant: &str) -> String {
    windlass_bed::daemon::granted(name, grant).unwrap()
}

/// Requests so small that the apps of all tests fit on the bed's one node.
pub const SMALL: &str = "[resources]\ncpu = \"10m\"\nmemory = \"32Mi\"\n";

/// Returns the admin's kubeconfig with another user, in YAML: `token: …`, `exec: …`.
#[must_use]
pub fn kubeconfig_of(user: &str) -> String {
    let admin = fs::read_to_string(bed().kubeconfig()).unwrap();
    let keyless = admin.lines().filter(|line| !line.contains("client-key-data"));
    let with_user = keyless.map(|line| match line.split_once("client-certificate-data:") {
        Some((indent, _)) => format!("{indent}{user}\n"),
        None => format!("{line}\n"),
    });
    with_user.collect()
}

/// Program that serves at once.
pub const SERVE: &str = "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port=8080)";

/// Returns the line of a `windlass.toml` whose app is this program.
#[must_use]
pub fn python(code: &str) -> String {
    format!("command = [\"python3\", \"-c\", {code:?}]\n")
}

/// Returns a number of this run of the tests. An image that has the number shares no cache with earlier runs.
#[must_use]
pub fn run_of_tests() -> u128 {
    static RUN: OnceLock<u128> = OnceLock::new();
    *RUN.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos())
}

/// Returns a Dockerfile whose app serves `index.html` by Python's own server, which listens after a moment.
#[must_use]
pub fn dockerfile() -> String {
    let run = run_of_tests();
    format!(
        "FROM python:3.11-slim\nENV RUN_OF_TESTS={run}\nWORKDIR /app\nCOPY index.html ./\nUSER 10001\n\
         EXPOSE 8080\nCMD [\"python3\", \"-m\", \"http.server\", \"8080\"]\n"
    )
}
