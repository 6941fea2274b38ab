//! Tests of leases: one run at a time works on an app, also where its daemon knows nothing of the others.

use crate::{
    job, live, run,
    world::{Fault, World},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};
use windlass_engine::journal::JournalLost;
use windlass_model::{
    cluster::{Clusters, DEFAULT, RolloutOrder},
    event::Event,
    job::{Job, Removal, Source, Stage},
    outcome::{Outcome, Stop},
    plan::Cursor,
    spec::Spec,
};

const SECOND: Duration = Duration::from_secs(1);

fn blue_green() -> Job {
    let text = "[strategy]\nkind = \"blue-green\"\nhold-seconds = 60\nkeep-seconds = 0";
    Job { spec: Spec::from_toml(text).unwrap(), ..job() }
}

/// Does something to a world besides the run.
fn meanwhile<F: Future<Output = ()> + Send + 'static>(
    world: &Arc<World>,
    does: impl FnOnce(Arc<World>) -> F,
) -> tokio::task::JoinHandle<()> {
    tokio::spawn(does(world.clone()))
}

/// Waits until the journal has a hold.
async fn holds(world: &World) {
    while !world.past().iter().any(|event| matches!(event, Event::Holding { .. })) {
        sleep(SECOND).await;
    }
}

fn retries(world: &World, text: &str) -> usize {
    let is_it =
        |event: &&Event| matches!(event, Event::Retrying { because, .. } if because.contains(text));
    world.past().iter().filter(is_it).count()
}

fn warnings(world: &World, text: &str) -> usize {
    let is_it =
        |event: &&Event| matches!(event, Event::Warning { message, .. } if message.contains(text));
    world.past().iter().filter(is_it).count()
}

#[tokio::test(start_paused = true)]
async fn a_release_waits_while_somebody_else_works_on_the_app() {
    let world = Arc::new(World::new().running("old"));
    world.leases.give_to_another(DEFAULT);
    let other = meanwhile(&world, |world| async move {
        for _ in 0..90 {
            sleep(10 * SECOND).await;
            world.leases.renewed_by_another(DEFAULT);
        }
        assert_eq!(world.serves().as_deref(), Some("old"));
        world.leases.end_of_another(DEFAULT);
    });
    let outcome = run(&world, &job()).await;
    other.await.unwrap();
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    assert_eq!(world.serves().as_deref(), Some("new"));
    assert_eq!(retries(&world, "other/job-9 has the lease of shop/web/production"), 1);
    assert_eq!(warnings(&world, "for more than 10 min"), 1);
    assert_eq!(world.leases.taken(), [format!("{DEFAULT}: bed/job-1")]);
    assert!(world.leases.held().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_nobody_renews_is_taken_over_after_its_time() {
    let world = World::new().running("old");
    world.leases.give_to_another(DEFAULT);
    let began = Instant::now();
    let outcome = run(&world, &job()).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    let took = began.elapsed();
    assert!(took > 30 * SECOND && took < 45 * SECOND, "{took:?}");
    let says = |event: &Event| matches!(event, Event::Log { line, .. } if line.contains("taken over from other/job-9"));
    assert!(world.past().iter().any(says));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_for_a_lease_can_be_cancelled() {
    let world = Arc::new(World::new().running("old"));
    world.leases.give_to_another(DEFAULT);
    let other = meanwhile(&world, |world| async move {
        sleep(20 * SECOND).await;
        world.journal.cancel();
    });
    let outcome = run(&world, &job()).await;
    other.await.unwrap();
    let why = Stop::Cancelled { by: "someone".into() };
    assert!(
        matches!(&outcome, Outcome::Stopped { why: found, .. } if *found == why),
        "{outcome:?}"
    );
    assert!(world.cluster.changed().is_empty());
    assert_eq!(world.leases.held(), [format!("{DEFAULT}: other/job-9")]);
}

/// It holds, and somebody else releases the app: this run writes nothing more, and the job is not ended by it.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_overtaken_touches_nothing_more() {
    let world = Arc::new(World::new().running("old"));
    let other = meanwhile(&world, |world| async move {
        holds(&world).await;
        world.leases.give_to_another(DEFAULT);
    });
    let lost = live(&world, &blue_green()).await.unwrap_err();
    other.await.unwrap();
    assert_eq!(lost, JournalLost::Overtaken("other/job-9".into()));
    assert_eq!(world.serves().as_deref(), Some("old"));
    assert_eq!(world.leases.held(), [format!("{DEFAULT}: other/job-9")], "it is not given away");
    let past = world.past();
    assert!(!past.iter().any(|event| matches!(event, Event::RollingBack(_) | Event::Ended(_))));
    // Its next run ends the job and does not wait: what is half made is void, whenever the other one ends.
    let changed = world.cluster.changed();
    let began = Instant::now();
    let outcome = run(&world, &blue_green()).await;
    assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
    let why = Stop::Superseded { by: "other/job-9".into() };
    assert_eq!(outcome, Outcome::Stopped { at: Stage::Release, why });
    assert_eq!(world.cluster.changed(), changed);
    assert!(!world.past().iter().any(|event| matches!(event, Event::RollingBack(_))));
    assert_eq!(world.leases.held(), [format!("{DEFAULT}: other/job-9")], "it is not taken over");
}

/// The daemon was killed in its rollback, and somebody else released the app since.
#[tokio::test(start_paused = true)]
async fn a_rollback_does_not_undo_what_somebody_else_did() {
    let fails = || World::new().running("old").with(Fault::Crashes("new"));
    let whole = fails();
    run(&whole, &job()).await;
    let begins = |event: &Event| matches!(event, Event::RollingBack(_));
    let begins = whole.past().iter().position(begins).unwrap();
    let world = Arc::new(fails().with(Fault::KilledAfter(begins + 1)));
    live(&world, &job()).await.unwrap_err();
    world.restart();
    world.leases.give_to_another(DEFAULT);
    let changed = world.cluster.changed();
    // A rollback cannot be cancelled: it would wait for days where the other one holds.
    let began = Instant::now();
    let outcome = run(&world, &job()).await;
    assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert_eq!(world.cluster.changed(), changed);
    assert_eq!(warnings(&world, "nothing is rolled back: other/job-9"), 1);
}

/// The lease may be somebody else's by the time at which the API server answers again.
#[tokio::test(start_paused = true)]
async fn nothing_is_written_without_a_lease_that_was_renewed_just_now() {
    for is_taken in [false, true] {
        let world = Arc::new(World::new().running("old"));
        let other = meanwhile(&world, move |world| async move {
            holds(&world).await;
            world.leases.set_away(true);
            // Long after the end of the hold.
            sleep(200 * SECOND).await;
            assert_eq!(world.serves().as_deref(), Some("old"));
            if is_taken {
                world.leases.give_to_another(DEFAULT);
            }
            world.leases.set_away(false);
        });
        let ended = live(&world, &blue_green()).await;
        other.await.unwrap();
        if is_taken {
            assert_eq!(ended, Err(JournalLost::Overtaken("other/job-9".into())));
            assert_eq!(world.serves().as_deref(), Some("old"));
        } else {
            assert!(matches!(ended, Ok(Outcome::Succeeded(_))), "{ended:?}");
            assert_eq!(retries(&world, "connection refused"), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_deleted_by_hand_is_taken_again() {
    let world = Arc::new(World::new().running("old"));
    let other = meanwhile(&world, |world| async move {
        holds(&world).await;
        world.leases.end_of_another(DEFAULT);
    });
    let outcome = run(&world, &blue_green()).await;
    other.await.unwrap();
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    assert_eq!(world.leases.taken().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_gives_its_lease_back_once_it_is_rolled_back() {
    let world = World::new().running("old").with(Fault::Crashes("new"));
    let outcome = run(&world, &job()).await;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    assert_eq!(world.serves().as_deref(), Some("old"));
    assert_eq!(world.leases.taken(), [format!("{DEFAULT}: bed/job-1")], "once for both ways");
    assert!(world.leases.held().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_leases_a_release_warns_once_and_goes_on() {
    for fault in [None, Some(Fault::Crashes("new"))] {
        let fails = fault.is_some();
        let world = fault.into_iter().fold(World::new().running("old"), World::with);
        world.leases.refuse();
        let outcome = run(&world, &job()).await;
        assert_eq!(matches!(outcome, Outcome::Failed(_)), fails, "{outcome:?}");
        assert_eq!(warnings(&world, "leases is forbidden"), 1);
    }
}

/// Two releases that each wait for what the other has would wait for ever.
#[tokio::test(start_paused = true)]
async fn no_lease_is_kept_in_one_cluster_while_a_release_waits_for_another() {
    let world = Arc::new(World::new().running_in(&["eu", "us"], "old"));
    let names = ["eu", "us"].map(String::from).into();
    let job = Job { clusters: Clusters { names, order: RolloutOrder::Parallel }, ..job() };
    world.leases.give_to_another("us");
    let other = meanwhile(&world, |world| async move {
        sleep(5 * SECOND).await;
        assert_eq!(world.leases.held(), ["us: other/job-9"]);
        world.leases.end_of_another("us");
    });
    let outcome = run(&world, &job).await;
    other.await.unwrap();
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    assert!(world.leases.held().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_removal_waits_for_a_release_of_somebody_else() {
    let world = Arc::new(World::new().running("old"));
    world.leases.give_to_another(DEFAULT);
    let other = meanwhile(&world, |world| async move {
        sleep(20 * SECOND).await;
        assert_eq!(world.serves().as_deref(), Some("old"));
        world.leases.end_of_another(DEFAULT);
    });
    let removal = Job { source: Source::Removal(Removal { data: false }), ..job() };
    let outcome = run(&world, &removal).await;
    other.await.unwrap();
    assert!(matches!(outcome, Outcome::Removed(_)), "{outcome:?}");
    assert_eq!(world.serves(), None);
}

/// The daemon that was killed had the lease: its next one waits for nobody.
#[tokio::test(start_paused = true)]
async fn the_next_run_of_a_job_goes_on_with_its_lease_at_once() {
    let whole = World::new().running("old");
    run(&whole, &job()).await;
    let begins = |event: &Event| matches!(event, Event::StepStarted(..));
    let begins = whole.past().iter().position(begins).unwrap();
    let world = World::new().running("old").with(Fault::KilledAfter(begins + 1));
    live(&world, &job()).await.unwrap_err();
    assert_eq!(world.leases.held(), [format!("{DEFAULT}: bed/job-1")]);
    world.restart();
    let began = Instant::now();
    let outcome = run(&world, &job()).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    assert!(began.elapsed() < 20 * SECOND, "{:?}", began.elapsed());
}

/// The daemon was killed once all was done, before the end was in its journal. Another one works on the app by then.
#[tokio::test(start_paused = true)]
async fn a_release_that_was_through_succeeds_whoever_has_the_lease_since() {
    let whole = World::new().running("old");
    run(&whole, &job()).await;
    let last = |event: &Event| matches!(event, Event::StepFinished(Cursor::Forward(_)));
    let last = whole.past().iter().rposition(last).unwrap();
    for is_taken in [false, true] {
        let world = World::new().running("old").with(Fault::KilledAfter(last + 1));
        live(&world, &job()).await.unwrap_err();
        assert_eq!(world.leases.held(), [format!("{DEFAULT}: bed/job-1")]);
        world.restart();
        if is_taken {
            world.leases.give_to_another(DEFAULT);
        }
        let outcome = run(&world, &job()).await;
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
        let left = is_taken.then(|| format!("{DEFAULT}: other/job-9"));
        assert_eq!(world.leases.held(), Vec::from_iter(left));
    }
}

/// The daemon was killed before the first step, and the job was cancelled before it came back.
#[tokio::test(start_paused = true)]
async fn a_job_that_is_cancelled_before_its_first_step_leaves_no_lease_of_its_former_run() {
    leaves_no_lease(|| World::new().running("old"), 0).await;
}

/// Kills the daemon before the event so far behind the begin of the first step, and cancels the job before its next run.
async fn leaves_no_lease(fresh: impl Fn() -> World, events: usize) {
    let whole = fresh();
    run(&whole, &job()).await;
    let begins = |event: &Event| matches!(event, Event::StepStarted(..));
    let begins = whole.past().iter().position(begins).unwrap();
    let world = fresh().with(Fault::KilledAfter(begins + events));
    live(&world, &job()).await.unwrap_err();
    assert_eq!(world.leases.held(), [format!("{DEFAULT}: bed/job-1")]);
    world.restart();
    world.journal.cancel();
    let outcome = run(&world, &job()).await;
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
    assert!(world.leases.held().is_empty(), "the app's next job would wait for it");
}

/// Whoever overtook it is through before it looks.
#[tokio::test(start_paused = true)]
async fn what_a_job_began_is_void_also_where_whoever_overtook_it_has_ended() {
    let world = Arc::new(World::new().running("old"));
    let other = meanwhile(&world, |world| async move {
        holds(&world).await;
        world.leases.used_by_another(DEFAULT);
    });
    let lost = live(&world, &blue_green()).await.unwrap_err();
    other.await.unwrap();
    assert!(matches!(lost, JournalLost::Overtaken(_)), "{lost}");
    let changed = world.cluster.changed();
    let outcome = run(&world, &blue_green()).await;
    let why = Stop::Superseded { by: "other/job-9".into() };
    assert_eq!(outcome, Outcome::Stopped { at: Stage::Release, why });
    assert_eq!(world.cluster.changed(), changed);
    assert!(world.leases.held().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_has_begun_nothing_goes_on_after_whoever_overtook_it() {
    let whole = World::new().running("old");
    run(&whole, &job()).await;
    let begins = |event: &Event| matches!(event, Event::StepStarted(..));
    let begins = whole.past().iter().position(begins).unwrap();
    let world = World::new().running("old").with(Fault::KilledAfter(begins));
    live(&world, &job()).await.unwrap_err();
    world.leases.used_by_another(DEFAULT);
    world.restart();
    let outcome = run(&world, &job()).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    assert!(world.leases.held().is_empty());
}

/// Another daemon removed the app, and the Lease went with the namespace.
#[tokio::test(start_paused = true)]
async fn what_a_job_began_is_void_where_its_namespace_was_deleted_since() {
    let whole = World::new().running("old");
    run(&whole, &blue_green()).await;
    let holds = |event: &Event| matches!(event, Event::Holding { .. });
    let holds = whole.past().iter().position(holds).unwrap();
    let world = World::new().running("old").with(Fault::KilledAfter(holds + 1));
    live(&world, &blue_green()).await.unwrap_err();
    world.restart();
    world.leases.end_of_namespace(DEFAULT);
    let changed = world.cluster.changed();
    let outcome = run(&world, &blue_green()).await;
    let by = "unknown (it deleted the namespace)".to_owned();
    let why = Stop::Superseded { by };
    assert_eq!(outcome, Outcome::Stopped { at: Stage::Release, why });
    assert_eq!(world.cluster.changed(), changed, "a part of the app would be back");
    assert!(world.leases.held().is_empty());
}

/// The removal itself deletes the namespace.
#[tokio::test(start_paused = true)]
async fn a_removal_goes_on_where_its_namespace_is_deleted_by_now() {
    let removal = Job { source: Source::Removal(Removal { data: false }), ..job() };
    let whole = World::new().running("old");
    run(&whole, &removal).await;
    let begins = |event: &Event| matches!(event, Event::StepStarted(..));
    let begins = whole.past().iter().position(begins).unwrap();
    let world = World::new().running("old").with(Fault::KilledAfter(begins + 1));
    live(&world, &removal).await.unwrap_err();
    world.restart();
    world.leases.end_of_namespace(DEFAULT);
    let outcome = run(&world, &removal).await;
    assert!(matches!(outcome, Outcome::Removed(_)), "{outcome:?}");
}

/// The daemon was killed in the first release of an app, to which there is no rollback, and the job was cancelled.
#[tokio::test(start_paused = true)]
async fn a_job_without_a_rollback_leaves_no_lease_of_its_former_run() {
    leaves_no_lease(World::new, 1).await;
}

/// The removal of another app deleted it as an empty one, and the release made it again.
#[tokio::test(start_paused = true)]
async fn a_lease_that_went_with_its_namespace_is_taken_again_in_the_next_one() {
    for is_taken in [false, true] {
        let world = Arc::new(World::new().running("old"));
        let other = meanwhile(&world, move |world| async move {
            holds(&world).await;
            world.leases.end_of_namespace(DEFAULT);
            sleep(25 * SECOND).await;
            assert!(world.leases.held().is_empty());
            world.leases.begin_of_namespace(DEFAULT);
            if is_taken {
                world.leases.give_to_another(DEFAULT);
            } else {
                sleep(12 * SECOND).await;
                assert_eq!(world.leases.held(), [format!("{DEFAULT}: bed/job-1")]);
            }
        });
        let ended = live(&world, &blue_green()).await;
        other.await.unwrap();
        if is_taken {
            assert_eq!(ended, Err(JournalLost::Overtaken("other/job-9".into())));
        } else {
            assert!(matches!(ended, Ok(Outcome::Succeeded(_))), "{ended:?}");
            assert!(world.leases.held().is_empty());
        }
    }
}
