//! Course of a job: how far people can still intervene in it.

use super::JobRecord;
use windlass_model::{
    job::{Gate, Stage},
    replay::JobState,
};

impl JobRecord {
    /// Returns whether the job goes forward: it is not to stop, does not roll back, and has no outcome.
    #[must_use]
    pub fn goes_forward(&self) -> bool {
        // Its outcome is decided in the stage of notification hooks.
        self.stop.is_none()
            && self.stage != Some(Stage::Hooks)
            && match self.state {
                JobState::Waiting | JobState::Running | JobState::Held => true,
                JobState::RollingBack
                | JobState::Succeeded
                | JobState::Failed
                | JobState::Stopped => false,
            }
    }

    /// Returns whether the job waits for an approval, and nothing of its release is made. At [`Gate::Traffic`] the
    /// release is half made, and its run is at work.
    #[must_use]
    pub fn waits_before_its_plan(&self) -> bool {
        self.held.as_ref().is_some_and(|hold| match hold.gate {
            Gate::Clone | Gate::Release => true,
            Gate::Traffic => false,
        })
    }

    /// Returns whether the job can be paused: it goes forward, and does not wait before its plan.
    #[must_use]
    pub fn can_be_paused(&self) -> bool {
        self.goes_forward() && !self.waits_before_its_plan()
    }

    /// Returns whether the job can be aborted: its release is under way.
    #[must_use]
    pub fn can_be_aborted(&self) -> bool {
        self.can_be_paused() && self.stage == Some(Stage::Release)
    }
}
