//! Tests of one job in several clusters.

use crate::{
    failed, hooks, job, killed_after_every_event, live, run,
    world::{Fault, Made, World, release},
};
use std::collections::BTreeMap;
use windlass_model::{
    cluster::{Clusters, RolloutOrder},
    event::Event,
    hook::Policy,
    job::{Job, Source},
    outcome::Outcome,
    plan::{Cursor, Previous, rolling},
    spec::Spec,
};

const BOTH: [&str; 2] = ["eu", "us"];

pub(crate) fn to_both(order: RolloutOrder, job: Job) -> Job {
    Job { clusters: Clusters { names: BOTH.map(String::from).into(), order }, ..job }
}

fn digests(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, digest)| (name.to_string(), digest.to_string())).collect()
}

/// Read like prose: what is done, in which order.
#[test]
fn the_plans_of_both_orders() {
    let next = release("job-1", "new").at(&BOTH.map(String::from));
    let good =
        BTreeMap::from([("eu".to_owned(), Previous::Release(Box::new(release("job-0", "old"))))]);
    let text = |order, at| {
        let plan = rolling(&next, order, &good, &[]);
        let forward = plan.forward.iter().map(ToString::to_string);
        let back = plan.rollback_from(at).into_iter().map(|step| format!("back: {step}"));
        forward.chain(back).collect::<Vec<_>>()
    };
    assert_eq!(
        text(RolloutOrder::Sequential, 2),
        [
            "apply web at abc in eu",
            "wait until web at abc in eu is healthy, at most 5 min",
            "apply web at abc in us",
            "wait until web at abc in us is healthy, at most 5 min",
            "remove what web no longer has in eu; remove what web no longer has in us",
            "back: apply web at abc in eu",
            "back: remove what web no longer has in eu",
            "back: wait until web at abc in eu is healthy, at most 5 min",
        ]
    );
    assert_eq!(
        text(RolloutOrder::Parallel, 1),
        [
            "apply web at abc in eu; apply web at abc in us",
            "wait until web at abc in eu is healthy, at most 5 min; wait until web at abc in us is healthy, at most 5 min",
            "remove what web no longer has in eu; remove what web no longer has in us",
            "back: apply web at abc in eu, then remove what web no longer has in eu, then wait until web at abc in eu is healthy, at most 5 min; scale web to 0 in us",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_release_comes_to_all_and_is_built_once() {
    for order in [RolloutOrder::Sequential, RolloutOrder::Parallel] {
        let world = World::new().running_in(&BOTH, "old");
        let outcome = run(&world, &to_both(order, job())).await;
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
        assert_eq!(world.serves_in_each(), digests(&[("eu", "new"), ("us", "new")]));
        assert_eq!(world.builder.built(), 1);
    }
}

/// One after the other, what is broken in the first never comes to the second; what is broken in the
/// second is put back in both.
#[tokio::test(start_paused = true)]
async fn a_failure_in_one_is_put_back_wherever_it_came() {
    for (order, cluster, changed) in [
        (RolloutOrder::Sequential, "eu", vec!["eu: new", "eu: old"]),
        (RolloutOrder::Sequential, "us", vec!["eu: new", "us: new", "eu: old", "us: old"]),
        (RolloutOrder::Parallel, "eu", vec!["eu: new", "us: new", "eu: old", "us: old"]),
        (RolloutOrder::Parallel, "us", vec!["eu: new", "us: new", "eu: old", "us: old"]),
    ] {
        let fault = Fault::Crashes("new").in_(cluster);
        let world = World::new().running_in(&BOTH, "old").with(fault);
        let diagnosis = failed(run(&world, &to_both(order, job())).await);
        assert_eq!(diagnosis.code, "app-crashes");
        assert!(diagnosis.subject.ends_with(&format!(" in {cluster}")), "{diagnosis}");
        assert_eq!(world.cluster.changed(), changed, "{order:?} {cluster}");
    }
}

/// The first cluster that serves is measured alone where clusters follow each other.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_not_measured_needs_no_prometheus() {
    let text = "[strategy]\nkind = \"canary\"\nweights = [50, 100]\n[strategy.metrics.up]\nquery = \"up\"\nmin = 1";
    let canary = || Job { spec: Spec::from_toml(text).unwrap(), ..job() };
    let ended = async |order, serving: &[&str], without: &'static str| {
        let world = World::new().running_in(serving, "old").with(Fault::Measures(Some(1)));
        let world = world.with(Fault::NoPrometheus.in_(without));
        match run(&world, &to_both(order, canary())).await {
            Outcome::Failed(diagnosis) => diagnosis.code,
            outcome => format!("{outcome:?}").split('(').next().unwrap().to_owned(),
        }
    };
    let refused = "metrics-not-configured";
    for (order, serving, without, expected) in [
        (RolloutOrder::Sequential, &BOTH[..], "us", "Succeeded"),
        (RolloutOrder::Sequential, &BOTH[..], "eu", refused),
        (RolloutOrder::Parallel, &BOTH[..], "us", refused),
        // The app comes to one cluster for the first time: the other one shows whether the version is well.
        (RolloutOrder::Sequential, &BOTH[1..], "eu", "Succeeded"),
        (RolloutOrder::Parallel, &BOTH[1..], "eu", "Succeeded"),
        (RolloutOrder::Sequential, &BOTH[1..], "us", refused),
    ] {
        assert_eq!(
            ended(order, serving, without).await,
            expected,
            "{order:?} {serving:?} {without}"
        );
    }
}

/// A step that was not begun is not rolled back: in the second cluster nothing serves, and nothing is scaled
/// to zero.
#[tokio::test(start_paused = true)]
async fn a_cancel_between_two_clusters_leaves_the_second_alone() {
    let world = World::new().running_in(&["eu"], "old").with(Fault::Unreachable.in_("us"));
    let world = world.with(Fault::CancelledAfter(Cursor::Forward(1)));
    let outcome = run(&world, &to_both(RolloutOrder::Sequential, job())).await;
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
    assert_eq!(world.cluster.changed(), ["eu: new", "eu: old"]);
}

/// The operator's configuration counts when a job begins, not when it was submitted; a job that began goes on.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_no_longer_for_an_app_is_not_touched() {
    let job = to_both(RolloutOrder::Sequential, job());
    let world = World::new().running_in(&BOTH, "old").with(Fault::Withdrawn.in_("us"));
    let diagnosis = failed(run(&world, &job).await);
    assert_eq!((&*diagnosis.code, world.builder.built()), ("no-cluster", 0), "{diagnosis}");
    assert!(world.cluster.changed().is_empty());

    let world = World::new().running_in(&BOTH, "old").with(Fault::KilledAfter(28));
    live(&world, &job).await.unwrap_err();
    assert!(world.past().iter().any(|event| matches!(event, Event::Planned(_))));
    world.restart();
    world.faults.add(Fault::Withdrawn.in_("us"));
    assert!(matches!(run(&world, &job).await, Outcome::Succeeded(_)));
    assert_eq!(world.serves_in_each(), digests(&[("eu", "new"), ("us", "new")]));
}

/// A cluster that does not answer keeps no other from its whole rollback.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_away_keeps_no_other_from_its_rollback() {
    let world = World::new().running_in(&BOTH, "old").with(Fault::Unreachable.in_("us"));
    let diagnosis = failed(run(&world, &to_both(RolloutOrder::Sequential, job())).await);
    assert_eq!(diagnosis.code, "way-back-failed");
    assert!(diagnosis.to_string().contains("connection refused in us"), "{diagnosis}");
    assert_eq!(world.cluster.changed(), ["eu: new", "eu: old"]);
    assert_eq!(world.cluster.pruned(), ["eu"]);
}

/// The cluster had another name, or the journal was lost: what serves there is not scaled to zero because a
/// release fails.
#[tokio::test(start_paused = true)]
async fn what_the_journal_does_not_know_is_not_retired() {
    let world = World::new().running("old").with(Fault::Crashes("new"));
    world.journal.lose_releases();
    assert_eq!(failed(run(&world, &job()).await).code, "app-crashes");
    assert_eq!(world.cluster.changed(), ["default: new"]);
    let warned = |event: &Event| matches!(event, Event::Warning { message, .. } if message.contains("the journal has no release"));
    assert!(world.past().iter().any(warned));
}

/// A job for one cluster leaves the other alone, and the next rollback leads to what served in each.
#[tokio::test(start_paused = true)]
async fn each_cluster_goes_back_to_what_served_there() {
    let world = World::new().running_in(&BOTH, "old").with(Fault::Crashes("new"));
    let source = Source::Release(Box::new(release("job-00", "other")));
    let mut only_us = Job { source, ..job() };
    only_us.clusters.names = vec!["us".into()];
    assert!(matches!(run(&world, &only_us).await, Outcome::Succeeded(_)));
    assert_eq!(world.serves_in_each(), digests(&[("eu", "old"), ("us", "other")]));
    world.journal.begin_another_job();
    failed(run(&world, &to_both(RolloutOrder::Parallel, job())).await);
    assert_eq!(world.serves_in_each(), digests(&[("eu", "old"), ("us", "other")]));
}

/// Killed after every event, in both orders, a job ends where one whole life does, and no cluster is
/// changed more often than there.
#[tokio::test(start_paused = true)]
async fn killed_anywhere_all_clusters_end_as_in_one_life() {
    let worlds: [(&str, Made); 4] = [
        ("good", |world| world),
        ("crashing in us", |world| world.with(Fault::Crashes("new").in_("us"))),
        ("crashing in eu", |world| world.with(Fault::Crashes("new").in_("eu"))),
        ("failing hooks", |world| {
            world.with_hooks(hooks(Policy::RollBack)).with(Fault::CommandsFail)
        }),
    ];
    for (name, made) in worlds {
        for order in [RolloutOrder::Sequential, RolloutOrder::Parallel] {
            let job = to_both(order, job());
            let fresh = || made(World::new().running_in(&BOTH, "old"));
            killed_after_every_event(fresh, &job, &format!("{name}, {order:?}")).await;
        }
    }
}
