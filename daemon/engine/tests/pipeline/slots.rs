//! Tests of many jobs at once: the queue, the slots and the pipeline, as the dispatcher joins them.

use crate::{
    job, outcome,
    world::{Fault, World},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use windlass_engine::{
    pipeline::deploy,
    queue::{Action, Limits, Message, Need},
    shared_queue::SharedQueue,
    slots::Slots,
};
use windlass_model::{
    app::App,
    job::{Job, Stage},
    outcome::{Outcome, Stop},
    replay::replay,
};

const LIMITS: Limits = Limits { running: 1000, checkouts: 4, builds: 4, releases: 50 };

/// Seconds that each build takes.
const BUILD: u64 = 60;

/// The end of a job, and when it came.
type Ends = BTreeMap<String, (Outcome, Duration)>;

/// A job of an app of its own, in a world of its own where builds take their time.
fn built(id: &str, project: &str) -> (Job, Arc<World>) {
    let app = App::new(project, &format!("app-{id}"), "").unwrap();
    let world = World::new().running("old").with(Fault::BuildsTake(Duration::from_secs(BUILD)));
    (Job { id: id.into(), app, ..job() }, Arc::new(world))
}

/// Such a job whose release never gets healthy: it waits for as long as a rollout may take.
fn waiting(id: &str, project: &str) -> (Job, Arc<World>) {
    let (job, world) = built(id, project);
    world.faults.add(Fault::NeverReady("new"));
    (job, world)
}

/// Runs jobs to their ends as the dispatcher does. A cancel comes to a job that waits for a slot as to any other.
async fn dispatched(limits: Limits, jobs: Vec<(Job, Arc<World>)>) -> Ends {
    let queue = SharedQueue::new(limits);
    let (send, mut inbox) = mpsc::unbounded_channel();
    let jobs: BTreeMap<_, _> = jobs.into_iter().map(|one| (one.0.id.clone(), one)).collect();
    for (job, _) in jobs.values() {
        send.send(Message::submitted(job, false)).unwrap();
    }
    let began = Instant::now();
    let mut grants = BTreeMap::new();
    let mut runs = JoinSet::new();
    let mut ends = Ends::new();
    while ends.len() < jobs.len() {
        tokio::select! {
            Some(message) = inbox.recv() => for action in queue.take(message) {
                match action {
                    Action::Start(id) => {
                        let (slots, grant) = Slots::new(id.clone(), send.clone());
                        grants.insert(id.clone(), grant);
                        let (job, world) = jobs[&id].clone();
                        runs.spawn(async move {
                            let run = world.run().with_slots(slots);
                            let from = replay(&world.past()).unwrap();
                            let ended = deploy(&job, from, &world.ports(), &run).await;
                            (id, outcome(ended.unwrap()))
                        });
                    }
                    Action::Grant { id, ticket } => {
                        grants[&id].send_replace(ticket);
                    }
                    other => panic!("{other:?}"),
                }
            },
            Some(ended) = runs.join_next() => {
                let (id, outcome) = ended.unwrap();
                ends.insert(id.clone(), (outcome, began.elapsed()));
                send.send(Message::Ended { id }).unwrap();
            }
        }
    }
    ends
}

/// Returns when the last of the jobs ended whose id begins so.
fn last(ends: &Ends, prefix: &str) -> Duration {
    let of_them = ends.iter().filter(|(id, _)| id.starts_with(prefix));
    of_them.map(|(_, (_, at))| *at).max().unwrap()
}

/// Ten rollouts that wait out their time take no builder's place: the 190 other jobs end as soon as without them.
#[tokio::test(start_paused = true)]
async fn two_hundred_jobs_are_not_kept_waiting_by_ten_rollouts() {
    let others = || (0..190).map(|n| built(&format!("other-{n:03}"), "shop"));
    let with_rollouts = |rollout: fn(&str, &str) -> (Job, Arc<World>)| {
        (0..10).map(move |n| rollout(&format!("a-{n}"), "shop")).chain(others()).collect()
    };
    let healthy = dispatched(LIMITS, with_rollouts(built)).await;
    let stuck = dispatched(LIMITS, with_rollouts(waiting)).await;
    assert!(healthy.values().all(|(outcome, _)| matches!(outcome, Outcome::Succeeded(_))));
    let failed = stuck.values().filter(|(outcome, _)| matches!(outcome, Outcome::Failed(_)));
    assert_eq!(failed.count(), 10);
    let of_all_builds = Duration::from_secs(200 / 4 * BUILD);
    let close =
        |at: Duration| at >= of_all_builds && at < of_all_builds + Duration::from_secs(BUILD);
    let (without, with) = (last(&healthy, "other"), last(&stuck, "other"));
    assert!(close(without) && close(with), "{without:?}, and {with:?} beside rollouts that wait");
}

/// A project with many jobs keeps no other from building, and none has more builds than there are slots.
#[tokio::test(start_paused = true)]
async fn a_small_project_builds_beside_a_big_one() {
    let limits = Limits { checkouts: 2, builds: 2, ..LIMITS };
    let big = (0..40).map(|n| built(&format!("big-{n:02}"), "big"));
    let small = (0..2).map(|n| built(&format!("small-{n}"), "small"));
    let ends = dispatched(limits, big.chain(small).collect()).await;
    assert!(last(&ends, "small") <= Duration::from_secs(5 * BUILD), "{:?}", last(&ends, "small"));
    assert!(last(&ends, "big") >= Duration::from_secs(21 * BUILD));
}

/// A job that waits for a slot ends at once when it is cancelled, and its place goes to the next.
#[tokio::test(start_paused = true)]
async fn a_cancelled_job_does_not_wait_for_its_slot() {
    let limits = Limits { checkouts: 2, builds: 1, ..LIMITS };
    let jobs: Vec<_> = ["1", "2", "3"].map(|id| built(id, "shop")).into();
    let second = jobs[1].1.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        second.journal.cancel();
    });
    let ends = dispatched(limits, jobs).await;
    let (outcome, at) = &ends["2"];
    let why = Stop::Cancelled { by: "someone".into() };
    assert_eq!(*outcome, Outcome::Stopped { at: Stage::Build, why });
    assert_eq!(at.as_secs(), 10);
    let (outcome, at) = &ends["3"];
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    assert!(at.as_secs() < 3 * BUILD, "it builds right after 1: {at:?}");
}

/// The wait before a job begins does not count against its time limit, and a wait for a place does.
#[tokio::test(start_paused = true)]
async fn a_wait_between_stages_counts_against_the_time_limit() {
    let limits = Limits { checkouts: 2, builds: 1, ..LIMITS };
    let first = built("1", "shop");
    let (second, world) = built("2", "shop");
    let queue = SharedQueue::new(limits);
    let (send, mut inbox) = mpsc::unbounded_channel();
    for job in [&first.0, &second] {
        queue.take(Message::submitted(job, false));
    }
    queue.take(Message::Needs { id: "1".into(), ticket: 1, need: Need::Build });
    let (slots, grant) = Slots::new("2".into(), send);
    tokio::spawn(async move {
        while let Some(message) = inbox.recv().await {
            for action in queue.take(message) {
                if let Action::Grant { ticket, .. } = action {
                    grant.send_replace(ticket);
                }
            }
        }
    });
    let run = world.run_within(Duration::from_secs(30)).with_slots(slots);
    let ended = deploy(&second, replay(&[]).unwrap(), &world.ports(), &run).await.unwrap();
    let why = Stop::TimedOut { seconds: 30 };
    assert_eq!(outcome(ended), Outcome::Stopped { at: Stage::Build, why });
}
