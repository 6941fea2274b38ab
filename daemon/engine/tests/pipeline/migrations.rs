//! Tests of migrations: before traffic, in one order, once for an image, and nothing serves that was not migrated.

use crate::{
    failed, job, killed_after_every_event, live, run,
    world::{Fault, Made, World, release},
};
use std::collections::BTreeMap;
use windlass_model::{
    cluster::{Clusters, RolloutOrder},
    event::Event,
    job::{Job, Source, Stage},
    outcome::{Outcome, Stop},
    plan::Step,
    runtime::MigrationPhase,
    spec::Spec,
};

const ALL: &str = r#"
[secrets]
PASSWORD = "password"
[migrate]
plan = ["./manage", "plan"]
backup = ["./backup"]
expand = ["./manage", "migrate"]
"#;

const BEFORE_CANARY: &str = r#"
[migrate]
backup = ["./backup"]
expand = ["./manage", "migrate"]
[strategy]
kind = "canary"
weights = [50, 100]
hold-seconds = 30
"#;

const RETRIED: &str = r#"
[migrate]
expand = ["./manage", "migrate"]
retry-lock-timeouts = true
"#;

fn with(text: &str) -> Job {
    Job { spec: Spec::from_toml(text).unwrap(), ..job() }
}

/// Returns the parts of migrations that were recorded as done, in order.
fn done(world: &World) -> Vec<MigrationPhase> {
    let done = world.past().into_iter().filter_map(|event| match event {
        Event::Migrated { phase, .. } => Some(phase),
        _ => None,
    });
    done.collect()
}

#[tokio::test(start_paused = true)]
async fn data_is_shown_backed_up_and_migrated_in_this_order_while_the_old_version_serves() {
    for text in [ALL.to_owned(), format!("{ALL}[strategy]\nkind = \"blue-green\"\n")] {
        let world = World::new().running("old");
        let outcome = run(&world, &with(&text)).await;
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
        let expected =
            ["plan while old serves", "backup while old serves", "expand while old serves"];
        assert_eq!(world.cluster.migrated(), expected);
        assert_eq!(done(&world), [MigrationPhase::Backup, MigrationPhase::Expand]);
        assert_eq!(world.serves().as_deref(), Some("new"));
        let shown = world.past().into_iter().any(|event| {
            matches!(event, Event::Log { stage: Stage::Release, source, line }
                if source == "migrate plan" && line == "printed ***")
        });
        assert!(shown, "the output of the plan is shown, and masked");
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_migrates_once_also_for_a_later_job() {
    let world = World::new().running("old");
    run(&world, &with(ALL)).await;
    let first = world.cluster.migrated();
    world.journal.begin_another_job();
    let again = Job { id: "job-2".into(), ..with(ALL) };
    let outcome = run(&world, &again).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    assert_eq!(world.cluster.migrated(), first);
    assert!(done(&world).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_part_that_fails_ends_the_release_and_the_old_version_serves_on() {
    use MigrationPhase::{Backup, Expand, Plan};
    for (phase, runs, known) in [
        (Plan, 1, "nothing was migrated"),
        (Backup, 2, "nothing was migrated"),
        (
            Expand,
            3,
            "`expand` may be half done, and is not undone by itself; the backup of the data is of",
        ),
    ] {
        for strategy in ["", "[strategy]\nkind = \"blue-green\"\n"] {
            let world = World::new().running("old").with(Fault::MigrationFails(phase));
            let diagnosis = failed(run(&world, &with(&format!("{ALL}{strategy}"))).await);
            assert_eq!(diagnosis.code, "migration-failed");
            assert!(diagnosis.what.contains(&format!("{phase} exited with 1")), "{diagnosis}");
            assert!(diagnosis.why.contains(known), "{diagnosis}");
            assert_eq!(diagnosis.evidence, ["printed ***"]);
            assert_eq!(world.cluster.migrated().len(), runs, "nothing comes after a failure");
            assert_eq!(world.serves().as_deref(), Some("old"));
            assert!(world.cluster.violations().is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_failed_runs_again_for_a_later_job_with_a_backup_of_its_own() {
    let world = World::new().running("old").with(Fault::MigrationFails(MigrationPhase::Expand));
    failed(run(&world, &with(ALL)).await);
    world.faults.remove(|fault| matches!(fault, Fault::MigrationFails(_)));
    world.journal.begin_another_job();
    run(&world, &Job { id: "job-2".into(), ..with(ALL) }).await;
    let backups = world.cluster.migrated();
    let backups = backups.iter().filter(|line| line.starts_with("backup")).count();
    assert_eq!(backups, 2);
    assert_eq!(done(&world), [MigrationPhase::Backup, MigrationPhase::Expand]);
}

#[tokio::test(start_paused = true)]
async fn a_lock_timeout_is_tried_again_only_where_the_app_says_so() {
    let world = || World::new().running("old").with(Fault::LockTimeouts(2));
    let retried = world();
    assert!(matches!(run(&retried, &with(RETRIED)).await, Outcome::Succeeded(_)));
    assert_eq!(retried.cluster.migrated().len(), 3);
    let not = RETRIED.replace("retry-lock-timeouts = true", "");
    let once = world();
    assert_eq!(failed(run(&once, &with(&not)).await).code, "migration-failed");
    assert_eq!(once.cluster.migrated().len(), 1);
    let always = World::new().running("old").with(Fault::LockTimeouts(9));
    assert_eq!(failed(run(&always, &with(RETRIED)).await).code, "migration-failed");
    assert_eq!(always.cluster.migrated().len(), 4, "three more tries");
    let other = World::new().running("old").with(Fault::MigrationFails(MigrationPhase::Expand));
    failed(run(&other, &with(RETRIED)).await);
    assert_eq!(other.cluster.migrated().len(), 1, "it is no lock timeout");
}

/// Nobody has to look for half of a change that was never begun.
#[tokio::test(start_paused = true)]
async fn a_command_that_never_ran_has_changed_nothing_unless_an_earlier_try_did() {
    use MigrationPhase::Expand;
    let world = World::new().running("old").with(Fault::MigrationNeverRuns(Expand));
    let diagnosis = failed(run(&world, &with(RETRIED)).await);
    assert!(diagnosis.why.contains("nothing was migrated: `expand` did not run"), "{diagnosis}");
    let world = World::new().running("old").with(Fault::MigrationNeverRuns(Expand));
    let world = world.with(Fault::LockTimeouts(1));
    let diagnosis = failed(run(&world, &with(RETRIED)).await);
    assert_eq!(world.cluster.migrated().len(), 2);
    assert!(diagnosis.why.contains("may be half done"), "{diagnosis}");
}

/// The Job of the first try has ended, and its pod may be gone: only the journal knows the reason.
#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_with_the_try_that_the_journal_names() {
    let world = || World::new().running("old").with(Fault::LockTimeouts(1));
    let whole = world();
    run(&whole, &with(RETRIED)).await;
    let past = whole.past();
    let is_retry = |event: &Event| matches!(event, Event::Retrying { .. });
    let events = past.iter().position(is_retry).unwrap() + 1;
    let world = world().with(Fault::OutputsGone).with(Fault::KilledAfter(events));
    live(&world, &with(RETRIED)).await.unwrap_err();
    assert_eq!(world.cluster.migrated().len(), 2, "the second try has begun");
    world.restart();
    let outcome = run(&world, &with(RETRIED)).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    assert_eq!(world.cluster.migrated(), whole.cluster.migrated());
    assert_eq!(world.past().iter().filter(|event| is_retry(event)).count(), 1);
    // Tries are counted over all runs of the daemon.
    let always = World::new().running("old").with(Fault::LockTimeouts(9));
    let always = always.with(Fault::KilledAfter(events));
    live(&always, &with(RETRIED)).await.unwrap_err();
    always.restart();
    assert_eq!(failed(run(&always, &with(RETRIED)).await).code, "migration-failed");
    assert_eq!(always.cluster.migrated().len(), 4, "three more tries");
}

/// A command that is killed leaves the data half changed, so the job ends before the next one.
#[tokio::test(start_paused = true)]
async fn a_cancelled_job_sees_a_part_through_and_begins_no_other() {
    use MigrationPhase::{Backup, Expand, Plan};
    let all: [(_, usize, &[_]); 3] =
        [(Plan, 1, &[]), (Backup, 2, &[Backup]), (Expand, 3, &[Backup, Expand])];
    for (phase, runs, recorded) in all {
        let world = World::new().running("old").with(Fault::CancelledIn(phase));
        let outcome = run(&world, &with(ALL)).await;
        let why = Stop::Cancelled { by: "someone".into() };
        assert_eq!(outcome, Outcome::Stopped { at: Stage::Release, why });
        assert_eq!(world.cluster.migrated().len(), runs, "{phase}");
        assert_eq!(done(&world), recorded, "{phase}");
        assert_eq!(world.serves().as_deref(), Some("old"));
        let said = world.past().into_iter().any(|event| {
            matches!(event, Event::Log { line, .. }
                if line.starts_with("cancelled by someone: a command that has begun"))
        });
        assert!(said, "{phase}");
    }
    let world = World::new().running("old").with(Fault::LockTimeouts(9));
    let world = world.with(Fault::CancelledIn(Expand));
    let diagnosis = failed(run(&world, &with(RETRIED)).await);
    assert!(diagnosis.why.contains("may be half done"), "{diagnosis}");
    assert_eq!(diagnosis.evidence, ["ERROR: 55P03"]);
    assert_eq!(world.cluster.migrated().len(), 1, "it is not tried again");
}

/// Otherwise its Job would change the data beside whatever the app's next job does.
#[tokio::test(start_paused = true)]
async fn a_part_of_an_earlier_life_is_waited_for_though_the_job_was_cancelled_since() {
    for events in 0.. {
        let world = World::new().running("old").with(Fault::KilledAfter(events));
        let first = live(&world, &with(ALL)).await;
        if first.is_ok() {
            break;
        }
        let runs = world.cluster.migrated();
        world.restart();
        world.journal.cancel();
        live(&world, &with(ALL)).await.unwrap();
        assert_eq!(world.cluster.migrated(), runs, "after {events}");
        let changes = runs.iter().filter(|run| !run.starts_with("plan")).count();
        assert_eq!(done(&world).len(), changes, "after {events}");
    }
}

/// The cluster does not answer again: what its Job did is said as it is known.
#[tokio::test(start_paused = true)]
async fn an_end_that_nobody_saw_is_a_warning() {
    let mut times = 0;
    for call in 1..=12 {
        let world = World::new().running("old").with(Fault::CallsFailFrom(call));
        run(&world, &with(RETRIED)).await;
        let past = world.past();
        let has = |wanted: &dyn Fn(&Event) -> bool| past.iter().any(wanted);
        let began = has(
            &|event| matches!(event, Event::StepStarted(_, text) if text.starts_with("migrate, expand")),
        );
        let warned = has(
            &|event| matches!(event, Event::Warning { message, .. } if message.contains("nobody knows how `expand`")),
        );
        assert_eq!(warned, began && done(&world).is_empty(), "{call}");
        times += u32::from(warned);
    }
    assert!(times > 0);
}

#[tokio::test(start_paused = true)]
async fn a_database_with_all_times_needs_no_backup_job() {
    let world = World::new().running("old");
    let text = "[migrate]\nexpand = [\"./manage\", \"migrate\"]\npoint-in-time = true\n";
    run(&world, &with(text)).await;
    assert_eq!(world.cluster.migrated(), ["expand while old serves"]);
    assert_eq!(done(&world), [MigrationPhase::Backup, MigrationPhase::Expand]);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_migrates_nothing() {
    let mut old = release("job-00", "old");
    old.runtime.migrate = Spec::from_toml(ALL)
        .unwrap()
        .resolve(&windlass_model::spec::Detected::default(), Vec::new())
        .migrate;
    let world = World::new().running("new");
    let back = Job { source: Source::Release(Box::new(old)), ..job() };
    assert!(matches!(run(&world, &back).await, Outcome::Succeeded(_)));
    assert!(world.cluster.migrated().is_empty());
    let plans = world.past().into_iter().any(|event| match event {
        Event::Planned(plan) => plan.forward.iter().any(|it| matches!(it, Step::Migrate { .. })),
        _ => false,
    });
    assert!(!plans);
}

#[tokio::test(start_paused = true)]
async fn each_cluster_has_data_of_its_own() {
    let names = vec!["eu".to_owned(), "us".to_owned()];
    let clusters = Clusters { names, order: RolloutOrder::Sequential };
    let world = World::new().running_in(&["eu", "us"], "old");
    let job = Job { clusters, ..with(RETRIED) };
    assert!(matches!(run(&world, &job).await, Outcome::Succeeded(_)));
    assert_eq!(world.cluster.migrated().len(), 2);
    let serves: BTreeMap<_, _> =
        ["eu", "us"].map(|name| (name.to_owned(), "new".to_owned())).into();
    assert_eq!(world.serves_in_each(), serves);
}

#[tokio::test(start_paused = true)]
async fn killed_anywhere_a_migration_runs_once_and_ends_as_in_one_life() {
    let cases: [(&str, &str, Made); 5] = [
        ("rolling", ALL, |world| world),
        ("canary", BEFORE_CANARY, |world| world),
        ("lock timeouts", RETRIED, |world| world.with(Fault::LockTimeouts(1))),
        ("backup fails", ALL, |world| world.with(Fault::MigrationFails(MigrationPhase::Backup))),
        ("expand fails", RETRIED, |world| {
            world.with(Fault::MigrationFails(MigrationPhase::Expand))
        }),
    ];
    for (name, text, made) in cases {
        let fresh = || made(World::new().running("old"));
        killed_after_every_event(fresh, &with(text), name).await;
    }
}
