//! Reads a rollout's health from what the cluster shows. Pure: time is told, nothing is asked.
//!
//! The algorithm is that of `kubectl rollout status` (observed generation, then replicas updated,
//! old ones gone, available), and on top of it the signals that call a rollout hopeless long
//! before its deadline.

use crate::job::Release;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, time::Duration};

/// What the cluster shows of one release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// Whose render the cluster shows; until it is ours, all else is about the past.
    pub revision: String,
    /// The Deployment's controller has seen the newest spec.
    pub observed: bool,
    /// Pods that the spec wants.
    pub wanted: u32,
    /// All pods, old and new.
    pub total: u32,
    /// Pods of the new version.
    pub updated: u32,
    /// Pods of the new version that are ready.
    pub ready: u32,
    /// Pods that were ready long enough.
    pub available: u32,
    /// The condition Available.
    pub is_available: bool,
    /// The condition Progressing: its reason and its message.
    pub progressing: Option<(String, String)>,
    /// Why the new ReplicaSet cannot make pods.
    pub replica_failure: Option<String>,
    /// Only those of the new version.
    pub pods: Vec<Pod>,
    /// Warnings about those pods.
    pub warnings: Vec<Warning>,
}

/// One pod of the new version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Why no node takes it.
    pub unschedulable: Option<String>,
    /// Its containers, those of init included.
    pub containers: Vec<Container>,
}

/// One container's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Container {
    /// How often it was started again.
    pub restarts: u32,
    /// Reason and message while it waits.
    pub waiting: Option<(String, String)>,
    /// How it ended, if it is ended now.
    pub terminated: Option<Terminated>,
    /// How it ended before.
    pub last: Option<Terminated>,
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terminated {
    /// `Error`, `OOMKilled`, `StartError` …
    pub reason: String,
    /// Its exit code.
    pub exit: i32,
    /// Its termination message: often the end of its log.
    pub message: String,
}

/// A Warning event of Kubernetes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Warning {
    /// The pod that it is about.
    pub pod: String,
    /// `Unhealthy`, `FailedCreate` …
    pub reason: String,
    /// The kubelet's words.
    pub message: String,
    /// How often it was said; the kubelet stops counting after some 25.
    pub count: u32,
}

/// What is known to be wrong with a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Problem {
    /// The registry does not have the image.
    ImageNotFound,
    /// The registry wants a login from the node.
    PullUnauthorized,
    /// The node cannot pull for another reason.
    PullFailed,
    /// A ConfigMap or Secret is not there.
    ConfigMissing,
    /// It is there, without the key.
    KeyMissing,
    /// The image's user is root or not a number, and the pod may not run so.
    RootRefused,
    /// The command does not exist in the image.
    BadCommand,
    /// Killed for memory.
    OutOfMemory,
    /// Ends again and again.
    Crash,
    /// Never answered its startup probe.
    StartupProbe,
    /// No node has room.
    Unschedulable,
    /// A quota refuses the pods.
    Quota,
    /// The API server refuses the pods for another reason.
    PodsRefused,
    /// None of these, and the time is up.
    Stalled,
}

/// A problem, where it was seen, and in whose words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which.
    pub problem: Problem,
    /// The pod, or the ReplicaSet.
    pub subject: String,
    /// The cluster's words.
    pub message: String,
    /// The container's exit code.
    pub exit: Option<i32>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}: {}", self.problem, self.subject, self.message)
    }
}

impl Finding {
    /// The time is up, and nothing known is wrong.
    #[must_use]
    pub fn stalled(last: &Snapshot, within: Duration) -> Self {
        let unhealthy = last.warnings.last().map(|w| format!("; {}: {}", w.reason, w.message));
        Self {
            problem: Problem::Stalled,
            subject: "the Deployment".into(),
            message: format!(
                "{} of {} pods ready after {} s{}",
                last.ready,
                last.wanted,
                within.as_secs(),
                unhealthy.unwrap_or_default()
            ),
            exit: None,
        }
    }
}

/// Whether to wait on.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Wait.
    Progressing,
    /// It serves.
    Healthy,
    /// Waiting is no use.
    Failed(Finding),
}

/// How long a signal must be seen before it is fatal.
#[derive(Clone, Copy)]
enum When {
    Now,
    After(u64),
    /// After so many seconds on two pods, after twice as many on one.
    Likely(u64),
}

/// Remembers since when a signal has been seen.
#[derive(Default)]
pub struct Judge {
    since: BTreeMap<(Problem, String), Duration>,
    next: Option<Duration>,
}

impl Judge {
    /// `elapsed`: since the wait began, never less than the time before.
    pub fn judge(&mut self, seen: &Snapshot, release: &Release, elapsed: Duration) -> Verdict {
        self.next = None;
        if seen.revision != release.id || !seen.observed {
            return Verdict::Progressing;
        }
        let signals = signals(seen);
        self.since.retain(|key, _| {
            signals
                .iter()
                .any(|(finding, _)| (finding.problem, &finding.subject) == (key.0, &key.1))
        });
        for (finding, when) in &signals {
            let key = (finding.problem, finding.subject.clone());
            let since = *self.since.entry(key).or_insert(elapsed);
            let pods = signals.iter().filter(|(other, _)| other.problem == finding.problem).count();
            let patience = match when {
                When::Now => 0,
                When::After(seconds) => *seconds,
                When::Likely(seconds) if pods > 1 => *seconds,
                When::Likely(seconds) => 2 * seconds,
            };
            let due = since + Duration::from_secs(patience);
            if elapsed >= due {
                return Verdict::Failed(finding.clone());
            }
            self.next = Some(self.next.map_or(due, |next| next.min(due)));
        }
        if is_healthy(seen) { Verdict::Healthy } else { Verdict::Progressing }
    }

    /// When the same snapshot would be judged otherwise.
    #[must_use]
    pub fn look_again(&self) -> Option<Duration> {
        self.next
    }
}

fn is_healthy(seen: &Snapshot) -> bool {
    let complete =
        seen.progressing.as_ref().is_some_and(|(reason, _)| reason == "NewReplicaSetAvailable");
    seen.updated >= seen.wanted
        && seen.total == seen.updated
        && seen.available >= seen.wanted
        && seen.is_available
        && complete
}

fn signals(seen: &Snapshot) -> Vec<(Finding, When)> {
    let mut found: Vec<_> = seen.pods.iter().flat_map(|pod| pod_signals(pod, seen)).collect();
    let replica_set = |problem, message: &str| Finding {
        problem,
        subject: "the new ReplicaSet".into(),
        message: message.into(),
        exit: None,
    };
    if let Some(message) = &seen.replica_failure {
        found.push(if message.contains("exceeded quota") {
            (replica_set(Problem::Quota, message), When::Now)
        } else {
            (replica_set(Problem::PodsRefused, message), When::After(10))
        });
    }
    if let Some((reason, message)) = &seen.progressing
        && reason == "ProgressDeadlineExceeded"
    {
        found.push((replica_set(Problem::Stalled, message), When::Now));
    }
    found
}

fn pod_signals(pod: &Pod, seen: &Snapshot) -> Vec<(Finding, When)> {
    let finding = |problem, message: &str, exit| Finding {
        problem,
        subject: format!("pod {}", pod.name),
        message: message.to_owned(),
        exit,
    };
    let mut found = Vec::new();
    if let Some(message) = &pod.unschedulable
        && (message.contains("Insufficient cpu") || message.contains("Insufficient memory"))
    {
        found.push((finding(Problem::Unschedulable, message, None), When::Likely(15)));
    }
    let killed_by_startup = seen.warnings.iter().rev().find(|warning| {
        warning.pod == pod.name && warning.message.contains("Startup probe failed")
    });
    let without_secret = seen.warnings.iter().any(|warning| {
        warning.pod == pod.name && warning.reason == "FailedToRetrieveImagePullSecret"
    });
    for container in &pod.containers {
        if let Some((problem, when, message)) = waiting_signal(container) {
            let when = match problem {
                // A kubelet that has not seen the secret yet pulls without it, and tries again.
                Problem::PullUnauthorized if without_secret => When::After(20),
                _ => when,
            };
            found.push((finding(problem, message, None), when));
        }
        let looping = container.waiting.as_ref().is_some_and(|(why, _)| why == "CrashLoopBackOff");
        let ended = container.terminated.as_ref().or(container.last.as_ref());
        let Some(ended) = ended else { continue };
        let times = container.restarts + u32::from(looping || container.terminated.is_some());
        let no_file = ended.message.contains("not found in $PATH")
            || ended.message.contains("no such file or directory");
        let problem = if ended.reason == "OOMKilled" {
            Problem::OutOfMemory
        } else if matches!(&*ended.reason, "StartError" | "ContainerCannotRun") && no_file {
            Problem::BadCommand
        } else if let Some(probe) = killed_by_startup.filter(|probe| was_killed(ended.exit, probe))
        {
            found.push((
                finding(Problem::StartupProbe, &probe.message, Some(ended.exit)),
                When::Now,
            ));
            continue;
        } else {
            Problem::Crash
        };
        if times >= 2 {
            found.push((finding(problem, &ended.message, Some(ended.exit)), When::Now));
        }
    }
    found
}

/// An app that ends by itself fails its startup probe too, before that: only one that was killed, or
/// that ended well when it was told to, did not answer in time.
fn was_killed(exit: i32, probe: &Warning) -> bool {
    // 128 + SIGKILL, 128 + SIGTERM.
    matches!(exit, 137 | 143) || exit == 0 && probe.count >= 20
}

fn waiting_signal(container: &Container) -> Option<(Problem, When, &str)> {
    let (reason, message) = container.waiting.as_ref()?;
    let says = |words: &[&str]| {
        let lower = message.to_lowercase();
        words.iter().any(|word| lower.contains(word))
    };
    let (problem, when) = match &**reason {
        "ErrImagePull" | "ImagePullBackOff" => {
            if says(&["not found", "manifest unknown"]) {
                (Problem::ImageNotFound, When::Now)
            } else if says(&["401", "unauthorized", "no basic auth", "failed to authorize"]) {
                (Problem::PullUnauthorized, When::Now)
            } else {
                (Problem::PullFailed, When::Likely(60))
            }
        }
        "InvalidImageName" | "ImageInspectError" => (Problem::PullFailed, When::Now),
        "CreateContainerConfigError" => {
            if says(&["couldn't find key"]) {
                (Problem::KeyMissing, When::Now)
            } else if says(&["run as root", "non-numeric user"]) {
                (Problem::RootRefused, When::Now)
            } else if says(&["not found"]) {
                (Problem::ConfigMissing, When::After(10))
            } else {
                return None;
            }
        }
        _ => return None,
    };
    Some((problem, when, message))
}
