//! Tests of gates: a job goes on with an approval of exactly what comes next, in whichever life of the daemon.

use crate::{
    job, outcome, rollback,
    world::{Fault, World},
};
use windlass_engine::{
    journal::JournalLost,
    pipeline::{Deployed, deploy},
};
use windlass_model::{
    approval::{Approval, Approvals, Hold},
    event::Event,
    job::{Gate, Job, Stage},
    outcome::{Outcome, Stop},
    replay::replay,
};

fn gated(gates: &[Gate], job: Job) -> Job {
    Job { gates: gates.to_vec(), ..job }
}

fn approval(gate: Gate, digest: &str) -> Approval {
    let (by, note) = ("ann".to_owned(), "looks good".to_owned());
    Approval { gate, digest: digest.into(), by, note, at_ms: 1 }
}

/// Returns the approval of what waits.
fn of(hold: &Hold) -> Approval {
    approval(hold.gate, &hold.digest)
}

/// Runs one life of the daemon, to which these approvals are known.
async fn live(world: &World, job: &Job, given: &[Approval]) -> Result<Deployed, JournalLost> {
    let past = world.past();
    let run = world.run().with_approvals(Approvals::new(given.to_vec(), &past));
    deploy(job, replay(&past).unwrap(), &world.ports(), &run).await
}

async fn held(world: &World, job: &Job, given: &[Approval]) -> Hold {
    match live(world, job, given).await.unwrap() {
        Deployed::Held(hold) => hold,
        Deployed::Ended(outcome) => panic!("{outcome:?}"),
    }
}

/// Runs lives of the daemon until the job ends. Whatever waits is approved.
async fn approved(world: &World, job: &Job) -> Result<Outcome, JournalLost> {
    let mut given = Vec::new();
    loop {
        match live(world, job, &given).await? {
            Deployed::Ended(outcome) => return Ok(outcome),
            Deployed::Held(hold) => given.push(of(&hold)),
        }
    }
}

fn count(world: &World, is_it: fn(&Event) -> bool) -> usize {
    world.past().iter().filter(|event| is_it(event)).count()
}

fn is_approved(event: &Event) -> bool {
    matches!(event, Event::Approved { .. })
}

fn is_held(event: &Event) -> bool {
    matches!(event, Event::Held { .. })
}

#[tokio::test(start_paused = true)]
async fn a_release_is_applied_with_an_approval_of_exactly_that() {
    let world = World::new().running("old");
    let job = gated(&[Gate::Release], job());
    let hold = held(&world, &job, &[]).await;
    assert_eq!((hold.gate, hold.digest.len()), (Gate::Release, 64));
    let Hold { gate, digest, until_ms } = hold.clone();
    let last = Event::Held { gate, digest, until_ms };
    assert_eq!(world.past().last(), Some(&last), "the job has not ended");
    assert_eq!((world.serves().as_deref(), world.builder.built()), (Some("old"), 1));
    let others =
        [approval(Gate::Release, "other"), approval(Gate::Clone, &hold.digest), approval(gate, "")];
    assert_eq!(held(&world, &job, &others).await, hold, "the wait is no longer for that");
    assert_eq!(world.serves().as_deref(), Some("old"));
    let ended = outcome(live(&world, &job, &[of(&hold)]).await.unwrap());
    assert!(matches!(ended, Outcome::Succeeded(_)), "{ended:?}");
    assert_eq!((world.serves().as_deref(), world.builder.built()), (Some("new"), 1));
    let Approval { gate, digest, by, note, .. } = of(&hold);
    assert!(world.past().contains(&Event::Approved { gate, digest, by, note }));
    assert_eq!((count(&world, is_held), count(&world, is_approved)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_commit_is_fetched_before_its_approval() {
    let world = World::new().running("old");
    let job = gated(&[Gate::Clone, Gate::Release], job());
    let first = held(&world, &job, &[]).await;
    assert_eq!((first.gate, &*first.digest), (Gate::Clone, "abc"));
    let begins = |event: &Event| matches!(event, Event::Started(_) | Event::Cloned(_));
    assert_eq!((count(&world, begins), world.builder.built()), (0, 0));
    let second = held(&world, &job, &[of(&first)]).await;
    assert_eq!((second.gate, world.builder.built()), (Gate::Release, 1));
    let ended = live(&world, &job, &[of(&first), of(&second)]).await.unwrap();
    assert!(matches!(ended, Deployed::Ended(Outcome::Succeeded(_))), "{ended:?}");
    assert_eq!(count(&world, is_approved), 2);
}

/// Nobody approved the earlier release as what is to serve now.
#[tokio::test(start_paused = true)]
async fn a_rollback_waits_too() {
    let world = World::new().running("bad");
    let job = gated(&[Gate::Clone, Gate::Release], rollback());
    let hold = held(&world, &job, &[]).await;
    assert_eq!((hold.gate, world.serves().as_deref()), (Gate::Release, Some("bad")));
    let ended = live(&world, &job, &[of(&hold)]).await.unwrap();
    assert!(matches!(ended, Deployed::Ended(Outcome::Succeeded(_))), "{ended:?}");
    assert_eq!(world.serves().as_deref(), Some("old"));
}

/// Somebody cancels or rejects it, or a newer job is there.
#[tokio::test(start_paused = true)]
async fn a_job_that_is_to_stop_waits_for_no_approval() {
    let world = World::new().running("old");
    let job = gated(&[Gate::Release], job());
    let hold = held(&world, &job, &[]).await;
    world.journal.cancel();
    let ended = outcome(live(&world, &job, &[of(&hold)]).await.unwrap());
    let why = Stop::Cancelled { by: "someone".into() };
    assert_eq!(ended, Outcome::Stopped { at: Stage::Release, why });
    assert_eq!(world.serves().as_deref(), Some("old"));
    assert_eq!(count(&world, is_approved), 0);
}

/// The end is that of a job that nothing kills, each gate is passed once, and each wait has one end.
#[tokio::test(start_paused = true)]
async fn killed_anywhere_it_waits_for_the_same_approvals() {
    for job in [job(), rollback()] {
        let job = gated(&[Gate::Clone, Gate::Release], job);
        let whole = World::new().running("older");
        let outcome = approved(&whole, &job).await.unwrap();
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
        let gates = count(&whole, is_approved);
        for events in 0..whole.past().len() {
            let world = World::new().running("older").with(Fault::KilledAfter(events));
            approved(&world, &job).await.unwrap_err();
            assert_eq!(world.past().len(), events);
            world.restart();
            assert_eq!(approved(&world, &job).await.unwrap(), outcome, "after {events}");
            assert_eq!(world.serves_in_each(), whole.serves_in_each(), "after {events}");
            assert_eq!(world.cluster.changed(), whole.cluster.changed(), "after {events}");
            assert!(world.registry.pushed().values().all(|times| *times <= 2));
            assert_eq!(count(&world, is_approved), gates, "after {events}");
            let mut ends: Vec<_> = world.past().into_iter().filter_map(end).collect();
            ends.sort();
            ends.dedup();
            assert_eq!(ends.len(), gates, "{ends:?} after {events}");
        }
    }
}

/// Returns the gate of a wait with its digest and its end.
fn end(event: Event) -> Option<(Gate, String, u64)> {
    match event {
        Event::Held { gate, digest, until_ms } => Some((gate, digest, until_ms)),
        _ => None,
    }
}
