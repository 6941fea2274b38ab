use super::*;
use crate::{
    hook::Policy,
    plan::plan,
    runtime::{GATE_SECONDS, Metric, Process, Query, Runtime, Volume, VolumeSource},
    samples,
};

mod property;

/// Returns the release of a job and a commit of the same name.
fn release(name: &str, clusters: &[&str], strategy: Strategy) -> Release {
    let one = samples::release();
    let clusters = clusters.iter().map(ToString::to_string).collect();
    let runtime = Runtime { strategy, ..one.runtime };
    Release { id: name.into(), commit: name.into(), clusters, runtime, ..one }
}

/// Returns the release that serves in a cluster, on a track.
fn served(cluster: &str, track: Track, strategy: Strategy) -> Release {
    let mut old = release("old", &[cluster], strategy);
    old.runtime.tracks = [(cluster.to_owned(), track)].into();
    old
}

/// Returns what serves in clusters, by a rolling update.
fn serving(clusters: &[&str]) -> BTreeMap<String, Previous> {
    let one = |cluster: &&str| {
        let old = served(cluster, Track::Plain, Strategy::default());
        (cluster.to_string(), Previous::Release(Box::new(old)))
    };
    clusters.iter().map(one).collect()
}

fn canary(traffic: Traffic) -> Strategy {
    Strategy {
        kind: StrategyKind::Canary,
        weights: vec![5, 25, 50, 100],
        hold_seconds: 60,
        gate_seconds: GATE_SECONDS,
        traffic,
        ..Strategy::default()
    }
}

fn blue_green() -> Strategy {
    let kind = StrategyKind::BlueGreen;
    Strategy { kind, gate_seconds: GATE_SECONDS, keep_seconds: 600, ..Strategy::default() }
}

/// Returns a strategy with all that can be asked for before requests come.
fn careful(strategy: Strategy) -> Strategy {
    let metric = Metric {
        query: Query::Promql("up".into()),
        min: Some(1.into()),
        max: None,
        interval_seconds: 15,
        failures: 0,
        inconclusive: 4,
    };
    Strategy {
        hold_seconds: 30,
        check: Some("/healthz".into()),
        metrics: [("up".to_owned(), metric)].into(),
        ..strategy
    }
}

fn hooks() -> Vec<Hook> {
    let hook = |name: &str, phase| Hook {
        name: name.into(),
        plugin: "hook-job".into(),
        phase,
        policy: Policy::RollBack,
        settings: "{}".into(),
        app_settings: "{}".into(),
        secrets: BTreeMap::new(),
    };
    vec![hook("migrate", HookPhase::BeforeTraffic), hook("warm", HookPhase::AfterRelease)]
}

fn texts(plan: &Plan) -> Vec<String> {
    plan.forward.iter().map(ToString::to_string).collect()
}

fn back(plan: &Plan, begun: usize) -> Vec<String> {
    plan.rollback_from(begun).iter().map(ToString::to_string).collect()
}

const SEQUENTIAL: RolloutOrder = RolloutOrder::Sequential;

#[test]
fn a_canary_by_a_gateway() {
    let next = release("new", &["default"], canary(Traffic::Gateway));
    let plan = plan(&next, SEQUENTIAL, &serving(&["default"]), &[]);
    assert_eq!(
        texts(&plan),
        [
            "start web at new beside what serves, with 5 % of its pods",
            "wait until web at new is healthy, at most 5 min",
            "send 5 % of requests to web at new",
            "hold for 1 min",
            "start web at new beside what serves, with 25 % of its pods",
            "wait until web at new is healthy, at most 5 min",
            "send 25 % of requests to web at new",
            "hold for 1 min",
            "start web at new beside what serves, with 50 % of its pods",
            "wait until web at new is healthy, at most 5 min",
            "send 50 % of requests to web at new",
            "hold for 1 min",
            "start web at new beside what serves, with 100 % of its pods",
            "wait until web at new is healthy, at most 5 min",
            "send 100 % of requests to web at new",
            "apply web at new",
            "wait until web at new is healthy, at most 5 min",
            "remove what web no longer has",
        ]
    );
    assert_eq!(
        back(&plan, 1),
        [
            "send all requests to web at old, whose pods still run",
            "remove what web no longer has",
            "wait until web at old is healthy, at most 5 min",
        ]
    );
    assert!(back(&plan, 0).is_empty(), "nothing was begun");
}

/// New pods get requests once they are ready: an approval is asked for before there are more of them.
#[test]
fn a_canary_by_pods_asks_before_more_pods_come() {
    let strategy = Strategy { gates: vec![5, 25, 100], ..canary(Traffic::Replicas) };
    let next = release("new", &["default"], strategy);
    let plan = plan(&next, SEQUENTIAL, &serving(&["default"]), &[]);
    assert_eq!(
        texts(&plan),
        [
            "start web at new beside what serves, with 6 % of its pods",
            "wait until web at new is healthy, at most 5 min",
            "wait for approval of 5 % of requests for web at new, at most 7 days",
            "send 5 % of requests to web at new",
            "hold for 1 min",
            "wait for approval of 25 % of requests for web at new, at most 7 days",
            "start web at new beside what serves, with 34 % of its pods",
            "wait until web at new is healthy, at most 5 min",
            "send 25 % of requests to web at new",
            "hold for 1 min",
            "start web at new beside what serves, with 100 % of its pods",
            "wait until web at new is healthy, at most 5 min",
            "send 50 % of requests to web at new",
            "hold for 1 min",
            "wait for approval of 100 % of requests for web at new, at most 7 days",
            "start web at new beside what serves, with 100 % of its pods",
            "wait until web at new is healthy, at most 5 min",
            "send 100 % of requests to web at new",
            "apply web at new",
            "wait until web at new is healthy, at most 5 min",
            "remove what web no longer has",
        ]
    );
}

/// The Service selects all versions meanwhile: a third one must not be among them.
#[test]
fn what_is_kept_of_an_earlier_version_goes_before_pods_make_the_shares() {
    let old = served("default", Track::Blue, blue_green());
    let previous = BTreeMap::from([("default".to_owned(), Previous::Release(Box::new(old)))]);
    let first = |strategy: Strategy| {
        let next = release("new", &["default"], strategy);
        plan(&next, SEQUENTIAL, &previous, &[]).forward.swap_remove(0)
    };
    let Step::Change(Change::Prune(kept)) = first(canary(Traffic::Replicas)) else {
        panic!("what is kept stays");
    };
    assert_eq!((&*kept.id, kept.track()), ("old", Track::Blue));
    // A route leads to one version or the other, and never to a third.
    for strategy in [canary(Traffic::Gateway), blue_green()] {
        assert!(matches!(first(strategy), Step::Change(Change::Apply(_))));
    }
}

#[test]
fn a_blue_green_release_is_checked_held_and_approved_before_the_switch() {
    let strategy = careful(Strategy { gates: vec![100], ..blue_green() });
    let next = release("new", &["default"], strategy);
    let plan = plan(&next, SEQUENTIAL, &serving(&["default"]), &hooks());
    assert_eq!(
        texts(&plan),
        [
            "prepare web at new",
            "hook migrate (`hook-job`) before traffic; if it fails: roll back",
            "start web at new beside what serves, with 100 % of its pods",
            "wait until web at new is healthy, at most 5 min",
            "ask web at new for /healthz",
            "hold for 30 s, measuring up",
            "wait for approval of 100 % of requests for web at new, at most 7 days",
            "send 100 % of requests to web at new",
            "apply web at new",
            "wait until web at new is healthy, at most 5 min",
            "hook warm (`hook-job`) after the release; if it fails: roll back",
            "keep the pods of before for 10 min, then delete them",
        ]
    );
    // The Service of the whole release would lead to pods that are not there yet.
    let Step::Change(Change::Prepare(prepared)) = &plan.forward[0] else { panic!("no prepare") };
    assert_eq!(prepared.runtime.aside.map(|aside| aside.percent), Some(0));
    let Step::Hook { release, .. } = &plan.forward[1] else { panic!("no hook") };
    assert_eq!(release.runtime.aside, None, "a hook's pods are of the whole release");
}

#[test]
fn the_first_of_two_clusters_shows_it_and_the_second_is_switched_at_once() {
    let strategy = Strategy { gates: vec![100], ..careful(canary(Traffic::Gateway)) };
    let strategy = Strategy { weights: vec![50, 100], keep_seconds: 60, ..strategy };
    let next = release("new", &["eu", "us"], strategy);
    let one = plan(&next, SEQUENTIAL, &serving(&["eu", "us"]), &[]);
    assert_eq!(
        texts(&one),
        [
            "start web at new in eu beside what serves, with 50 % of its pods",
            "wait until web at new in eu is healthy, at most 5 min",
            "ask web at new in eu for /healthz",
            "send 50 % of requests to web at new in eu",
            "hold for 30 s in eu, measuring up",
            "start web at new in eu beside what serves, with 100 % of its pods",
            "wait until web at new in eu is healthy, at most 5 min",
            "wait for approval of 100 % of requests for web at new in eu, at most 7 days",
            "send 100 % of requests to web at new in eu",
            "apply web at new in eu",
            "wait until web at new in eu is healthy, at most 5 min",
            "start web at new in us beside what serves, with 100 % of its pods",
            "wait until web at new in us is healthy, at most 5 min",
            "send 100 % of requests to web at new in us",
            "apply web at new in us",
            "wait until web at new in us is healthy, at most 5 min",
            "keep the pods of before for 1 min in eu, then delete them; \
             keep the pods of before for 1 min in us, then delete them",
        ]
    );
    // The second cluster is left alone until the first one is well.
    assert_eq!(back(&one, 11)[0], "send all requests to web at old in eu, whose pods still run");
    assert_eq!(back(&one, 11).len(), 3);
    let us = "send all requests to web at old in us, whose pods still run";
    assert!(back(&one, 12)[0].contains(us), "{:?}", back(&one, 12));
}

#[test]
fn clusters_that_go_together_have_one_approval() {
    let strategy = Strategy { weights: vec![100], gates: vec![100], ..canary(Traffic::Gateway) };
    let next = release("new", &["eu", "us"], strategy);
    let plan = plan(&next, RolloutOrder::Parallel, &serving(&["eu", "us"]), &[]);
    assert_eq!(
        texts(&plan),
        [
            "start web at new in eu beside what serves, with 100 % of its pods; \
             start web at new in us beside what serves, with 100 % of its pods",
            "wait until web at new in eu is healthy, at most 5 min; \
             wait until web at new in us is healthy, at most 5 min",
            "wait for approval of 100 % of requests for web at new in eu, us, at most 7 days",
            "send 100 % of requests to web at new in eu; send 100 % of requests to web at new in us",
            "apply web at new in eu; apply web at new in us",
            "wait until web at new in eu is healthy, at most 5 min; \
             wait until web at new in us is healthy, at most 5 min",
            "remove what web no longer has in eu; remove what web no longer has in us",
        ]
    );
}

/// There are no requests to share yet.
#[test]
fn a_first_release_comes_at_once() {
    for strategy in [careful(canary(Traffic::Gateway)), careful(blue_green())] {
        let next = release("new", &["default"], strategy);
        for previous in
            [BTreeMap::new(), BTreeMap::from([("default".to_owned(), Previous::Unmanaged)])]
        {
            let plan = plan(&next, SEQUENTIAL, &previous, &[]);
            assert_eq!(
                texts(&plan),
                [
                    "apply web at new",
                    "wait until web at new is healthy, at most 5 min",
                    "remove what web no longer has",
                ]
            );
            assert_eq!(plan.release.track(), Track::Plain);
            let expected = if previous.is_empty() { vec!["scale web to 0"] } else { vec![] };
            assert_eq!(back(&plan, 1), expected);
        }
    }
}

/// A cluster in which nothing served has shown nothing: the next one has the canary.
#[test]
fn a_new_cluster_before_one_that_serves_takes_no_canary_from_it() {
    let strategy = Strategy { weights: vec![50, 100], ..canary(Traffic::Gateway) };
    let next = release("new", &["eu", "us"], strategy);
    let plan = plan(&next, SEQUENTIAL, &serving(&["us"]), &[]);
    assert_eq!(
        texts(&plan)[..6],
        [
            "apply web at new in eu",
            "wait until web at new in eu is healthy, at most 5 min",
            "start web at new in us beside what serves, with 50 % of its pods",
            "wait until web at new in us is healthy, at most 5 min",
            "send 50 % of requests to web at new in us",
            "hold for 1 min in us",
        ]
    );
    assert_eq!(
        (plan.release.track_in("eu"), plan.release.track_in("us")),
        (Track::Plain, Track::Blue)
    );
}

/// They were replaced after the switch, where `web` has its old pods all the while.
#[test]
fn a_rollback_names_the_processes_that_it_replaces_again() {
    let mut old = served("default", Track::Plain, Strategy::default());
    let worker = Process { name: "worker".into(), ..old.runtime.processes[0].clone() };
    old.runtime.processes.push(worker);
    let previous = BTreeMap::from([("default".to_owned(), Previous::Release(Box::new(old)))]);
    let next = release("new", &["default"], canary(Traffic::Gateway));
    assert_eq!(
        back(&plan(&next, SEQUENTIAL, &previous, &[]), 1)[0],
        "send all requests to web at old, whose pods still run, and apply its other processes"
    );
}

/// The Service would have no pods for the rest of the requests.
#[test]
fn what_serves_without_web_has_no_requests_to_share() {
    let mut old = served("default", Track::Plain, Strategy::default());
    old.runtime.processes.clear();
    let previous = BTreeMap::from([("default".to_owned(), Previous::Release(Box::new(old)))]);
    let next = release("new", &["default"], canary(Traffic::Gateway));
    let plan = plan(&next, SEQUENTIAL, &previous, &[]);
    assert_eq!(texts(&plan)[0], "apply web at new");
    assert_eq!(back(&plan, 1)[0], "apply web at old", "no pods of it wait for requests");
}

#[test]
fn a_rollback_is_one_switch() {
    let next = release("older", &["default"], careful(canary(Traffic::Gateway)).at_once());
    let plan = plan(&next, SEQUENTIAL, &serving(&["default"]), &[]);
    assert_eq!(
        texts(&plan),
        [
            "start web at older beside what serves, with 100 % of its pods",
            "wait until web at older is healthy, at most 5 min",
            "send 100 % of requests to web at older",
            "apply web at older",
            "wait until web at older is healthy, at most 5 min",
            "remove what web no longer has",
        ]
    );
}

/// A release that serves in several clusters may have another track in each.
#[test]
fn a_release_comes_beside_what_serves_in_its_own_cluster() {
    let mut old = release("old", &["eu", "us"], blue_green());
    old.runtime.tracks = [("eu".into(), Track::Green)].into();
    let old = Previous::Release(Box::new(old));
    let previous = BTreeMap::from([("eu".to_owned(), old.clone()), ("us".to_owned(), old)]);
    let next = release("new", &["eu", "us"], blue_green());
    let plan = plan(&next, SEQUENTIAL, &previous, &[]);
    let from = |step: &Step| match step {
        Step::Change(Change::Shift { release, from, .. }) => {
            Some((release.cluster().to_owned(), *from, release.track()))
        }
        _ => None,
    };
    let shifts: Vec<_> = plan.forward.iter().filter_map(from).collect();
    assert_eq!(
        shifts,
        [
            ("eu".to_owned(), Track::Green, Track::Blue),
            ("us".to_owned(), Track::Plain, Track::Blue),
        ]
    );
}

#[test]
fn the_track_of_a_release_follows_what_serves() {
    let stateful = |mut release: Release| {
        release.runtime.processes[0].stateful = true;
        release
    };
    let new = |strategy| release("new", &["default"], strategy);
    // A release that served on this track, and comes back.
    let again = |track: Track, strategy: &Strategy| {
        let mut release = new(strategy.at_once());
        release.runtime.tracks = [("default".to_owned(), track)].into();
        release
    };
    let (rolling, canary) = (Strategy::default(), canary(Traffic::Gateway));
    for (serves, next, expected) in [
        (Track::Plain, new(blue_green()), Track::Blue),
        (Track::Blue, new(canary.clone()), Track::Green),
        (Track::Green, new(canary.clone()), Track::Blue),
        // A rolling update replaces the pods where they are.
        (Track::Plain, new(rolling.clone()), Track::Plain),
        (Track::Green, new(rolling.clone()), Track::Green),
        // Pods that are kept are taken as they are.
        (Track::Blue, again(Track::Plain, &canary), Track::Plain),
        (Track::Blue, again(Track::Green, &canary), Track::Green),
        (Track::Blue, again(Track::Blue, &canary), Track::Green),
        (Track::Green, again(Track::Blue, &rolling), Track::Blue),
        (Track::Green, again(Track::Plain, &rolling), Track::Plain),
        (Track::Green, again(Track::Green, &rolling), Track::Green),
        // Claims have the names of the StatefulSet.
        (Track::Green, stateful(new(rolling.clone())), Track::Plain),
        (Track::Plain, stateful(new(canary.clone())), Track::Plain),
    ] {
        let old = served("default", serves, blue_green());
        let previous = BTreeMap::from([("default".to_owned(), Previous::Release(Box::new(old)))]);
        let plan = plan(&next, SEQUENTIAL, &previous, &[]);
        assert_eq!(plan.release.track(), expected, "{serves:?}: {:?}", next.runtime.tracks);
        let aside = |step: &&Step| matches!(step, Step::Change(Change::Shift { .. }));
        let shifts = plan.forward.iter().filter(aside).count();
        assert_eq!(shifts > 0, expected != serves && !next.runtime.processes[0].stateful);
    }
}

/// Kept pods have the requests within seconds.
#[test]
fn a_rolling_release_comes_back_to_the_pods_that_are_kept_of_it() {
    let volume = |source| Volume { path: "/data".into(), read_only: false, source };
    let claim = |access: &str| VolumeSource::Claim {
        size: "1Gi".into(),
        class: None,
        access: access.into(),
    };
    let with = |source| {
        let mut release = release("older", &["default"], Strategy::default().at_once());
        release.runtime.processes[0].volumes.insert("data".into(), volume(source));
        release
    };
    let plain = release("older", &["default"], Strategy::default().at_once());
    let recreate = Strategy { kind: StrategyKind::Recreate, ..Strategy::default() };
    let keeps_none = Strategy { keep_seconds: 0, ..blue_green() };
    for (serves, next, is_switch) in [
        (blue_green(), plain.clone(), true),
        (keeps_none, plain, false),
        // A deploy of another version has no pods there.
        (blue_green(), release("new", &["default"], Strategy::default()), false),
        (blue_green(), release("older", &["default"], recreate.at_once()), false),
        (blue_green(), with(claim("ReadWriteMany")), true),
        (blue_green(), with(claim("ReadWriteOnce")), false),
        (blue_green(), with(VolumeSource::Existing("disk".into())), false),
    ] {
        let old = served("default", Track::Blue, serves);
        let previous = BTreeMap::from([("default".to_owned(), Previous::Release(Box::new(old)))]);
        let plan = plan(&next, SEQUENTIAL, &previous, &[]);
        let switch = "send 100 % of requests to web at older".to_owned();
        assert_eq!(texts(&plan).contains(&switch), is_switch, "{:#?}", texts(&plan));
        let track = if is_switch { Track::Plain } else { Track::Blue };
        assert_eq!(plan.release.track(), track, "{:#?}", texts(&plan));
    }
}
