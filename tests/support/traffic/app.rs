//! The app that is asked, in an environment of its own, and its releases.

use super::Target;
use crate::{Ended, SMALL, TestEnv};
use serde_json::Value;
use std::cell::Cell;
use windlass_bed::{Repository, daemon::Answer, part::gateway};

/// Program of the app: `/` answers with `$VERSION`, `/slow` after a second, `/echo` is a WebSocket.
const PROGRAM: &str = include_str!("app.py");

/// Image of the app. All versions are this image, with another `$VERSION`: each is built once, for all tests.
const DOCKERFILE: &str = "FROM python:3.11-slim\nWORKDIR /app\nCOPY app.py ./\nUSER 10001\n\
     EXPOSE 8080\nCMD [\"python3\", \"app.py\"]\n";

/// An app that answers with its version and drains on SIGTERM, as `app` of its environment.
pub struct Shop {
    pub env: TestEnv,
    pub repository: Repository,
}

impl Shop {
    /// Starts a daemon with the bed's parts, and commits the app.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self::around(TestEnv::new(name))
    }

    /// Commits the app for an environment that is there.
    #[must_use]
    pub fn around(env: TestEnv) -> Self {
        let repository = env.repository();
        repository.write("Dockerfile", DOCKERFILE).unwrap();
        repository.write("app.py", PROGRAM).unwrap();
        repository.write("windlass.toml", SMALL).unwrap();
        repository.commit("serve").unwrap();
        Self { env, repository }
    }

    /// Writes the spec of a version, and returns its path. `spec` begins with keys of the app, and may have tables
    /// behind them.
    #[must_use]
    pub fn spec(&self, version: &str, spec: &str) -> String {
        let text = format!("health = \"/healthz\"\nenv.VERSION = \"{version}\"\n{spec}\n{SMALL}");
        self.env.spec_file(version, &text)
    }

    /// Releases a version, and waits for the job's end. `spec` is as in [`Self::spec`].
    #[must_use]
    pub fn release(&self, version: &str, spec: &str) -> Ended {
        self.env.submit("app", self.repository.url(), &["--spec", &self.spec(version, spec)])
    }

    /// Begins to release a version, and returns the job's id.
    #[must_use]
    pub fn begin(&self, version: &str, spec: &str) -> String {
        let file = self.spec(version, spec);
        self.env.submit_detached("app", self.repository.url(), &["--spec", &file])
    }

    /// Releases the first version, which then serves.
    #[track_caller]
    pub fn serves_first(&self, version: &str, spec: &str) {
        self.release(version, spec).succeeded();
        self.env.serves("app", version);
    }

    /// Rolls the app back to the release before, and waits for the end.
    #[must_use]
    pub fn roll_back(&self) -> Ended {
        self.env.roll_back("app")
    }

    /// Begins to roll the app back to the release before, and returns the job's id.
    #[must_use]
    pub fn begin_rollback(&self) -> String {
        let app = format!("{}/app", self.env.name);
        let answer = self.env.daemon.windlass(&["--output", "json", "rollback", &app, "--detach"]);
        let answer = answer.unwrap();
        assert_eq!(answer.code, 0, "{}", answer.text);
        let job: Value = serde_json::from_str(answer.text.trim()).unwrap();
        job["id"].as_str().unwrap().to_owned()
    }

    /// Rolls out the image that serves under another name, as people do without a runner: `kubectl set image` and
    /// `kubectl rollout status`.
    pub fn set_image(&self, tag: &str) {
        let image = "{.spec.template.spec.containers[0].image}";
        let image = self.env.get("deployment/app", image);
        let (name, digest) = image.split_once('@').unwrap();
        let image = format!("app={name}:{tag}@{digest}");
        self.env.kubectl(&["set", "image", "deployment/app", &image]);
        self.env.kubectl(&["rollout", "status", "deployment/app", "--timeout=120s"]);
    }

    /// Returns the address of the app's `Service`.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::service(&self.env, "app")
    }

    /// Waits until requests are shared so by a job. Panics if the job ends before.
    #[track_caller]
    pub fn await_shift(&self, id: &str, weight: u64) {
        let found = self.env.await_event(id, |event| shifted_to(event) == Some(weight));
        assert!(found.is_some(), "no shift to {weight}: {:#?}", self.env.events(id));
    }

    /// Waits until a job stays as it is for the first time. Panics if the job ends before.
    #[track_caller]
    pub fn await_hold(&self, id: &str) {
        let found = self.env.await_event(id, |event| event["holding"].is_object());
        assert!(found.is_some(), "no hold: {:#?}", self.env.events(id));
    }

    /// Waits until a job waits for an approval of its requests, and returns the digest of what waits.
    #[must_use]
    #[track_caller]
    pub fn await_gate(&self, id: &str) -> String {
        let found = self.env.await_event(id, |event| event["held"]["gate"] == "traffic");
        let found = found.unwrap_or_else(|| panic!("no gate: {:#?}", self.env.events(id)));
        found["held"]["digest"].as_str().unwrap().to_owned()
    }

    /// Approves the requests for which a job waits next, once it does. Panics if the job ends before.
    #[track_caller]
    pub fn approve_next(&self, id: &str) {
        let events = self.env.events(id);
        let given = events.iter().filter(|event| event["approved"].is_object()).count();
        let seen = Cell::new(0);
        let next = |event: &Value| {
            seen.set(seen.get() + usize::from(event["held"]["gate"] == "traffic"));
            seen.get() > given
        };
        let found = self.env.await_event(id, next);
        let found = found.unwrap_or_else(|| panic!("no gate: {:#?}", self.env.events(id)));
        let digest = found["held"]["digest"].as_str().unwrap();
        let answer = self.env.daemon.windlass(&["approve", id, "--digest", digest]).unwrap();
        assert_eq!(answer.code, 0, "{}", answer.text);
    }

    /// Returns the weights of a job's shifts, in order. A restart may take a shift twice, which counts once.
    #[must_use]
    pub fn weights(&self, id: &str) -> Vec<u64> {
        let mut weights: Vec<_> = self.env.events(id).iter().filter_map(shifted_to).collect();
        weights.dedup();
        weights
    }

    /// Says something about a job: `pause`, `resume`, `abort`, `reject`.
    #[must_use]
    pub fn say(&self, verb: &str, id: &str, note: &str) -> Answer {
        self.env.daemon.windlass(&[verb, id, "--note", note]).unwrap()
    }

    /// Asserts that the client's command succeeds.
    #[track_caller]
    pub fn does(&self, verb: &str, id: &str, note: &str) {
        let answer = self.say(verb, id, note);
        assert_eq!(answer.code, 0, "{verb}: {}", answer.text);
    }
}

/// Returns the keys of an app behind the bed's gateway.
#[must_use]
pub fn exposed(host: &str) -> String {
    format!("expose = {{ gateway = \"{}/public\", hosts = [\"{host}\"] }}\n", gateway::NAMESPACE)
}

/// Returns the percentage that the new version gets from this event on. `None` means that it is another event.
#[must_use]
pub fn shifted_to(event: &Value) -> Option<u64> {
    let shifted = event["traffic_shifted"].as_object()?;
    // A share of nothing may be left out.
    Some(shifted.get("weight").and_then(Value::as_u64).unwrap_or_default())
}
