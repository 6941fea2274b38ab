//! Masking of events. Every variant and every field stands here by its name, without `..` and without an
//! arm for the rest, so that a new event or field does not compile until somebody decides about its
//! text.
//!
//! Text from outside is masked: from repositories, tools, plugins and clusters. Names that the operator
//! or the job chose stay, such as those of hooks, plugins and clusters: they distinguish one event from
//! another.

use super::{Event, PluginCall, PluginEffect};
use crate::{
    diagnosis::Diagnosis,
    endpoint::Endpoint,
    hook::ActionResult,
    job::CommitInfo,
    outcome::{Contracted, Outcome, Removed, Stop},
    testing::{TestCase, TestSummary},
};

impl Event {
    /// Returns the event with `mask` applied to each text from outside.
    #[must_use]
    pub fn map_text(self, mask: &mut impl FnMut(String) -> String) -> Self {
        match self {
            // Names, numbers and stages.
            kept @ (Self::Claimed { daemon: _ }
            | Self::Started(_)
            | Self::Finished(_)
            | Self::Rollout { cluster: _, ready: _, wanted: _ }
            | Self::Held { gate: _, digest: _, until_ms: _ }
            | Self::TrafficShifted { cluster: _, weight: _, pods: _ }
            | Self::Holding { until_ms: _ }
            | Self::Migrated {
                cluster: _,
                release: _,
                digest: _,
                phase: _,
                key: _,
                at_ms: _,
            }
            | Self::StepFinished(_)) => kept,
            // A restart continues with these, and a pull secret is renewed with its release: they must be
            // read as they were recorded. Plans and releases name secrets and never hold one, and a plugin
            // never sees a value that it could put into a batch.
            kept @ (Self::Pushed(_)
            | Self::Planned(_)
            | Self::HookRequested { hook: _, batch: _ }
            | Self::PullSecret { release: _, host: _, at_ms: _ }
            | Self::Kept { release: _, until_ms: _ }) => kept,
            Self::Skipped(stage, why) => Self::Skipped(stage, mask(why)),
            Self::Cloned(commit) => Self::Cloned(cloned(commit, mask)),
            Self::Log { stage, source, line } => {
                Self::Log { stage, source: mask(source), line: mask(line) }
            }
            Self::Built { step, cached, ms, error } => {
                Self::Built { step: mask(step), cached, ms, error: error.map(&mut *mask) }
            }
            // The subject is a constant of the pipeline.
            Self::Decided { stage, subject, value, evidence } => {
                Self::Decided { stage, subject, value: mask(value), evidence: all(evidence, mask) }
            }
            Self::Warning { stage, message, fix } => {
                Self::Warning { stage, message: mask(message), fix: mask(fix) }
            }
            Self::Retrying { attempt, after_ms, because } => {
                Self::Retrying { attempt, after_ms, because: mask(because) }
            }
            // The digest says what is approved: a restart compares it.
            Self::Approved { gate, digest, by, note } => {
                Self::Approved { gate, digest, by, note: mask(note) }
            }
            Self::Measured { cluster, metric, value, result, detail } => {
                Self::Measured { cluster, metric, value, result, detail: mask(detail) }
            }
            Self::Paused { by, note } => Self::Paused { by, note: mask(note) },
            Self::Resumed { by, note } => Self::Resumed { by, note: mask(note) },
            Self::PluginCalled(call) => Self::PluginCalled(plugin_call(call, mask)),
            Self::PluginEffect(effect) => Self::PluginEffect(plugin_effect(effect, mask)),
            Self::HookActionStarted { hook, action } => {
                Self::HookActionStarted { hook, action: mask(action) }
            }
            Self::HookActionFinished { hook, result } => {
                Self::HookActionFinished { hook, result: action_result(result, mask) }
            }
            Self::Tested(summary) => Self::Tested(tested(summary, mask)),
            Self::StepStarted(cursor, what) => Self::StepStarted(cursor, mask(what)),
            Self::Serving { cluster, endpoints } => {
                let endpoints = endpoints.into_iter().map(|one| endpoint(one, mask)).collect();
                Self::Serving { cluster, endpoints }
            }
            Self::RollingBack(outcome) => Self::RollingBack(outcome.map_text(mask)),
            // A restart asks the hooks with the settings that are recorded here.
            Self::OutcomeDecided { outcome, hooks } => {
                Self::OutcomeDecided { outcome: outcome.map_text(mask), hooks }
            }
            Self::Ended(outcome) => Self::Ended(outcome.map_text(mask)),
        }
    }
}

impl Outcome {
    /// Returns the outcome with `mask` applied to each text from outside.
    #[must_use]
    pub fn map_text(self, mask: &mut impl FnMut(String) -> String) -> Self {
        match self {
            // A release names secrets and never holds one; principals and jobs have names.
            kept @ (Self::Succeeded(_)
            | Self::Removed(Removed { job: _, app: _, clusters: _ })
            | Self::Contracted(Contracted { release: _, app: _, clusters: _ })
            | Self::Stopped {
                at: _,
                why:
                    Stop::Cancelled { by: _ }
                    | Stop::Superseded { by: _ }
                    | Stop::TimedOut { seconds: _ }
                    | Stop::Outdated { release: _ }
                    | Stop::NotApproved { seconds: _ },
            }) => kept,
            Self::Stopped { at, why: Stop::Rejected { by, note } } => {
                Self::Stopped { at, why: Stop::Rejected { by, note: mask(note) } }
            }
            Self::Stopped { at, why: Stop::Aborted { by, note } } => {
                Self::Stopped { at, why: Stop::Aborted { by, note: mask(note) } }
            }
            Self::Failed(diagnosis) => Self::Failed(Box::new(diagnosis.map_text(mask))),
        }
    }
}

impl Diagnosis {
    /// Returns the diagnosis with `mask` applied to each text from outside.
    #[must_use]
    pub fn map_text(self, mask: &mut impl FnMut(String) -> String) -> Self {
        let Self { code, reference, stage, subject, what, why, fixes, command, evidence } = self;
        Self {
            // Both are ours, and stable.
            code,
            reference,
            stage,
            subject: mask(subject),
            what: mask(what),
            why: mask(why),
            fixes: all(fixes, mask),
            command: command.map(&mut *mask),
            evidence: all(evidence, mask),
        }
    }
}

fn all(texts: Vec<String>, mask: &mut impl FnMut(String) -> String) -> Vec<String> {
    texts.into_iter().map(mask).collect()
}

fn cloned(commit: CommitInfo, mask: &mut impl FnMut(String) -> String) -> CommitInfo {
    let CommitInfo { id, author, summary, authored_ms } = commit;
    CommitInfo { id, author: mask(author), summary: mask(summary), authored_ms }
}

fn plugin_call(call: PluginCall, mask: &mut impl FnMut(String) -> String) -> PluginCall {
    let PluginCall { stage, plugin, digest, call, cpu_ms, ms, memory, host_calls, error } = call;
    let error = error.map(mask);
    PluginCall { stage, plugin, digest, call, cpu_ms, ms, memory, host_calls, error }
}

fn plugin_effect(effect: PluginEffect, mask: &mut impl FnMut(String) -> String) -> PluginEffect {
    let PluginEffect { stage, plugin, digest, call, capability, what, denied, bytes, ms } = effect;
    let what = mask(what);
    let denied = denied.map(mask);
    PluginEffect { stage, plugin, digest, call, capability, what, denied, bytes, ms }
}

fn action_result(result: ActionResult, mask: &mut impl FnMut(String) -> String) -> ActionResult {
    match result {
        kept @ (ActionResult::Waited | ActionResult::TimedOut) => kept,
        ActionResult::Exited { code, output } => {
            ActionResult::Exited { code, output: mask(output) }
        }
        ActionResult::Denied(why) => ActionResult::Denied(mask(why)),
        ActionResult::Failed(why) => ActionResult::Failed(mask(why)),
        ActionResult::Hopeless(diagnosis) => {
            ActionResult::Hopeless(Box::new(diagnosis.map_text(mask)))
        }
    }
}

fn tested(summary: TestSummary, mask: &mut impl FnMut(String) -> String) -> TestSummary {
    let TestSummary { runner, passed, failed, skipped, none_yet, failures } = summary;
    let none_yet = none_yet.map(&mut *mask);
    let failures = failures.into_iter().map(|case| failure(case, mask)).collect();
    TestSummary { runner, passed, failed, skipped, none_yet, failures }
}

fn failure(case: TestCase, mask: &mut impl FnMut(String) -> String) -> TestCase {
    let TestCase { suite, name, message, file, line } = case;
    let suite = mask(suite);
    let name = mask(name);
    let message = mask(message);
    TestCase { suite, name, message, file: file.map(mask), line }
}

fn endpoint(endpoint: Endpoint, mask: &mut impl FnMut(String) -> String) -> Endpoint {
    let Endpoint { url, internal } = endpoint;
    Endpoint { url: mask(url), internal }
}
