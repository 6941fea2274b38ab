//! Converts data of the model to messages. No value of an environment leaves here.

mod app;
mod cluster;
mod dead;
mod delivery;
mod message;
mod plan;
mod preview;
mod previous;
mod project;
mod registry;
mod removed;
mod session;
mod strategy;
mod time;

pub(crate) use app::app;
pub(crate) use cluster::{checked_cluster, own_cluster, removed_cluster};
pub(crate) use dead::dead;
pub(crate) use delivery::{created_hook, delivery, hook, verdict};
pub(crate) use message::{message, unwell};
pub(crate) use plan::{change, plan};
pub(crate) use preview::preview;
pub(crate) use project::project;
pub(crate) use registry::{registry, registry_finding, registry_version};
pub(crate) use removed::removed;
pub(crate) use session::login_link;

use previous::previous;
use std::collections::BTreeMap;
use strategy::{kept, measured, pause, shifted};
use time::{duration, timestamp};
use windlass_engine::{
    ports::{
        LogLine, PluginStatus,
        store::{JobRecord, Recorded, SecretRecord, UnreadableJob},
    },
    queue::Wait,
};
use windlass_model::replay::JobState;
use windlass_model::{
    approval::Hold,
    diagnosis::Diagnosis,
    endpoint::Endpoint,
    event::{
        Event, PluginCall, PluginEffect,
        view::{View, view},
    },
    job::{CommitInfo, Image, Release, Source, Stage},
    outcome::Outcome,
    plan::{Cursor, Plan, Step},
    repository,
    testing::{TestCase, TestSummary},
};
use windlass_proto::v1::{self, event::What};

pub(crate) fn stage(stage: Stage) -> v1::Stage {
    match stage {
        Stage::Clone => v1::Stage::Clone,
        Stage::Detect => v1::Stage::Detect,
        Stage::Build => v1::Stage::Build,
        Stage::Test => v1::Stage::Test,
        Stage::Push => v1::Stage::Push,
        Stage::Release => v1::Stage::Release,
        Stage::Hooks => v1::Stage::Hooks,
    }
}

pub(crate) fn state(state: JobState) -> v1::JobState {
    match state {
        JobState::Waiting => v1::JobState::Waiting,
        JobState::Running => v1::JobState::Running,
        JobState::Held => v1::JobState::Held,
        JobState::RollingBack => v1::JobState::RollingBack,
        JobState::Succeeded => v1::JobState::Succeeded,
        JobState::Failed => v1::JobState::Failed,
        JobState::Stopped => v1::JobState::Stopped,
    }
}

pub(crate) fn job(record: JobRecord) -> v1::Job {
    let job = record.job;
    let removal = match job.source {
        Source::Removal(removal) => Some(v1::Removal { data: removal.data }),
        _ => None,
    };
    let (contract_of, contract_command) = match &job.source {
        Source::Contract(release) => {
            let migrate = release.runtime.migrate.clone().unwrap_or_default();
            (release.id.clone(), migrate.contract)
        }
        _ => (String::new(), Vec::new()),
    };
    let (source, rollback_of) = match job.source {
        Source::Commit(commit) => (
            Some(v1::Source {
                // The job of an older version may hold a login.
                repository: repository::shown(&commit.repository),
                commit: commit.id,
                branch: commit.branch,
                directory: commit.directory,
                credential: commit.credential.unwrap_or_default(),
                revision: commit.revision,
            }),
            String::new(),
        ),
        Source::Release(release) => (None, release.id),
        Source::Contract(_) | Source::Removal(_) => (None, String::new()),
    };
    v1::Job {
        id: job.id,
        app: Some(app(&job.app)),
        source,
        rollback_of,
        labels: job.labels.into_iter().collect(),
        state: state(record.state).into(),
        stage: record.stage.map_or(0, |at| stage(at).into()),
        created: Some(timestamp(job.created_ms)),
        principal: job.principal,
        last_seq: record.last_seq,
        ended: record.outcome.map(ended),
        clusters: job.clusters.names,
        started: record.started_ms.map(timestamp),
        finished: record.ended_ms.map(timestamp),
        waiting: None,
        held: record.held.map(held),
        removal,
        paused: record.paused.map(pause),
        contract_of,
        contract_command,
    }
}

fn held(hold: Hold) -> v1::Held {
    let Hold { gate, digest, until_ms } = hold;
    v1::Held { gate: gate.to_string(), digest, until: Some(timestamp(until_ms)) }
}

/// Returns jobs with the reasons for which they wait.
pub(crate) fn jobs(records: Vec<JobRecord>, mut waits: BTreeMap<String, Wait>) -> Vec<v1::Job> {
    let shown = |record: JobRecord| {
        let waiting = waits.remove(&record.job.id).map(waiting);
        v1::Job { waiting, ..job(record) }
    };
    records.into_iter().map(shown).collect()
}

fn waiting(wait: Wait) -> v1::Waiting {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let waiting = v1::Waiting {
        reason: wait.name().into(),
        sentence: wait.to_string(),
        ..v1::Waiting::default()
    };
    match wait {
        Wait::Approval { .. } | Wait::Paused(_) | Wait::LeftAlone(_) => waiting,
        Wait::App { job } | Wait::Order { job } => v1::Waiting { job, ..waiting },
        Wait::Running { limit } => v1::Waiting { limit: number(limit), ..waiting },
        Wait::Slot(slot) => v1::Waiting {
            clusters: slot.clusters,
            limit: number(slot.limit),
            taken: number(slot.taken),
            taken_by_project: number(slot.own),
            before: number(slot.before),
            ..waiting
        },
    }
}

pub(crate) fn unreadable(job: UnreadableJob) -> v1::UnreadableJob {
    v1::UnreadableJob { id: job.id, app: Some(app(&job.app)), why: job.why }
}

pub(crate) fn release(release: &Release, created_ms: Option<u64>, current: bool) -> v1::Release {
    v1::Release {
        id: release.id.clone(),
        app: Some(app(&release.app)),
        commit: release.commit.clone(),
        image: release.image.reference.clone(),
        digest: release.image.digest.clone(),
        created: created_ms.map(timestamp),
        current,
        clusters: release.clusters.clone(),
        bytes: release.image.bytes.unwrap_or_default(),
    }
}

pub(crate) fn secret(record: SecretRecord) -> v1::Secret {
    v1::Secret {
        project: record.project,
        name: record.name,
        version: record.version,
        created: Some(timestamp(record.created_ms)),
    }
}

pub(crate) fn plugin(status: PluginStatus) -> v1::Plugin {
    v1::Plugin {
        name: status.name,
        version: status.version,
        world: status.world,
        digest: status.digest,
        path: status.path,
        markers: status.markers,
        languages: status.languages,
        grants: status.may,
        calls: status.calls,
        failures: status.failures,
        disabled: status.disabled.unwrap_or_default(),
        not_granted: status.not_granted,
        used: status.used,
    }
}

fn ended(outcome: Outcome) -> v1::Ended {
    match outcome {
        Outcome::Succeeded(done) => v1::Ended {
            outcome: v1::Outcome::Succeeded.into(),
            release: Some(release(&done, None, true)),
            ..v1::Ended::default()
        },
        Outcome::Removed(removed) => v1::Ended {
            outcome: v1::Outcome::Succeeded.into(),
            removed_from: removed.clusters,
            ..v1::Ended::default()
        },
        Outcome::Contracted(contracted) => v1::Ended {
            outcome: v1::Outcome::Succeeded.into(),
            contracted_in: contracted.clusters,
            ..v1::Ended::default()
        },
        Outcome::Failed(why) => v1::Ended {
            outcome: v1::Outcome::Failed.into(),
            diagnosis: Some(diagnosis(*why)),
            ..v1::Ended::default()
        },
        Outcome::Stopped { why, .. } => v1::Ended {
            outcome: v1::Outcome::Stopped.into(),
            stop: why.to_string(),
            ..v1::Ended::default()
        },
    }
}

pub(crate) fn diagnosis(diagnosis: Diagnosis) -> v1::Diagnosis {
    v1::Diagnosis {
        code: diagnosis.code,
        stage: stage(diagnosis.stage).into(),
        subject: diagnosis.subject,
        what: diagnosis.what,
        why: diagnosis.why,
        fixes: diagnosis.fixes,
        command: diagnosis.command.unwrap_or_default(),
        evidence: diagnosis.evidence,
        reference: diagnosis.reference,
    }
}

/// Returns the message for an event.
#[must_use]
pub fn event(recorded: Recorded) -> v1::Event {
    let View { kind, stage: at, sentence } = view(&recorded.event);
    v1::Event {
        seq: recorded.seq,
        at: Some(timestamp(recorded.at_ms)),
        stage: at.map_or(0, |at| stage(at).into()),
        kind: kind.into(),
        sentence,
        what: Some(what(recorded.event)),
    }
}

fn what(event: Event) -> What {
    match event {
        Event::Claimed { daemon } => What::Claimed(v1::Claimed { daemon }),
        Event::Started(_) => What::Started(v1::Started {}),
        Event::Finished(_) => What::Finished(v1::Finished {}),
        Event::Cloned(commit) => What::Cloned(cloned(commit)),
        Event::Skipped(_, why) => What::Skipped(v1::Skipped { reason: why }),
        Event::Log { stage: _, source, line } => What::Log(v1::Log { source, line }),
        Event::Built { step, cached, ms, error } => {
            let duration = Some(duration(ms));
            let error = error.unwrap_or_default();
            What::BuildStep(v1::BuildStep { name: step, cached, duration, error })
        }
        Event::Decided { stage: _, subject, value, evidence } => {
            What::Decided(v1::Decided { subject, value, evidence })
        }
        Event::Warning { stage: _, message, fix } => What::Warning(v1::Warning { message, fix }),
        Event::Retrying { attempt, after_ms, because } => {
            let after = Some(duration(after_ms));
            What::Retrying(v1::Retrying { attempt, after, reason: because })
        }
        Event::PluginCalled(call) => What::PluginCalled(plugin_call(call)),
        Event::PluginEffect(effect) => What::PluginEffect(plugin_effect(effect)),
        Event::HookRequested { hook, batch } => {
            let actions = u32::try_from(batch.actions.len()).unwrap_or(u32::MAX);
            What::HookRequested(v1::HookRequested { hook, actions })
        }
        Event::HookActionStarted { hook, action } => {
            What::HookActionStarted(v1::HookActionStarted { hook, action })
        }
        Event::HookActionFinished { hook, result } => {
            let output = result.output();
            let result = result.to_string();
            What::HookActionFinished(v1::HookActionFinished { hook, result, output })
        }
        Event::PullSecret { release: _, host, at_ms } => {
            What::PullSecret(v1::PullSecret { host, renew: Some(timestamp(at_ms)) })
        }
        Event::OutcomeDecided { outcome, hooks: _ } => What::OutcomeDecided(ended(outcome)),
        Event::Tested(summary) => What::Tested(tested(summary)),
        Event::Pushed(release) => {
            let Image { reference: image, digest, bytes } = release.image;
            let bytes = bytes.unwrap_or_default();
            What::Pushed(v1::Pushed { image, digest, bytes })
        }
        Event::Held { gate, digest, until_ms } => What::Held(held(Hold { gate, digest, until_ms })),
        Event::Approved { gate, digest, by, note } => {
            What::Approved(v1::Approved { gate: gate.to_string(), digest, by, note })
        }
        Event::TrafficShifted { cluster, weight, pods } => {
            What::TrafficShifted(shifted(cluster, weight, pods))
        }
        Event::Holding { until_ms } => {
            What::Holding(v1::Holding { until: Some(timestamp(until_ms)) })
        }
        Event::Measured { cluster, metric, value, result, detail } => {
            What::Measured(measured(cluster, metric, value, result, detail))
        }
        Event::Paused { by, note } => What::Paused(v1::Paused { by, note }),
        Event::Resumed { by, note } => What::Resumed(v1::Resumed { by, note }),
        Event::Kept { release, until_ms } => What::Kept(kept(&release, until_ms)),
        Event::Migrated { cluster, release, digest, phase, key, at_ms } => {
            let (phase, at) = (phase.to_string(), Some(timestamp(at_ms)));
            What::Migrated(v1::Migrated { cluster, phase, key, at, release, digest })
        }
        Event::Planned(plan) => What::Planned(planned(&plan)),
        Event::StepStarted(cursor, description) => What::Step(step(cursor, description, false)),
        Event::StepFinished(cursor) => What::Step(step(cursor, String::new(), true)),
        Event::Rollout { cluster, ready, wanted } => {
            What::Rollout(v1::Rollout { ready, desired: wanted, cluster })
        }
        Event::Serving { cluster, endpoints } => {
            let endpoints = endpoints.into_iter().map(endpoint).collect();
            What::Serving(v1::Serving { cluster, endpoints })
        }
        Event::RollingBack(outcome) => What::RollingBack(ended(outcome)),
        Event::Ended(outcome) => What::Ended(ended(outcome)),
    }
}

fn planned(plan: &Plan) -> v1::Planned {
    let texts = |steps: &[Step]| steps.iter().map(ToString::to_string).collect();
    let index = |step: Option<usize>| step.and_then(|step| u32::try_from(step).ok());
    let previous = previous(&plan.rollback);
    v1::Planned {
        forward: texts(&plan.forward),
        rollback: texts(&plan.rollback),
        previous: previous.iter().map(|it| release(it, None, false)).collect(),
        strategies: plan.strategies(),
        switch_step: index(plan.switch_step()),
        last_check_step: index(plan.last_check_step()),
        last_measured_step: index(plan.last_measured_step()),
    }
}

fn cloned(commit: CommitInfo) -> v1::Cloned {
    v1::Cloned {
        commit: commit.id,
        author: commit.author,
        summary: commit.summary,
        authored: Some(commit.authored_ms).filter(|ms| *ms > 0).map(timestamp),
    }
}

pub(crate) fn log_line(line: LogLine) -> v1::AppLogLine {
    v1::AppLogLine {
        cluster: line.cluster,
        pod: line.pod,
        process: line.process,
        container: line.container,
        at: line.at_ms.map(timestamp),
        line: line.line,
    }
}

pub(crate) fn endpoint(endpoint: Endpoint) -> v1::Endpoint {
    v1::Endpoint { url: endpoint.url, internal: endpoint.internal }
}

fn plugin_call(call: PluginCall) -> v1::PluginCall {
    v1::PluginCall {
        plugin: call.plugin,
        digest: call.digest,
        call: call.call,
        cpu_time: Some(duration(call.cpu_ms)),
        duration: Some(duration(call.ms)),
        memory: call.memory,
        host_calls: call.host_calls,
        error: call.error.unwrap_or_default(),
    }
}

fn plugin_effect(effect: PluginEffect) -> v1::PluginEffect {
    v1::PluginEffect {
        plugin: effect.plugin,
        digest: effect.digest,
        call: effect.call,
        capability: effect.capability,
        effect: effect.what,
        denied: effect.denied.unwrap_or_default(),
        bytes: effect.bytes,
        duration: Some(duration(effect.ms)),
    }
}

fn tested(summary: TestSummary) -> v1::Tested {
    let case = |case: TestCase| v1::TestCase {
        suite: case.suite,
        name: case.name,
        message: case.message,
        file: case.file.unwrap_or_default(),
        line: case.line.unwrap_or_default(),
    };
    v1::Tested {
        runner: summary.runner,
        passed: summary.passed,
        failed: summary.failed,
        skipped: summary.skipped,
        failures: summary.failures.into_iter().map(case).collect(),
    }
}

fn step(cursor: Cursor, description: String, done: bool) -> v1::Step {
    let index = u32::try_from(cursor.index()).unwrap_or(u32::MAX);
    let rollback = matches!(cursor, Cursor::Rollback(_));
    let notify = matches!(cursor, Cursor::Notify(_));
    v1::Step { index, rollback, notify, done, description }
}
