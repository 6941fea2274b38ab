//! The pipeline against a pretend world: every call failed, every event the daemon's last.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests: what cannot go on should stop"
)]

mod clusters;
mod detecting;
mod shown;
mod workshop;
mod world;

use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::watch;
use windlass_engine::{
    journal::JournalLost,
    pipeline::{decide, deploy, resolve},
    ports::{Pointers, Tree},
    run::Run,
};
use windlass_model::{
    cluster::Clusters,
    diagnosis::Diagnosis,
    error::GitError,
    event::Event,
    hook::{Hook, HookPhase, Policy},
    job::{Commit, Job, Source, Stage},
    outcome::{Outcome, Stop},
    replay::replay,
    revision::Revision,
    runtime::SecretEnv,
    spec::Spec,
};
use world::{World, app, hook, release};

fn job() -> Job {
    Job {
        id: "job-1".into(),
        app: app(),
        clusters: Clusters::default(),
        source: Source::Commit(Commit {
            repository: "https://git.example/web".into(),
            id: "abc".into(),
            branch: String::new(),
            directory: ".".into(),
            credential: None,
            revision: String::new(),
        }),
        spec: Spec::default(),
        labels: BTreeMap::new(),
        timeout: Duration::from_secs(3600),
        principal: "tester".into(),
        created_ms: 0,
    }
}

fn rollback() -> Job {
    Job { source: Source::Release(Box::new(release("job-00", "old"))), ..job() }
}

/// One life of the daemon.
async fn live(
    world: &Arc<World>,
    job: &Job,
    stop: &watch::Sender<Option<Stop>>,
) -> Result<Outcome, JournalLost> {
    let run = Run::new(world.clone(), stop.subscribe(), None);
    deploy(job, replay(&world.past()).unwrap(), &world.ports(), &run).await
}

async fn run(world: &Arc<World>, job: &Job) -> Outcome {
    live(world, job, &watch::Sender::new(None)).await.unwrap()
}

fn failed(outcome: Outcome) -> Diagnosis {
    match outcome {
        Outcome::Failed(diagnosis) => *diagnosis,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn deploys_over_something_and_over_nothing() {
    for before in [Some("old"), None] {
        let world = World::default().running(before);
        let outcome = run(&world, &job()).await;
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
        assert_eq!(world.state(), Some("new".into()));
        assert_eq!(world.past().last(), Some(&Event::Ended(outcome)));
        replay(&world.past()).unwrap();
    }
}

/// Each stage begins and ends, and tells what people ask of it.
#[tokio::test(start_paused = true)]
async fn a_release_tells_its_commit_its_size_and_where_it_answers() {
    let world = World::default().running(None);
    let outcome = run(&world, &job()).await;
    let past = world.past();
    let has = |wanted: &dyn Fn(&Event) -> bool| past.iter().any(wanted);
    assert!(has(&|event| matches!(event, Event::Cloned(commit) if commit.id == "abc")));
    assert!(has(&|event| {
        matches!(event, Event::Serving { endpoints, .. } if endpoints[0].url == "http://10.0.0.7/")
    }));
    for stage in [Stage::Clone, Stage::Detect, Stage::Build, Stage::Push, Stage::Release] {
        let times = |event: Event| past.iter().filter(|one| **one == event).count();
        assert_eq!((times(Event::Started(stage)), times(Event::Finished(stage))), (1, 1));
    }
    let Outcome::Succeeded(release) = outcome else { panic!("{outcome:?}") };
    assert_eq!(release.image.bytes, Some(62_345_678));
}

#[tokio::test(start_paused = true)]
async fn a_revision_becomes_a_commit_and_no_error_repeats_the_credential() {
    let world = World::default().running(None);
    let run = Run::new(world.clone(), watch::Sender::new(None).subscribe(), None);
    let Source::Commit(commit) = job().source else { panic!("a job of a commit") };
    let commit = Commit { id: String::new(), credential: Some("password".into()), ..commit };
    let ports = world.ports();
    let main = Revision::Name("main".into());
    let found = resolve("shop", commit.clone(), &main, &ports, &run).await.unwrap();
    assert_eq!((&*found.id, &*found.branch, &*found.revision), ("abc", "main", "main"));
    let own = Commit { branch: "release".into(), ..commit.clone() };
    let found = resolve("shop", own, &main, &ports, &run).await.unwrap();
    assert_eq!((&*found.id, &*found.branch), ("abc", "release"));
    let other = Revision::Name("mian".into());
    let error = resolve("shop", commit, &other, &ports, &run).await.unwrap_err().to_string();
    assert!(error.contains("`mian`: you sent ***"), "{error}");
}

/// A tree whose logo is a Git LFS pointer.
struct Pointing(Pointers);

impl Tree for Pointing {
    fn root(&self) -> &std::path::Path {
        std::path::Path::new("/nowhere")
    }

    fn read(&self, _: &str, _: u64) -> Result<Option<String>, GitError> {
        Ok(None)
    }

    fn pointers(&self) -> &Pointers {
        &self.0
    }
}

#[tokio::test(start_paused = true)]
async fn lfs_pointers_are_refused_unless_the_spec_lets_them_be() {
    let world = World::default().running(None);
    let run = Run::new(world.clone(), watch::Sender::new(None).subscribe(), None);
    let tree = Pointing(Pointers { files: vec!["logo.png".into()], count: 2 });
    let ports = world.ports();
    let Source::Commit(commit) = job().source else { panic!("a job of a commit") };
    let error = decide(&Spec::default(), &commit, &tree, &ports, run.recorder()).await.unwrap_err();
    assert!(error.to_string().contains("2 of the app's files"), "{error}");
    assert!(error.to_string().contains("logo.png …"), "{error}");
    let spec = Spec::from_toml("[build]\nlfs-pointers = true").unwrap();
    decide(&spec, &commit, &tree, &ports, run.recorder()).await.unwrap();
    let warned = |event: &Event| matches!(event, Event::Warning { message, .. } if message.contains("logo.png"));
    assert!(world.past().iter().any(warned));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_builds_nothing() {
    let world = World::default().running(Some("bad"));
    assert!(matches!(run(&world, &rollback()).await, Outcome::Succeeded(_)));
    assert_eq!((world.state(), *world.built.lock().unwrap()), (Some("old".into()), 0));
}

/// Longer than the whole rollout may take: none of it passes meanwhile, and it is told once.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_away_is_waited_for_and_the_verdict_is_right() {
    for sick in [None, Some("new".to_owned())] {
        let world =
            World { outage: Some(90), sick: sick.clone(), ..World::default() }.running(Some("old"));
        let began = tokio::time::Instant::now();
        let outcome = run(&world, &job()).await;
        assert!(began.elapsed() > Duration::from_secs(600), "{:?}", began.elapsed());
        match sick {
            None => assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}"),
            Some(_) => assert_eq!(failed(outcome).code, "app-crashes"),
        }
        let told = world.past().into_iter().filter(|event| matches!(event, Event::Retrying { .. }));
        assert_eq!(told.count(), 1);
    }
}

/// A cluster that does not come back ends the job, in the end.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_stays_away_is_given_up() {
    let world = World { outage: Some(1000), ..World::default() }.running(Some("old"));
    let diagnosis = failed(run(&world, &job()).await);
    assert_eq!(diagnosis.code, "way-back-failed");
    assert!(diagnosis.to_string().contains("connection refused"), "{diagnosis}");
}

/// Fails every call the pipeline makes, one run each: it is waited out, or what ran still runs.
#[tokio::test(start_paused = true)]
async fn any_one_failure_leaves_things_as_they_were() {
    for before in [Some("old"), None] {
        let whole = World::default().running(before);
        run(&whole, &job()).await;
        let calls = *whole.calls.lock().unwrap();
        let (mut failures, mut survived) = (0, 0);
        for call in 1..=calls {
            let world = World { fail_call: Some(call), ..World::default() }.running(before);
            let untouched = world.state();
            match run(&world, &job()).await {
                Outcome::Failed(_) => {
                    failures += 1;
                    assert_eq!(world.state(), untouched, "{before:?} {call}");
                }
                Outcome::Succeeded(_) => {
                    survived += 1;
                    assert_eq!(world.state(), whole.state(), "{before:?} {call}");
                }
                Outcome::Stopped { .. } => panic!("nobody stopped it"),
            }
        }
        assert_eq!(
            (failures, survived),
            (3, 5),
            "plugin, test, push; git, builder, cluster thrice"
        );
    }
}

/// A defect of ours costs its job alone: it ends, and what ran still runs.
#[tokio::test(start_paused = true)]
async fn a_panic_in_any_call_is_a_failure_like_others() {
    let whole = World::default().running(Some("old"));
    run(&whole, &job()).await;
    let calls = *whole.calls.lock().unwrap();
    for call in 1..=calls {
        let world = World { panic_call: Some(call), ..World::default() }.running(Some("old"));
        let diagnosis = failed(run(&world, &job()).await);
        assert_eq!(diagnosis.code, "internal-error", "{call}");
        assert!(diagnosis.why.contains("defect"), "{diagnosis}");
        assert_eq!(world.state(), Some("old".into()), "{call}");
    }
}

/// A cluster that does not come back ends the job, and says that the way back failed too.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_stays_away_is_told() {
    let world = World { fail_call: Some(6), for_good: true, ..World::default() };
    let diagnosis = failed(run(&world.running(Some("old")), &job()).await);
    assert_eq!(diagnosis.code, "way-back-failed");
    assert!(diagnosis.what.contains("and the way back failed"), "{diagnosis}");
}

/// Kills the daemon after every event, on a release that is good, that crashes, that hangs, whose
/// tests fail, and on a rollback: the end is always that of one whole life, and no image is pushed,
/// nor the cluster changed, more often than there.
#[tokio::test(start_paused = true)]
async fn killed_anywhere_it_ends_where_one_life_does() {
    let new = || Some("new".to_owned());
    let worlds: [fn(Option<String>) -> World; 6] = [
        |_| World::default(),
        |sick| World { sick, ..World::default() },
        |slow| World { slow, ..World::default() },
        |_| World { failing_test: true, ..World::default() },
        |_| World { hooks: hooks(Policy::RollBack), ..World::default() },
        |_| World { hooks: hooks(Policy::RollBack), exit: 1, ..World::default() },
    ];
    for (kind, fresh) in worlds.iter().enumerate() {
        for job in [job(), rollback()] {
            let fresh = || fresh(new()).running(Some("older"));
            killed_after_every_event(fresh, &job, &format!("world {kind}")).await;
        }
    }
}

/// Compares each pair of lives with one whole life.
async fn killed_after_every_event(fresh: impl Fn() -> Arc<World>, job: &Job, name: &str) {
    let whole = fresh();
    let outcome = run(&whole, job).await;
    for lives in 0..u32::try_from(whole.past().len()).unwrap() {
        let world = fresh();
        *world.lives.lock().unwrap() = Some(lives);
        let stop = watch::Sender::new(None);
        live(&world, job, &stop).await.unwrap_err();
        *world.lives.lock().unwrap() = None;
        let last = live(&world, job, &stop).await.unwrap();
        assert_eq!(last, outcome, "{name} after {lives}");
        assert_eq!(world.states(), whole.states(), "{name} after {lives}");
        assert_eq!(*world.changes.lock().unwrap(), *whole.changes.lock().unwrap());
        let ends = world.past().iter().filter(|e| matches!(e, Event::Ended(_))).count();
        assert_eq!(ends, 1);
        assert!(world.done.lock().unwrap().values().all(|times| *times == 1));
        // The push may be repeated only if its record was lost; it is idempotent by digest.
        assert!(world.pushed.lock().unwrap().values().all(|times| *times <= 2));
        replay(&world.past()).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_is_diagnosed_and_the_old_version_serves() {
    let world = World { sick: Some("new".into()), ..World::default() }.running(Some("old"));
    let mut job = job();
    job.spec.secrets.insert("PASSWORD".into(), "password".into());
    let diagnosis = failed(run(&world, &job).await);
    assert_eq!((diagnosis.stage, &*diagnosis.code), (Stage::Release, "app-crashes"));
    assert_eq!(diagnosis.evidence, ["web-1: last words, ***"], "and its secret is masked");
    assert_eq!(world.state(), Some("old".into()));
}

/// Also where the new release does not name it any more.
#[tokio::test(start_paused = true)]
async fn a_secret_of_what_is_put_back_is_masked() {
    let world = World { sick: Some("any".into()), ..World::default() };
    let world = world.running(Some("old"));
    let before = SecretEnv { env: "PASSWORD".into(), name: "password".into(), version: 3 };
    for release in world.released.lock().unwrap().values_mut() {
        release.runtime.secrets.push(before.clone());
    }
    let diagnosis = failed(run(&world, &job()).await);
    assert_eq!(diagnosis.code, "way-back-failed");
    let text = format!("{:?}", world.past());
    assert!(text.contains("boom, ***") && !text.contains("hunter22"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_failing_test_releases_and_pushes_nothing() {
    let world = World { failing_test: true, ..World::default() }.running(Some("old"));
    let diagnosis = failed(run(&world, &job()).await);
    assert_eq!((&*diagnosis.code, &*diagnosis.subject), ("tests-failed", "go test"));
    assert!(world.pushed.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_test_that_hangs_is_told_by_its_last_words() {
    let world = World { hanging_test: true, ..World::default() }.running(Some("old"));
    let mut job = job();
    job.spec.secrets.insert("PASSWORD".into(), "password".into());
    let diagnosis = failed(run(&world, &job).await);
    assert_eq!((diagnosis.stage, &*diagnosis.code), (Stage::Test, "tests-hang"));
    assert_eq!(diagnosis.evidence, ["test_waits_for_the_bank, *** ... "]);
    assert!(world.pushed.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_is_told_before_anything_is_built() {
    let world = World::default().running(None);
    let mut job = job();
    job.spec.build.secrets.push("npm".into());
    let diagnosis = failed(run(&world, &job).await);
    assert_eq!((diagnosis.stage, &*diagnosis.code), (Stage::Detect, "secret-missing"));
    assert_eq!(*world.built.lock().unwrap(), 0);
}

/// Stopped at any moment of its wait, also when the daemon dies on the way.
#[tokio::test(start_paused = true)]
async fn a_cancelled_job_takes_its_way_back() {
    for lives in 0.. {
        let world = World { slow: Some("new".into()), ..World::default() }.running(Some("old"));
        *world.lives.lock().unwrap() = Some(lives);
        let stop = Arc::new(watch::Sender::new(None));
        let later = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(30)).await;
            later.send_replace(Some(Stop::Cancelled { by: "someone".into() }));
        });
        let first = live(&world, &job(), &stop).await;
        *world.lives.lock().unwrap() = None;
        let last = live(&world, &job(), &stop).await.unwrap();
        assert!(matches!(last, Outcome::Stopped { .. }), "{last:?} after {lives}");
        assert_eq!(world.state(), Some("old".into()), "after {lives}");
        if first.is_ok() {
            break;
        }
    }
}

/// The limit ends the stages before the plan, and nothing after it.
#[tokio::test(start_paused = true)]
async fn the_jobs_limit_ends_at_the_plan() {
    let limit = Duration::from_secs(1);
    let soon = || Some((tokio::time::Instant::now() + limit, limit));
    let world = World { slow: Some("new".into()), ..World::default() }.running(Some("old"));
    let stop = watch::Sender::new(None);
    let run = Run::new(world.clone(), stop.subscribe(), soon());
    let outcome = deploy(&job(), replay(&[]).unwrap(), &world.ports(), &run).await.unwrap();
    assert_eq!(failed(outcome).code, "not-ready-in-time");

    let world = World { fail_call: Some(1), for_good: true, ..World::default() }.running(None);
    let run = Run::new(world.clone(), stop.subscribe(), soon());
    let outcome = deploy(&job(), replay(&[]).unwrap(), &world.ports(), &run).await.unwrap();
    let timed_out = Stop::TimedOut { seconds: 1 };
    assert_eq!(outcome, Outcome::Stopped { at: Stage::Clone, why: timed_out });
}

fn hooks(policy: Policy) -> Vec<Hook> {
    use HookPhase::{AfterFailure, AfterRelease, AfterRollback, BeforeTraffic};
    [BeforeTraffic, AfterRelease, AfterFailure, AfterRollback].map(|at| hook(at, policy)).into()
}

/// What a failing hook comes to, by its moment and policy.
#[tokio::test(start_paused = true)]
async fn a_hooks_policy_decides_what_its_failure_means() {
    for (phase, policy, served, fails) in [
        (HookPhase::BeforeTraffic, Policy::Warn, "new", false),
        (HookPhase::BeforeTraffic, Policy::Stop, "old", true),
        (HookPhase::BeforeTraffic, Policy::RollBack, "old", true),
        (HookPhase::AfterRelease, Policy::Warn, "new", false),
        (HookPhase::AfterRelease, Policy::Stop, "new", true),
        (HookPhase::AfterRelease, Policy::RollBack, "old", true),
    ] {
        let hooks = vec![hook(phase, policy)];
        let world = World { hooks, exit: 1, ..World::default() }.running(Some("old"));
        let outcome = run(&world, &job()).await;
        assert_eq!(world.state().as_deref(), Some(served), "{phase} {policy}");
        let warned = world.past().iter().any(|event| matches!(event, Event::Warning { .. }));
        assert_eq!(warned, !fails, "{phase} {policy}");
        match fails {
            false => assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}"),
            true => {
                let diagnosis = failed(outcome);
                assert_eq!((diagnosis.stage, &*diagnosis.code), (Stage::Hooks, "hook-failed"));
            }
        }
    }
}

/// Each is told once, whatever the job came to, and what a command printed is masked.
#[tokio::test(start_paused = true)]
async fn hooks_that_look_on_are_told_at_the_end() {
    for (world, job, told) in [
        (World { sick: Some("new".into()), ..World::default() }, job(), "after-a-failure"),
        (World { failing_test: true, ..World::default() }, job(), "after-a-failure"),
        (World::default(), rollback(), "after-a-rollback"),
    ] {
        let world = World { hooks: hooks(Policy::Warn), ..world }.running(Some("older"));
        run(&world, &job).await;
        let mut asked = world.past().into_iter().filter_map(|event| match event {
            Event::HookRequested { hook, .. } => Some(hook),
            _ => None,
        });
        assert_eq!(asked.next_back().as_deref(), Some(told));
    }
    let world = World { hooks: hooks(Policy::Warn), ..World::default() }.running(None);
    let mut job = job();
    job.spec.secrets.insert("PASSWORD".into(), "password".into());
    run(&world, &job).await;
    let text = format!("{:?}", world.past());
    assert!(text.contains("said ***") && !text.contains("hunter22"), "{text}");
}

#[test]
fn a_log_in_an_order_that_no_run_writes_is_refused() {
    let pushed = Event::Pushed(Box::new(release("1", "new")));
    let error = replay(&[pushed.clone(), pushed]).unwrap_err();
    assert_eq!(error.seq, 2);
}
