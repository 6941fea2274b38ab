use super::*;
use crate::{
    cluster::RolloutOrder,
    hook::{Hook, HookPhase, Policy},
    plan::{Plan, Previous, plan},
    runtime::{Backup, Migrate, Runtime, Strategy, StrategyKind},
    samples,
};
use std::collections::BTreeMap;

/// Returns a release with all parts of a migration.
fn release(kind: StrategyKind) -> Release {
    let argv = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let migrate = Migrate {
        plan: argv(&["./manage", "plan"]),
        backup: Backup::Command(argv(&["./backup"])),
        expand: argv(&["./manage", "migrate"]),
        ..Migrate::default()
    };
    let one = samples::release();
    let strategy = Strategy { kind, ..Strategy::default() };
    let runtime = Runtime { migrate: Some(migrate), strategy, ..one.runtime };
    Release { runtime, ..one }
}

fn planned(next: &Release) -> Plan {
    let old = samples::release().at(&next.clusters);
    let of = |name: &String| (name.clone(), Previous::Release(Box::new(old.clone())));
    let previous: BTreeMap<_, _> = next.clusters.iter().map(of).collect();
    let hook = Hook {
        name: "warm".into(),
        plugin: "hook-job".into(),
        phase: HookPhase::BeforeTraffic,
        policy: Policy::RollBack,
        settings: "{}".into(),
        app_settings: "{}".into(),
        secrets: BTreeMap::new(),
    };
    plan(next, RolloutOrder::Sequential, &previous, &[hook])
}

fn texts(steps: &[Step]) -> Vec<String> {
    steps.iter().map(ToString::to_string).collect()
}

#[test]
fn data_is_migrated_behind_the_objects_and_before_hooks_and_pods() {
    for kind in [StrategyKind::Rolling, StrategyKind::BlueGreen] {
        let forward = texts(&planned(&release(kind)).forward);
        assert!(forward[0].starts_with("prepare web"), "{forward:#?}");
        assert_eq!(
            forward[1..4],
            [
                "migrate, plan: `./manage plan`",
                "migrate, backup: `./backup`",
                "migrate, expand: `./manage migrate`",
            ]
        );
        assert!(forward[4].contains("warm"), "{forward:#?}");
        let migrates = |text: &&String| text.contains("migrat");
        assert_eq!(forward.iter().filter(migrates).count(), 3, "{forward:#?}");
    }
}

#[test]
fn a_time_is_recorded_where_the_database_has_all_times() {
    let mut next = release(StrategyKind::Rolling);
    if let Some(migrate) = &mut next.runtime.migrate {
        migrate.backup = Backup::PointInTime;
    }
    let forward = texts(&planned(&next).forward);
    assert_eq!(forward[2], "record the time before the migration");
}

#[test]
fn each_cluster_is_migrated_before_its_own_pods_come() {
    let clusters = ["eu", "us"].map(str::to_owned);
    let forward = texts(&planned(&release(StrategyKind::Rolling).at(&clusters)).forward);
    let at = |wanted: &str| forward.iter().position(|text| text == wanted);
    let eu = at("migrate, expand: `./manage migrate` in eu");
    let us = at("migrate, expand: `./manage migrate` in us");
    let first = forward.iter().position(|text| text.starts_with("apply web"));
    assert!(eu.is_some() && eu < first && first < us, "{forward:#?}");
}

#[test]
fn neither_way_back_migrates() {
    let mut next = release(StrategyKind::Rolling);
    let plan = planned(&next);
    let back = texts(&plan.rollback_from(plan.forward.len()));
    assert!(!back.is_empty() && back.iter().all(|text| !text.contains("migrate")), "{back:#?}");
    // Of `windlass rollback`.
    next.runtime.strategy = next.runtime.strategy.at_once();
    let forward = texts(&planned(&next).forward);
    assert!(forward.iter().all(|text| !text.contains("migrate")), "{forward:#?}");
}

/// The pods never came, and the objects go.
#[test]
fn a_migration_that_fails_leads_back_where_objects_were_prepared() {
    let plan = planned(&release(StrategyKind::Rolling));
    let failed = plan.forward.iter().position(|step| matches!(step, Step::Migrate { .. }));
    let back = texts(&plan.rollback_from(failed.unwrap() + 1));
    assert!(back.first().is_some_and(|text| text.starts_with("apply web")), "{back:#?}");
}

#[test]
fn what_is_taken_out_of_the_data_is_backed_up_in_each_cluster_and_does_not_come_back() {
    let mut one = release(StrategyKind::Rolling);
    one.clusters = vec!["eu".into(), "us".into()];
    let migrate = one.runtime.migrate.as_mut().unwrap();
    migrate.contract = vec!["./manage".into(), "drop".into()];
    assert!(planned(&one).forward.iter().all(|step| !step.to_string().contains("drop")));
    let plan = contracting(&one);
    assert_eq!(
        texts(&plan.forward),
        [
            "migrate, backup: `./backup` in eu",
            "migrate, contract: `./manage drop` in eu",
            "migrate, backup: `./backup` in us",
            "migrate, contract: `./manage drop` in us",
        ]
    );
    assert!(plan.rollback.is_empty() && plan.rollback_from(4).is_empty());
}
