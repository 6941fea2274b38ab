//! Replays a job's events into the point from which a restart resumes.

use crate::{
    event::Event,
    hook::{ActionResult, Batch, Hook},
    job::{Release, Stage},
    outcome::Outcome,
    plan::{Cursor, Plan},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The point from which a restart resumes a job.
#[derive(Clone, Debug, PartialEq)]
pub enum ResumePoint {
    /// Nothing is kept yet. The job runs from the first stage.
    Fresh,
    /// The image is built, tested and pushed. The release is planned next.
    Pushed(Box<Release>),
    /// A plan was made. The run continues at the cursor.
    Planned {
        plan: Box<Plan>,
        next: Cursor,
        /// The next step was begun.
        begun: bool,
        /// `None` means that the job goes forward.
        rolling_back: Option<RollingBack>,
        /// Progress of the hook that the next step asks.
        progress: HookProgress,
    },
    /// The outcome is decided. The run continues with the notification hooks.
    OutcomeDecided {
        outcome: Outcome,
        /// Notification hooks, in order.
        hooks: Vec<Hook>,
        next: Cursor,
        /// Progress of the next hook.
        progress: HookProgress,
    },
    /// The job ended. Nothing is left to do.
    Ended(Outcome),
}

/// A rollback under way.
#[derive(Clone, Debug, PartialEq)]
pub struct RollingBack {
    /// Outcome of the job after the rollback.
    pub outcome: Outcome,
    /// Number of forward steps that were begun before the rollback.
    pub begun: usize,
}

/// An event that no run could have written at its place of the journal.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("event {seq} ({event}) cannot follow what came before it")]
pub struct IllegalOrder {
    /// Number of the event, from 1.
    pub seq: usize,
    /// The event as text, shortened.
    pub event: String,
}

/// Progress of a hook, as far as the journal has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HookProgress {
    /// Number of batches so far.
    pub count: u32,
    /// The batch that is under way. `None` means that the hook has requested none yet.
    pub batch: Option<Batch>,
    /// Results of the batch's first actions.
    pub results: Vec<ActionResult>,
    /// An action was begun and its result is not known.
    pub is_doing: bool,
}

impl HookProgress {
    /// Returns the progress after `event`.
    #[must_use]
    pub fn after(mut self, event: &Event) -> Self {
        match event {
            Event::HookRequested { batch, .. } => {
                let (count, batch) = (self.count + 1, Some(batch.clone()));
                Self { count, batch, ..Self::default() }
            }
            Event::HookActionStarted { .. } => Self { is_doing: true, ..self },
            Event::HookActionFinished { result, .. } => {
                self.results.push(result.clone());
                Self { is_doing: false, ..self }
            }
            _ => self,
        }
    }
}

/// Replays all events of a job.
///
/// # Errors
/// [`IllegalOrder`] at the first event that no run could have written there.
pub fn replay(events: &[Event]) -> Result<ResumePoint, IllegalOrder> {
    events.iter().enumerate().try_fold(ResumePoint::Fresh, |replay, (index, event)| {
        step(replay, event).ok_or_else(|| IllegalOrder {
            seq: index + 1,
            event: format!("{event:?}").chars().take(60).collect(),
        })
    })
}

fn step(replay: ResumePoint, event: &Event) -> Option<ResumePoint> {
    Some(match (replay, event) {
        (ResumePoint::Ended(_), _) => return None,
        (_, Event::Ended(outcome)) => ResumePoint::Ended(outcome.clone()),
        (ResumePoint::Fresh, Event::Pushed(release)) => ResumePoint::Pushed(release.clone()),
        (ResumePoint::Fresh | ResumePoint::Pushed(_), Event::Planned(plan)) => {
            ResumePoint::Planned {
                plan: plan.clone(),
                next: Cursor::Forward(0),
                begun: false,
                rolling_back: None,
                progress: HookProgress::default(),
            }
        }
        (_, Event::Pushed(_) | Event::Planned(_)) => return None,
        (ResumePoint::OutcomeDecided { outcome, hooks, next, .. }, Event::StepFinished(cursor))
            if next == *cursor =>
        {
            let next = cursor.next();
            let progress = HookProgress::default();
            ResumePoint::OutcomeDecided { outcome, hooks, next, progress }
        }
        (ResumePoint::OutcomeDecided { outcome, hooks, next, progress }, event) => match event {
            Event::OutcomeDecided { .. } | Event::StepFinished(_) | Event::RollingBack(_) => {
                return None;
            }
            event => ResumePoint::OutcomeDecided {
                outcome,
                hooks,
                next,
                progress: progress.after(event),
            },
        },
        (_, Event::OutcomeDecided { outcome, hooks }) => ResumePoint::OutcomeDecided {
            outcome: outcome.clone(),
            hooks: hooks.clone(),
            next: Cursor::Notify(0),
            progress: HookProgress::default(),
        },
        (ResumePoint::Planned { plan, next, rolling_back, .. }, Event::StepFinished(cursor))
            if next == *cursor =>
        {
            let (next, progress) = (cursor.next(), HookProgress::default());
            ResumePoint::Planned { plan, next, begun: false, rolling_back, progress }
        }
        (
            ResumePoint::Planned { plan, next, rolling_back, progress, .. },
            Event::StepStarted(cursor, _),
        ) if next == *cursor => {
            ResumePoint::Planned { plan, next, begun: true, rolling_back, progress }
        }
        (
            ResumePoint::Planned {
                plan, next: Cursor::Forward(at), begun, rolling_back: None, ..
            },
            Event::RollingBack(outcome),
        ) => ResumePoint::Planned {
            plan,
            next: Cursor::Rollback(0),
            begun: false,
            rolling_back: Some(RollingBack {
                outcome: outcome.clone(),
                begun: at + usize::from(begun),
            }),
            progress: HookProgress::default(),
        },
        (_, Event::StepFinished(_) | Event::RollingBack(_)) => return None,
        (ResumePoint::Planned { plan, next, begun, rolling_back, progress }, event) => {
            ResumePoint::Planned {
                plan,
                next,
                begun,
                rolling_back,
                progress: progress.after(event),
            }
        }
        (replay, _) => replay,
    })
}

/// Returns whether a release takes its last step, in which nobody can stop it: see [`Plan::is_clean_up`]. The events are the
/// journal's last [`Event::Planned`] and its last [`Event::StepStarted`]. `None` means that it has none.
#[must_use]
pub fn is_cleaning_up(planned: Option<&Event>, started: Option<&Event>) -> bool {
    match (planned, started) {
        (Some(Event::Planned(plan)), Some(Event::StepStarted(Cursor::Forward(index), _))) => {
            plan.is_clean_up(*index)
        }
        _ => false,
    }
}

/// A job's state as people see it. The name of a state is stored, so a name never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// No daemon has claimed the job.
    Waiting,
    /// A stage is at work.
    Running,
    /// The job waits for an approval, and no stage is at work.
    Held,
    /// The job goes back to the previous releases.
    #[serde(rename = "turning_back")]
    RollingBack,
    /// Ended: the release serves, or the app is removed.
    Succeeded,
    /// Ended with a diagnosis.
    Failed,
    /// Ended on request, or at its time limit.
    Stopped,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Running,
        Self::Held,
        Self::RollingBack,
        Self::Succeeded,
        Self::Failed,
        Self::Stopped,
    ];

    /// Returns the name that is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Held => "held",
            Self::RollingBack => "rolling_back",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// Returns the state of a stored name. `None` means that no state has this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Returns a job's state after an event, with the stage that begins. A stage of `None` means that the
/// job stays in its stage. `None` for both means that the event changes neither.
#[must_use]
pub fn state_after(before: JobState, event: &Event) -> Option<(JobState, Option<Stage>)> {
    let running = |stage| (JobState::Running, Some(stage));
    Some(match event {
        // A job that is claimed again after a restart keeps its state: the events of its run change it.
        Event::Claimed { .. } if before != JobState::Waiting => return None,
        Event::Claimed { .. } => running(Stage::Clone),
        Event::Started(stage) => running(*stage),
        Event::Held { gate, .. } => (JobState::Held, Some(gate.stage())),
        Event::Approved { gate, .. } => running(gate.stage()),
        Event::Planned(_) => running(Stage::Release),
        Event::OutcomeDecided { .. } => running(Stage::Hooks),
        Event::RollingBack(_) => (JobState::RollingBack, None),
        Event::Ended(Outcome::Succeeded(_) | Outcome::Removed(_) | Outcome::Contracted(_)) => {
            (JobState::Succeeded, None)
        }
        Event::Ended(Outcome::Failed(_)) => (JobState::Failed, None),
        Event::Ended(Outcome::Stopped { .. }) => (JobState::Stopped, None),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{job::Gate, outcome::Stop};

    fn folded(events: &[Event]) -> (JobState, Option<Stage>) {
        let fold = |(state, stage), event| match state_after(state, event) {
            Some((state, begun)) => (state, begun.or(stage)),
            None => (state, stage),
        };
        events.iter().fold((JobState::Waiting, None), fold)
    }

    #[test]
    fn a_job_that_is_taken_up_again_stays_where_it_stood() {
        let claimed = || Event::Claimed { daemon: "bed".into() };
        let stopped = Outcome::Stopped { at: Stage::Test, why: Stop::TimedOut { seconds: 1 } };
        let deciding = Event::OutcomeDecided { outcome: stopped.clone(), hooks: Vec::new() };
        let held = |gate| Event::Held { gate, digest: "a".into(), until_ms: 1 };
        for (last, state, stage) in [
            (Event::Started(Stage::Build), JobState::Running, Stage::Build),
            (Event::Started(Stage::Release), JobState::Running, Stage::Release),
            (Event::RollingBack(stopped), JobState::RollingBack, Stage::Clone),
            (deciding, JobState::Running, Stage::Hooks),
            (held(Gate::Clone), JobState::Held, Stage::Clone),
            (held(Gate::Release), JobState::Held, Stage::Release),
            (held(Gate::Traffic), JobState::Held, Stage::Release),
        ] {
            assert_eq!(folded(&[claimed(), last, claimed(), claimed()]), (state, Some(stage)));
        }
        assert_eq!(folded(&[claimed()]), (JobState::Running, Some(Stage::Clone)));
        assert_eq!(folded(&[]), (JobState::Waiting, None));
    }

    #[test]
    fn a_job_that_is_approved_runs_in_the_stage_of_its_gate() {
        let (gate, digest) = (Gate::Release, || "a".to_owned());
        let held = Event::Held { gate, digest: digest(), until_ms: 1 };
        let approved =
            Event::Approved { gate, digest: digest(), by: "ann".into(), note: String::new() };
        let claimed = || Event::Claimed { daemon: "bed".into() };
        let events = [claimed(), held, claimed(), approved];
        assert_eq!(folded(&events), (JobState::Running, Some(Stage::Release)));
    }

    /// The job's pods are in the cluster: it goes on with its plan, and does not plan again.
    #[test]
    fn a_release_that_is_held_on_its_way_is_resumed_at_the_step_that_waits() {
        let release = crate::samples::release();
        let plan = crate::plan::removing(&release, false);
        let at = Cursor::Forward(0);
        let (gate, digest) = (Gate::Traffic, "a".to_owned());
        let held = Event::Held { gate, digest: digest.clone(), until_ms: 1 };
        let mut events =
            vec![Event::Planned(Box::new(plan)), Event::StepStarted(at, "wait".into()), held];
        let stands = |events: &[Event], state: JobState, is_rolling_back: bool| {
            assert_eq!(folded(events).0, state);
            match replay(events).unwrap() {
                ResumePoint::Planned { next, begun, rolling_back, .. } => {
                    let expected = if is_rolling_back { Cursor::Rollback(0) } else { at };
                    assert_eq!((next, begun), (expected, !is_rolling_back));
                    assert_eq!(rolling_back.map(|back| back.begun), is_rolling_back.then_some(1));
                }
                other => panic!("{other:?}"),
            }
        };
        stands(&events, JobState::Held, false);
        let approved = Event::Approved { gate, digest, by: "ann".into(), note: String::new() };
        stands(&[events.clone(), vec![approved]].concat(), JobState::Running, false);
        let why = Stop::Aborted { by: "ann".into(), note: String::new() };
        events.push(Event::RollingBack(Outcome::Stopped { at: Stage::Release, why }));
        stands(&events, JobState::RollingBack, true);
    }

    #[test]
    fn a_state_is_read_as_it_was_written() {
        for state in JobState::ALL {
            assert_eq!(JobState::parse(state.as_str()), Some(state));
        }
        assert_eq!(JobState::parse("turning_back"), None);
    }
}
