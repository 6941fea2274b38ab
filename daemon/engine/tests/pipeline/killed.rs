//! Two lives of the daemon, the first of which ends in its middle, beside one whole life.

use crate::{
    live, run,
    world::{Fault, World},
};
use windlass_engine::journal::JournalLost;
use windlass_model::{event::Event, job::Job, outcome::Outcome, replay::replay};

/// Ends of a first life: a kill after so many events, or a journal that refuses the one after them.
const ENDS: [fn(usize) -> Fault; 2] = [Fault::KilledAfter, Fault::Hiccup];

/// A life in which nothing kills the daemon.
pub(crate) struct Whole {
    pub(crate) world: World,
    pub(crate) outcome: Outcome,
}

impl Whole {
    /// Runs a job to its end.
    pub(crate) async fn of(world: World, job: &Job) -> Self {
        let outcome = run(&world, job).await;
        Self { world, outcome }
    }

    /// Returns the number of events before the plan.
    fn planned(&self) -> usize {
        let is_plan = |event: &Event| matches!(event, Event::Planned(_));
        self.world.past().iter().position(is_plan).unwrap()
    }

    /// Compares all pairs of lives whose first one ends after at least so many events.
    async fn killed_from(&self, least: usize, fresh: impl Fn() -> World, job: &Job, name: &str) {
        for events in least..self.world.recorded() {
            for end in ENDS {
                let name = format!("{name} after {events}");
                let world = fresh().with(end(events));
                self.compare(&world, job, events, &name).await;
                let (cluster, of_whole) = (&world.cluster, &self.world.cluster);
                assert_eq!(cluster.changed(), of_whole.changed(), "{name}");
                assert_eq!(cluster.migrated(), of_whole.migrated(), "{name}");
                assert_eq!(cluster.acted(), of_whole.acted(), "{name}");
                assert!(cluster.acted().values().all(|times| *times == 1), "{name}");
            }
        }
    }

    /// Runs two lives, the first of which ends after so many events, and compares their end with that of the whole life.
    async fn compare(&self, world: &World, job: &Job, events: usize, name: &str) {
        let lost = live(world, job).await.unwrap_err();
        assert!(matches!(lost, JournalLost::Unavailable(_)), "{name}: {lost}");
        // No verdict, no rollback: nothing at all follows a refused event, though the journal takes more.
        assert_eq!(world.recorded(), events, "{name}");
        world.restart();
        let last = live(world, job).await.unwrap();
        assert_eq!(last, self.outcome, "{name}");
        assert_eq!(world.serves_in_each(), self.world.serves_in_each(), "{name}");
        assert_eq!(world.cluster.tracks(), self.world.cluster.tracks(), "{name}");
        let violations = world.cluster.violations();
        assert!(violations.is_empty(), "{name}: {violations:?}");
        let past = world.past();
        assert_eq!(past.iter().filter(|event| matches!(event, Event::Ended(_))).count(), 1);
        // The push may be repeated only if its record was lost; it is idempotent by digest.
        assert!(world.registry.pushed().values().all(|times| *times <= 2), "{name}");
        replay(&past).unwrap();
    }
}

/// Compares each pair of lives with one whole life: their end is the same, and all that is done.
pub(crate) async fn killed_after_every_event(fresh: impl Fn() -> World, job: &Job, name: &str) {
    let whole = Whole::of(fresh(), job).await;
    whole.killed_from(0, fresh, job, name).await;
}

/// Compares as [`killed_after_every_event`] does, with kills from the plan on: up to it all outcomes of a release are
/// alike.
pub(crate) async fn killed_after_every_event_of_a_release(
    fresh: impl Fn() -> World,
    job: &Job,
    name: &str,
) -> Whole {
    let whole = Whole::of(fresh(), job).await;
    whole.killed_from(whole.planned(), fresh, job, name).await;
    whole
}

/// Compares each pair of lives of a job that somebody stops in its release with one whole life, with kills from the plan
/// on. Their end is the same. A write that was recorded, and not made before the kill, may be left out; nothing is done
/// more often.
pub(crate) async fn stopped_and_killed_after_every_event(
    fresh: impl Fn() -> World,
    job: &Job,
    name: &str,
) -> Whole {
    let whole = Whole::of(fresh(), job).await;
    for events in whole.planned()..whole.world.recorded() {
        let name = format!("{name}, killed after {events}");
        let world = fresh().with(Fault::KilledAfter(events));
        whole.compare(&world, job, events, &name).await;
        let (changed, of_whole) = (world.cluster.changed(), whole.world.cluster.changed());
        assert!(
            are_among(&changed, &of_whole),
            "{name}: {changed:?}, and {of_whole:?} in one life"
        );
        if matches!(whole.outcome, Outcome::Succeeded(_)) {
            assert_eq!(changed, of_whole, "{name}");
        }
    }
    whole
}

/// Returns whether some texts are among others, in the same order.
fn are_among(some: &[String], others: &[String]) -> bool {
    let mut others = others.iter();
    some.iter().all(|one| others.any(|other| other == one))
}
