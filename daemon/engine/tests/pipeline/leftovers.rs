//! Tests of releases that cannot delete what earlier releases had: they serve, and say so.

use crate::{
    clusters::to_both,
    job,
    killed::killed_after_every_event_of_a_release,
    live,
    outcomes::{RECREATE, by_gateway, by_replicas, serving},
    run,
    strategies::{BLUE_GREEN, end, plan, with},
    world::{Fault, World},
};
use windlass_model::{cluster::RolloutOrder, event::Event, plan::Cursor};

const ROLLING: &str = "[strategy]\nkind = \"rolling\"";

/// Warnings of a world that name what is there still.
fn warnings(world: &World) -> usize {
    let is_it = |event: &Event| match event {
        Event::Warning { message, .. } => message.contains("that earlier releases had"),
        _ => false,
    };
    world.past().iter().filter(|event| is_it(event)).count()
}

/// Pods of before are gone when the step fails: a rollback would lead requests to nothing.
#[tokio::test(start_paused = true)]
async fn a_release_that_serves_is_not_rolled_back_for_what_it_cannot_delete() {
    let kept = BLUE_GREEN.replace("keep-seconds = 300", "keep-seconds = 0");
    for text in [ROLLING, RECREATE, &kept, &by_gateway(), &by_replicas()] {
        let job = with(text);
        let fresh = || serving(text).with(Fault::Approves).with(Fault::PruneFails);
        let whole = killed_after_every_event_of_a_release(fresh, &job, text).await;
        assert_eq!(end(&whole.outcome), "succeeded", "{text}: {:?}", whole.outcome);
        assert_eq!(whole.world.serves().as_deref(), Some("new"), "{text}");
        assert!(whole.world.cluster.violations().is_empty(), "{text}");
        assert_eq!(warnings(&whole.world), 1, "{text}");
        let last = whole.world.past().into_iter().rev().find_map(|event| match event {
            Event::StepFinished(cursor) => Some(cursor),
            _ => None,
        });
        let steps = plan(&whole.world).forward.len();
        assert_eq!(last, Some(Cursor::Forward(steps - 1)), "{text}");
    }
}

/// The other clusters are cleaned up all the same.
#[tokio::test(start_paused = true)]
async fn each_cluster_that_keeps_something_is_named() {
    let job = to_both(RolloutOrder::Parallel, job());
    let world = World::new().with(Fault::PruneFails.in_("eu"));
    assert_eq!(end(&run(&world, &job).await), "succeeded");
    assert_eq!(warnings(&world), 1);
    assert_eq!(world.cluster.pruned().iter().filter(|cluster| *cluster == "us").count(), 1);
    let world = World::new().with(Fault::PruneFails);
    assert_eq!(end(&run(&world, &job).await), "succeeded");
    assert_eq!(warnings(&world), 2);
}

/// The daemon comes back to a cluster that does not answer, with a release that is through but for its last step.
#[tokio::test(start_paused = true)]
async fn a_last_step_whose_cluster_is_away_after_a_restart_ends_the_release_as_serving() {
    let job = with(ROLLING);
    let whole = serving(ROLLING);
    run(&whole, &job).await;
    let last = plan(&whole).forward.len() - 1;
    let is_last = |event: &Event| matches!(event, Event::StepStarted(Cursor::Forward(index), _) if *index == last);
    let begun = whole.past().iter().position(is_last).unwrap() + 1;
    let world = serving(ROLLING).with(Fault::KilledAfter(begun));
    live(&world, &job).await.unwrap_err();
    world.restart();
    world.faults.add(Fault::Unreachable);
    world.faults.add(Fault::CallsFailFrom(1));
    assert_eq!(end(&run(&world, &job).await), "succeeded");
    assert_eq!(world.serves().as_deref(), Some("new"));
    assert_eq!(warnings(&world), 1);
}
