//! What can be wrong with a release on Kubernetes: one problem a file, with the sign that shows it,
//! how long the sign must last, and the words for people. In this order they are looked for: what
//! one explains is no sign of a later one.
//!
//! Peers: `kstatus` fails a crash loop at once and knows no other; Skaffold suggests three fixes;
//! Krane's false alarms (Shopify/krane#819) argue for two restarts before a crash is called.

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

/// One problem that is known.
pub struct Problem {
    /// Never used for another: `WL-K8S-020` of 20.
    pub number: u16,
    /// The same for programs and logs: `app-crashes`.
    pub code: &'static str,
    /// What it is, as a heading.
    pub title: &'static str,
    /// How the cluster shows it, for its page.
    pub seen: &'static str,
    /// How long it must last.
    pub debounce: Debounce,
    /// Where a snapshot shows it.
    pub(crate) symptoms: fn(&Snapshot) -> Vec<Symptom>,
    /// Whether an answer of the API server is this problem.
    pub(crate) matches_error: fn(&ClusterError) -> bool,
    /// What happened, and what to do.
    pub(crate) explain: fn(&Case<'_>) -> Explanation,
}

/// How long a sign must last before waiting is no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debounce {
    /// No time.
    Now,
    /// So many seconds.
    After(u64),
    /// Seen so often on one pod; or now on so many pods, and at least three, since pods that wait for
    /// the same thing fail once together.
    Times(u32),
    /// So many seconds on two pods; twice as long on one.
    Likely(u64),
    /// So many seconds after a pod of the app ended or came up last, and as long again as it was seen
    /// until then: whoever is refused asks again ever later.
    Settled(u64),
    /// It passes, or the rollout's own time ends.
    Wait,
    /// It is told, and the release is well.
    Warn,
}

impl Debounce {
    /// Whether a sign that was seen so often is one. What lasts is one from its first moment on.
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
            Self::Warn => f.write_str("never: the release goes on, and a warning tells it"),
        }
    }
}

/// A problem as a snapshot shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Symptom {
    /// `pod web-5d9…`.
    pub(crate) subject: String,
    /// Which of the app's processes.
    pub(crate) process: String,
    /// The cluster's words.
    pub(crate) message: String,
    /// The container's exit code.
    pub(crate) exit: Option<i32>,
    /// How often it happened.
    pub(crate) times: u32,
    /// It is so now, and not only in the past of what runs again.
    pub(crate) is_now: bool,
    /// Instead of the problem's own.
    pub(crate) debounce: Option<Debounce>,
}

/// A problem, where it was seen, and in whose words.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Which.
    pub problem: &'static Problem,
    /// `pod web-5d9…`, `Deployment web` …
    pub subject: String,
    /// Which of the app's processes; empty where it is none's.
    pub process: String,
    /// The cluster's words.
    pub message: String,
    /// The container's exit code.
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

/// One time that a problem was found.
pub(crate) struct Case<'a> {
    pub(crate) finding: &'a Finding,
    pub(crate) release: &'a Release,
}

/// What is told to people.
pub(crate) struct Explanation {
    pub(crate) what: String,
    pub(crate) fixes: Vec<String>,
    /// Shows more; none: `kubectl describe pods`.
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
    /// `WL-K8S-020`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("WL-K8S-{:03}", self.number)
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

    /// How a field of this process is said: `replicas`, or `processes.worker.replicas`.
    pub(crate) fn field(&self, name: &str) -> String {
        let process = self.process().map_or(windlass_model::runtime::WEB, |process| &*process.name);
        let first = name.split('.').next().unwrap_or_default();
        if process == windlass_model::runtime::WEB && AT_THE_TOP.contains(&first) {
            name.to_owned()
        } else {
            format!("processes.{process}.{name}")
        }
    }

    /// The app, and of several processes which.
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

    /// The pod's name.
    pub(crate) fn pod(&self) -> &str {
        self.finding.subject.strip_prefix("pod ").unwrap_or(&self.finding.subject)
    }

    /// What stands first in quotes in the cluster's words.
    pub(crate) fn quoted(&self) -> &str {
        self.finding.message.split('"').nth(1).unwrap_or("it")
    }

    /// What follows `after` in the cluster's words, up to a space.
    pub(crate) fn word_after(&self, after: &str) -> &str {
        let rest = self.finding.message.split_once(after).map_or("", |(_, rest)| rest);
        let word = rest.trim_start().split([' ', ',', ';']).next().unwrap_or_default();
        word.trim_matches(['"', '\'', '`', '.', ':'])
    }
}

/// What is said of `web` without its name.
const AT_THE_TOP: [&str; 6] = ["port", "env", "replicas", "resources", "health", "command"];

#[cfg(test)]
mod examples;
#[cfg(test)]
mod states;
#[cfg(test)]
mod tests;
