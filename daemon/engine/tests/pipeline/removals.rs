//! Removals of apps: once begun they are seen through, whatever ends the daemon.

use crate::{
    job, live, run,
    world::{Fault, World},
};
use windlass_model::{
    cluster::{Clusters, DEFAULT, RolloutOrder},
    event::Event,
    job::{Job, Removal, Source},
    outcome::{Outcome, Removed},
    plan::Cursor,
    replay::replay,
};

fn removal() -> Job {
    Job { source: Source::Removal(Removal { data: false }), ..job() }
}

fn removal_from(clusters: &[&str]) -> Job {
    let names = clusters.iter().map(ToString::to_string).collect();
    Job { clusters: Clusters { names, order: RolloutOrder::Sequential }, ..removal() }
}

fn removed(job: &Job) -> Outcome {
    let (app, clusters) = (job.app.clone(), job.clusters.names.clone());
    Outcome::Removed(Removed { job: job.id.clone(), app, clusters })
}

#[tokio::test(start_paused = true)]
async fn what_serves_is_removed_and_nothing_is_built() {
    let world = World::new().running("old");
    let job = removal();
    assert_eq!(run(&world, &job).await, removed(&job));
    assert_eq!(world.serves(), None);
    assert_eq!(world.cluster.changed(), [format!("{DEFAULT}: none")]);
    let past = world.past();
    assert!(!past.iter().any(|event| matches!(event, Event::Cloned(_) | Event::Pushed(_))));
    let Some(Event::Planned(plan)) = past.iter().find(|event| matches!(event, Event::Planned(_)))
    else {
        panic!("no plan: {past:?}")
    };
    assert_eq!(plan.forward.len(), 1);
    assert_eq!(plan.forward[0].to_string(), "remove all of web: volume claims stay");
    // An app of which nothing is there is removed, too.
    let empty = World::new();
    assert_eq!(run(&empty, &job).await, removed(&job));
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_is_killed_after_any_event_goes_on_with_the_removal() {
    let whole = World::new().running_in(&["eu", "us"], "old");
    let job = removal_from(&["eu", "us"]);
    run(&whole, &job).await;
    let count = whole.past().len();
    for killed in 0..count {
        let world = World::new().running_in(&["eu", "us"], "old").with(Fault::KilledAfter(killed));
        live(&world, &job).await.unwrap_err();
        world.restart();
        assert_eq!(run(&world, &job).await, removed(&job), "killed after {killed}");
        assert!(world.serves_in_each().is_empty(), "killed after {killed}");
        replay(&world.past()).unwrap();
    }
}

/// A deploy after it is a first release: if it fails, nothing of before comes back.
#[tokio::test(start_paused = true)]
async fn a_release_after_a_removal_is_the_first() {
    let world = World::new().running("old");
    run(&world, &removal()).await;
    world.journal.begin_another_job();
    let world = world.with(Fault::Crashes(crate::ANY));
    let outcome = run(&world, &job()).await;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert_eq!(world.serves(), None);
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_has_not_begun_is_cancelled_and_leaves_all() {
    let world = World::new().running("old");
    world.journal.cancel();
    let outcome = run(&world, &removal()).await;
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
    assert_eq!(world.serves().as_deref(), Some("old"));
}

/// Half of an app is none.
#[tokio::test(start_paused = true)]
async fn a_removal_that_is_cancelled_once_it_has_begun_is_seen_through_and_says_so() {
    let said = |world: &World| {
        let warning = |event: &Event| match event {
            Event::Warning { message, .. } => Some(message.clone()),
            _ => None,
        };
        world.past().iter().filter_map(warning).collect::<Vec<_>>()
    };
    let job = removal();
    let world = World::new().running("old");
    assert_eq!(run(&world, &job).await, removed(&job));
    assert!(said(&world).is_empty(), "{:?}", said(&world));
    let world = World::new().running("old").with(Fault::CancelledAt(Cursor::Forward(0)));
    assert_eq!(run(&world, &job).await, removed(&job));
    let expected =
        "the removal is seen through: it had begun when the job was cancelled by someone";
    assert_eq!(said(&world), [expected]);
}

/// One cluster gets nothing back because another does not answer.
#[tokio::test(start_paused = true)]
async fn a_removal_that_fails_in_one_cluster_puts_nothing_back() {
    let world = World::new().running_in(&["eu", "us"], "old").with(Fault::Unreachable.in_("us"));
    let job = removal_from(&["eu", "us"]);
    let outcome = run(&world, &job).await;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert_eq!(world.serves_in_each().into_keys().collect::<Vec<_>>(), ["us"]);
    let past = world.past();
    assert!(!past.iter().any(|event| matches!(event, Event::RollingBack(_))));
    let finished = Event::StepFinished(Cursor::Forward(0));
    assert!(!past.contains(&finished));
    // Once it answers, another removal ends what this one began.
    world.faults.remove(|fault| *fault == Fault::Unreachable.in_("us"));
    world.journal.begin_another_job();
    assert_eq!(run(&world, &job).await, removed(&job));
    assert!(world.serves_in_each().is_empty());
}
