//! Tests of blue-green and canary releases: whatever happens, requests go to pods that are ready, and a release that
//! does not succeed leaves all as it was.

use crate::{
    failed, job, killed_after_every_event, run,
    world::{Fault, World, release},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;
use windlass_engine::pipeline::deploy;
use windlass_model::{
    cluster::{Clusters, DEFAULT, RolloutOrder},
    event::{Event, Measurement},
    job::{Gate, Job, Source, Stage},
    outcome::{Outcome, Stop},
    plan::{Cursor, Plan},
    replay::replay,
    runtime::Track,
    spec::{Detected, Spec},
};

pub(crate) const BLUE_GREEN: &str = r#"
[strategy]
kind = "blue-green"
check = "/healthz"
hold-seconds = 60
gates = [100]
gate-seconds = 600
keep-seconds = 300
[strategy.metrics.success]
query = "up{w='$WORKLOAD'}"
min = 99
interval-seconds = 25
inconclusive = 1
"#;

pub(crate) const CANARY: &str = r#"
[strategy]
kind = "canary"
traffic = "istio"
weights = [10, 50, 100]
check = "/healthz"
hold-seconds = 60
gates = [50]
gate-seconds = 600
[strategy.metrics.success]
query = "up{w='$WORKLOAD'}"
min = 99
interval-seconds = 25
inconclusive = 1
"#;

const BY_REPLICAS: &str = r#"
[strategy]
kind = "canary"
weights = [20, 100]
hold-seconds = 60
"#;

/// Returns a job of this spec.
pub(crate) fn with(text: &str) -> Job {
    Job { spec: Spec::from_toml(text).unwrap(), ..job() }
}

/// Returns the end of a job in a word or two.
pub(crate) fn end(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded(_) => "succeeded".into(),
        Outcome::Removed(_) | Outcome::Contracted(_) => panic!("it is a release"),
        Outcome::Failed(diagnosis) => diagnosis.code.clone(),
        Outcome::Stopped { why, .. } => why.to_string(),
    }
}

/// Returns the plan of a world's job.
pub(crate) fn plan(world: &World) -> Plan {
    let planned = world.past().into_iter().find_map(|event| match event {
        Event::Planned(plan) => Some(*plan),
        _ => None,
    });
    planned.unwrap()
}

fn count(world: &World, is_it: fn(&Event) -> bool) -> usize {
    world.past().iter().filter(|event| is_it(event)).count()
}

/// Fails every call of a port, one run each: it is waited out, or what ran still runs.
#[tokio::test(start_paused = true)]
async fn any_one_failure_of_a_call_leaves_requests_where_pods_are_ready() {
    for text in [BLUE_GREEN, CANARY, BY_REPLICAS] {
        let job = with(text);
        let fresh = || World::new().running("old").with(Fault::Approves);
        let whole = fresh();
        run(&whole, &job).await;
        for call in 1..=whole.faults.calls() {
            let world = fresh().with(Fault::CallFails(call));
            let outcome = run(&world, &job).await;
            let served = if end(&outcome) == "succeeded" { "new" } else { "old" };
            assert_eq!(world.serves().as_deref(), Some(served), "{call}: {outcome:?}");
            assert!(world.cluster.violations().is_empty(), "{call}");
            let world = fresh().with(Fault::CallPanics(call));
            let outcome = run(&world, &job).await;
            // A last call deletes what the old release had, when the new one serves.
            let is_through = text != BLUE_GREEN && call == whole.faults.calls();
            let (code, served) =
                if is_through { ("succeeded", "new") } else { ("internal-error", "old") };
            assert_eq!(end(&outcome), code, "{call}");
            assert_eq!(world.serves().as_deref(), Some(served), "{call}");
            assert!(world.cluster.violations().is_empty(), "{call}");
        }
    }
}

/// A write that was begun is ended first, and a wait is not.
#[tokio::test(start_paused = true)]
async fn a_release_that_is_aborted_in_any_step_leaves_all_as_it_was() {
    for text in [BLUE_GREEN, CANARY, BY_REPLICAS] {
        let job = with(text);
        let whole = World::new().running("old").with(Fault::Approves);
        run(&whole, &job).await;
        let last = plan(&whole).forward.len() - 1;
        for index in 0..=last {
            let world = World::new().running("old").with(Fault::Approves);
            let cursor = Cursor::Forward(index);
            let is_last = index == last;
            let fault = if is_last { Fault::CancelledAt(cursor) } else { Fault::AbortedAt(cursor) };
            let world = world.with(fault);
            let outcome = run(&world, &job).await;
            assert!(world.cluster.violations().is_empty(), "{index}");
            if is_last {
                assert_eq!(end(&outcome), "succeeded", "{index}");
                continue;
            }
            let why = Stop::Aborted { by: "ann".into(), note: "no".into() };
            assert_eq!(outcome, Outcome::Stopped { at: Stage::Release, why }, "{index}");
            assert_eq!(world.serves().as_deref(), Some("old"), "{index}");
            let only = BTreeMap::from([(DEFAULT.to_owned(), vec![Track::Plain])]);
            assert_eq!(world.cluster.tracks(), only, "{index}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_canary_gets_its_shares_one_after_the_other() {
    let world = World::new().running("old").with(Fault::Approves);
    let began = Instant::now();
    run(&world, &with(CANARY)).await;
    assert_eq!(
        world.cluster.changed(),
        [
            "default: new beside, 10 %",
            "default: 10 % to new",
            "default: new beside, 50 %",
            "default: 50 % to new",
            "default: new beside, 100 %",
            "default: 100 % to new",
            "default: new",
        ]
    );
    assert_eq!(began.elapsed().as_secs(), 120, "two holds");
    assert_eq!(count(&world, |event| matches!(event, Event::Holding { .. })), 2);
    let is_well = |event: &Event| {
        matches!(event, Event::Measured { result: Measurement::Well, value: Some(_), .. })
    };
    assert_eq!(count(&world, is_well), 4);
    let expression = ("default".to_owned(), "up{w='web-blue'}".to_owned());
    assert_eq!(world.preview.measured(), vec![expression; 4]);
}

#[tokio::test(start_paused = true)]
async fn an_approval_says_who_and_why_and_what_was_kept_is_recorded() {
    let world = World::new().running("old").with(Fault::Approves);
    run(&world, &with(BLUE_GREEN)).await;
    let past = world.past();
    let held = past.iter().find_map(|event| match event {
        Event::Held { digest, .. } => Some(digest.clone()),
        _ => None,
    });
    let approved = past.iter().find_map(|event| match event {
        Event::Approved { digest, by, note, .. } => Some((digest.clone(), &**by, &**note)),
        _ => None,
    });
    assert_eq!(approved, Some((held.unwrap(), "ann", "looks good")));
    let kept = past.iter().find_map(|event| match event {
        Event::Kept { release, .. } => Some(release.image.digest.as_str()),
        _ => None,
    });
    assert_eq!(kept, Some("new"));
    let both = BTreeMap::from([(DEFAULT.to_owned(), vec![Track::Plain, Track::Blue])]);
    assert_eq!(world.cluster.tracks(), both, "the old pods stay for a while");
}

/// Another approval, such as one of another share, opens nothing.
#[tokio::test(start_paused = true)]
async fn only_an_approval_of_exactly_this_share_counts() {
    let world = World::new().running("old");
    world.journal.approve(Gate::Traffic, "another");
    let outcome = run(&world, &with(CANARY)).await;
    assert_eq!(end(&outcome), "not approved within 10 min");
}

/// Pods and metrics have to be well all the while.
#[tokio::test(start_paused = true)]
async fn a_pause_makes_a_hold_longer() {
    let world = World::new().running("old").with(Fault::Approves);
    let journal = world.journal.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        journal.pause();
        tokio::time::sleep(Duration::from_secs(600)).await;
        journal.resume();
    });
    let began = Instant::now();
    let outcome = run(&world, &with(BLUE_GREEN)).await;
    assert_eq!(end(&outcome), "succeeded");
    assert_eq!(began.elapsed().as_secs(), 630);
    assert_eq!(count(&world, |event| matches!(event, Event::Measured { .. })), 25);
    let people: Vec<_> = world
        .past()
        .into_iter()
        .filter_map(|event| match event {
            Event::Paused { by, note } => Some(format!("{by} paused: {note}")),
            Event::Resumed { by, note } => Some(format!("{by} resumed: {note}")),
            _ => None,
        })
        .collect();
    assert_eq!(people, ["ann paused: wait", "bob resumed: go on"]);
}

/// They may have failed while no daemon watched them, or in the moment in which somebody approved.
#[tokio::test(start_paused = true)]
async fn no_request_is_sent_to_pods_that_are_ready_no_more() {
    let job = with("[strategy]\nkind = \"blue-green\"\nhold-seconds = 60");
    let whole = World::new().running("old");
    run(&whole, &job).await;
    // Start, wait, hold, then the switch.
    let is_switch = |event: &Event| matches!(event, Event::StepStarted(Cursor::Forward(3), _));
    let switch = whole.past().iter().position(is_switch).unwrap();
    for killed in [switch, switch + 1] {
        let world = World::new().running("old").with(Fault::KilledAfter(killed));
        deploy(&job, replay(&[]).unwrap(), &world.ports(), &world.run()).await.unwrap_err();
        world.restart();
        world.faults.add(Fault::NeverReady("new"));
        failed(run(&world, &job).await);
        assert!(!world.cluster.changed().iter().any(|change| change.contains("% to new")));
        assert_eq!(world.serves().as_deref(), Some("old"));
    }
}

/// Nothing is measured any more once the time is over.
#[tokio::test(start_paused = true)]
async fn a_hold_ends_though_each_answer_takes_longer_than_its_interval() {
    let takes = Duration::from_secs(4);
    let world = World::new().running("old").with(Fault::PrometheusTakes(takes));
    let text = "[strategy]\nkind = \"blue-green\"\nhold-seconds = 10\n\
                [strategy.metrics.up]\nquery = \"up\"\nmin = 1\ninterval-seconds = 1";
    let began = Instant::now();
    assert_eq!(end(&run(&world, &with(text)).await), "succeeded");
    assert_eq!(began.elapsed().as_secs(), 13, "at 1, 5 and 9 s");
    assert_eq!(count(&world, |event| matches!(event, Event::Measured { .. })), 3);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_paused_takes_no_step_and_its_pods_are_guarded() {
    let paused = || {
        let world = World::new().running("old").with(Fault::Approves);
        world.with(Fault::PausedAt(Cursor::Forward(2)))
    };
    let world = paused().with(Fault::CrashesLater("new"));
    let outcome = run(&world, &with(CANARY)).await;
    assert_eq!(end(&outcome), "app-crashes");
    assert_eq!(world.cluster.changed()[..1], ["default: new beside, 10 %"]);
    assert!(!world.cluster.changed().iter().any(|change| change.contains("% to")));

    let world = paused();
    let journal = world.journal.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        journal.cancel();
    });
    let outcome = run(&world, &with(CANARY)).await;
    assert_eq!(end(&outcome), "cancelled by someone", "a stop ends a pause");
    assert!(!world.cluster.changed().iter().any(|change| change.contains("% to")));
}

#[tokio::test(start_paused = true)]
async fn a_server_may_take_a_while_until_it_answers_its_check() {
    for (fault, ends, seconds) in [
        (Fault::WarmingUp(5), "succeeded", 10),
        (Fault::Answers(500), "check-failed", 30),
        (Fault::Answers(404), "check-failed", 0),
        (Fault::Answers(302), "succeeded", 0),
    ] {
        let text = "[strategy]\nkind = \"blue-green\"\ncheck = \"/healthz\"";
        let world = World::new().running("old").with(fault);
        let began = Instant::now();
        let mut job = with(text);
        job.spec.secrets.insert("PASSWORD".into(), "password".into());
        let outcome = run(&world, &job).await;
        assert_eq!((&*end(&outcome), began.elapsed().as_secs()), (ends, seconds));
        if let Outcome::Failed(diagnosis) = outcome {
            assert_eq!(diagnosis.evidence, ["the database", "is ***"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_without_a_prometheus_fail_before_anything_is_built() {
    let world = World::new().running("old").with(Fault::NoPrometheus);
    let diagnosis = failed(run(&world, &with(CANARY)).await);
    assert_eq!((&*diagnosis.code, world.builder.built()), ("metrics-not-configured", 0));
    assert!(diagnosis.fixes[0].contains("`prometheus`"), "{diagnosis}");
    assert_eq!(world.serves().as_deref(), Some("old"));
    // A rollback measures nothing.
    let world = World::new().running("bad").with(Fault::NoPrometheus);
    assert_eq!(end(&run(&world, &canary_of_before()).await), "succeeded");
}

/// A job that leads back to a release which was a canary with holds, gates and metrics.
fn canary_of_before() -> Job {
    let mut old = release("job-00", "older");
    old.runtime.strategy = with(CANARY).spec.resolve(&Detected::default(), Vec::new()).strategy;
    assert!(!old.runtime.strategy.metrics.is_empty());
    Job { source: Source::Release(Box::new(old)), ..job() }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_switches_at_once_and_waits_for_nobody() {
    let world = World::new().running("bad");
    let outcome = run(&world, &canary_of_before()).await;
    assert_eq!(end(&outcome), "succeeded");
    let waits = |event: &Event| matches!(event, Event::Holding { .. } | Event::Held { .. });
    assert_eq!(count(&world, waits), 0);
    assert_eq!(
        world.cluster.changed(),
        ["default: older beside, 100 %", "default: 100 % to older", "default: older"]
    );
}

/// The first one shows whether the version is well.
#[tokio::test(start_paused = true)]
async fn a_canary_in_the_first_cluster_leads_to_one_switch_in_the_next() {
    let clusters =
        Clusters { names: vec!["eu".into(), "us".into()], order: RolloutOrder::Sequential };
    let text = "[strategy]\nkind = \"canary\"\ntraffic = \"istio\"\nweights = [25, 100]";
    let job = Job { clusters, ..with(text) };
    let fresh = || World::new().running_in(&["eu", "us"], "old");
    let world = fresh();
    assert_eq!(end(&run(&world, &job).await), "succeeded");
    assert_eq!(
        world.cluster.changed(),
        [
            "eu: new beside, 25 %",
            "eu: 25 % to new",
            "eu: new beside, 100 %",
            "eu: 100 % to new",
            "eu: new",
            "us: new beside, 100 %",
            "us: 100 % to new",
            "us: new",
        ]
    );
    assert!(world.cluster.violations().is_empty());
    let world = fresh().with(Fault::CrashesLater("new").in_("eu"));
    assert_eq!(end(&run(&world, &job).await), "app-crashes");
    assert!(!world.cluster.changed().iter().any(|change| change.starts_with("us")));
    killed_after_every_event(fresh, &job, "two clusters").await;
}

/// Clusters that go together have one hold, and what is not well in one ends it in both.
#[tokio::test(start_paused = true)]
async fn clusters_that_go_together_hold_together() {
    let clusters =
        Clusters { names: vec!["eu".into(), "us".into()], order: RolloutOrder::Parallel };
    let job = Job { clusters, ..with(BY_REPLICAS) };
    let fresh = || World::new().running_in(&["eu", "us"], "old");
    let world = fresh();
    assert_eq!(end(&run(&world, &job).await), "succeeded");
    assert_eq!(count(&world, |event| matches!(event, Event::Holding { .. })), 1);
    let world = fresh().with(Fault::CrashesLater("new").in_("us"));
    let diagnosis = failed(run(&world, &job).await);
    assert!(diagnosis.subject.ends_with(" in us"), "{diagnosis}");
    let old = |name: &str| (name.to_owned(), "old".to_owned());
    assert_eq!(world.serves_in_each(), BTreeMap::from([old("eu"), old("us")]));
}

/// Nothing serves whose requests could be shared.
#[tokio::test(start_paused = true)]
async fn a_first_release_comes_at_once_and_goes_if_it_fails() {
    let world = World::new();
    assert_eq!(end(&run(&world, &with(CANARY)).await), "succeeded");
    assert_eq!(world.cluster.changed(), ["default: new"]);
    let world = World::new().with(Fault::Crashes("new"));
    assert_eq!(end(&run(&world, &with(CANARY)).await), "app-crashes");
    assert_eq!(world.cluster.changed(), ["default: new", "default: none"]);
}

/// Each release finds the one before on its track, whatever the strategies of both are, and also after an abort.
#[tokio::test(start_paused = true)]
async fn a_strategy_may_change_from_one_release_to_the_next() {
    let world = World::new().running("old").with(Fault::Approves);
    let rolling = "[strategy]\nkind = \"rolling\"";
    let canary = "[strategy]\nkind = \"canary\"\nhold-seconds = 0";
    let blue_green = "[strategy]\nkind = \"blue-green\"\nkeep-seconds = 0";
    for (number, (text, aborted, track)) in [
        (canary, Some(4), Track::Plain),
        (canary, None, Track::Blue),
        (rolling, None, Track::Blue),
        (blue_green, Some(1), Track::Blue),
        (blue_green, None, Track::Green),
        (canary, None, Track::Blue),
    ]
    .into_iter()
    .enumerate()
    {
        world.journal.begin_another_job();
        let job = Job { id: format!("job-{}", number + 1), ..with(text) };
        let fault = aborted.map(|step| Fault::AbortedAt(Cursor::Forward(step)));
        let is_aborted = fault.is_some();
        fault.into_iter().for_each(|fault| world.faults.add(fault));
        let outcome = run(&world, &job).await;
        world.faults.remove(|fault| matches!(fault, Fault::AbortedAt(_)));
        assert_eq!(end(&outcome) == "succeeded", !is_aborted, "{number}: {outcome:?}");
        let only = BTreeMap::from([(DEFAULT.to_owned(), vec![track])]);
        assert_eq!(world.cluster.tracks(), only, "{number}");
        assert!(world.cluster.violations().is_empty(), "{number}");
        replay(&world.past()).unwrap();
    }
}
