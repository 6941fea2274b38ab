//! An example of each event, for tests: how it is stored, masked, sent and shown is compared with files.
//! An event without an example does not compile.

use super::{Event, Measurement, PluginCall, PluginEffect};
use crate::{
    app::App,
    diagnosis::Diagnosis,
    endpoint::Endpoint,
    hook::{Action, ActionResult, Batch, Hook, HookPhase, Policy},
    job::{CommitInfo, Gate, Image, Release, Stage},
    outcome::{Contracted, Outcome, Removed, Stop},
    plan::{Change, Cursor, Plan, Step, removing},
    runtime::{MigrationPhase, Runtime},
    testing::{TestCase, TestSummary},
};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// 2025-11-25 17:53:02 UTC.
const TIME_MS: u64 = 1_764_093_182_000;

const COMMIT: &str = "067f1fe93c2d4a5b6c7d8e9f00112233445566ff";

macro_rules! examples {
    ($(Event::$variant:ident => [$($event:expr),+ $(,)?],)+) => {
        /// Returns examples of every event, in the order in which events are declared.
        #[must_use]
        pub fn all() -> Vec<Event> {
            vec![$($($event),+),+]
        }

        /// Returns the name of an event's variant.
        #[must_use]
        pub fn name(event: &Event) -> &'static str {
            match event {
                $(Event::$variant { .. } => stringify!($variant),)+
            }
        }

        /// Names of all variants.
        pub const NAMES: &[&str] = &[$(stringify!($variant)),+];
    };
}

examples! {
    Event::Claimed => [Event::Claimed { daemon: "deploy-1".into() }],
    Event::Started => [Event::Started(Stage::Build)],
    Event::Skipped => [Event::Skipped(Stage::Test, "the spec says `test.off`".into())],
    Event::Cloned => [Event::Cloned(CommitInfo {
        id: COMMIT.into(),
        author: "Ada Lovelace".into(),
        summary: "Say hello".into(),
        authored_ms: TIME_MS,
    })],
    Event::Log => [Event::Log {
        stage: Stage::Build,
        source: "[build 3/4] RUN npm ci".into(),
        line: "added 212 packages in 8s".into(),
    }],
    Event::Built => [
        built(true, 0, None),
        built(false, 812, None),
        built(false, 812, Some("exit code: 1")),
    ],
    Event::Decided => [Event::Decided {
        stage: Stage::Detect,
        subject: "language".into(),
        value: "node (score 80, by `node`)".into(),
        evidence: texts(&["package.json: a Node app", "package.json: engines.node asks for 22"]),
    }],
    Event::Warning => [
        warning("the image runs as root", "add to the Dockerfile: `USER 10001`"),
        warning("the cluster has no metrics", ""),
    ],
    Event::Retrying => [Event::Retrying {
        attempt: 2,
        after_ms: 3000,
        because: "the cluster does not answer: connection refused in us".into(),
    }],
    Event::PluginCalled => [plugin_call(None), plugin_call(Some("it trapped: unreachable"))],
    Event::PluginEffect => [
        effect(None),
        effect(Some("no grant for `api.example.com`; add it to `http.hosts`")),
    ],
    Event::HookRequested => [Event::HookRequested {
        hook: "migrate".into(),
        batch: Batch {
            actions: vec![
                Action::PodExec { command: migrate(), timeout_ms: 1000, once: true },
                Action::RunJob { command: migrate(), timeout_ms: 60_000 },
                Action::Wait { ms: 500 },
            ],
            state: vec![1, 2],
        },
    }],
    Event::HookActionStarted => [Event::HookActionStarted {
        hook: "migrate".into(),
        action: "run as a Job: ./manage migrate".into(),
    }],
    Event::HookActionFinished => [
        action_result(ActionResult::Exited { code: 0, output: "applying 0007\ndone\n".into() }),
        action_result(ActionResult::Waited),
        action_result(ActionResult::Denied("pod-exec is not granted".into())),
        action_result(ActionResult::TimedOut),
        action_result(ActionResult::Failed("the daemon ended while it ran".into())),
        action_result(ActionResult::Hopeless(Box::new(diagnosis()))),
    ],
    Event::Tested => [Event::Tested(TestSummary {
        runner: "test-node".into(),
        passed: 11,
        failed: 2,
        skipped: 1,
        none_yet: None,
        failures: vec![
            TestCase {
                suite: "app.test.js".into(),
                name: "the page says hello".into(),
                message: "expected: 'Hello'\nactual: 'Hullo'".into(),
                file: Some("app.test.js".into()),
                line: Some(5),
            },
            TestCase { name: "the bank answers".into(), ..TestCase::default() },
        ],
    })],
    Event::Pushed => [Event::Pushed(Box::new(release()))],
    Event::Held => [
        Event::Held { gate: Gate::Clone, digest: COMMIT.into(), until_ms: TIME_MS },
        Event::Held { gate: Gate::Release, digest: digest(), until_ms: TIME_MS },
        Event::Held { gate: Gate::Traffic, digest: digest(), until_ms: TIME_MS },
    ],
    Event::Approved => [approved(""), approved("the migration ran in staging")],
    Event::Planned => [
        planned(Vec::new()),
        planned(vec![Step::Change(Change::ScaleToZero(Box::new(release())))]),
        Event::Planned(Box::new(removing(&bare(), true))),
    ],
    Event::StepStarted => [
        Event::StepStarted(Cursor::Forward(0), "apply web at 067f1fe93c".into()),
        Event::StepStarted(Cursor::Rollback(1), "scale web to 0".into()),
        Event::StepStarted(Cursor::Notify(0), hook().to_string()),
    ],
    Event::PullSecret => [Event::PullSecret {
        release: Box::new(release()),
        host: "registry.example.com".into(),
        at_ms: TIME_MS,
    }],
    Event::Rollout => [rollout("default"), rollout("eu")],
    Event::TrafficShifted => [
        Event::TrafficShifted { cluster: "eu".into(), weight: 25, pods: None },
        Event::TrafficShifted { cluster: "default".into(), weight: 25, pods: Some((1, 2)) },
    ],
    Event::Holding => [Event::Holding { until_ms: TIME_MS }],
    Event::Measured => [
        measured(Some(99.5), Measurement::Well, "at least 99"),
        measured(Some(91.25), Measurement::Failed, "at least 99; 1 of 0 failures"),
        measured(None, Measurement::Inconclusive, "the query has no value"),
    ],
    Event::Paused => [
        Event::Paused { by: "ann".into(), note: String::new() },
        Event::Paused { by: "ann".into(), note: "looking at the logs".into() },
    ],
    Event::Resumed => [Event::Resumed { by: "ann".into(), note: "well".into() }],
    Event::Kept => [Event::Kept { release: Box::new(release()), until_ms: TIME_MS }],
    Event::Migrated => [
        migrated("eu", MigrationPhase::Backup),
        migrated("default", MigrationPhase::Expand),
        migrated("default", MigrationPhase::Contract),
    ],
    Event::StepFinished => [
        Event::StepFinished(Cursor::Forward(0)),
        Event::StepFinished(Cursor::Rollback(1)),
        Event::StepFinished(Cursor::Notify(0)),
    ],
    Event::Serving => [Event::Serving {
        cluster: "eu".into(),
        endpoints: vec![
            Endpoint { url: "https://shop.example.com/".into(), internal: false },
            Endpoint { url: "http://10.96.41.36/".into(), internal: true },
        ],
    }],
    Event::RollingBack => [Event::RollingBack(failed()), Event::RollingBack(cancelled())],
    Event::Finished => [Event::Finished(Stage::Build)],
    Event::OutcomeDecided => [
        Event::OutcomeDecided { outcome: failed(), hooks: vec![hook()] },
        Event::OutcomeDecided { outcome: succeeded(), hooks: Vec::new() },
    ],
    Event::Ended => [
        Event::Ended(succeeded()),
        Event::Ended(failed()),
        Event::Ended(cancelled()),
        Event::Ended(stopped(Stop::Superseded { by: "0197c0de-0002".into() })),
        Event::Ended(stopped(Stop::TimedOut { seconds: 3600 })),
        Event::Ended(stopped(Stop::Rejected { by: "ann".into(), note: String::new() })),
        Event::Ended(stopped(Stop::Rejected { by: "ann".into(), note: "not on a Friday".into() })),
        Event::Ended(stopped(Stop::NotApproved { seconds: 604_800 })),
        Event::Ended(stopped(Stop::Outdated { release: "0197c0de-0001".into() })),
        Event::Ended(removed()),
        Event::Ended(contracted()),
    ],
}

/// Returns copies of an event, each with another one of its texts replaced. Words that the format fixes, such
/// as those of stages, are none.
#[must_use]
pub fn with_each_text(event: &Event, text: &str) -> Vec<Event> {
    let value = serde_json::to_value(event).unwrap_or_default();
    let mut places = Vec::new();
    texts_of(&value, "", &mut places);
    let replaced = places.iter().filter_map(|place| {
        let mut value = value.clone();
        *value.pointer_mut(place)? = text.into();
        serde_json::from_value(value).ok()
    });
    replaced.collect()
}

fn texts_of(value: &Value, at: &str, places: &mut Vec<String>) {
    match value {
        Value::String(_) => places.push(at.to_owned()),
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                texts_of(value, &format!("{at}/{index}"), places);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                texts_of(value, &format!("{at}/{key}"), places);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns a release of `shop/web/production` in two clusters.
#[must_use]
pub fn release() -> Release {
    Release {
        id: "0197c0de-0001".into(),
        app: App { project: "shop".into(), name: "web".into(), environment: "production".into() },
        clusters: texts(&["eu", "us"]),
        commit: COMMIT.into(),
        image: Image {
            reference: format!("registry.example.com/apps/shop/web:{COMMIT}"),
            digest: "sha256:12".into(),
            bytes: Some(62_345_678),
        },
        runtime: Runtime::default(),
        hooks: BTreeMap::from([("migrate".to_owned(), r#"{"command":["./manage"]}"#.to_owned())]),
    }
}

/// Returns a diagnosis with all of its parts.
#[must_use]
pub fn diagnosis() -> Diagnosis {
    Diagnosis {
        code: "app-crashes".into(),
        reference: "WL-K8S-020".into(),
        stage: Stage::Release,
        subject: "pod web-66d9544495-ktww8".into(),
        what: "the app starts and exits with code 3".into(),
        why: "its last words:\nDATABASE_URL is not set".into(),
        fixes: texts(&["fix what the log says and submit again", "look at the log"]),
        command: Some("kubectl --namespace shop--production logs web-66d9544495-ktww8".into()),
        evidence: texts(&["web-66d9544495-ktww8: DATABASE_URL is not set", "BackOff:\n5 times"]),
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn migrate() -> Vec<String> {
    texts(&["./manage", "migrate"])
}

fn built(cached: bool, ms: u64, error: Option<&str>) -> Event {
    let step = "[build 3/4] RUN npm ci".to_owned();
    Event::Built { step, cached, ms, error: error.map(Into::into) }
}

fn warning(message: &str, fix: &str) -> Event {
    Event::Warning { stage: Stage::Build, message: message.into(), fix: fix.into() }
}

fn plugin_call(error: Option<&str>) -> Event {
    Event::PluginCalled(PluginCall {
        stage: Stage::Detect,
        plugin: "node".into(),
        digest: "sha256:ab".into(),
        call: "detect".into(),
        cpu_ms: 10,
        ms: 12,
        memory: 1_179_648,
        host_calls: 2,
        error: error.map(Into::into),
    })
}

fn effect(denied: Option<&str>) -> Event {
    Event::PluginEffect(PluginEffect {
        stage: Stage::Hooks,
        plugin: "hook-http".into(),
        digest: "sha256:cd".into(),
        call: "next".into(),
        capability: "http".into(),
        what: "POST https://api.example.com/ -> 200".into(),
        denied: denied.map(Into::into),
        bytes: 64,
        ms: 31,
    })
}

fn action_result(result: ActionResult) -> Event {
    Event::HookActionFinished { hook: "migrate".into(), result }
}

fn hook() -> Hook {
    Hook {
        name: "tell".into(),
        plugin: "hook-http".into(),
        phase: HookPhase::AfterFailure,
        policy: Policy::Warn,
        settings: r#"{"url":"https://api.example.com/"}"#.into(),
        app_settings: "{}".into(),
        secrets: BTreeMap::new(),
    }
}

fn planned(rollback: Vec<Step>) -> Event {
    let next = Box::new(release());
    let forward = vec![
        Step::Change(Change::Apply(next.clone())),
        Step::AwaitHealthy { release: next, within: Duration::from_secs(300) },
    ];
    Event::Planned(Box::new(Plan { forward, rollback, release: release() }))
}

/// Returns the digest of all that a release applies.
fn digest() -> String {
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into()
}

fn measured(value: Option<f64>, result: Measurement, detail: &str) -> Event {
    let (cluster, metric) = ("eu".into(), "success-rate".into());
    Event::Measured { cluster, metric, value, result, detail: detail.into() }
}

fn migrated(cluster: &str, phase: MigrationPhase) -> Event {
    let Release { id: release, image, .. } = release();
    let (cluster, key, digest) = (cluster.into(), digest(), image.digest);
    Event::Migrated { cluster, release, digest, phase, key, at_ms: TIME_MS }
}

fn approved(note: &str) -> Event {
    let (gate, digest) = (Gate::Release, digest());
    Event::Approved { gate, digest, by: "ann".into(), note: note.into() }
}

fn rollout(cluster: &str) -> Event {
    Event::Rollout { cluster: cluster.into(), ready: 1, wanted: 2 }
}

fn succeeded() -> Outcome {
    Outcome::Succeeded(Box::new(release()))
}

/// A removal's release, which stands for the app.
fn bare() -> Release {
    let release = release();
    Release::bare(&release.id, &release.app, &release.clusters)
}

fn removed() -> Outcome {
    let Release { id: job, app, clusters, .. } = bare();
    Outcome::Removed(Removed { job, app, clusters })
}

fn contracted() -> Outcome {
    let Release { id: release, app, clusters, .. } = bare();
    Outcome::Contracted(Contracted { release, app, clusters })
}

fn failed() -> Outcome {
    Outcome::Failed(Box::new(diagnosis()))
}

fn cancelled() -> Outcome {
    stopped(Stop::Cancelled { by: "uid:0".into() })
}

fn stopped(why: Stop) -> Outcome {
    Outcome::Stopped { at: Stage::Build, why }
}
