//! Problems of a release on Kubernetes: one problem a file, with its symptom, its debounce (how long the
//! symptom must last), and its explanation for people. `table.rs` has the order in which problems are looked
//! for: what one explains is no symptom of a later one.
//!
//! Peers: `kstatus` fails a crash loop at once and knows no other; Skaffold suggests three fixes;
//! Krane's false alarms (Shopify/krane#819) argue for two restarts before a crash fails a release.

use crate::snapshot::Snapshot;
use std::fmt;
use windlass_model::{error::ClusterError, job::Release, runtime::Process};

mod admission;
mod api;
mod autoscaling;
mod config;
mod container;
mod image;
mod not_ready_in_time;
mod page;
mod probe;
mod probing;
mod routing;
mod scheduling;
mod stalled;
mod storage;
mod symptoms;
mod table;

pub use page::{by_number, page};
pub(crate) use symptoms::{
    CREATE, PULL, alive, at, backing_off_unseen, denied, ended, has, limits, no_answer, of,
    of_workload, once_the_secret_is_there, pod_of, refused, rejected, start_errors, status,
    unscheduled, unseen, waiting, waits, warned_before_start,
};
pub(crate) use table::lasting;
pub use table::{KNOWN, conflict, forbidden, of_a_job, of_answer, stalled};

/// One known problem.
pub struct Problem {
    /// Number of the reference: 20 is `WL-K8S-020`. A number is never used for another problem.
    pub number: u16,
    /// Stable name for programs and logs: `app-crashes`.
    pub code: &'static str,
    /// Heading of the page.
    pub title: &'static str,
    /// Description of what the cluster shows, for the page.
    pub symptom: &'static str,
    pub debounce: Debounce,
    /// Finds the symptoms in a snapshot.
    pub(crate) symptoms: fn(&Snapshot) -> Vec<Symptom>,
    /// Returns whether an answer of the API server is this problem.
    pub(crate) matches_error: fn(&ClusterError) -> bool,
    /// Explains what happened, and what to do.
    pub(crate) explain: fn(&Case<'_>) -> Explanation,
}

/// Time or count after which a symptom fails a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debounce {
    /// At once.
    Now,
    /// After so many seconds.
    After(u64),
    /// After so many times on one pod, or at once on so many pods, and at least three: pods that wait for
    /// the same thing fail once together.
    Times(u32),
    /// After so many seconds on two pods; twice as long on one.
    Likely(u64),
    /// After so many seconds since a pod of the app ended or came up last, and as long again as the symptom
    /// was shown until then: a controller that is refused asks again ever later.
    Settled(u64),
    /// Never: the symptom passes, or the rollout's own time ends.
    Wait,
    /// Never: the release is healthy, with a warning.
    Warn,
}

impl Debounce {
    /// Returns whether a symptom that happened so often counts. One that lasts counts from its first moment.
    pub(crate) fn counts(self, times: u32) -> bool {
        !matches!(self, Self::Times(wanted) if times < wanted)
    }
}

impl fmt::Display for Debounce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => f.write_str("at once"),
            Self::After(seconds) => write!(f, "once it has lasted {seconds} s"),
            Self::Times(1) => f.write_str("the first time"),
            Self::Times(times) => {
                write!(f, "once it has happened {times} times on one pod, or on three pods at once")
            }
            Self::Likely(seconds) => {
                write!(f, "once it has lasted {seconds} s on two pods, or {} s on one", 2 * seconds)
            }
            Self::Settled(seconds) => write!(
                f,
                "once it has lasted {seconds} s in which no pod of the app ended or came up"
            ),
            Self::Wait => f.write_str("not by itself: it mostly passes"),
            Self::Warn => f.write_str("never: the release goes on, with a warning"),
        }
    }
}

/// A problem as a snapshot shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Symptom {
    /// Object that shows the symptom: `pod web-5d9…`.
    pub(crate) subject: String,
    /// Process of the app.
    pub(crate) process: String,
    /// The cluster's own message.
    pub(crate) message: String,
    /// `exitCode` of the container. `None` means that no container ended.
    pub(crate) exit: Option<i32>,
    /// Number of times that it happened.
    pub(crate) times: u32,
    /// The symptom is shown now, and not only in the past of a container that runs again.
    pub(crate) is_now: bool,
    /// Debounce that replaces the problem's own.
    pub(crate) debounce: Option<Debounce>,
}

/// A problem at one object, with the message that shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub problem: &'static Problem,
    /// Object that shows the problem: `pod web-5d9…`, `Deployment web` …
    pub subject: String,
    /// Process of the app. Empty means that the object belongs to none.
    pub process: String,
    /// The cluster's own message.
    pub message: String,
    /// `exitCode` of the container. `None` means that no container ended.
    pub exit: Option<i32>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.problem.code, self.subject, self.message)
    }
}

impl Finding {
    pub(crate) fn new(problem: &'static Problem, symptom: Symptom) -> Self {
        Self {
            problem,
            subject: symptom.subject,
            process: symptom.process,
            message: symptom.message,
            exit: symptom.exit,
        }
    }
}

/// A finding of a release, to be explained.
pub(crate) struct Case<'a> {
    pub(crate) finding: &'a Finding,
    pub(crate) release: &'a Release,
}

/// Explanation for people.
pub(crate) struct Explanation {
    pub(crate) what: String,
    pub(crate) fixes: Vec<String>,
    /// Command that shows more. `None` means `kubectl describe pods`.
    pub(crate) command: Option<String>,
}

impl Explanation {
    pub(crate) fn new<const N: usize>(what: impl Into<String>, fixes: [&str; N]) -> Self {
        Self { what: what.into(), fixes: fixes.map(str::to_owned).to_vec(), command: None }
    }

    pub(crate) fn look(self, command: String) -> Self {
        Self { command: Some(command), ..self }
    }
}

impl Problem {
    /// Returns the reference: `WL-K8S-020`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("WL-K8S-{:03}", self.number)
    }

    /// Returns whether a registry refuses the login of the nodes, or misses one.
    #[must_use]
    pub fn is_refused_pull(&self) -> bool {
        ["pull-unauthorized", "pull-denied"].contains(&self.code)
    }

    /// Returns whether nodes cannot reach the registry, or do not trust it.
    #[must_use]
    pub fn is_of_registry(&self) -> bool {
        ["registry-unreachable", "registry-not-trusted"].contains(&self.code)
    }
}

impl PartialEq for Problem {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl Case<'_> {
    pub(crate) fn app(&self) -> &str {
        &self.release.app.name
    }

    pub(crate) fn namespace(&self) -> String {
        self.release.app.namespace()
    }

    pub(crate) fn image(&self) -> String {
        self.release.image.by_digest()
    }

    pub(crate) fn process(&self) -> Option<&Process> {
        let runtime = &self.release.runtime;
        runtime.process(&self.finding.process).or_else(|| runtime.processes.first())
    }

    /// Returns the key of a field of this process in `windlass.toml`: `replicas`, or
    /// `processes.worker.replicas`.
    pub(crate) fn field(&self, name: &str) -> String {
        let process = self.process().map_or(windlass_model::runtime::WEB, |process| &*process.name);
        let first = name.split('.').next().unwrap_or_default();
        if process == windlass_model::runtime::WEB && AT_THE_TOP.contains(&first) {
            name.to_owned()
        } else {
            format!("processes.{process}.{name}")
        }
    }

    /// Returns "the app", or the process if the app has several.
    pub(crate) fn who(&self) -> String {
        match self.process() {
            Some(process) if self.release.runtime.processes.len() > 1 => {
                format!("process `{}` of {}", process.name, self.app())
            }
            _ => "the app".to_owned(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.process().and_then(|process| process.port).unwrap_or(8080)
    }

    /// Returns the pod's name.
    pub(crate) fn pod(&self) -> &str {
        self.finding.subject.strip_prefix("pod ").unwrap_or(&self.finding.subject)
    }

    /// Returns the text that stands first in quotes in the cluster's message.
    pub(crate) fn quoted(&self) -> &str {
        self.finding.message.split('"').nth(1).unwrap_or("it")
    }

    /// Returns the word that follows `after` in the cluster's message.
    pub(crate) fn word_after(&self, after: &str) -> &str {
        let rest = self.finding.message.split_once(after).map_or("", |(_, rest)| rest);
        let word = rest.trim_start().split([' ', ',', ';']).next().unwrap_or_default();
        word.trim_matches(['"', '\'', '`', '.', ':'])
    }
}

/// Fields that `web` has at the top of `windlass.toml`.
const AT_THE_TOP: [&str; 6] = ["port", "env", "replicas", "resources", "health", "command"];

#[cfg(test)]
mod examples;
#[cfg(test)]
mod states;
#[cfg(test)]
mod tests;
