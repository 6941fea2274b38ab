//! Jobs as their events tell them.

use prost_types::{Duration, Timestamp};
use windlass_proto::v1::{self, Stage, event::What};

/// 2025-11-25 17:53:02 UTC.
pub(crate) const START_MS: u64 = 1_764_093_182_000;

const COMMIT: &str = "067f1fe93c2d4a5b6c7d8e9f00112233445566ff";
const IMAGE: &str = "registry.example.com/apps/shop/web:067f1fe93c2d4a5b6c7d8e9f00112233445566ff";

/// The events of a job, in order.
pub(crate) struct Scene {
    pub(crate) events: Vec<v1::Event>,
    at_ms: u64,
}

/// A scene, its name, and the events after which the screen is looked at.
pub(crate) type Named = (&'static str, Scene, Vec<u64>);

/// Each kind of way that a job can take.
pub(crate) fn all() -> Vec<Named> {
    vec![
        ("first", first(), vec![10, 22, 28]),
        ("waits", Scene::new(), vec![0]),
        ("failing-test", failing_test(), vec![16, 18]),
        ("crash", crash(), vec![24, 27]),
        ("rollback", rollback(), vec![4]),
        ("restarted", restarted(), vec![11]),
        ("clusters", clusters(), vec![9]),
        ("stopped", stopped(), vec![]),
    ]
}

/// The job that all of them are of.
pub(crate) fn job() -> v1::Job {
    v1::Job {
        id: "0197c0de-7a11-7000-8000-000000000001".into(),
        app: Some(v1::App {
            project: "shop".into(),
            name: "web".into(),
            environment: "production".into(),
        }),
        ..v1::Job::default()
    }
}

fn release(clusters: &[&str]) -> v1::Release {
    v1::Release {
        id: job().id,
        app: job().app,
        commit: COMMIT.into(),
        image: IMAGE.into(),
        digest: "sha256:12".into(),
        bytes: 62_345_678,
        clusters: clusters.iter().map(ToString::to_string).collect(),
        ..v1::Release::default()
    }
}

fn succeeded(clusters: &[&str]) -> v1::Ended {
    v1::Ended {
        outcome: v1::Outcome::Succeeded.into(),
        release: Some(release(clusters)),
        ..v1::Ended::default()
    }
}

fn failed(diagnosis: v1::Diagnosis) -> v1::Ended {
    v1::Ended {
        outcome: v1::Outcome::Failed.into(),
        diagnosis: Some(diagnosis),
        ..v1::Ended::default()
    }
}

fn seconds(seconds: i64) -> Option<Duration> {
    Some(Duration { seconds, nanos: 0 })
}

impl Scene {
    fn new() -> Self {
        Self { events: Vec::new(), at_ms: START_MS }
    }

    fn after(self, ms: u64) -> Self {
        Self { at_ms: self.at_ms + ms, ..self }
    }

    fn say(mut self, stage: Stage, what: What) -> Self {
        let seq = self.events.len() as u64 + 1;
        let at = Timestamp {
            seconds: i64::try_from(self.at_ms / 1000).unwrap(),
            nanos: i32::try_from(self.at_ms % 1000).unwrap() * 1_000_000,
        };
        self.events.push(v1::Event { seq, at: Some(at), stage: stage.into(), what: Some(what) });
        self
    }

    fn claimed(self) -> Self {
        self.say(Stage::Unspecified, What::Claimed(v1::Claimed { daemon: "deploy-1".into() }))
    }

    fn started(self, stage: Stage) -> Self {
        self.say(stage, What::Started(v1::Started {}))
    }

    fn finished(self, stage: Stage) -> Self {
        self.say(stage, What::Finished(v1::Finished {}))
    }

    fn log(self, stage: Stage, source: &str, line: &str) -> Self {
        self.say(stage, What::Log(v1::Log { source: source.into(), line: line.into() }))
    }

    fn decided(self, stage: Stage, subject: &str, value: &str, why: &[&str]) -> Self {
        let evidence = why.iter().map(ToString::to_string).collect();
        let subject = subject.into();
        let value = value.into();
        self.say(stage, What::Decided(v1::Decided { subject, value, evidence }))
    }

    fn built(self, name: &str, cached: bool) -> Self {
        let took = Some(Duration { seconds: 0, nanos: if cached { 0 } else { 812_000_000 } });
        let step = v1::BuildStep { name: name.into(), cached, took, error: String::new() };
        self.say(Stage::Build, What::BuildStep(step))
    }

    fn called(self, plugin: &str, call: &str) -> Self {
        let called = v1::PluginCall {
            plugin: plugin.into(),
            digest: "sha256:ab".into(),
            call: call.into(),
            computed: seconds(0),
            took: seconds(0),
            memory: 1_179_648,
            host_calls: 2,
            error: String::new(),
        };
        self.say(Stage::Detect, What::PluginCalled(called))
    }

    fn step(self, index: u32, what: &str) -> Self {
        let step = v1::Step { index, what: what.into(), ..v1::Step::default() };
        self.say(Stage::Release, What::Step(step))
    }

    fn took(self, index: u32) -> Self {
        let step = v1::Step { index, done: true, ..v1::Step::default() };
        self.say(Stage::Release, What::Step(step))
    }

    fn pods(self, cluster: &str, ready: u32, wanted: u32) -> Self {
        let rollout = v1::Rollout { cluster: cluster.into(), ready, wanted };
        self.say(Stage::Release, What::Rollout(rollout))
    }

    fn serving(self, cluster: &str, endpoints: &[(&str, bool)]) -> Self {
        let endpoint = |(url, internal): &(&str, bool)| v1::Endpoint {
            url: (*url).into(),
            internal: *internal,
        };
        let endpoints = endpoints.iter().map(endpoint).collect();
        let serving = v1::Serving { cluster: cluster.into(), endpoints };
        self.say(Stage::Release, What::Serving(serving))
    }

    fn ended(self, stage: Stage, ended: v1::Ended) -> Self {
        self.say(stage, What::Ended(ended))
    }

    /// Up to the image in the registry.
    fn cloned(self) -> Self {
        let cloned = v1::Cloned {
            commit: COMMIT.into(),
            author: "Ada Lovelace".into(),
            summary: "Say hello".into(),
            authored: None,
        };
        self.claimed()
            .started(Stage::Clone)
            .after(800)
            .say(Stage::Clone, What::Cloned(cloned))
            .finished(Stage::Clone)
            .started(Stage::Detect)
            .called("node", "detect")
            .decided(
                Stage::Detect,
                "language",
                "node (score 80, by `node`)",
                &["package.json: a Node app", "package.json: engines.node asks for 22"],
            )
            .after(100)
            .finished(Stage::Detect)
            .started(Stage::Build)
    }

    fn tested(self, passed: u32, failed: u32) -> Self {
        let tested =
            v1::Tested { runner: "test-node".into(), passed, failed, ..v1::Tested::default() };
        self.say(Stage::Test, What::Tested(tested))
    }

    fn pushed(self) -> Self {
        let pushed =
            v1::Pushed { image: IMAGE.into(), digest: "sha256:12".into(), bytes: 62_345_678 };
        self.started(Stage::Push)
            .after(1200)
            .finished(Stage::Push)
            .say(Stage::Push, What::Pushed(pushed))
    }

    fn planned(self) -> Self {
        let planned = v1::Planned {
            forward: vec!["apply web at 067f1fe93c".into(), "wait until web is healthy".into()],
            rollback: vec!["scale web to 0".into()],
        };
        self.started(Stage::Release).say(Stage::Release, What::Planned(planned))
    }
}

fn first() -> Scene {
    Scene::new()
        .cloned()
        .built("[build 1/4] FROM node:22-bookworm-slim", true)
        .built("[build 2/4] WORKDIR /app", true)
        .after(9000)
        .log(Stage::Build, "[build 3/4] RUN npm ci", "added 212 packages in 8s")
        .built("[build 3/4] RUN npm ci", false)
        .finished(Stage::Build)
        .started(Stage::Test)
        .decided(Stage::Test, "tests", "npm test (`test-node`)", &["package.json: scripts.test"])
        .log(Stage::Test, "npm test", "ok 1 - the page says hello")
        .after(3000)
        .tested(12, 0)
        .finished(Stage::Test)
        .pushed()
        .planned()
        .step(0, "apply web at 067f1fe93c")
        .took(0)
        .step(1, "wait until web at 067f1fe93c is healthy, at most 300 s")
        .after(4000)
        .pods("default", 1, 2)
        .after(4000)
        .pods("default", 2, 2)
        .took(1)
        .serving("default", &[("https://shop.example.com/", false), ("http://10.96.41.36/", true)])
        .finished(Stage::Release)
        .ended(Stage::Release, succeeded(&["default"]))
}

fn failing_test() -> Scene {
    Scene::new()
        .cloned()
        .built("[build 1/2] FROM node:22-bookworm-slim", true)
        .built("[build 2/2] COPY . .", true)
        .finished(Stage::Build)
        .started(Stage::Test)
        .log(Stage::Test, "npm test", "not ok 1 - the page says hello")
        .log(Stage::Test, "npm test", "  expected: 'Hello'")
        .log(Stage::Test, "npm test", "  actual: 'Hullo'")
        .after(2500)
        .tested(11, 1)
        .ended(
            Stage::Test,
            failed(v1::Diagnosis {
                code: "tests-failed".into(),
                stage: Stage::Test.into(),
                subject: "npm test".into(),
                what: "`npm test` exited with 1".into(),
                why: "11 passed, 1 failed, 0 skipped".into(),
                evidence: vec!["app.test.js:5: the page says hello: expected 'Hello'".into()],
                fixes: vec!["fix the test or the code and commit again".into()],
                ..v1::Diagnosis::default()
            }),
        )
}

fn crash() -> Scene {
    let ended = failed(v1::Diagnosis {
        code: "app-crashes".into(),
        reference: "WL-K8S-020".into(),
        stage: Stage::Release.into(),
        subject: "pod web-66d9544495-ktww8".into(),
        what: "the app starts and exits with code 3".into(),
        why: "DATABASE_URL is not set".into(),
        evidence: vec!["web-66d9544495-ktww8: DATABASE_URL is not set".into()],
        fixes: vec!["the last log lines say why: fix that and submit again".into()],
        command: "kubectl --namespace shop--production logs web-66d9544495-ktww8".into(),
    });
    let back =
        v1::Step { rollback: true, what: "apply web at 0a1b2c3d4e".into(), ..Default::default() };
    Scene::new()
        .cloned()
        .built("[build 1/1] FROM node:22-bookworm-slim", true)
        .finished(Stage::Build)
        .started(Stage::Test)
        .say(Stage::Test, What::Skipped(v1::Skipped { why: "the spec says `test.off`".into() }))
        .finished(Stage::Test)
        .pushed()
        .planned()
        .step(0, "apply web at 067f1fe93c")
        .took(0)
        .step(1, "wait until web at 067f1fe93c is healthy, at most 300 s")
        .pods("default", 0, 2)
        .after(6000)
        .say(Stage::Release, What::RollingBack(ended.clone()))
        .say(Stage::Release, What::Step(back))
        .after(2000)
        .pods("default", 1, 2)
        .after(2000)
        .pods("default", 2, 2)
        .ended(Stage::Release, ended)
}

fn rollback() -> Scene {
    Scene::new()
        .claimed()
        .planned()
        .step(0, "apply web at 067f1fe93c")
        .after(5000)
        .pods("default", 2, 2)
        .serving("default", &[("http://10.96.41.36/", true)])
        .finished(Stage::Release)
        .ended(Stage::Release, succeeded(&["default"]))
}

/// The daemon was killed in the middle of the build.
fn restarted() -> Scene {
    Scene::new()
        .cloned()
        .after(30_000)
        .claimed()
        .started(Stage::Clone)
        .after(500)
        .finished(Stage::Clone)
        .ended(
            Stage::Detect,
            failed(v1::Diagnosis {
                code: "nothing-detected".into(),
                stage: Stage::Detect.into(),
                what: "no plugin recognises the source".into(),
                fixes: vec!["commit a Dockerfile".into()],
                ..v1::Diagnosis::default()
            }),
        )
}

fn clusters() -> Scene {
    let warning = v1::Warning {
        message: "the image runs as root".into(),
        fix: "add to the Dockerfile: `USER 10001`".into(),
    };
    let away = v1::Retrying {
        attempt: 2,
        after: seconds(3),
        because: "the cluster does not answer: connection refused in us".into(),
    };
    let acting = v1::HookActionStarted {
        hook: "migrate".into(),
        action: "run as a Job: ./manage migrate".into(),
    };
    let acted = v1::HookActionFinished {
        hook: "migrate".into(),
        result: "exited with 0".into(),
        output: "applying 0007\ndone\n".into(),
    };
    Scene::new()
        .claimed()
        .say(Stage::Build, What::Warning(warning))
        .planned()
        .step(0, "hook migrate (`hook-job`) before traffic")
        .say(Stage::Hooks, What::HookActionStarted(acting))
        .after(1000)
        .say(Stage::Hooks, What::HookActionFinished(acted))
        .took(0)
        .step(1, "apply web at 067f1fe93c in eu; apply web at 067f1fe93c in us")
        .pods("eu", 1, 1)
        .say(Stage::Unspecified, What::Retrying(away))
        .after(20_000)
        .pods("us", 1, 1)
        .serving("eu", &[("shop.example.com/", false)])
        .serving("us", &[("http://10.97.0.12:8080/", true)])
        .finished(Stage::Release)
        .ended(Stage::Release, succeeded(&["eu", "us"]))
}

fn stopped() -> Scene {
    let ended = v1::Ended {
        outcome: v1::Outcome::Stopped.into(),
        stop: "cancelled by uid:0".into(),
        ..v1::Ended::default()
    };
    Scene::new()
        .cloned()
        .log(Stage::Build, "[build 3/4] RUN npm ci", "a line")
        .after(4000)
        .ended(Stage::Build, ended)
}
