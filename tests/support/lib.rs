//! What end-to-end tests share: the bed, a daemon each, and jobs that are submitted and judged.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests: what cannot go on should stop"
)]

pub mod faulty_api_server;
mod namespace;

pub use namespace::Namespace;

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    ops::Deref,
    process::{Command, Stdio},
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};
use windlass_bed::{
    Bed, Daemon, Layout, Report, Repository, Wanted, build,
    daemon::{Answer, Config},
};

/// The one bed, held until the test program ends. Whatever command started this program: all that tests
/// use is built by then, from this checkout.
///
/// # Panics
/// When it cannot be built or brought up.
pub fn bed() -> &'static Bed {
    static BED: OnceLock<Bed> = OnceLock::new();
    BED.get_or_init(|| {
        build::everything(&Layout::main(), &Report::silent()).expect("daemon, client and plugins");
        Bed::up(Wanted::default(), &Report::silent()).expect("the bed")
    })
}

/// The environment of one test: a daemon, a project, and the project's namespace. It has the methods of
/// [`Namespace`], so that a test says `env.get("service/app", "{.spec.clusterIP}")`.
pub struct TestEnv {
    /// Its daemon.
    pub daemon: Daemon,
    /// The name of its project, repository and daemon.
    pub name: &'static str,
    namespace: Namespace,
}

/// How a job ended.
#[derive(Debug)]
pub struct Ended {
    /// All that the client printed.
    pub text: String,
    /// Its exit code.
    pub code: i32,
    /// The job's id.
    pub id: String,
    /// The diagnosis, or null.
    pub diagnosis: Value,
    /// `succeeded`, `failed`, `stopped`.
    pub outcome: String,
}

impl TestEnv {
    /// # Panics
    /// When the daemon does not start.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        let config = Config::of(bed()).unwrap();
        Self::with(name, &config)
    }

    /// # Panics
    /// When the daemon does not start.
    #[must_use]
    pub fn with(name: &'static str, config: &Config) -> Self {
        Self::around(name, Daemon::start(bed(), name, config).unwrap())
    }

    /// Makes the environment of a daemon that runs.
    #[must_use]
    pub fn around(name: &'static str, daemon: Daemon) -> Self {
        Self { daemon, name, namespace: Namespace::of(&format!("{name}--production")) }
    }

    /// Looks through all that the daemon keeps: journal, sealed secrets, log, workspaces.
    ///
    /// # Panics
    /// When a file there holds `text`.
    pub fn keeps_nothing_of(&self, text: &str) {
        let folder = self.daemon.config_file().parent().unwrap().to_owned();
        let found = Command::new("grep").args(["-rl", text]).arg(folder).output().unwrap();
        let files = String::from_utf8_lossy(&found.stdout);
        // 1: it looked, and found nothing.
        assert_eq!((found.status.code(), &*files), (Some(1), ""), "{found:?}");
    }

    /// A repository of this test, with a small app in a Dockerfile that needs no network.
    ///
    /// # Panics
    /// When git says no.
    #[must_use]
    pub fn small_app(&self) -> Repository {
        let repository = Repository::new(&bed().layout, self.name, true).unwrap();
        repository.write("Dockerfile", &dockerfile()).unwrap();
        repository.write("index.html", "one\n").unwrap();
        repository.write("windlass.toml", SMALL).unwrap();
        repository
    }

    /// An empty repository of this test.
    ///
    /// # Panics
    /// When git says no.
    #[must_use]
    pub fn repository(&self) -> Repository {
        Repository::new(&bed().layout, self.name, true).unwrap()
    }

    /// Submits `app` of this test's project with these arguments, and waits for its end.
    ///
    /// # Panics
    /// When the client cannot be started.
    #[must_use]
    pub fn submit(&self, app: &str, url: &str, more: &[&str]) -> Ended {
        let app = format!("{}/{app}", self.name);
        let mut args = vec!["--output", "json", "submit", &app, "--repository", url];
        args.extend(more);
        ended(self.daemon.windlass(&args).unwrap())
    }

    /// Submits without waiting, and gives the job's id.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn submit_detached(&self, app: &str, url: &str, more: &[&str]) -> String {
        self.submit_detached_as(&format!("{}/{app}", self.name), url, more)
    }

    /// Submits an app of any project without waiting, and gives the job's id. `app` is `project/app`.
    ///
    /// # Panics
    /// When it is refused.
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
    ///
    /// # Panics
    /// When the client cannot be started.
    #[must_use]
    pub fn watch(&self, id: &str) -> Ended {
        ended(self.daemon.windlass(&["--output", "json", "watch", id]).unwrap())
    }

    /// All events of a job, as JSON.
    ///
    /// # Panics
    /// When the client says no.
    #[must_use]
    pub fn events(&self, id: &str) -> Vec<Value> {
        let answer = self.daemon.windlass(&["--output", "json", "show", id, "--events"]).unwrap();
        let lines = answer.text.lines().filter_map(|line| serde_json::from_str(line).ok());
        lines.filter(|value: &Value| value["seq"].is_u64()).collect()
    }

    /// Follows a job until an event is as wanted; none when the job ends before.
    ///
    /// # Panics
    /// When the client cannot be started.
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

    /// Follows a job until a tool prints this line.
    ///
    /// # Panics
    /// When the job ends before.
    pub fn await_line(&self, id: &str, line: &str) {
        let found = self.await_event(id, |event| event["log"]["line"] == line);
        assert!(found.is_some(), "`{line}` was never said: {:#?}", self.events(id));
    }

    /// Asserts that the app serves this.
    ///
    /// # Panics
    /// When it does not.
    pub fn serves(&self, app: &str, text: &str) {
        if let Err(page) = self.await_page(app, text) {
            panic!("{text}, not {page}\n{}", self.daemon.log());
        }
    }

    /// Asserts that the daemon runs the next job as if nothing had happened.
    ///
    /// # Panics
    /// When it does not.
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
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn spec_file(&self, name: &str, text: &str) -> String {
        let file = bed().layout.at(&format!("daemons/{}/{name}.toml", self.name));
        fs::write(&file, text).unwrap();
        file.display().to_string()
    }

    /// This test's namespace.
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
    /// What was deployed goes, without waiting for it.
    fn drop(&mut self) {
        self.discard();
    }
}

impl Ended {
    /// Asserts a failure's stage and code, and gives its text for a closer look.
    ///
    /// # Panics
    /// When it ended otherwise.
    #[must_use]
    pub fn failed_with(&self, stage: &str, code: &str) -> String {
        let found = (self.diagnosis["stage"].as_str(), self.diagnosis["code"].as_str());
        assert_eq!(found, (Some(stage), Some(code)), "{}", self.text);
        assert_eq!(self.code, 1, "exit code of a job that failed");
        self.diagnosis.to_string()
    }

    /// Asserts success.
    ///
    /// # Panics
    /// When it ended otherwise.
    pub fn succeeded(&self) {
        assert_eq!((&*self.outcome, self.code), ("succeeded", 0), "{}", self.text);
    }

    /// Asserts that the diagnosis has a fix and a page.
    ///
    /// # Panics
    /// When it lacks one of them.
    pub fn is_explained(&self) {
        let fixes = self.diagnosis["fixes"].as_array().map_or(0, Vec::len);
        let has_page = self.diagnosis["reference"].as_str().is_some_and(|page| !page.is_empty());
        assert!(fixes > 0 && has_page, "no fix or no page: {:#}", self.diagnosis);
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

/// A plugin of the project, with what it is granted: tables for a daemon's configuration.
///
/// # Panics
/// When the plugin is not built.
#[must_use]
pub fn granted(name: &str, grant: &str) -> String {
    windlass_bed::daemon::granted(name, grant).unwrap()
}

/// All tests together fit on the bed's one node.
pub const SMALL: &str = "[resources]\ncpu = \"10m\"\nmemory = \"32Mi\"\n";

/// The admin's kubeconfig with another user, in YAML: `token: …`, `exec: …`.
///
/// # Panics
/// When the bed's own cannot be read.
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

/// A program that serves at once.
pub const SERVE: &str = "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port=8080)";

/// Returns the line of a `windlass.toml` whose app is this program.
#[must_use]
pub fn python(code: &str) -> String {
    format!("command = [\"python3\", \"-c\", {code:?}]\n")
}

/// Returns a number of this run of the tests. In an image it keeps the run from what an earlier one left
/// in the builder's cache.
#[must_use]
pub fn run_of_tests() -> u128 {
    static RUN: OnceLock<u128> = OnceLock::new();
    *RUN.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos())
}

/// Serves `index.html` with what Debian's Python stand-in has; listens after a moment.
#[must_use]
pub fn dockerfile() -> String {
    let run = run_of_tests();
    format!(
        "FROM python:3.11-slim\nENV RUN_OF_TESTS={run}\nWORKDIR /app\nCOPY index.html ./\nUSER 10001\n\
         EXPOSE 8080\nCMD [\"python3\", \"-m\", \"http.server\", \"8080\"]\n"
    )
}
