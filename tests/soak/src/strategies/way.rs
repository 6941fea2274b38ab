//! Ways in which a release goes: its strategy, and what comes between.

use std::fmt;

/// A strategy, with its keys.
pub(super) struct Strategy {
    pub(super) name: &'static str,
    pub(super) keys: &'static str,
    /// Says that there is a time in which nothing serves.
    pub(super) may_lose: bool,
    pub(super) abort: Abort,
}

/// The time of an abort whose rollback is killed.
#[derive(Clone, Copy)]
pub(super) enum Abort {
    /// As soon as there is a plan.
    Planned,
    /// While the release holds.
    Holds,
    /// Once the new version has this percentage of the requests.
    Shifted(u64),
}

/// All strategies.
pub(super) const STRATEGIES: [Strategy; 4] = [
    Strategy { name: "rolling", keys: "", may_lose: false, abort: Abort::Planned },
    Strategy {
        name: "blue-green",
        keys: "[strategy]\nkind = \"blue-green\"\nhold-seconds = 2\nkeep-seconds = 60\n",
        may_lose: false,
        abort: Abort::Holds,
    },
    Strategy {
        name: "canary",
        keys: "[strategy]\nkind = \"canary\"\nweights = [34, 50, 100]\nhold-seconds = 2\n",
        may_lose: false,
        abort: Abort::Shifted(50),
    },
    Strategy {
        name: "recreate",
        keys: "[strategy]\nkind = \"recreate\"\n",
        may_lose: true,
        abort: Abort::Planned,
    },
];

/// The course of a release.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// The release succeeds.
    Forward,
    /// The program ends at once, and the release is rolled back.
    Crashes,
    /// Somebody aborts it.
    Aborted,
    /// The job is a rollback to the release before.
    Rollback,
}

/// All courses.
pub(super) const COURSES: [Course; 4] =
    [Course::Forward, Course::Crashes, Course::Aborted, Course::Rollback];

/// A course by a strategy.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) strategy: &'static Strategy,
    pub(super) course: Course,
}

impl Course {
    /// Returns the outcome of the job.
    pub(super) fn outcome(self) -> &'static str {
        match self {
            Self::Forward | Self::Rollback => "succeeded",
            Self::Crashes => "failed",
            Self::Aborted => "stopped",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let course = match self.course {
            Course::Forward => "forward",
            Course::Crashes => "crashes",
            Course::Aborted => "aborted",
            Course::Rollback => "rollback",
        };
        write!(f, "{}, {course}", self.strategy.name)
    }
}
