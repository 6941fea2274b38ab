//! Tests of contractions: only what serves is contracted, once for a job, and no rollback leads to before it.

use crate::{
    failed, job, killed_after_every_event, run,
    world::{Fault, Made, World, release},
};
use windlass_engine::pipeline::{Deployed, deploy};
use windlass_model::{
    approval::Hold,
    cluster::{Clusters, DEFAULT, RolloutOrder},
    event::Event,
    job::{Gate, Job, Release, Source, Stage},
    outcome::{Contracted, Outcome, Stop},
    replay::replay,
    runtime::MigrationPhase,
    spec::{Detected, Spec},
};

const TEXT: &str = r#"
[migrate]
backup = ["./backup"]
expand = ["./manage", "migrate"]
contract = ["./manage", "drop"]
"#;

/// Diagnoses have no time of a backup: two lives that are compared are equal also where a second passes between them.
const WITHOUT_BACKUP: &str = r#"
[migrate]
contract = ["./manage", "drop"]
retry-lock-timeouts = true
"#;

/// Returns the release that serves.
fn serving() -> Release {
    serving_with(TEXT)
}

fn serving_with(text: &str) -> Release {
    let mut serving = release("job-05", "new");
    serving.runtime.migrate =
        Spec::from_toml(text).unwrap().resolve(&Detected::default(), Vec::new()).migrate;
    serving
}

/// Runs a contraction up to its gate, and returns what waits there.
async fn held(world: &World, job: &Job) -> Hold {
    let past = replay(&world.past()).unwrap();
    match deploy(job, past, &world.ports(), &world.run()).await.unwrap() {
        Deployed::Held(hold) => hold,
        Deployed::Ended(outcome) => panic!("{outcome:?}"),
    }
}

fn gated(of: &Release) -> Job {
    Job { gates: vec![Gate::Release], ..contraction(of) }
}

fn contraction(of: &Release) -> Job {
    let clusters = Clusters { names: of.clusters.clone(), order: RolloutOrder::Sequential };
    Job { clusters, source: Source::Contract(Box::new(of.clone())), ..job() }
}

fn contracted(of: &Release) -> Outcome {
    let Release { id: release, app, clusters, .. } = of.clone();
    Outcome::Contracted(Contracted { release, app, clusters })
}

#[tokio::test(start_paused = true)]
async fn the_data_is_backed_up_and_contracted_while_the_release_serves_as_it_did() {
    let serving = serving();
    let world = World::new().running_release(&serving);
    let outcome = run(&world, &contraction(&serving)).await;
    assert_eq!(outcome, contracted(&serving));
    assert_eq!(world.cluster.migrated(), ["backup while new serves", "contract while new serves"]);
    assert!(world.cluster.changed().is_empty(), "{:?}", world.cluster.changed());
    let last = world.past().into_iter().rev().find_map(|event| match event {
        Event::Migrated { release, digest, phase, .. } => Some((release, digest, phase)),
        _ => None,
    });
    assert_eq!(last, Some((serving.id, serving.image.digest, MigrationPhase::Contract)));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_approved_again_contracts_again() {
    let serving = serving();
    let world = World::new().running_release(&serving);
    run(&world, &contraction(&serving)).await;
    world.journal.begin_another_job();
    let again = Job { id: "job-2".into(), ..contraction(&serving) };
    assert_eq!(run(&world, &again).await, contracted(&serving));
    assert_eq!(world.cluster.migrated().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_fails_leaves_the_release_and_its_pods_as_they_are() {
    for (phase, known) in [
        (MigrationPhase::Backup, "release job-05 serves as it did; nothing was migrated"),
        (MigrationPhase::Contract, "release job-05 serves as it did; `contract` may be half done"),
    ] {
        let serving = serving();
        let world = World::new().running_release(&serving).with(Fault::MigrationFails(phase));
        let diagnosis = failed(run(&world, &contraction(&serving)).await);
        assert_eq!(diagnosis.code, "migration-failed");
        assert!(diagnosis.why.contains(known), "{diagnosis}");
        assert!(diagnosis.fixes.iter().any(|fix| fix.contains("windlass contract")), "{diagnosis}");
        assert!(world.cluster.changed().is_empty());
        assert!(!world.past().iter().any(|event| matches!(event, Event::RollingBack(_))));
        // Nothing ends rollbacks that did not succeed.
        let back = Job { source: Source::Release(Box::new(release("job-00", "old"))), ..job() };
        world.journal.begin_another_job();
        world.faults.remove(|fault| matches!(fault, Fault::MigrationFails(_)));
        let outcome = run(&world, &back).await;
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_data_of_what_serves_is_contracted() {
    let serving = serving();
    for world in [World::new(), World::new().running_release(&release("job-07", "newer"))] {
        let outcome = run(&world, &contraction(&serving)).await;
        let Outcome::Stopped { why, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(why, Stop::Outdated { release: serving.id.clone() });
        assert!(world.cluster.migrated().is_empty());
    }
}

/// Another daemon removed the app. A Job in a namespace that is made for it would find no secret and no account.
#[tokio::test(start_paused = true)]
async fn nothing_is_made_for_an_app_whose_namespace_is_gone() {
    let serving = serving();
    let world = World::new().running_release(&serving);
    world.leases.end_of_namespace(DEFAULT);
    let outcome = run(&world, &contraction(&serving)).await;
    let Outcome::Stopped { why, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(why, Stop::Outdated { release: serving.id.clone() });
    assert!(world.cluster.migrated().is_empty() && world.leases.taken().is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_rollback_leads_to_before_a_contraction_but_to_the_same_image() {
    let serving = serving();
    let world = World::new().running_release(&serving);
    run(&world, &contraction(&serving)).await;
    let back = |id: &str, digest: &str| Job {
        id: format!("{id}-again"),
        source: Source::Release(Box::new(release(id, digest))),
        ..job()
    };
    world.journal.begin_another_job();
    let diagnosis = failed(run(&world, &back("job-00", "old")).await);
    assert_eq!(diagnosis.code, "data-contracted");
    assert!(diagnosis.what.contains("job-05"), "{diagnosis}");
    assert!(world.cluster.changed().is_empty());
    for (id, digest) in [("job-01", "new"), ("job-06", "newest")] {
        world.journal.begin_another_job();
        let outcome = run(&world, &back(id, digest)).await;
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{id}: {outcome:?}");
    }
}

/// It may wait for days, and the data must not go that an older version needs which serves by then.
#[tokio::test(start_paused = true)]
async fn nothing_goes_before_the_approval_nor_once_another_release_serves() {
    let serving = serving();
    for newer in [None, Some(release("job-07", "newer"))] {
        let mut world = World::new().running_release(&serving);
        let hold = held(&world, &gated(&serving)).await;
        assert_eq!(hold.gate, Gate::Release);
        assert!(world.cluster.migrated().is_empty());
        if let Some(newer) = &newer {
            world = world.running_release(newer);
        }
        world.journal.approve(hold.gate, &hold.digest);
        let outcome = run(&world, &gated(&serving)).await;
        if newer.is_none() {
            assert_eq!(outcome, contracted(&serving));
            assert_eq!(world.cluster.migrated().len(), 2);
        } else {
            let why = Stop::Outdated { release: serving.id.clone() };
            assert_eq!(outcome, Outcome::Stopped { at: Stage::Release, why });
            assert!(world.cluster.migrated().is_empty());
        }
    }
}

/// A part that is done is done, whatever somebody wants meanwhile.
#[tokio::test(start_paused = true)]
async fn a_cancelled_contraction_ends_before_the_command_or_with_it() {
    let serving = serving();
    let world = World::new().running_release(&serving);
    let world = world.with(Fault::CancelledIn(MigrationPhase::Backup));
    let why = Stop::Cancelled { by: "someone".into() };
    let stopped = Outcome::Stopped { at: Stage::Release, why };
    assert_eq!(run(&world, &contraction(&serving)).await, stopped);
    assert_eq!(world.cluster.migrated(), ["backup while new serves"]);
    let world = World::new().running_release(&serving);
    let world = world.with(Fault::CancelledIn(MigrationPhase::Contract));
    assert_eq!(run(&world, &contraction(&serving)).await, contracted(&serving));
    assert_eq!(world.cluster.migrated().len(), 2);
}

/// The data of one cluster is gone, and that of the other one is as it was.
#[tokio::test(start_paused = true)]
async fn what_fails_in_one_cluster_ends_rollbacks_in_the_other() {
    let serving = serving().at(&["eu".to_owned(), "us".to_owned()]);
    let fault = Fault::MigrationFails(MigrationPhase::Contract).in_("us");
    let world = World::new().running_release(&serving).with(fault);
    assert_eq!(failed(run(&world, &contraction(&serving)).await).code, "migration-failed");
    assert!(world.cluster.changed().is_empty());
    let back = |cluster: &str| {
        let clusters = Clusters { names: vec![cluster.into()], order: RolloutOrder::Sequential };
        let source = Source::Release(Box::new(release("job-00", "old")));
        Job { id: format!("back-{cluster}"), clusters, source, ..job() }
    };
    world.journal.begin_another_job();
    assert_eq!(failed(run(&world, &back("eu")).await).code, "data-contracted");
    world.journal.begin_another_job();
    let outcome = run(&world, &back("us")).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn killed_anywhere_data_is_contracted_once_in_each_cluster() {
    let several = serving().at(&["eu".to_owned(), "us".to_owned()]);
    let cases: [(&str, Release, Made); 5] = [
        ("one", serving(), |world| world),
        ("several", several, |world| world),
        ("backup fails", serving(), |world| {
            world.with(Fault::MigrationFails(MigrationPhase::Backup))
        }),
        ("contract fails", serving_with(WITHOUT_BACKUP), |world| {
            world.with(Fault::MigrationFails(MigrationPhase::Contract))
        }),
        ("lock timeouts", serving_with(WITHOUT_BACKUP), |world| world.with(Fault::LockTimeouts(1))),
    ];
    for (name, serving, made) in cases {
        let fresh = || made(World::new().running_release(&serving));
        killed_after_every_event(fresh, &contraction(&serving), name).await;
    }
}
