//! Strategies as data: a job and what served last become steps, with their own way back. Pure;
//! carrying out is `release`'s.

use crate::{
    hook::{Hook, Moment},
    job::Release,
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// All that is left to do, with nothing left to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// To the new release.
    pub forward: Vec<Step>,
    /// Right from wherever `forward` failed.
    pub back: Vec<Step>,
    /// What serves when `forward` is done.
    pub release: Release,
}

/// One thing to do. Each can be taken twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A write to the cluster.
    Change(Change),
    /// Asks a hook, and does what it wants.
    Hook {
        /// Which.
        hook: Box<Hook>,
        /// Of what.
        release: Box<Release>,
    },
    /// Waits until the release is healthy, hopeless, or out of time.
    AwaitHealthy {
        /// Which.
        release: Box<Release>,
        /// How long.
        within: Duration,
    },
}

/// A write to the cluster that leaves the same state however often it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Makes what the release's pods need, and no pod: for hooks before traffic.
    Prepare(Box<Release>),
    /// Makes the cluster run this release.
    Apply(Box<Release>),
    /// Stops an app that never served: no pods, its objects kept for a look.
    Retire(Box<Release>),
    /// Deletes what an earlier release had and this one has not; never what holds data.
    Prune(Box<Release>),
}

impl Change {
    /// Whose objects it is about.
    #[must_use]
    pub fn release(&self) -> &Release {
        match self {
            Self::Prepare(release)
            | Self::Apply(release)
            | Self::Retire(release)
            | Self::Prune(release) => release,
        }
    }
}

/// Which step comes next, and in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cursor {
    /// Towards the new release.
    Forward(usize),
    /// To what served before.
    Back(usize),
    /// Through the hooks that look on.
    After(usize),
}

/// How long a rollout may take to become healthy: each pod's time, for as many waves of pods as
/// there are. What is hopeless is called long before.
fn patience(release: &Release) -> Duration {
    let processes = release.runtime.processes.iter();
    let longest = processes.filter(|process| process.schedule.is_none()).map(|process| {
        let waves = match process.ordered {
            true => process.replicas,
            // A quarter more at once.
            false => process.replicas.min(5),
        };
        u64::from(process.patience_seconds()) * u64::from(waves.max(1))
    });
    Duration::from_secs(longest.max().unwrap_or(300))
}

/// Pods are replaced one by one; the old ones go as new ones are ready. `hooks`: those before
/// traffic and after the release, in order.
#[must_use]
pub fn rolling(next: &Release, good: Option<&Release>, hooks: &[Hook]) -> Plan {
    let back = match good {
        Some(good) => vec![apply(good), healthy(good), prune(good)],
        None => vec![Step::Change(Change::Retire(Box::new(next.clone())))],
    };
    let at = |moment| {
        let hooks = hooks.iter().filter(move |hook| hook.moment == moment);
        hooks.map(|hook| Step::Hook {
            hook: Box::new(hook.clone()),
            release: Box::new(next.clone()),
        })
    };
    let mut forward: Vec<_> = at(Moment::BeforeTraffic).collect();
    if !forward.is_empty() {
        forward.insert(0, Step::Change(Change::Prepare(Box::new(next.clone()))));
    }
    forward.extend([apply(next), healthy(next)]);
    forward.extend(at(Moment::AfterRelease));
    // Last, so that a way back finds what it leads to still there.
    forward.push(prune(next));
    Plan { forward, back, release: next.clone() }
}

fn apply(release: &Release) -> Step {
    Step::Change(Change::Apply(Box::new(release.clone())))
}

fn prune(release: &Release) -> Step {
    Step::Change(Change::Prune(Box::new(release.clone())))
}

fn healthy(release: &Release) -> Step {
    Step::AwaitHealthy { release: Box::new(release.clone()), within: patience(release) }
}

impl Step {
    /// Only waiting is dropped when a job is stopped; a write in flight is seen through.
    #[must_use]
    pub fn is_wait(&self) -> bool {
        matches!(self, Self::AwaitHealthy { .. })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change(Change::Apply(release)) => {
                write!(f, "apply {} at {}", release.app.name, short(&release.commit))
            }
            Self::Hook { hook, .. } => write!(f, "{hook}"),
            Self::Change(Change::Prepare(release)) => {
                write!(f, "prepare {} at {}", release.app.name, short(&release.commit))
            }
            Self::Change(Change::Prune(release)) => {
                write!(f, "remove what {} no longer has", release.app.name)
            }
            Self::Change(Change::Retire(release)) => write!(f, "scale {} to 0", release.app.name),
            Self::AwaitHealthy { release, within } => write!(
                f,
                "wait until {} at {} is healthy, at most {} s",
                release.app.name,
                short(&release.commit),
                within.as_secs()
            ),
        }
    }
}

fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

impl Cursor {
    /// The step's place in its direction.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Forward(index) | Self::Back(index) | Self::After(index) => index,
        }
    }

    /// The step after it.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Forward(index) => Self::Forward(index + 1),
            Self::Back(index) => Self::Back(index + 1),
            Self::After(index) => Self::After(index + 1),
        }
    }
}
