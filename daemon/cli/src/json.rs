//! Messages as JSON objects, with the names of the proto.

use prost_types::Timestamp;
use serde_json::{Value, json};
use windlass_proto::v1::{self, event::What};

pub(crate) fn job(job: &v1::Job) -> Value {
    json!({
        "id": job.id,
        "app": job.app.as_ref().map(app),
        "source": job.source.as_ref().map(|source| json!({
            "repository": source.repository,
            "commit": source.commit,
            "branch": source.branch,
            "revision": source.revision,
            "directory": source.directory,
        })),
        "rollback_of": job.rollback_of,
        "clusters": job.clusters,
        "labels": job.labels,
        "state": word(job.state().as_str_name()),
        "stage": word(job.stage().as_str_name()),
        "created": job.created.as_ref().map(seconds),
        "started": job.started.as_ref().map(seconds),
        "finished": job.finished.as_ref().map(seconds),
        "principal": job.principal,
        "last_seq": job.last_seq,
        "ended": job.ended.as_ref().map(ended),
    })
}

pub(crate) fn app(app: &v1::App) -> Value {
    json!({ "project": app.project, "name": app.name, "environment": app.environment })
}

pub(crate) fn release(release: &v1::Release) -> Value {
    json!({
        "id": release.id,
        "app": release.app.as_ref().map(app),
        "commit": release.commit,
        "image": release.image,
        "digest": release.digest,
        "bytes": release.bytes,
        "created": release.created.as_ref().map(seconds),
        "current": release.current,
        "clusters": release.clusters,
    })
}

pub(crate) fn secret(secret: &v1::Secret) -> Value {
    json!({
        "project": secret.project,
        "name": secret.name,
        "version": secret.version,
        "created": secret.created.as_ref().map(seconds),
    })
}

pub(crate) fn plan(plan: &v1::PlanResponse) -> Value {
    let parse = |text: &String| serde_json::from_str::<Value>(text).unwrap_or_default();
    json!({
        "language": plan.language,
        "detector": plan.detector,
        "evidence": plan.evidence,
        "dockerfile": plan.dockerfile,
        "spec": parse(&plan.spec_json),
        "decided_by": plan.decided_by,
        "manifests": plan.manifests.iter().map(parse).collect::<Vec<_>>(),
        "changes": plan.changes.iter().map(|change| json!({
            "cluster": change.cluster,
            "object": change.object,
            "verb": word(change.verb().as_str_name()),
            "lines": change.lines,
        })).collect::<Vec<_>>(),
    })
}

fn ended(ended: &v1::Ended) -> Value {
    json!({
        "outcome": word(ended.outcome().as_str_name()),
        "release": ended.release.as_ref().map(release),
        "diagnosis": ended.diagnosis.as_ref().map(diagnosis),
        "stop": ended.stop,
    })
}

fn diagnosis(diagnosis: &v1::Diagnosis) -> Value {
    json!({
        "code": diagnosis.code,
        "reference": diagnosis.reference,
        "stage": word(diagnosis.stage().as_str_name()),
        "subject": diagnosis.subject,
        "what": diagnosis.what,
        "why": diagnosis.why,
        "fixes": diagnosis.fixes,
        "command": diagnosis.command,
        "evidence": diagnosis.evidence,
    })
}

pub(crate) fn status(status: &v1::AppStatus) -> Value {
    let workload = |one: &v1::WorkloadStatus| {
        json!({
            "kind": one.kind,
            "name": one.name,
            "process": one.process,
            "ready": one.ready,
            "wanted": one.wanted,
        })
    };
    let cluster = |one: &v1::ClusterStatus| {
        json!({
            "cluster": one.cluster,
            "release": one.release.as_ref().map(release),
            "principal": one.principal,
            "health": word(one.health().as_str_name()),
            "diagnosis": one.diagnosis.as_ref().map(diagnosis),
            "workloads": one.workloads.iter().map(workload).collect::<Vec<_>>(),
            "endpoints": one.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
            "away": one.away,
        })
    };
    json!({
        "app": status.app.as_ref().map(app),
        "clusters": status.clusters.iter().map(cluster).collect::<Vec<_>>(),
        "jobs": status.jobs.iter().map(job).collect::<Vec<_>>(),
    })
}

pub(crate) fn log_line(line: &v1::AppLogLine) -> Value {
    json!({
        "cluster": line.cluster,
        "pod": line.pod,
        "process": line.process,
        "container": line.container,
        "at": line.at.as_ref().map(seconds),
        "line": line.line,
    })
}

pub(crate) fn endpoint(endpoint: &v1::Endpoint) -> Value {
    json!({ "url": endpoint.url, "internal": endpoint.internal })
}

fn tested(tested: &v1::Tested) -> Value {
    let case = |case: &v1::TestCase| {
        json!({
            "suite": case.suite,
            "name": case.name,
            "message": case.message,
            "file": case.file,
            "line": case.line,
        })
    };
    json!({
        "runner": tested.runner,
        "passed": tested.passed,
        "failed": tested.failed,
        "skipped": tested.skipped,
        "failures": tested.failures.iter().map(case).collect::<Vec<_>>(),
    })
}

pub(crate) fn event(event: &v1::Event) -> Value {
    let (kind, what) = match &event.what {
        None => ("unknown", json!({})),
        Some(What::Claimed(it)) => ("claimed", json!({ "daemon": it.daemon })),
        Some(What::Started(_)) => ("started", json!({})),
        Some(What::Finished(_)) => ("finished", json!({})),
        Some(What::Cloned(it)) => (
            "cloned",
            json!({
                "commit": it.commit,
                "author": it.author,
                "summary": it.summary,
                "authored": it.authored.as_ref().map(seconds),
            }),
        ),
        Some(What::Skipped(it)) => ("skipped", json!({ "why": it.why })),
        Some(What::Log(it)) => ("log", json!({ "source": it.source, "line": it.line })),
        Some(What::BuildStep(it)) => (
            "build_step",
            json!({ "name": it.name, "cached": it.cached, "ms": millis(it.took.as_ref()), "error": it.error }),
        ),
        Some(What::Decided(it)) => (
            "decided",
            json!({ "subject": it.subject, "value": it.value, "evidence": it.evidence }),
        ),
        Some(What::PluginCalled(it)) => (
            "called",
            json!({
                "plugin": it.plugin,
                "digest": it.digest,
                "call": it.call,
                "computed_ms": millis(it.computed.as_ref()),
                "ms": millis(it.took.as_ref()),
                "memory": it.memory,
                "host_calls": it.host_calls,
                "error": it.error,
            }),
        ),
        Some(What::PluginEffect(it)) => (
            "effected",
            json!({
                "plugin": it.plugin,
                "digest": it.digest,
                "call": it.call,
                "capability": it.capability,
                "what": it.what,
                "denied": it.denied,
                "bytes": it.bytes,
                "ms": millis(it.took.as_ref()),
            }),
        ),
        Some(What::HookRequested(it)) => {
            ("hook_round", json!({ "hook": it.hook, "actions": it.actions }))
        }
        Some(What::HookActionStarted(it)) => {
            ("hook_acting", json!({ "hook": it.hook, "action": it.action }))
        }
        Some(What::HookActionFinished(it)) => {
            ("hook_acted", json!({ "hook": it.hook, "result": it.result, "output": it.output }))
        }
        Some(What::PullSecret(it)) => {
            ("pull_secret", json!({ "host": it.host, "renew": it.renew.as_ref().map(seconds) }))
        }
        Some(What::OutcomeDecided(it)) => ("concluding", ended(it)),
        Some(What::Tested(it)) => ("tested", tested(it)),
        Some(What::Warning(it)) => ("warning", json!({ "message": it.message, "fix": it.fix })),
        Some(What::Retrying(it)) => (
            "retrying",
            json!({ "attempt": it.attempt, "after_ms": millis(it.after.as_ref()), "because": it.because }),
        ),
        Some(What::Pushed(it)) => {
            ("pushed", json!({ "image": it.image, "digest": it.digest, "bytes": it.bytes }))
        }
        Some(What::Planned(it)) => {
            ("planned", json!({ "forward": it.forward, "rollback": it.rollback }))
        }
        Some(What::Step(it)) => (
            "step",
            json!({
                "index": it.index,
                "rollback": it.rollback,
                "notify": it.notify,
                "done": it.done,
                "what": it.what,
            }),
        ),
        Some(What::Rollout(it)) => {
            ("rollout", json!({ "ready": it.ready, "wanted": it.wanted, "cluster": it.cluster }))
        }
        Some(What::Serving(it)) => {
            let endpoints: Vec<_> = it.endpoints.iter().map(endpoint).collect();
            ("serving", json!({ "cluster": it.cluster, "endpoints": endpoints }))
        }
        Some(What::RollingBack(it)) => ("rolling_back", ended(it)),
        Some(What::Ended(it)) => ("ended", ended(it)),
    };
    json!({
        "seq": event.seq,
        "at": event.at.as_ref().map(seconds),
        "stage": word(event.stage().as_str_name()),
        kind: what,
    })
}

/// `JOB_STATE_TURNING_BACK` as `rolling_back`.
pub(crate) fn word(name: &str) -> String {
    let name = ["JOB_STATE_", "STAGE_", "OUTCOME_", "CHANGE_VERB_", "HEALTH_"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    match name {
        "UNSPECIFIED" => String::new(),
        name => name.to_ascii_lowercase(),
    }
}

fn seconds(time: &Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "exact for 200,000 years at milliseconds")]
    let seconds = time.seconds as f64;
    seconds + f64::from(time.nanos / 1_000_000) / 1000.0
}

pub(crate) fn millis(duration: Option<&prost_types::Duration>) -> i64 {
    duration.map_or(0, |duration| duration.seconds * 1000 + i64::from(duration.nanos / 1_000_000))
}
