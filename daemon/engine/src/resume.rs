//! Point from which a deploy goes on.

use windlass_model::{
    hook::Hook,
    outcome::Outcome,
    plan::{Cursor, Plan},
    replay::{HookProgress, ResumePoint, RollingBack},
};

/// Progress of earlier runs of a job.
pub(crate) enum Reached {
    /// No plan was made yet.
    Unplanned(ResumePoint),
    /// A plan is to be executed.
    Planned(Box<Plan>, Resume),
    /// The outcome is decided.
    Decided(Decided),
    /// Nothing is left to do.
    Ended(Outcome),
}

/// Place in a plan where its execution goes on.
pub(crate) struct Resume {
    /// Next step.
    pub(crate) at: Cursor,
    /// An earlier run began the next step.
    pub(crate) begun: bool,
    /// State of the rollback. `None` means that the plan goes forward.
    pub(crate) rolling_back: Option<RollingBack>,
    /// Progress of the next step's hook. Later steps begin without any progress.
    pub(crate) progress: HookProgress,
}

impl Default for Resume {
    fn default() -> Self {
        Self {
            at: Cursor::Forward(0),
            begun: false,
            rolling_back: None,
            progress: HookProgress::default(),
        }
    }
}

/// Outcome that is decided, and the notification hooks that have to run before the job ends.
pub(crate) struct Decided {
    pub(crate) outcome: Outcome,
    /// All notification hooks, those that ran too.
    pub(crate) hooks: Vec<Hook>,
    /// Index of the next hook.
    pub(crate) next: usize,
    /// Progress of the next hook.
    pub(crate) progress: HookProgress,
}

impl From<ResumePoint> for Reached {
    fn from(point: ResumePoint) -> Self {
        match point {
            ResumePoint::Fresh | ResumePoint::Pushed(_) => Self::Unplanned(point),
            ResumePoint::Planned { plan, next, begun, rolling_back, progress } => {
                Self::Planned(plan, Resume { at: next, begun, rolling_back, progress })
            }
            ResumePoint::OutcomeDecided { outcome, hooks, next, progress } => {
                Self::Decided(Decided { outcome, hooks, next: next.index(), progress })
            }
            ResumePoint::Ended(outcome) => Self::Ended(outcome),
        }
    }
}
