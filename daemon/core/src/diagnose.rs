//! Turns a failure's evidence into words that a person can act on. One file a problem; words live
//! only here.

use crate::{
    event::Stop,
    job::{Release, Stage},
    redact::Redactor,
    rollout::{Finding, Problem},
    run::{Cause, Failure},
};
use serde::{Deserialize, Serialize};
use std::fmt;

mod bad_command;
mod builder;
mod cluster;
mod config_missing;
mod crash;
mod defect;
mod detection;
mod hook;
mod image_not_found;
mod key_missing;
mod out_of_memory;
mod pull_unauthorized;
mod quota;
mod repository;
mod rollout_other;
mod secret;
mod startup_probe;
mod stuck;
mod tests_failed;
mod unschedulable;

/// What failed, why, what shows it, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Stable: `app-crashes`, `image-not-found` …
    pub code: String,
    /// In which stage.
    pub stage: Stage,
    /// What it is about: `pod web-5d9…`, `Dockerfile:12`.
    pub subject: String,
    /// One sentence: what happened.
    pub what: String,
    /// The cause, in the words of the part that knows it.
    pub why: String,
    /// What to do, the likeliest first.
    pub fixes: Vec<String>,
    /// A command that shows more.
    pub command: Option<String>,
    /// Log lines and events, as they were when it failed.
    pub evidence: Vec<String>,
}

impl Default for Diagnosis {
    fn default() -> Self {
        Self {
            code: "unrecognised".into(),
            stage: Stage::Clone,
            subject: String::new(),
            what: String::new(),
            why: String::new(),
            fixes: Vec::new(),
            command: None,
            evidence: Vec::new(),
        }
    }
}

/// Asked in order; the first that recognises the failure answers.
const KNOWN: &[fn(&Failure) -> Option<Diagnosis>] = &[
    repository::known,
    detection::known,
    builder::known,
    tests_failed::known,
    secret::known,
    hook::known,
    image_not_found::known,
    pull_unauthorized::known,
    config_missing::known,
    key_missing::known,
    bad_command::known,
    out_of_memory::known,
    crash::known,
    startup_probe::known,
    unschedulable::known,
    quota::known,
    rollout_other::known,
    cluster::known,
    stuck::known,
    defect::known,
];

/// The words for `failure`.
#[must_use]
pub fn diagnose(failure: &Failure) -> Diagnosis {
    let known = KNOWN.iter().find_map(|known| known(failure));
    let mut diagnosis = known
        .unwrap_or_else(|| Diagnosis { what: failure.cause.to_string(), ..Diagnosis::default() });
    diagnosis.stage = failure.at;
    diagnosis
}

/// A stop, where it stands beside failures.
#[must_use]
pub fn stopped(at: Stage, why: &Stop) -> Diagnosis {
    Diagnosis { code: "stopped".into(), stage: at, what: why.to_string(), ..Diagnosis::default() }
}

/// The parts of a rollout that failed by `problem`.
fn rollout(failure: &Failure, problem: Problem) -> Option<(&Finding, &Release, &[String])> {
    match &failure.cause {
        Cause::Rollout { finding, release, evidence } if finding.problem == problem => {
            Some((finding, release, evidence))
        }
        _ => None,
    }
}

/// A diagnosis of a rollout: subject, cause and evidence are the cluster's.
fn of_rollout(
    code: &str,
    (finding, release, evidence): (&Finding, &Release, &[String]),
    what: String,
    fixes: Vec<String>,
) -> Diagnosis {
    let namespace = release.app.namespace();
    Diagnosis {
        code: code.into(),
        subject: finding.subject.clone(),
        what,
        why: finding.message.trim().to_owned(),
        fixes,
        command: Some(format!(
            "kubectl --namespace {namespace} describe pods --selector app.kubernetes.io/instance={}",
            release.app.name
        )),
        evidence: evidence.to_vec(),
        ..Diagnosis::default()
    }
}

impl Diagnosis {
    pub(crate) fn masked(self, redactor: &Redactor) -> Self {
        let all = |list: Vec<String>| list.iter().map(|text| redactor.mask(text)).collect();
        Self {
            subject: redactor.mask(&self.subject),
            what: redactor.mask(&self.what),
            why: redactor.mask(&self.why),
            fixes: all(self.fixes),
            command: self.command.map(|command| redactor.mask(&command)),
            evidence: all(self.evidence),
            ..self
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "failed at: {} ({})", self.stage, self.code)?;
        if !self.subject.is_empty() {
            writeln!(f, "where:     {}", self.subject)?;
        }
        writeln!(f, "what:      {}", self.what)?;
        if !self.why.is_empty() {
            writeln!(f, "why:       {}", self.why.replace('\n', "\n           "))?;
        }
        for line in &self.evidence {
            writeln!(f, "  | {line}")?;
        }
        for (index, fix) in self.fixes.iter().enumerate() {
            writeln!(f, "fix {}:     {fix}", index + 1)?;
        }
        if let Some(command) = &self.command {
            writeln!(f, "look:      {command}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
