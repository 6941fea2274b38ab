//! Tests of newer jobs: one ends a release before all requests are switched to it, and waits for it from then on.

use crate::{
    hooks, job, outcome,
    world::{Fault, World},
};
use std::sync::Arc;
use tokio::sync::mpsc;
use windlass_engine::{pipeline::deploy, queue::Message, slots::Slots};
use windlass_model::{
    event::Event,
    hook::Policy,
    job::{Job, Stage},
    outcome::{Outcome, Stop},
    plan::Cursor,
    replay::replay,
    spec::Spec,
};

fn blue_green() -> Job {
    let text = "[strategy]\nkind = \"blue-green\"\nhold-seconds = 60\nkeep-seconds = 0";
    Job { spec: Spec::from_toml(text).unwrap(), ..job() }
}

/// Runs one life of the daemon, in which a newer job is there as soon as the run reports `superseded_at`. Returns the
/// outcome, and each time that the run reported whether it gives way.
async fn live(world: &Arc<World>, job: &Job, superseded_at: Option<bool>) -> (Outcome, Vec<bool>) {
    let (send, mut inbox) = mpsc::unbounded_channel();
    let (slots, grant) = Slots::new(job.id.clone(), send);
    let newer = world.clone();
    let queue = tokio::spawn(async move {
        let mut reported = Vec::new();
        while let Some(message) = inbox.recv().await {
            match message {
                Message::Needs { ticket, .. } => {
                    grant.send_replace(ticket);
                }
                Message::GivesWay { gives_way, .. } => {
                    reported.push(gives_way);
                    if superseded_at == Some(gives_way) {
                        newer.journal.supersede();
                    }
                }
                _ => {}
            }
        }
        reported
    });
    let run = world.run().with_slots(slots);
    let ended = deploy(job, replay(&world.past()).unwrap(), &world.ports(), &run).await;
    drop(run);
    (outcome(ended.unwrap()), queue.await.unwrap())
}

fn superseded() -> Outcome {
    Outcome::Stopped { at: Stage::Release, why: Stop::Superseded { by: "job-2".into() } }
}

#[tokio::test(start_paused = true)]
async fn a_newer_job_ends_a_release_that_is_not_switched() {
    let world = Arc::new(World::new().running("old"));
    let (outcome, reported) = live(&world, &blue_green(), Some(true)).await;
    assert_eq!(outcome, superseded());
    assert_eq!(reported, [true, false], "what is rolled back is left to end");
    assert_eq!(world.serves().as_deref(), Some("old"));
}

/// The job may be superseded in the moment in which it reports that it gives way no more.
#[tokio::test(start_paused = true)]
async fn a_newer_job_waits_for_a_release_that_is_switched() {
    let world = Arc::new(World::new().running("old"));
    let (outcome, reported) = live(&world, &blue_green(), Some(false)).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    assert_eq!(reported, [true, false]);
    assert_eq!(world.serves().as_deref(), Some("new"));
}

/// Neither a daemon that is killed nor a newer job turns a release that is switched around.
#[tokio::test(start_paused = true)]
async fn a_switched_release_goes_on_after_a_restart() {
    let job = blue_green();
    let whole = Arc::new(World::new().running("old"));
    live(&whole, &job, None).await;
    let begins = |cursor: Cursor| {
        let begins = |event: &Event| matches!(event, Event::StepStarted(at, _) if *at == cursor);
        whole.past().iter().position(begins).unwrap()
    };
    // Start, wait, hold, then the switch.
    let switch = begins(Cursor::Forward(3));
    for (events, is_switched) in [(switch, false), (switch + 1, true), (switch + 2, true)] {
        let world = Arc::new(World::new().running("old").with(Fault::KilledAfter(events)));
        let run = world.run();
        deploy(&job, replay(&[]).unwrap(), &world.ports(), &run).await.unwrap_err();
        world.restart();
        world.journal.supersede();
        let (outcome, reported) = live(&world, &job, None).await;
        if is_switched {
            assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
            assert!(reported.is_empty(), "it gives way no more");
        } else {
            assert_eq!(outcome, superseded());
        }
    }
}

/// No newer job ends a rolling update in its middle. Hooks before it may take long.
#[tokio::test(start_paused = true)]
async fn a_rolling_update_gives_way_until_it_replaces_pods() {
    let world = Arc::new(World::new().running("old"));
    let (outcome, reported) = live(&world, &job(), None).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    assert!(reported.is_empty());

    let hooked = || World::new().running("old").with_hooks(hooks(Policy::RollBack));
    // The hook, then the change.
    for (step, is_ended, served) in [(1, true, "old"), (2, false, "new")] {
        let world = Arc::new(hooked().with(Fault::SupersededAt(Cursor::Forward(step))));
        let (outcome, reported) = live(&world, &job(), None).await;
        let is_superseded =
            matches!(outcome, Outcome::Stopped { why: Stop::Superseded { .. }, .. });
        assert_eq!(is_superseded, is_ended, "{step}: {outcome:?}");
        assert_eq!((reported, world.serves().as_deref()), (vec![true, false], Some(served)));
    }
}
