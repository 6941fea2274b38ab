//! Jobs as sequences of events.

use std::{collections::BTreeMap, time::Duration};
use windlass_engine::ports::store::Recorded;
use windlass_model::{
    app::App,
    diagnosis::Diagnosis,
    endpoint::Endpoint,
    event::{Event, Measurement, PluginCall},
    hook::ActionResult,
    job::{CommitInfo, Gate, Image, Release, Stage},
    outcome::{Outcome, Stop},
    plan::{Change, Cursor, Plan, Step},
    runtime::Runtime,
    testing::TestSummary,
};
use windlass_proto::v1;

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

/// Returns each kind of course that a job can take.
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
        ("held", held(), vec![14, 16]),
        ("canary", canary(), vec![12, 13, 17, 21]),
        ("aborted", aborted(), vec![11, 13]),
    ]
}

/// Returns the job that all scenes are of.
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

fn release(clusters: &[&str]) -> Release {
    Release {
        id: job().id,
        app: App { project: "shop".into(), name: "web".into(), environment: "production".into() },
        clusters: clusters.iter().map(ToString::to_string).collect(),
        commit: COMMIT.into(),
        image: Image {
            reference: IMAGE.into(),
            digest: "sha256:12".into(),
            bytes: Some(62_345_678),
        },
        runtime: Runtime::default(),
        hooks: BTreeMap::new(),
    }
}

/// Returns the release that served before.
fn before() -> Release {
    Release {
        id: "0197c0dd-0000-7000-8000-000000000001".into(),
        commit: "0a1b2c3d4e5f60718293".into(),
        ..release(&["default"])
    }
}

fn succeeded(clusters: &[&str]) -> Outcome {
    Outcome::Succeeded(Box::new(release(clusters)))
}

fn failed(diagnosis: Diagnosis) -> Outcome {
    Outcome::Failed(Box::new(diagnosis))
}

impl Scene {
    fn new() -> Self {
        Self { events: Vec::new(), at_ms: START_MS }
    }

    fn after(self, ms: u64) -> Self {
        Self { at_ms: self.at_ms + ms, ..self }
    }

    fn record(mut self, event: Event) -> Self {
        let seq = self.events.len() as u64 + 1;
        let recorded = Recorded { seq, at_ms: self.at_ms, event };
        self.events.push(windlass_api::event(recorded));
        self
    }

    fn claimed(self) -> Self {
        self.record(Event::Claimed { daemon: "deploy-1".into() })
    }

    fn started(self, stage: Stage) -> Self {
        self.record(Event::Started(stage))
    }

    fn finished(self, stage: Stage) -> Self {
        self.record(Event::Finished(stage))
    }

    fn log(self, stage: Stage, source: &str, line: &str) -> Self {
        self.record(Event::Log { stage, source: source.into(), line: line.into() })
    }

    fn decided(self, stage: Stage, subject: &str, value: &str, why: &[&str]) -> Self {
        let evidence = why.iter().map(ToString::to_string).collect();
        let subject = subject.into();
        let value = value.into();
        self.record(Event::Decided { stage, subject, value, evidence })
    }

    fn built(self, name: &str, cached: bool) -> Self {
        let ms = if cached { 0 } else { 812 };
        self.record(Event::Built { step: name.into(), cached, ms, error: None })
    }

    fn plugin_called(self, plugin: &str, call: &str) -> Self {
        self.record(Event::PluginCalled(PluginCall {
            stage: Stage::Detect,
            plugin: plugin.into(),
            digest: "sha256:ab".into(),
            call: call.into(),
            cpu_ms: 0,
            ms: 0,
            memory: 1_179_648,
            host_calls: 2,
            error: None,
        }))
    }

    fn step(self, index: usize, what: &str) -> Self {
        self.record(Event::StepStarted(Cursor::Forward(index), what.into()))
    }

    fn took(self, index: usize) -> Self {
        self.record(Event::StepFinished(Cursor::Forward(index)))
    }

    fn pods(self, cluster: &str, ready: u32, wanted: u32) -> Self {
        self.record(Event::Rollout { cluster: cluster.into(), ready, wanted })
    }

    fn serving(self, cluster: &str, endpoints: &[(&str, bool)]) -> Self {
        let endpoint =
            |(url, internal): &(&str, bool)| Endpoint { url: (*url).into(), internal: *internal };
        let endpoints = endpoints.iter().map(endpoint).collect();
        self.record(Event::Serving { cluster: cluster.into(), endpoints })
    }

    fn ended(self, outcome: Outcome) -> Self {
        self.record(Event::Ended(outcome))
    }

    /// Records the events up to the build.
    fn cloned(self) -> Self {
        let cloned = CommitInfo {
            id: COMMIT.into(),
            author: "Ada Lovelace".into(),
            summary: "Say hello".into(),
            authored_ms: 0,
        };
        self.claimed()
            .started(Stage::Clone)
            .after(800)
            .record(Event::Cloned(cloned))
            .finished(Stage::Clone)
            .started(Stage::Detect)
            .plugin_called("node", "detect")
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
        let runner = "test-node".into();
        self.record(Event::Tested(TestSummary { runner, passed, failed, ..TestSummary::default() }))
    }

    fn pushed(self) -> Self {
        self.started(Stage::Push)
            .after(1200)
            .finished(Stage::Push)
            .record(Event::Pushed(Box::new(release(&["default"]))))
    }

    /// Plans a first release.
    fn planned(self) -> Self {
        self.planned_with(Change::ScaleToZero(Box::new(release(&["default"]))))
    }

    fn planned_with(self, rollback: Change) -> Self {
        let next = || Box::new(release(&["default"]));
        let within = Duration::from_secs(300);
        let forward = vec![
            Step::Change(Change::Apply(next())),
            Step::AwaitHealthy { release: next(), within },
        ];
        let rollback = vec![Step::Change(rollback)];
        let plan = Plan { forward, rollback, release: *next() };
        self.record(Event::Started(Stage::Release)).record(Event::Planned(Box::new(plan)))
    }

    fn shifted(self, weight: u32, pods: Option<(u32, u32)>) -> Self {
        self.record(Event::TrafficShifted { cluster: "default".into(), weight, pods })
    }

    fn holding(self, ms: u64) -> Self {
        let until_ms = self.at_ms + ms;
        self.record(Event::Holding { until_ms })
    }

    fn measured(self, value: Option<f64>, result: Measurement, detail: &str) -> Self {
        let cluster = "default".into();
        let metric = "success-rate".into();
        self.record(Event::Measured { cluster, metric, value, result, detail: detail.into() })
    }

    /// Records the steps up to the first share of the requests.
    fn beside(self, weight: u32, pods: Option<(u32, u32)>) -> Self {
        self.claimed()
            .planned_with(Change::SwitchBack(Box::new(before())))
            .step(0, "start web at 067f1fe93c beside what serves, with 5 % of its pods")
            .took(0)
            .step(1, "send the first requests to web at 067f1fe93c")
            .shifted(weight, pods)
            .took(1)
            .step(2, "hold for 1 min, measuring success-rate")
            .holding(60_000)
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
        .step(1, "wait until web at 067f1fe93c is healthy, at most 5 min")
        .after(4000)
        .pods("default", 1, 2)
        .after(4000)
        .pods("default", 2, 2)
        .took(1)
        .serving("default", &[("https://shop.example.com/", false), ("http://10.96.41.36/", true)])
        .finished(Stage::Release)
        .ended(succeeded(&["default"]))
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
        .ended(failed(Diagnosis {
            code: "tests-failed".into(),
            stage: Stage::Test,
            subject: "npm test".into(),
            what: "`npm test` exited with 1".into(),
            why: "11 passed, 1 failed, 0 skipped".into(),
            evidence: vec!["app.test.js:5: the page says hello: expected 'Hello'".into()],
            fixes: vec!["fix the test or the code and commit again".into()],
            ..Diagnosis::default()
        }))
}

fn crash() -> Scene {
    let ended = failed(Diagnosis {
        code: "app-crashes".into(),
        reference: "WL-K8S-020".into(),
        stage: Stage::Release,
        subject: "pod web-66d9544495-ktww8".into(),
        what: "the app starts and exits with code 3".into(),
        why: "DATABASE_URL is not set".into(),
        evidence: vec!["web-66d9544495-ktww8: DATABASE_URL is not set".into()],
        fixes: vec!["the last log lines say why: fix that and submit again".into()],
        command: Some("kubectl --namespace shop--production logs web-66d9544495-ktww8".into()),
    });
    let back = Event::StepStarted(Cursor::Rollback(0), "apply web at 0a1b2c3d4e".into());
    Scene::new()
        .cloned()
        .built("[build 1/1] FROM node:22-bookworm-slim", true)
        .finished(Stage::Build)
        .started(Stage::Test)
        .record(Event::Skipped(Stage::Test, "the spec says `test.off`".into()))
        .finished(Stage::Test)
        .pushed()
        .planned_with(Change::Restore(Box::new(before())))
        .step(0, "apply web at 067f1fe93c")
        .took(0)
        .step(1, "wait until web at 067f1fe93c is healthy, at most 5 min")
        .pods("default", 0, 2)
        .after(6000)
        .record(Event::RollingBack(ended.clone()))
        .record(back)
        .after(2000)
        .pods("default", 1, 2)
        .after(2000)
        .pods("default", 2, 2)
        .ended(ended)
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
        .ended(succeeded(&["default"]))
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
        .ended(failed(Diagnosis {
            code: "nothing-detected".into(),
            stage: Stage::Detect,
            what: "no plugin recognises the source".into(),
            fixes: vec!["commit a Dockerfile".into()],
            ..Diagnosis::default()
        }))
}

fn clusters() -> Scene {
    let warning = Event::Warning {
        stage: Stage::Build,
        message: "the image runs as root".into(),
        fix: "add to the Dockerfile: `USER 10001`".into(),
    };
    let away = Event::Retrying {
        attempt: 2,
        after_ms: 3000,
        because: "the cluster does not answer: connection refused in us".into(),
    };
    let acting = Event::HookActionStarted {
        hook: "migrate".into(),
        action: "run as a Job: ./manage migrate".into(),
    };
    let acted = Event::HookActionFinished {
        hook: "migrate".into(),
        result: ActionResult::Exited { code: 0, output: "applying 0007\ndone\n".into() },
    };
    Scene::new()
        .claimed()
        .record(warning)
        .planned()
        .step(0, "hook migrate (`hook-job`) before traffic")
        .record(acting)
        .after(1000)
        .record(acted)
        .took(0)
        .step(1, "apply web at 067f1fe93c in eu; apply web at 067f1fe93c in us")
        .pods("eu", 1, 1)
        .record(away)
        .after(20_000)
        .pods("us", 1, 1)
        .serving("eu", &[("shop.example.com/", false)])
        .serving("us", &[("http://10.97.0.12:8080/", true)])
        .finished(Stage::Release)
        .ended(succeeded(&["eu", "us"]))
}

fn held() -> Scene {
    let (gate, digest) = (Gate::Release, || "9f86d081884c7d65".to_owned());
    let note = "the migration ran\nin staging".to_owned();
    Scene::new()
        .cloned()
        .finished(Stage::Build)
        .pushed()
        .record(Event::Held { gate, digest: digest(), until_ms: START_MS + 604_800_000 })
        .after(3_600_000)
        .claimed()
        .record(Event::Approved { gate, digest: digest(), by: "ann".into(), note })
        .planned()
        .serving("default", &[("https://shop.example.com/", false)])
        .finished(Stage::Release)
        .ended(succeeded(&["default"]))
}

fn stopped() -> Scene {
    let why = Stop::Cancelled { by: "uid:0".into() };
    Scene::new()
        .cloned()
        .log(Stage::Build, "[build 3/4] RUN npm ci", "a line")
        .after(4000)
        .ended(Outcome::Stopped { at: Stage::Build, why })
}

/// A canary that somebody pauses, resumes and approves.
fn canary() -> Scene {
    let digest = || "9f86d081884c7d65".to_owned();
    let gate = Gate::Traffic;
    let note = "the logs are well".to_owned();
    Scene::new()
        .beside(5, None)
        .after(15_000)
        .measured(None, Measurement::Inconclusive, "the query has no value")
        .after(15_000)
        .measured(Some(99.5), Measurement::Well, "at least 99")
        .record(Event::Paused { by: "ann".into(), note: "looking at the logs".into() })
        .after(60_000)
        .record(Event::Resumed { by: "ann".into(), note })
        .took(2)
        .step(3, "wait for approval of 25 % of requests for web at 067f1fe93c, at most 7 days")
        .record(Event::Held { gate, digest: digest(), until_ms: START_MS + 604_800_000 })
        .after(3_600_000)
        .record(Event::Approved { gate, digest: digest(), by: "ann".into(), note: String::new() })
        .took(3)
        .step(4, "send 25 % of requests to web at 067f1fe93c")
        .shifted(25, None)
        .took(4)
        .step(5, "apply web at 067f1fe93c")
        .took(5)
        .record(Event::Kept {
            release: Box::new(release(&["default"])),
            until_ms: START_MS + 7_200_000,
        })
        .serving("default", &[("https://shop.example.com/", false)])
        .finished(Stage::Release)
        .ended(succeeded(&["default"]))
}

/// A canary by numbers of pods whose answers are not well, and which somebody ends.
fn aborted() -> Scene {
    let why = Stop::Aborted { by: "ann".into(), note: "too many errors".into() };
    let ended = Outcome::Stopped { at: Stage::Release, why };
    let back = "send all requests to web at 0a1b2c3d4e, whose pods still run";
    let back = Event::StepStarted(Cursor::Rollback(0), back.into());
    Scene::new()
        .beside(25, Some((1, 2)))
        .after(15_000)
        .measured(Some(91.25), Measurement::Failed, "at least 99; 1 of 2 failures")
        .record(Event::RollingBack(ended.clone()))
        .record(back)
        .after(2000)
        .ended(ended)
}
