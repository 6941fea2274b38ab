//! Tests of contractions: only what serves is contracted, once for a job, and no rollback leads to before it.

use crate::{
    failed, job, killed_after_every_event, run,
    world::{Fault, World, release},
};
use windlass_model::{
    cluster::{Clusters, DEFAULT, RolloutOrder},
    event::Event,
    job::{Job, Release, Source},
    outcome::{Contracted, Outcome, Stop},
    runtime::MigrationPhase,
    spec::{Detected, Spec},
};

const TEXT: &str = r#"
[migrate]
backup = ["./backup"]
expand = ["./manage", "migrate"]
contract = ["./manage", "drop"]
"#;

/// Returns the release that serves.
fn serving() -> Release {
    let mut serving = release("job-05", "new");
    serving.runtime.migrate =
        Spec::from_toml(TEXT).unwrap().resolve(&Detected::default(), Vec::new()).migrate;
    serving
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

#[tokio::test(start_paused = true)]
async fn killed_anywhere_data_is_contracted_once_in_each_cluster() {
    let several = serving().at(&["eu".to_owned(), "us".to_owned()]);
    let one = serving().at(&[DEFAULT.to_owned()]);
    for (name, serving, fails) in
        [("one", &one, false), ("several", &several, false), ("fails", &one, true)]
    {
        let fresh = || {
            let world = World::new().running_release(serving);
            if fails { world.with(Fault::MigrationFails(MigrationPhase::Contract)) } else { world }
        };
        killed_after_every_event(fresh, &contraction(serving), name).await;
    }
}
