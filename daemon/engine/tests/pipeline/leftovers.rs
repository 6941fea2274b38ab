//! Tests of the last step of a release, which deletes what the release no longer has. The release serves by then: whatever
//! becomes of the step, nothing is rolled back.

use crate::{
    clusters::to_both,
    failed, job,
    killed::killed_after_every_event_of_a_release,
    live,
    outcomes::{RECREATE, by_gateway, by_replicas, serving},
    run,
    stops::ABORTED,
    strategies::{BLUE_GREEN, end, plan, with},
    world::{Fault, World, release},
};
use std::collections::BTreeMap;
use windlass_model::{
    cluster::{DEFAULT, RolloutOrder},
    event::Event,
    job::Job,
    outcome::Outcome,
    plan::Cursor,
    runtime::Track,
};

const ROLLING: &str = "[strategy]\nkind = \"rolling\"";

/// Returns the strategies whose last step deletes.
fn strategies() -> [String; 5] {
    let at_once = BLUE_GREEN.replace("keep-seconds = 300", "keep-seconds = 0");
    [ROLLING.into(), RECREATE.into(), at_once, by_gateway(), by_replicas()]
}

/// Returns the warnings that something is left.
pub(crate) fn warnings(world: &World) -> Vec<String> {
    let warning = |event| match event {
        Event::Warning { message, .. }
            if message.contains("is not deleted, and stays beside it") =>
        {
            Some(message)
        }
        _ => None,
    };
    world.past().into_iter().filter_map(warning).collect()
}

/// Returns the index of the last step.
fn last(world: &World) -> usize {
    plan(world).forward.len() - 1
}

/// Returns the number of events of a world once a step has begun.
fn begun(world: &World, step: usize) -> usize {
    let is_it = |event: &Event| matches!(event, Event::StepStarted(Cursor::Forward(index), _) if *index == step);
    world.past().iter().position(is_it).unwrap() + 1
}

/// Pods of before are gone when the step breaks off: a rollback would lead requests to nothing.
#[tokio::test(start_paused = true)]
async fn a_release_that_serves_is_not_rolled_back_for_what_it_cannot_delete() {
    for fault in [|| Fault::PruneBreaksOff, || Fault::PruneRefused, || Fault::PruneFails] {
        for text in strategies() {
            let job = with(&text);
            let fresh = || serving(&text).with(Fault::Approves).with(fault());
            let whole = killed_after_every_event_of_a_release(fresh, &job, &text).await;
            assert_eq!(end(&whole.outcome), "succeeded", "{text}: {:?}", whole.outcome);
            assert_eq!(whole.world.serves().as_deref(), Some("new"), "{text}");
            assert!(whole.world.cluster.violations().is_empty(), "{text}");
            assert_eq!(warnings(&whole.world).len(), 1, "{text}");
            let is_done = |event: &Event| matches!(event, Event::StepFinished(Cursor::Forward(index)) if *index == last(&whole.world));
            assert!(whole.world.past().iter().any(is_done), "{text}");
        }
    }
}

/// Another cluster is cleaned up all the same.
#[tokio::test(start_paused = true)]
async fn each_cluster_in_which_something_is_left_is_named() {
    let job = to_both(RolloutOrder::Parallel, job());
    let world = World::new().with(Fault::PruneRefused.in_("eu"));
    assert_eq!(end(&run(&world, &job).await), "succeeded");
    let [warning] = &warnings(&world)[..] else { panic!("{:?}", warnings(&world)) };
    assert!(warning.contains(" in eu") && warning.contains("a webhook said no"), "{warning}");
    assert_eq!(world.cluster.pruned(), ["us"]);
    let world = World::new().with(Fault::PruneRefused);
    assert_eq!(end(&run(&world, &job).await), "succeeded");
    assert_eq!(warnings(&world).len(), 2);
}

/// Pods that are left get no request, and the app's next release comes up beside it or over it.
#[tokio::test(start_paused = true)]
async fn the_next_release_deletes_what_is_left() {
    for text in strategies() {
        let world = serving(&text).with(Fault::Approves).with(Fault::PruneRefused);
        let outcome = run(&world, &with(&text)).await;
        let Outcome::Succeeded(left) = outcome else { panic!("{text}: {outcome:?}") };
        let world = world.after(&left);
        world.faults.remove(|fault| *fault == Fault::PruneRefused);
        let outcome = run(&world, &Job { id: "job-2".into(), ..with(&text) }).await;
        assert_eq!(end(&outcome), "succeeded", "{text}: {outcome:?}");
        assert!(world.cluster.violations().is_empty(), "{text}");
        let tracks: BTreeMap<_, Vec<Track>> = world.cluster.tracks();
        assert_eq!(tracks[DEFAULT].len(), 1, "{text}");
    }
}

/// The last step is the one that leads all requests to the release where nobody knows what served.
#[tokio::test(start_paused = true)]
async fn a_last_step_fails_a_release_over_what_nobody_knows() {
    let world = World::new().running_unknown("old").with(Fault::PruneFails);
    let diagnosis = failed(run(&world, &job()).await);
    assert!(plan(&world).rollback.is_empty());
    assert!(diagnosis.what.contains("a webhook said no"), "{diagnosis}");
    assert!(warnings(&world).is_empty());
    // Of two clusters the unknown one comes first: a rollback in the other one still finds its pods.
    let at_once = BLUE_GREEN.replace("keep-seconds = 300", "keep-seconds = 0");
    let job = to_both(RolloutOrder::Parallel, with(&at_once));
    let old = release("job-0", "old").at(&["eu".into()]);
    let world = World::new().running_unknown_in("us", "old").running_release(&old);
    let world = world.with(Fault::Approves).with(Fault::PruneFails.in_("us"));
    failed(run(&world, &job).await);
    assert_eq!(world.serves_in_each()["eu"], "old");
    assert!(world.cluster.violations().is_empty());
}

/// Pods that a rollback puts back serve, whatever of the failed release stays.
#[tokio::test(start_paused = true)]
async fn a_rollback_goes_on_where_the_cluster_refuses_a_deletion() {
    for text in strategies() {
        let world = serving(&text).with(Fault::Approves).with(Fault::PruneRefused);
        let world = world.with(Fault::CrashesWhole("new"));
        assert_eq!(end(&run(&world, &with(&text)).await), "app-crashes", "{text}");
        assert_eq!(world.serves().as_deref(), Some("old"), "{text}");
        assert_eq!(warnings(&world).len(), 1, "{text}");
    }
}

/// The daemon comes back to a cluster that does not answer, with a release that is through but for its last step.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_away_after_a_restart_in_the_last_step_fails_nothing() {
    let job = with(ROLLING);
    let whole = serving(ROLLING);
    run(&whole, &job).await;
    let begun = begun(&whole, last(&whole));
    // Begun, and all but begun.
    for events in [begun, begun - 1] {
        let world = serving(ROLLING).with(Fault::KilledAfter(events));
        live(&world, &job).await.unwrap_err();
        world.restart();
        world.leases.set_away(true);
        assert_eq!(end(&run(&world, &job).await), "succeeded", "{events}");
        assert_eq!(world.serves().as_deref(), Some("new"), "{events}");
        assert_eq!(warnings(&world).len(), 1, "{events}");
    }
}

/// The store has the abort, and the run looks there: before each step, and once more at the end.
#[tokio::test(start_paused = true)]
async fn an_abort_whose_message_is_lost_is_answered() {
    for text in [ROLLING.to_owned(), BLUE_GREEN.to_owned()] {
        let whole = serving(&text).with(Fault::Approves);
        run(&whole, &with(&text)).await;
        let says = |world: &World| {
            let is_it = |event: &Event| matches!(event, Event::Warning { message, fix, .. } if message == "the last step is seen through: it had begun when the job was aborted by ann: no" && fix.starts_with("windlass rollback shop/web"));
            world.past().iter().filter(|event| is_it(event)).count()
        };
        assert_eq!(says(&whole), 0, "{text}");
        for step in 0..=last(&whole) {
            let aborted = Fault::AbortedUnseen(Cursor::Forward(step));
            let world = serving(&text).with(Fault::Approves).with(aborted);
            let outcome = run(&world, &with(&text)).await;
            let (expected, serves, warned) =
                if step == last(&whole) { ("succeeded", "new", 1) } else { (ABORTED, "old", 0) };
            assert_eq!(end(&outcome), expected, "{text}, {step}");
            assert_eq!(world.serves().as_deref(), Some(serves), "{text}, {step}");
            assert_eq!(says(&world), warned, "{text}, {step}");
        }
    }
}
