//! A job's past folded to where it stands.

use crate::{
    event::{Event, Outcome},
    hook::{Hook, Rounds},
    job::{Release, Stage},
    plan::{Cursor, Plan},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where a job stands, as far as a restart must know.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Nothing to keep yet: run it from the top.
    Fresh,
    /// Built, tested and pushed: plan its release.
    Pushed(Box<Release>),
    /// A plan was made: go on at the cursor.
    Planned {
        /// All of it.
        plan: Box<Plan>,
        /// The step that comes next.
        next: Cursor,
        /// Whether that step was begun.
        begun: bool,
        /// Why it goes back, if it does.
        turned: Option<Turned>,
        /// How far the hook is that this step asks.
        rounds: Rounds,
    },
    /// It is decided how the job ends: go on with the hooks that look on.
    Concluding {
        /// How.
        outcome: Outcome,
        /// Those that are told.
        hooks: Vec<Hook>,
        /// Which comes next.
        next: Cursor,
        /// How far that one is.
        rounds: Rounds,
    },
    /// Nothing more to do.
    Ended(Outcome),
}

/// That a job is on its way back.
#[derive(Clone, Debug, PartialEq)]
pub struct Turned {
    /// How the job is to end after it.
    pub outcome: Outcome,
    /// How many steps of the way forward were begun by then.
    pub begun: usize,
}

/// A log that no run of ours writes.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("event {seq} ({event}) cannot follow what came before it")]
pub struct IllegalOrder {
    /// Its place, from 1.
    pub seq: usize,
    /// Its kind.
    pub event: String,
}

/// Folds a whole log.
///
/// # Errors
/// [`IllegalOrder`] at the first event that no run could have written there.
pub fn standing(events: &[Event]) -> Result<Standing, IllegalOrder> {
    events.iter().enumerate().try_fold(Standing::Fresh, |standing, (index, event)| {
        step(standing, event).ok_or_else(|| IllegalOrder {
            seq: index + 1,
            event: format!("{event:?}").chars().take(60).collect(),
        })
    })
}

fn step(standing: Standing, event: &Event) -> Option<Standing> {
    Some(match (standing, event) {
        (Standing::Ended(_), _) => return None,
        (_, Event::Ended(outcome)) => Standing::Ended(outcome.clone()),
        (Standing::Fresh, Event::Pushed(release)) => Standing::Pushed(release.clone()),
        (Standing::Fresh | Standing::Pushed(_), Event::Planned(plan)) => Standing::Planned {
            plan: plan.clone(),
            next: Cursor::Forward(0),
            begun: false,
            turned: None,
            rounds: Rounds::default(),
        },
        (_, Event::Pushed(_) | Event::Planned(_)) => return None,
        (Standing::Concluding { outcome, hooks, next, .. }, Event::Took(cursor))
            if next == *cursor =>
        {
            let (next, rounds) = (cursor.next(), Rounds::default());
            Standing::Concluding { outcome, hooks, next, rounds }
        }
        (Standing::Concluding { outcome, hooks, next, rounds }, event) => match event {
            Event::Concluding { .. } | Event::Took(_) | Event::TurningBack(_) => return None,
            event => Standing::Concluding { outcome, hooks, next, rounds: rounds.after(event) },
        },
        (_, Event::Concluding { outcome, hooks }) => Standing::Concluding {
            outcome: outcome.clone(),
            hooks: hooks.clone(),
            next: Cursor::After(0),
            rounds: Rounds::default(),
        },
        (Standing::Planned { plan, next, turned, .. }, Event::Took(cursor)) if next == *cursor => {
            let (next, rounds) = (cursor.next(), Rounds::default());
            Standing::Planned { plan, next, begun: false, turned, rounds }
        }
        (Standing::Planned { plan, next, turned, rounds, .. }, Event::Taking(cursor, _))
            if next == *cursor =>
        {
            Standing::Planned { plan, next, begun: true, turned, rounds }
        }
        (
            Standing::Planned { plan, next: Cursor::Forward(at), begun, turned: None, .. },
            Event::TurningBack(outcome),
        ) => Standing::Planned {
            plan,
            next: Cursor::Back(0),
            begun: false,
            turned: Some(Turned { outcome: outcome.clone(), begun: at + usize::from(begun) }),
            rounds: Rounds::default(),
        },
        (_, Event::Took(_) | Event::TurningBack(_)) => return None,
        (Standing::Planned { plan, next, begun, turned, rounds }, event) => {
            Standing::Planned { plan, next, begun, turned, rounds: rounds.after(event) }
        }
        (standing, _) => standing,
    })
}

/// A job's state as people see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has taken it up.
    Waiting,
    /// In this stage.
    Running(Stage),
    /// On the way back.
    TurningBack,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Was asked to stop.
    Stopped,
}

/// Folds one event into a state; none when it changes nothing.
#[must_use]
pub fn state_after(before: State, event: &Event) -> Option<State> {
    Some(match event {
        // Taken up again after a restart, a job stands where it stood: its run says what comes next.
        Event::Claimed { .. } if before != State::Waiting => return None,
        Event::Claimed { .. } => State::Running(Stage::Clone),
        Event::Started(stage) => State::Running(*stage),
        Event::Planned(_) => State::Running(Stage::Release),
        Event::Concluding { .. } => State::Running(Stage::Hooks),
        Event::TurningBack(_) => State::TurningBack,
        Event::Ended(Outcome::Succeeded(_)) => State::Succeeded,
        Event::Ended(Outcome::Failed(_)) => State::Failed,
        Event::Ended(Outcome::Stopped { .. }) => State::Stopped,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stop;

    fn folded(events: &[Event]) -> State {
        let fold = |state, event| state_after(state, event).unwrap_or(state);
        events.iter().fold(State::Waiting, fold)
    }

    #[test]
    fn a_job_that_is_taken_up_again_stays_where_it_stood() {
        let claimed = || Event::Claimed { daemon: "bed".into() };
        let stopped = Outcome::Stopped { at: Stage::Test, why: Stop::TimedOut { seconds: 1 } };
        let concluding = Event::Concluding { outcome: stopped.clone(), hooks: Vec::new() };
        for (last, state) in [
            (Event::Started(Stage::Build), State::Running(Stage::Build)),
            (Event::Started(Stage::Release), State::Running(Stage::Release)),
            (Event::TurningBack(stopped), State::TurningBack),
            (concluding, State::Running(Stage::Hooks)),
        ] {
            assert_eq!(folded(&[claimed(), last, claimed(), claimed()]), state);
        }
        assert_eq!(folded(&[claimed()]), State::Running(Stage::Clone));
        assert_eq!(folded(&[]), State::Waiting);
    }
}
