//! Replay of a journal: each beginning of one that a run wrote can be replayed, and a journal that no
//! run wrote is refused at the first event that cannot stand there.

use proptest::{prelude::*, sample::Index};
use std::collections::BTreeMap;
use windlass_model::{
    app::App,
    event::{Event, Measurement},
    hook::{Action, ActionResult, Batch, Hook, HookPhase, Policy},
    job::{Gate, Image, Release, Stage},
    outcome::{Outcome, Stop},
    plan::{Change, Cursor, Plan, Step},
    replay::{JobState, ResumePoint, replay, state_after},
    runtime::{MigrationPhase, Runtime},
};

/// The course of a run, as far as its journal shows it.
#[derive(Clone, Debug)]
struct Course {
    /// An image is pushed. A rollback already has one.
    is_built: bool,
    forward: usize,
    back: usize,
    /// The step at which the way forward ends, and whether it was begun. `None` means that all steps are
    /// done.
    fails_at: Option<(usize, bool)>,
    /// The number of notification hooks.
    hooks: usize,
}

fn course() -> impl Strategy<Value = Course> {
    let fails_at = prop::option::of((0_usize..4, any::<bool>()));
    (any::<bool>(), 1_usize..5, 0_usize..3, fails_at, 0_usize..3).prop_map(
        |(is_built, forward, back, fails_at, hooks)| Course {
            is_built,
            forward,
            back,
            fails_at,
            hooks,
        },
    )
}

impl Course {
    fn journal(&self) -> Vec<Event> {
        let mut events = vec![claimed(), Event::Started(Stage::Clone)];
        if self.is_built {
            events.push(Event::Pushed(Box::new(release())));
        }
        events.push(Event::Planned(Box::new(self.plan())));
        let fails_at = self.fails_at.map(|(at, begun)| (at % self.forward, begun));
        let whole = fails_at.map_or(self.forward, |(at, _)| at);
        for at in 0..whole {
            events.extend(taken(Cursor::Forward(at)));
        }
        let outcome = if let Some((at, begun)) = fails_at {
            if begun {
                events.push(Event::StepStarted(Cursor::Forward(at), "apply".into()));
            }
            events.push(Event::RollingBack(stopped()));
            for at in 0..self.back {
                events.extend(taken(Cursor::Rollback(at)));
            }
            stopped()
        } else {
            Outcome::Succeeded(Box::new(release()))
        };
        let hooks = vec![hook(); self.hooks];
        events.push(Event::OutcomeDecided { outcome: outcome.clone(), hooks });
        for at in 0..self.hooks {
            events.extend(asked());
            events.push(Event::StepFinished(Cursor::Notify(at)));
        }
        events.push(Event::Ended(outcome));
        events
    }

    fn plan(&self) -> Plan {
        let step = || Step::Change(Change::Apply(Box::new(release())));
        let steps = |count| std::iter::repeat_with(step).take(count).collect();
        Plan { forward: steps(self.forward), rollback: steps(self.back), release: release() }
    }
}

/// Returns the events of one step of a plan, a hook's batch among them.
fn taken(cursor: Cursor) -> Vec<Event> {
    let mut events = vec![Event::StepStarted(cursor, "apply".into())];
    events.extend(asked());
    events.push(Event::StepFinished(cursor));
    events
}

/// Returns the events of one batch of a hook's actions.
fn asked() -> Vec<Event> {
    let name = || "migrate".to_owned();
    let batch = Batch { actions: vec![Action::Wait { ms: 1 }], state: Vec::new() };
    vec![
        Event::HookRequested { hook: name(), batch },
        Event::HookActionStarted { hook: name(), action: "wait".into() },
        Event::HookActionFinished { hook: name(), result: ActionResult::Waited },
    ]
}

fn claimed() -> Event {
    Event::Claimed { daemon: "bed".into() }
}

fn stopped() -> Outcome {
    Outcome::Stopped { at: Stage::Release, why: Stop::TimedOut { seconds: 1 } }
}

fn release() -> Release {
    let reference = "registry.example/shop/web:1".into();
    Release {
        id: "1".into(),
        app: App::new("shop", "web", "").unwrap(),
        clusters: vec!["eu".into()],
        commit: "abc".into(),
        image: Image { reference, digest: "sha256:1".into(), bytes: None },
        runtime: Runtime::default(),
        hooks: BTreeMap::new(),
    }
}

fn hook() -> Hook {
    Hook {
        name: "tell".into(),
        plugin: "hook-http".into(),
        phase: HookPhase::AfterFailure,
        policy: Policy::Warn,
        settings: "{}".into(),
        app_settings: "{}".into(),
        secrets: BTreeMap::new(),
    }
}

/// Returns events that do not change a job's resume point.
fn asides() -> Vec<Event> {
    let text = || "text".to_owned();
    vec![
        claimed(),
        Event::Started(Stage::Release),
        Event::Skipped(Stage::Test, text()),
        Event::Log { stage: Stage::Build, source: text(), line: text() },
        Event::Warning { stage: Stage::Build, message: text(), fix: text() },
        Event::Retrying { attempt: 2, after_ms: 100, because: text() },
        Event::Rollout { cluster: "eu".into(), ready: 1, wanted: 2 },
        Event::Held { gate: Gate::Release, digest: text(), until_ms: 1 },
        Event::Held { gate: Gate::Traffic, digest: text(), until_ms: 1 },
        Event::TrafficShifted { cluster: "eu".into(), weight: 5, pods: Some((1, 2)) },
        Event::Holding { until_ms: 1 },
        Event::Measured {
            cluster: "eu".into(),
            metric: text(),
            value: None,
            result: Measurement::Inconclusive,
            detail: text(),
        },
        Event::Paused { by: text(), note: text() },
        Event::Resumed { by: text(), note: text() },
        Event::Kept { release: Box::new(release()), until_ms: 1 },
        Event::Migrated {
            cluster: "eu".into(),
            release: text(),
            digest: text(),
            phase: MigrationPhase::Expand,
            key: text(),
            at_ms: 1,
        },
        Event::Approved { gate: Gate::Release, digest: text(), by: text(), note: text() },
        Event::Finished(Stage::Build),
    ]
}

/// Returns events of all kinds that replay distinguishes, for journals in any order.
fn all() -> Vec<Event> {
    let course =
        Course { is_built: true, forward: 2, back: 2, fails_at: Some((1, true)), hooks: 2 };
    [course.journal(), asides()].concat()
}

fn state(before: JobState, events: &[Event]) -> JobState {
    let next = |state, event| state_after(state, event).map_or(state, |(next, _)| next);
    events.iter().fold(before, next)
}

fn happens_once(event: &Event) -> bool {
    matches!(
        event,
        Event::Pushed(_)
            | Event::Planned(_)
            | Event::StepFinished(_)
            | Event::RollingBack(_)
            | Event::OutcomeDecided { .. }
            | Event::Ended(_)
    )
}

fn is_ended(state: JobState) -> bool {
    matches!(state, JobState::Succeeded | JobState::Failed | JobState::Stopped)
}

proptest! {
    #[test]
    fn every_beginning_of_a_journal_folds(course in course(), after in 0..asides().len()) {
        let journal = course.journal();
        for cut in 0..=journal.len() {
            let (begin, rest) = journal.split_at(cut);
            let resumed = replay(begin);
            let ended = matches!(resumed, Ok(ResumePoint::Ended(_)));
            prop_assert!(resumed.is_ok(), "{:?}", resumed);
            let reached = state(JobState::Waiting, begin);
            prop_assert_eq!(ended, is_ended(reached));
            prop_assert_eq!(state(reached, rest), state(JobState::Waiting, &journal));
        }
        let more = [journal.clone(), vec![asides()[after].clone()]].concat();
        let error = replay(&more).unwrap_err();
        prop_assert_eq!(error.seq, journal.len() + 1, "nothing follows the end");
    }

    /// In any order, most journals are refused at once. These are good up to the event that comes twice.
    #[test]
    fn what_happens_once_is_refused_the_second_time(course in course()) {
        let journal = course.journal();
        for (at, event) in journal.iter().enumerate().filter(|(_, event)| happens_once(event)) {
            let mut twice = journal.clone();
            twice.insert(at + 1, event.clone());
            let refused = replay(&twice).map_err(|error| error.seq);
            prop_assert_eq!(refused, Err(at + 2), "{:?}", event);
        }
    }

    /// Whatever else is recorded, and however often the job is claimed again, its resume point stays.
    #[test]
    fn asides_change_nothing(
        course in course(),
        asides in prop::collection::vec((any::<Index>(), prop::sample::select(asides())), 0..8),
    ) {
        let journal = course.journal();
        let mut longer = journal.clone();
        for (at, event) in asides {
            // Before the end.
            longer.insert(at.index(longer.len()), event);
        }
        prop_assert_eq!(replay(&longer), replay(&journal));
    }

    #[test]
    fn a_journal_in_any_order_is_refused_at_the_first_event_that_cannot_stand_there(
        events in prop::collection::vec(prop::sample::select(all()), 0..30),
    ) {
        let good = match replay(&events) {
            Ok(_) => events.len(),
            Err(error) => {
                let seq = error.seq;
                prop_assert_eq!(replay(&events[..seq]), Err(error));
                seq - 1
            }
        };
        for cut in 0..=good {
            prop_assert!(replay(&events[..cut]).is_ok(), "{} of {:?}", cut, events);
        }
        state(JobState::Waiting, &events);
    }
}
