//! Plans: the steps of a release and of its rollback, as data. A strategy makes them of a release and
//! the previous ones. The engine executes them.

use crate::{
    clock::length,
    hook::Hook,
    job::{Release, Stage},
    runtime::{MigrationPhase, Track, brief},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, time::Duration};

mod ends;
mod migration;
#[cfg(test)]
mod pages;
mod parts;
mod removing;
mod rolling;
mod strategies;
mod strategy;
mod tracked;

pub use migration::contracting;
pub use parts::Previous;
pub use removing::removing;
pub use rolling::rolling;
pub use strategy::plan;

/// All steps of a release, with nothing left to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Steps to the new release.
    pub forward: Vec<Step>,
    /// Steps to the previous releases, after all of `forward`. [`Plan::rollback_from`] has those after a
    /// part of it.
    #[serde(rename = "back")]
    pub rollback: Vec<Step>,
    /// The release that serves after `forward`. Of a removal it is a bare one, which stands for the app.
    pub release: Release,
}

/// One thing to do. Each step can be taken twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A write to the cluster.
    Change(Change),
    /// Asks a hook, and does the actions that it requests.
    Hook { hook: Box<Hook>, release: Box<Release> },
    /// Runs a part of the release's migration, or records that an earlier job of the same image ran it.
    Migrate { release: Box<Release>, phase: MigrationPhase },
    /// Waits until the release is healthy, hopeless, or out of time.
    AwaitHealthy {
        release: Box<Release>,
        /// Time limit.
        within: Duration,
    },
    /// Asks the new version for a page at its preview address.
    Check { release: Box<Release> },
    /// Stays as it is for a time. The new version's pods and the release's metrics have to be well meanwhile.
    Hold { release: Box<Release>, within: Duration },
    /// Waits until a person approves that this percentage of requests goes to the new version.
    Gate {
        release: Box<Release>,
        /// Percentage of requests.
        weight: u32,
        /// Time limit.
        within: Duration,
    },
    /// Keeps what the previous release has for this time after the job. Work that is stored deletes it then.
    Keep { release: Box<Release>, within: Duration },
    /// The same step in several clusters at once: a write, a wait, or the whole rollback, so that no
    /// cluster waits for another.
    #[serde(rename = "together")]
    Parallel(Vec<Self>),
    /// Steps one after the other. After a restart they are taken again from the first.
    #[serde(rename = "in_turn")]
    Sequence(Vec<Self>),
}

/// A write to the cluster that leaves the same state however often it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Makes the objects that the release's pods need, and no pod, for hooks before traffic.
    Prepare(Box<Release>),
    /// Makes the cluster run this release.
    Apply(Box<Release>),
    /// Makes the cluster run this release again, in a rollback. An object that cannot be restored, and
    /// does no harm as it is, stays.
    Restore(Box<Release>),
    /// Makes the cluster run this release again as [`Change::Restore`] does, where its pods of `web` were left beside
    /// those of the new version: they take all requests at once.
    SwitchBack(Box<Release>),
    /// Scales an app that never served to no pods. The app's other objects stay for a look.
    #[serde(rename = "retire")]
    ScaleToZero(Box<Release>),
    /// Deletes the objects that an earlier release had and this one has not, except those that hold
    /// data.
    Prune(Box<Release>),
    /// Deletes all that was made for the release's app, and nothing else.
    Remove {
        release: Box<Release>,
        /// Volume claims go too.
        data: bool,
    },
    /// Shares requests between two versions that run side by side.
    Shift {
        /// The new version, on a track of its own.
        release: Box<Release>,
        /// Track of the version that served before.
        from: Track,
        /// Percentage of requests that the new version gets.
        weight: u32,
    },
    /// Deletes the pods of other versions that this release's pods wait for in vain. No plan has this
    /// change: a wait makes it.
    Unblock(Box<Release>),
}

impl Change {
    /// Returns the release whose objects the change writes.
    #[must_use]
    pub fn release(&self) -> &Release {
        match self {
            Self::Prepare(release)
            | Self::Apply(release)
            | Self::Restore(release)
            | Self::SwitchBack(release)
            | Self::ScaleToZero(release)
            | Self::Prune(release)
            | Self::Remove { release, data: _ }
            | Self::Shift { release, from: _, weight: _ }
            | Self::Unblock(release) => release,
        }
    }
}

/// The place of a step in a plan: its direction and index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cursor {
    /// A step to the new release.
    Forward(usize),
    /// A step to the previous releases.
    #[serde(rename = "back")]
    Rollback(usize),
    /// One of the notification hooks.
    #[serde(rename = "after")]
    Notify(usize),
}

/// Makes a parallel step of several. One step stays as it is, and none gives `None`.
pub(crate) fn parallel(steps: impl Iterator<Item = Step>) -> Option<Step> {
    let mut steps: Vec<_> = steps.collect();
    match steps.len() {
        0 | 1 => steps.pop(),
        _ => Some(Step::Parallel(steps)),
    }
}

/// Returns the steps of a sequence, or the step itself.
pub(crate) fn flat(step: Option<Step>) -> Vec<Step> {
    match step {
        Some(Step::Sequence(steps)) => steps,
        step => step.into_iter().collect(),
    }
}

impl Plan {
    /// Returns all releases that may run before the job ends: the new one and those that a rollback
    /// leads to.
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

    /// Returns the steps of a rollback after `begun` steps of `forward` were begun: those in clusters
    /// that may have been changed by then.
    #[must_use]
    pub fn rollback_from(&self, begun: usize) -> Vec<Step> {
        let changed: BTreeSet<_> =
            self.forward.iter().take(begun).flat_map(Step::changed).collect();
        self.rollback.iter().flat_map(|step| flat(step.within(&changed))).collect()
    }
}

impl Step {
    /// Returns the stage in which a failure of this step is reported.
    #[must_use]
    pub fn stage(&self) -> Stage {
        if matches!(self, Self::Hook { .. }) { Stage::Hooks } else { Stage::Release }
    }

    /// Returns whether the step only waits. When a job is stopped, a wait is dropped and a write is
    /// finished.
    #[must_use]
    pub fn is_wait(&self) -> bool {
        match self {
            Self::AwaitHealthy { .. }
            | Self::Check { .. }
            | Self::Hold { .. }
            | Self::Gate { .. } => true,
            Self::Parallel(steps) => steps.iter().all(Self::is_wait),
            Self::Change(_)
            | Self::Hook { .. }
            | Self::Migrate { .. }
            | Self::Keep { .. }
            | Self::Sequence(_) => false,
        }
    }

    /// Returns the releases of the step, one for each cluster.
    #[must_use]
    pub fn releases(&self) -> Vec<&Release> {
        match self {
            Self::Change(change) => vec![change.release()],
            Self::Hook { release, .. }
            | Self::Migrate { release, .. }
            | Self::AwaitHealthy { release, .. }
            | Self::Check { release }
            | Self::Hold { release, .. }
            | Self::Gate { release, .. }
            | Self::Keep { release, .. } => vec![release],
            Self::Parallel(steps) | Self::Sequence(steps) => {
                steps.iter().flat_map(Self::releases).collect()
            }
        }
    }

    /// Returns the clusters that the step writes to.
    fn changed(&self) -> Vec<&str> {
        match self {
            Self::Change(change) => vec![change.release().cluster()],
            Self::Parallel(steps) | Self::Sequence(steps) => {
                steps.iter().flat_map(Self::changed).collect()
            }
            Self::Hook { .. }
            | Self::Migrate { .. }
            | Self::AwaitHealthy { .. }
            | Self::Check { .. }
            | Self::Hold { .. }
            | Self::Gate { .. }
            | Self::Keep { .. } => Vec::new(),
        }
    }

    /// Returns the part of the step in these clusters.
    fn within(&self, clusters: &BTreeSet<&str>) -> Option<Self> {
        if let Self::Parallel(steps) = self {
            return parallel(steps.iter().filter_map(|step| step.within(clusters)));
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
                match release.runtime.aside {
                    None => write!(f, "apply {}", of(release)),
                    Some(aside) => {
                        let percent = aside.percent;
                        write!(
                            f,
                            "start {} beside what serves, with {percent} % of its pods",
                            of(release)
                        )
                    }
                }
            }
            Self::Change(Change::SwitchBack(release)) => {
                write!(f, "send all requests to {}, whose pods still run", of(release))?;
                // A worker was replaced after the switch.
                let is_web_alone = release.runtime.processes.len() < 2;
                f.write_str(if is_web_alone { "" } else { ", and apply its other processes" })
            }
            Self::Change(Change::Shift { release, from: _, weight }) => {
                write!(f, "send {weight} % of requests to {}", of(release))
            }
            Self::Check { release } => {
                let path = release.runtime.strategy.check.as_deref().unwrap_or("/");
                write!(f, "ask {} for {path}", of(release))
            }
            Self::Hold { release, within } => {
                let metrics: Vec<_> = release.runtime.strategy.metrics.keys().cloned().collect();
                write!(f, "hold for {}{}", length(within.as_secs()), release.place())?;
                if metrics.is_empty() {
                    Ok(())
                } else {
                    write!(f, ", measuring {}", metrics.join(", "))
                }
            }
            Self::Gate { release, weight, within } => {
                let (app, commit) = (&release.app.name, short(&release.commit));
                // One approval is for all of its clusters.
                let places = match &*release.clusters {
                    [] | [_] => release.place(),
                    several => format!(" in {}", several.join(", ")),
                };
                let most = length(within.as_secs());
                write!(
                    f,
                    "wait for approval of {weight} % of requests for {app} at {commit}{places}, at most {most}"
                )
            }
            Self::Keep { release, within } => {
                let place = release.place();
                let time = length(within.as_secs());
                write!(f, "keep the pods of before for {time}{place}, then delete them")
            }
            Self::Hook { hook, release } => write!(f, "{hook}{}", release.place()),
            Self::Migrate { release, phase } => {
                let command = release
                    .runtime
                    .migrate
                    .as_ref()
                    .map_or_else(String::new, |migrate| migrate.command(*phase).join(" "));
                let place = release.place();
                match &*brief(&command) {
                    "" => write!(f, "record the time before the migration{place}"),
                    command => write!(f, "migrate, {phase}: `{command}`{place}"),
                }
            }
            Self::Change(Change::Prepare(release)) => write!(f, "prepare {}", of(release)),
            Self::Change(Change::Prune(release)) => {
                write!(f, "remove what {} no longer has{}", release.app.name, release.place())
            }
            Self::Change(Change::Remove { release, data }) => {
                let claims = if *data { "with all data" } else { "volume claims stay" };
                write!(f, "remove all of {}{}: {claims}", release.app.name, release.place())
            }
            Self::Change(Change::Unblock(release)) => {
                write!(f, "remove what {} waits for in vain", of(release))
            }
            Self::Change(Change::ScaleToZero(release)) => {
                write!(f, "scale {} to 0{}", release.app.name, release.place())
            }
            Self::AwaitHealthy { release, within } => {
                let most = length(within.as_secs());
                write!(f, "wait until {} is healthy, at most {most}", of(release))
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
    /// Returns the step's index in its direction.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Forward(index) | Self::Rollback(index) | Self::Notify(index) => index,
        }
    }

    /// Returns the cursor of the following step.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Forward(index) => Self::Forward(index + 1),
            Self::Rollback(index) => Self::Rollback(index + 1),
            Self::Notify(index) => Self::Notify(index + 1),
        }
    }
}
