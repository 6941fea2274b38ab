//! The point from which a deploy goes on.

use windlass_model::{
    hook::Hook,
    outcome::Outcome,
    plan::{Cursor, Plan},
    replay::{HookProgress, ResumePoint, RollingBack},
};

/// How far an earlier run of a job came, if there was one.
pub(crate) enum Reached {
    /// No plan was made yet.
    Unplanned(ResumePoint),
    /// A plan is to be executed.
    Planned(Box<Plan>, Resume),
    /// The outcome is decided.
    Decided(Decided),
    /// Nothing is left.
    Ended(Outcome),
}

/// Place in a plan where its execution goes on.
pub(crate) struct Resume {
    /// The next step.
    pub(crate) at: Cursor,
    /// An earlier run began that step.
    pub(crate) begun: bool,
    /// `None` while the plan goes forward.
    pub(crate) rolling_back: Option<RollingBack>,
    /// How far the hook of that step is. Later steps begin without any progress.
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

/// How a job will end, and the notification hooks that still have to run.
pub(crate) struct Decided {
    pub(crate) outcome: Outcome,
    /// All of them, those that ran too.
    pub(crate) hooks: Vec<Hook>,
    /// Index of the next one.
    pub(crate) next: usize,
    /// How far that one is.
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
