//! Tests of the pipeline against a fake world: every call failed, every event the daemon's last.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests: what cannot go on should stop"
)]

mod approvals;
mod clusters;
mod contracts;
mod custom;
mod detecting;
mod dry_run;
mod folder;
mod give_way;
mod killed;
mod leases;
mod leftovers;
mod migrations;
mod outcomes;
mod own_registries;
mod plans;
mod previews;
mod removals;
mod rollbacks;
mod slots;
mod stops;
mod strategies;
mod walls;
mod world;

use killed::killed_after_every_event;
use std::{collections::BTreeMap, time::Duration};
use windlass_engine::{
    journal::JournalLost,
    pipeline::{Deployed, decide, deploy, resolve},
    ports::Pointers,
};
use windlass_model::{
    cluster::Clusters,
    diagnosis::Diagnosis,
    event::Event,
    hook::{Hook, HookPhase, Policy},
    job::{Commit, Job, Source, Stage},
    outcome::{Outcome, Stop},
    replay::replay,
    revision::Revision,
    runtime::SecretEnv,
    spec::Spec,
};
use world::{ANY, Fault, Files, Made, World, app, hook, release};

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
        preview: None,
        labels: BTreeMap::new(),
        timeout: Duration::from_secs(3600),
        gates: Vec::new(),
        principal: "tester".into(),
        created_ms: 0,
    }
}

fn rollback() -> Job {
    Job { source: Source::Release(Box::new(release("job-00", "old"))), ..job() }
}

/// Runs one life of the daemon, which takes the job up at the journal's resume point.
async fn live(world: &World, job: &Job) -> Result<Outcome, JournalLost> {
    deploy(job, replay(&world.past()).unwrap(), &world.ports(), &world.run()).await.map(outcome)
}

fn outcome(deployed: Deployed) -> Outcome {
    match deployed {
        Deployed::Ended(outcome) => outcome,
        Deployed::Held(hold) => panic!("{hold:?}"),
    }
}

/// Runs one life of the daemon in which nothing kills it.
async fn run(world: &World, job: &Job) -> Outcome {
    live(world, job).await.unwrap()
}

fn failed(outcome: Outcome) -> Diagnosis {
    match outcome {
        Outcome::Failed(diagnosis) => *diagnosis,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn deploys_over_something_and_over_nothing() {
    for world in [World::new().running("old"), World::new()] {
        let outcome = run(&world, &job()).await;
        assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
        assert_eq!(world.serves().as_deref(), Some("new"));
        assert_eq!(world.past().last(), Some(&Event::Ended(outcome)));
        replay(&world.past()).unwrap();
    }
}

/// Each stage begins and ends, and records what people ask about it.
#[tokio::test(start_paused = true)]
async fn a_release_records_its_commit_its_size_and_where_it_answers() {
    let world = World::new();
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
    let world = World::new();
    let run = world.run();
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

#[tokio::test(start_paused = true)]
async fn lfs_pointers_are_refused_unless_the_spec_lets_them_be() {
    let world = World::new();
    let run = world.run();
    let pointers = Pointers { files: vec!["logo.png".into()], count: 2 };
    let tree = Files { pointers, ..Files::default() };
    let ports = world.ports();
    let Source::Commit(commit) = job().source else { panic!("a job of a commit") };
    let none = Spec::default();
    let error = decide(&app(), &none, &commit, &tree, &ports, run.recorder()).await.unwrap_err();
    assert!(error.to_string().contains("2 of the app's files"), "{error}");
    assert!(error.to_string().contains("logo.png …"), "{error}");
    let spec = Spec::from_toml("[build]\nlfs-pointers = true").unwrap();
    decide(&app(), &spec, &commit, &tree, &ports, run.recorder()).await.unwrap();
    let warned = |event: &Event| matches!(event, Event::Warning { message, .. } if message.contains("logo.png"));
    assert!(world.past().iter().any(warned));
}

/// None of them has to be there.
#[tokio::test(start_paused = true)]
async fn a_rollback_asks_no_repository_no_builder_and_no_plugin() {
    let world = World::new().running("bad");
    assert!(matches!(run(&world, &rollback()).await, Outcome::Succeeded(_)));
    assert_eq!((world.serves().as_deref(), world.builder.built()), (Some("old"), 0));
    assert_eq!((world.asked_source(), world.asked().len()), (0, 0));
    let of_tools = |event: &Event| matches!(event, Event::PluginCalled(_));
    assert!(!world.past().iter().any(of_tools));
}

/// The outage is longer than the whole rollout may take: no time passes meanwhile, and it is recorded once.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_away_is_waited_for_and_the_verdict_is_right() {
    let world = || World::new().running("old").with(Fault::Outage { watches: 90 });
    for (world, is_good) in [(world(), true), (world().with(Fault::Crashes("new")), false)] {
        let began = tokio::time::Instant::now();
        let outcome = run(&world, &job()).await;
        assert!(began.elapsed() > Duration::from_secs(600), "{:?}", began.elapsed());
        if is_good {
            assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
        } else {
            assert_eq!(failed(outcome).code, "app-crashes");
        }
        let retries =
            world.past().into_iter().filter(|event| matches!(event, Event::Retrying { .. }));
        assert_eq!(retries.count(), 1);
    }
}

/// A cluster that does not answer again ends the job, in the end.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_stays_away_is_given_up() {
    let world = World::new().running("old").with(Fault::Outage { watches: 1000 });
    let diagnosis = failed(run(&world, &job()).await);
    assert_eq!(diagnosis.code, "way-back-failed");
    assert!(diagnosis.to_string().contains("connection refused"), "{diagnosis}");
}

/// Fails every call that the pipeline makes, one run each: the failure is waited out, or what ran still runs.
#[tokio::test(start_paused = true)]
async fn any_one_failure_leaves_things_as_they_were() {
    let worlds: [fn() -> World; 2] = [|| World::new().running("old"), World::new];
    for fresh in worlds {
        let whole = fresh();
        run(&whole, &job()).await;
        let mut failures = 0;
        let mut survived = 0;
        for call in 1..=whole.faults.calls() {
            let world = fresh().with(Fault::CallFails(call));
            let before = world.serves();
            match run(&world, &job()).await {
                Outcome::Failed(_) => {
                    failures += 1;
                    assert_eq!(world.serves(), before, "{call}");
                }
                Outcome::Succeeded(_) => {
                    survived += 1;
                    assert_eq!(world.serves(), whole.serves(), "{before:?} {call}");
                }
                Outcome::Removed(_) | Outcome::Contracted(_) => panic!("it is a release"),
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

/// A defect costs its job alone: the job ends, and what ran still runs.
#[tokio::test(start_paused = true)]
async fn a_panic_in_any_call_is_a_failure_like_others() {
    let whole = World::new().running("old");
    run(&whole, &job()).await;
    for call in 1..=whole.faults.calls() {
        let world = World::new().running("old").with(Fault::CallPanics(call));
        let outcome = run(&world, &job()).await;
        // The last call deletes what the old release had, when the new one serves.
        if call == whole.faults.calls() {
            assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
            assert_eq!(world.serves().as_deref(), Some("new"), "{call}");
            assert_eq!(leftovers::warnings(&world).len(), 1, "{call}");
            continue;
        }
        let diagnosis = failed(outcome);
        assert_eq!(diagnosis.code, "internal-error", "{call}");
        assert!(diagnosis.why.contains("defect"), "{diagnosis}");
        assert_eq!(world.serves().as_deref(), Some("old"), "{call}");
    }
}

/// A cluster that does not answer again ends the job, with a diagnosis that the rollback failed too.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_stays_away_is_reported() {
    let world = World::new().running("old").with(Fault::CallsFailFrom(6));
    let diagnosis = failed(run(&world, &job()).await);
    assert_eq!(diagnosis.code, "way-back-failed");
    assert!(diagnosis.what.contains("and the rollback failed"), "{diagnosis}");
}

/// Kills the daemon after every event, on a release that is good, that crashes, that hangs, whose
/// tests fail, and on a rollback: the end is always that of one whole life, and no image is pushed,
/// nor the cluster changed, more often than there.
#[tokio::test(start_paused = true)]
async fn killed_anywhere_it_ends_where_one_life_does() {
    let worlds: [(&str, Made); 6] = [
        ("good", |world| world),
        // A job of a commit releases `new`, and a rollback `old`.
        ("crashing", |world| world.with(Fault::Crashes("new")).with(Fault::Crashes("old"))),
        ("hanging", |world| world.with(Fault::NeverReady("new")).with(Fault::NeverReady("old"))),
        ("failing test", |world| world.with(Fault::TestsFail)),
        ("hooks", |world| world.with_hooks(hooks(Policy::RollBack))),
        ("failing hooks", |world| {
            world.with_hooks(hooks(Policy::RollBack)).with(Fault::CommandsFail)
        }),
    ];
    for (name, made) in worlds {
        for job in [job(), rollback()] {
            let fresh = || made(World::new().running("older"));
            killed_after_every_event(fresh, &job, name).await;
        }
    }
}

/// A journal that cannot be read is no verdict either, though every adapter answers.
#[tokio::test(start_paused = true)]
async fn an_unknown_last_release_is_waited_for() {
    let world = World::new().running("old").with(Fault::HiccupOfReleases);
    let lost = live(&world, &job()).await.unwrap_err();
    assert!(matches!(lost, JournalLost::Unavailable(_)), "{lost}");
    assert_eq!(world.serves().as_deref(), Some("old"));
    assert!(matches!(run(&world, &job()).await, Outcome::Succeeded(_)));
    assert_eq!(world.serves().as_deref(), Some("new"));
}

/// Neither is a store whose secrets cannot be read, whether the pipeline asks it or the cluster's adapter.
#[tokio::test(start_paused = true)]
async fn secrets_that_cannot_be_read_now_are_no_verdict() {
    for asked_by in ["the pipeline", "the cluster"] {
        let world = World::new().running("old").with(Fault::SecretsAway(asked_by));
        let mut job = job();
        job.spec.secrets.insert("PASSWORD".into(), "password".into());
        let lost = live(&world, &job).await.unwrap_err();
        assert!(matches!(lost, JournalLost::Unavailable(_)), "{asked_by}: {lost}");
        assert_eq!(world.serves().as_deref(), Some("old"), "{asked_by}");
        world.restart();
        assert!(matches!(run(&world, &job).await, Outcome::Succeeded(_)), "{asked_by}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_is_diagnosed_and_the_old_version_serves() {
    let world = World::new().running("old").with(Fault::Crashes("new"));
    let mut job = job();
    job.spec.secrets.insert("PASSWORD".into(), "password".into());
    let diagnosis = failed(run(&world, &job).await);
    assert_eq!((diagnosis.stage, &*diagnosis.code), (Stage::Release, "app-crashes"));
    assert_eq!(diagnosis.evidence, ["web-1: last words, ***"], "and its secret is masked");
    assert_eq!(world.serves().as_deref(), Some("old"));
}

/// The secret is masked also where the new release does not name it any more.
#[tokio::test(start_paused = true)]
async fn a_secret_of_what_is_put_back_is_masked() {
    let mut old = release("job-0", "old");
    let password = SecretEnv { env: "PASSWORD".into(), name: "password".into(), version: 3 };
    old.runtime.secrets.push(password);
    let world = World::new().running_release(&old).with(Fault::Crashes(ANY));
    let diagnosis = failed(run(&world, &job()).await);
    assert_eq!(diagnosis.code, "way-back-failed");
    let text = format!("{:?}", world.past());
    assert!(text.contains("boom, ***") && !text.contains("hunter22"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_failing_test_releases_and_pushes_nothing() {
    let world = World::new().running("old").with(Fault::TestsFail);
    let diagnosis = failed(run(&world, &job()).await);
    assert_eq!((&*diagnosis.code, &*diagnosis.subject), ("tests-failed", "go test"));
    assert!(world.registry.pushed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_test_that_hangs_is_reported_with_its_last_lines() {
    let world = World::new().running("old").with(Fault::TestsHang);
    let mut job = job();
    job.spec.secrets.insert("PASSWORD".into(), "password".into());
    let diagnosis = failed(run(&world, &job).await);
    assert_eq!((diagnosis.stage, &*diagnosis.code), (Stage::Test, "tests-hang"));
    assert_eq!(diagnosis.evidence, ["test_waits_for_the_bank, *** ... "]);
    assert!(world.registry.pushed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_is_reported_before_anything_is_built() {
    let world = World::new();
    let mut job = job();
    job.spec.build.secrets.push("npm".into());
    let diagnosis = failed(run(&world, &job).await);
    assert_eq!((diagnosis.stage, &*diagnosis.code), (Stage::Detect, "secret-missing"));
    assert_eq!(world.builder.built(), 0);
}

/// The job is stopped at any moment of its wait, also when the daemon dies during the rollback.
#[tokio::test(start_paused = true)]
async fn a_cancelled_job_rolls_back() {
    for events in 0.. {
        let world = World::new().running("old").with(Fault::NeverReady("new"));
        let world = world.with(Fault::KilledAfter(events));
        let journal = world.journal.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(30)).await;
            journal.cancel();
        });
        let first = live(&world, &job()).await;
        world.restart();
        let last = live(&world, &job()).await.unwrap();
        assert!(matches!(last, Outcome::Stopped { .. }), "{last:?} after {events}");
        assert_eq!(world.serves().as_deref(), Some("old"), "after {events}");
        if first.is_ok() {
            break;
        }
    }
}

/// The limit ends the stages before the plan, and nothing after it.
#[tokio::test(start_paused = true)]
async fn the_jobs_limit_ends_at_the_plan() {
    let limit = Duration::from_secs(1);
    let world = World::new().running("old").with(Fault::NeverReady("new"));
    let run = world.run_within(limit);
    let ended = deploy(&job(), replay(&[]).unwrap(), &world.ports(), &run).await.unwrap();
    assert_eq!(failed(outcome(ended)).code, "not-ready-in-time");

    let world = World::new().with(Fault::CallsFailFrom(1));
    let run = world.run_within(limit);
    let ended = deploy(&job(), replay(&[]).unwrap(), &world.ports(), &run).await.unwrap();
    let timed_out = Stop::TimedOut { seconds: 1 };
    assert_eq!(outcome(ended), Outcome::Stopped { at: Stage::Clone, why: timed_out });
}

fn hooks(policy: Policy) -> Vec<Hook> {
    use HookPhase::{AfterFailure, AfterRelease, AfterRollback, BeforeTraffic};
    [BeforeTraffic, AfterRelease, AfterFailure, AfterRollback].map(|at| hook(at, policy)).into()
}

/// The phase and policy of a failing hook decide.
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
        let world = World::new().running("old").with_hooks(vec![hook(phase, policy)]);
        let world = world.with(Fault::CommandsFail);
        let outcome = run(&world, &job()).await;
        assert_eq!(world.serves().as_deref(), Some(served), "{phase} {policy}");
        let warned = world.past().iter().any(|event| matches!(event, Event::Warning { .. }));
        assert_eq!(warned, !fails, "{phase} {policy}");
        if fails {
            let diagnosis = failed(outcome);
            assert_eq!((diagnosis.stage, &*diagnosis.code), (Stage::Hooks, "hook-failed"));
        } else {
            assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
        }
    }
}

/// Each hook is asked once, whatever the outcome, and the output of a command is masked.
#[tokio::test(start_paused = true)]
async fn notification_hooks_are_asked_at_the_end() {
    let world = || World::new().running("older").with_hooks(hooks(Policy::Warn));
    for (world, job, expected) in [
        (world().with(Fault::Crashes("new")), job(), "after-a-failure"),
        (world().with(Fault::TestsFail), job(), "after-a-failure"),
        (world(), rollback(), "after-a-rollback"),
    ] {
        run(&world, &job).await;
        let mut asked = world.past().into_iter().filter_map(|event| match event {
            Event::HookRequested { hook, .. } => Some(hook),
            _ => None,
        });
        assert_eq!(asked.next_back().as_deref(), Some(expected));
    }
    let world = World::new().with_hooks(hooks(Policy::Warn));
    let mut job = job();
    job.spec.secrets.insert("PASSWORD".into(), "password".into());
    run(&world, &job).await;
    let text = format!("{:?}", world.past());
    assert!(text.contains("printed ***") && !text.contains("hunter22"), "{text}");
}

#[test]
fn a_log_in_an_order_that_no_run_writes_is_refused() {
    let pushed = Event::Pushed(Box::new(release("1", "new")));
    let error = replay(&[pushed.clone(), pushed]).unwrap_err();
    assert_eq!(error.seq, 2);
}
