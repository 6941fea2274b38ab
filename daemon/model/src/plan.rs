//! Strategies as data: a job and what served last become steps, with their own way back. Pure;
//! carrying out is `release`'s.

use crate::{
    hook::Hook,
    job::{Release, Stage},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, time::Duration};

mod rolling;

pub use rolling::{Previous, rolling};

/// All that is left to do, with nothing left to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// To the new release.
    pub forward: Vec<Step>,
    /// From its end; [`Plan::rollback_from`] is right from wherever `forward` failed.
    #[serde(rename = "back")]
    pub rollback: Vec<Step>,
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
    /// The same in several clusters at once: all of them writes, or all of them waits, or the whole way
    /// back of each, so that none waits for another.
    #[serde(rename = "together")]
    Parallel(Vec<Self>),
    /// One after the other, taken again from its first after a restart.
    #[serde(rename = "in_turn")]
    Sequence(Vec<Self>),
}

/// A write to the cluster that leaves the same state however often it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Makes what the release's pods need, and no pod: for hooks before traffic.
    Prepare(Box<Release>),
    /// Makes the cluster run this release.
    Apply(Box<Release>),
    /// The same on the way back: what cannot be as it was, and does no harm as it is, stays.
    Restore(Box<Release>),
    /// Stops an app that never served: no pods, its objects kept for a look.
    #[serde(rename = "retire")]
    ScaleToZero(Box<Release>),
    /// Deletes what an earlier release had and this one has not; never what holds data.
    Prune(Box<Release>),
    /// Deletes the pods of other versions that this release's pods wait for in vain. No step of a plan: a
    /// wait does it.
    Unblock(Box<Release>),
}

impl Change {
    /// Whose objects it is about.
    #[must_use]
    pub fn release(&self) -> &Release {
        match self {
            Self::Prepare(release)
            | Self::Apply(release)
            | Self::Restore(release)
            | Self::ScaleToZero(release)
            | Self::Prune(release)
            | Self::Unblock(release) => release,
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
    #[serde(rename = "back")]
    Rollback(usize),
    /// Through the hooks that look on.
    #[serde(rename = "after")]
    Notify(usize),
}

/// One step of several, where there are several.
pub(crate) fn together(steps: impl Iterator<Item = Step>) -> Option<Step> {
    let mut steps: Vec<_> = steps.collect();
    match steps.len() {
        0 | 1 => steps.pop(),
        _ => Some(Step::Parallel(steps)),
    }
}

/// What is no part of several steps at once are steps of the plan.
pub(crate) fn flat(step: Option<Step>) -> Vec<Step> {
    match step {
        Some(Step::Sequence(steps)) => steps,
        step => step.into_iter().collect(),
    }
}

impl Plan {
    /// All that may run before the job is over: the new one, and what a way back leads to.
    #[must_use]
    pub fn releases(&self) -> Vec<&Release> {
        let mut all = vec![&self.release];
        for release in self.rollback.iter().flat_map(Step::releases) {
            if all.iter().all(|known| known.id != release.id) {
                all.push(release);
            }
        }
        all
    }

    /// The way back once so many steps of `forward` were begun: only where something may have been
    /// changed by then.
    #[must_use]
    pub fn rollback_from(&self, begun: usize) -> Vec<Step> {
        let changed: BTreeSet<_> =
            self.forward.iter().take(begun).flat_map(Step::changed).collect();
        self.rollback.iter().flat_map(|step| flat(step.within(&changed))).collect()
    }
}

impl Step {
    /// Returns the stage that a failure of this step is of.
    #[must_use]
    pub fn stage(&self) -> Stage {
        if matches!(self, Self::Hook { .. }) { Stage::Hooks } else { Stage::Release }
    }

    /// Only waiting is dropped when a job is stopped; a write in flight is seen through.
    #[must_use]
    pub fn is_wait(&self) -> bool {
        match self {
            Self::AwaitHealthy { .. } => true,
            Self::Parallel(steps) => steps.iter().all(Self::is_wait),
            Self::Change(_) | Self::Hook { .. } | Self::Sequence(_) => false,
        }
    }

    /// Whose it is; of several clusters, in each.
    fn releases(&self) -> Vec<&Release> {
        match self {
            Self::Change(change) => vec![change.release()],
            Self::Hook { release, .. } | Self::AwaitHealthy { release, .. } => vec![release],
            Self::Parallel(steps) | Self::Sequence(steps) => {
                steps.iter().flat_map(Self::releases).collect()
            }
        }
    }

    /// The clusters that it writes to.
    fn changed(&self) -> Vec<&str> {
        match self {
            Self::Change(change) => vec![change.release().cluster()],
            Self::Parallel(steps) | Self::Sequence(steps) => {
                steps.iter().flat_map(Self::changed).collect()
            }
            Self::Hook { .. } | Self::AwaitHealthy { .. } => Vec::new(),
        }
    }

    /// As much of it as is about these clusters.
    fn within(&self, clusters: &BTreeSet<&str>) -> Option<Self> {
        if let Self::Parallel(steps) = self {
            return together(steps.iter().filter_map(|step| step.within(clusters)));
        }
        let is_there = |release: &&Release| clusters.contains(release.cluster());
        self.releases().iter().any(is_there).then(|| self.clone())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |release: &Release| {
            format!("{} at {}{}", release.app.name, short(&release.commit), release.place())
        };
        match self {
            Self::Change(Change::Apply(release) | Change::Restore(release)) => {
                write!(f, "apply {}", of(release))
            }
            Self::Hook { hook, release } => write!(f, "{hook}{}", release.place()),
            Self::Change(Change::Prepare(release)) => write!(f, "prepare {}", of(release)),
            Self::Change(Change::Prune(release)) => {
                write!(f, "remove what {} no longer has{}", release.app.name, release.place())
            }
            Self::Change(Change::Unblock(release)) => {
                write!(f, "remove what {} waits for in vain", of(release))
            }
            Self::Change(Change::ScaleToZero(release)) => {
                write!(f, "scale {} to 0{}", release.app.name, release.place())
            }
            Self::AwaitHealthy { release, within } => {
                write!(f, "wait until {} is healthy, at most {} s", of(release), within.as_secs())
            }
            Self::Parallel(steps) => f.write_str(&joined(steps, "; ")),
            Self::Sequence(steps) => f.write_str(&joined(steps, ", then ")),
        }
    }
}

fn joined(steps: &[Step], between: &str) -> String {
    steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

impl Cursor {
    /// The step's place in its direction.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Forward(index) | Self::Rollback(index) | Self::Notify(index) => index,
        }
    }

    /// The step after it.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Forward(index) => Self::Forward(index + 1),
            Self::Rollback(index) => Self::Rollback(index + 1),
            Self::Notify(index) => Self::Notify(index + 1),
        }
    }
}
