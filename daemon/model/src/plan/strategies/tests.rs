use crate::{
    cluster::RolloutOrder,
    job::Release,
    plan::{Plan, Previous, contracting, plan, removing},
    runtime::{Process, Schedule, Strategy, StrategyKind, Volume, VolumeSource},
    samples,
};
use std::collections::BTreeMap;

fn of(kind: StrategyKind) -> Strategy {
    Strategy { kind, ..Strategy::default() }
}

/// Returns a process of this name that nobody asks.
fn process(name: &str) -> Process {
    let web = samples::release().runtime.processes[0].clone();
    Process { name: name.into(), port: None, ..web }
}

/// Returns a release in `eu` and `us` with these processes beside `web`.
fn release(strategy: Strategy, others: Vec<Process>) -> Release {
    let mut release = samples::release().at(&["eu".to_owned(), "us".to_owned()]);
    release.runtime.strategy = strategy;
    release.runtime.processes.extend(others);
    release
}

/// Plans a release over another one, which serves in some clusters.
fn planned(next: &Release, serving: &[&str]) -> Plan {
    let one = |cluster: &&str| {
        let old = samples::release().at(&[cluster.to_string()]);
        (cluster.to_string(), Previous::Release(Box::new(old)))
    };
    let previous: BTreeMap<_, _> = serving.iter().map(one).collect();
    plan(next, RolloutOrder::Sequential, &previous, &[])
}

fn lines(next: &Release) -> Vec<String> {
    planned(next, &["eu", "us"]).strategies()
}

#[test]
fn each_process_is_said_to_follow_what_its_kind_allows() {
    let nightly = Process {
        schedule: Some(Schedule {
            cron: "@daily".into(),
            timezone: None,
            timeout: 60,
            retries: 0,
            overlap: false,
        }),
        ..process("nightly")
    };
    let queue = Process { stateful: true, replicas: 1, port: Some(7000), ..process("queue") };
    let others = || vec![process("worker"), nightly.clone(), queue.clone()];
    for kind in [StrategyKind::BlueGreen, StrategyKind::Canary] {
        let strategy = Strategy { weights: vec![5, 100], ..of(kind) };
        assert_eq!(
            lines(&release(strategy, others())),
            [
                &*format!("web: {kind}"),
                "worker: rolling, after the switch",
                "nightly: the next run after the switch has the new version",
                "queue: rolling, after the switch, since it is stateful: each pod ends before its new one starts, and nothing answers meanwhile",
            ]
        );
    }
    assert_eq!(
        lines(&release(of(StrategyKind::Rolling), others())),
        [
            "web: rolling",
            "worker: rolling",
            "nightly: the next run has the new version",
            "queue: rolling, since it is stateful: each pod ends before its new one starts, and nothing answers meanwhile",
        ]
    );
    let several = Process { replicas: 3, ..queue };
    assert_eq!(
        lines(&release(of(StrategyKind::Recreate), vec![process("worker"), several])),
        [
            "web: recreate: nothing answers meanwhile",
            "worker: recreate: none of its pods runs meanwhile",
            "queue: rolling, since it is stateful: each pod ends before its new one starts",
        ]
    );
}

#[test]
fn a_volume_that_has_to_be_let_go_is_named() {
    let with = |source: VolumeSource| {
        let mut release = release(of(StrategyKind::Rolling), Vec::new());
        let volume = Volume { path: "/data".into(), read_only: false, source };
        release.runtime.processes[0].volumes.insert("data".into(), volume);
        lines(&release)
    };
    let claim = |access: &str| VolumeSource::Claim {
        size: "1Gi".into(),
        class: None,
        access: access.into(),
    };
    assert_eq!(
        with(claim("ReadWriteOnce")),
        ["web: recreate, since volume data is ReadWriteOnce: nothing answers meanwhile"]
    );
    assert_eq!(with(claim("ReadWriteMany")), ["web: rolling"]);
    assert_eq!(
        with(VolumeSource::Existing("shop-data".into())),
        [
            "web: rolling if pods can share the claim shop-data, else recreate: nothing answers meanwhile"
        ]
    );
}

#[test]
fn clusters_without_a_release_before_share_no_requests() {
    let strategy = Strategy { weights: vec![5, 100], ..of(StrategyKind::Canary) };
    let next = release(strategy.clone(), vec![process("worker")]);
    let alone = "there is no release before to share requests with";
    assert_eq!(
        planned(&next, &[]).strategies(),
        [&*format!("web: canary, all at once: {alone}"), "worker: rolling"]
    );
    assert_eq!(
        planned(&next, &["eu"]).strategies(),
        [&*format!("web: canary; all at once in us: {alone}"), "worker: rolling, after the switch"]
    );
    let again = release(strategy.at_once(), Vec::new());
    assert_eq!(
        lines(&again),
        ["web: blue-green, in one switch, since it has served before"],
        "holds and weights are of the first time"
    );
}

#[test]
fn a_plan_that_replaces_no_pods_names_no_strategy() {
    let release = release(of(StrategyKind::Rolling), Vec::new());
    assert!(contracting(&release).strategies().is_empty());
    assert!(removing(&release, false).strategies().is_empty());
}
