//! One release at a time: daemons that know nothing of each other, and one that was stopped and goes on.

use serde_json::Value;
use std::time::{Duration, Instant};
use windlass_bed::{Daemon, daemon::Config, process::sh};
use windlass_tests::{SERVE, SMALL, TestEnv, bed, python, traffic::Shop};

/// Returns another daemon for the project of an environment, with a journal of its own.
fn beside(project: &'static str, folder: &str) -> TestEnv {
    let config = Config::of(bed()).unwrap();
    TestEnv::around(project, Daemon::start(bed(), folder, &config).unwrap())
}

/// Returns the times at which a job began its first step and ended its last one.
fn at_work(env: &TestEnv, id: &str) -> (f64, f64) {
    let events = env.events(id);
    let steps: Vec<_> = events.iter().filter(|event| event["step"].is_object()).collect();
    let at = |event: &Value| event["at"].as_f64().unwrap();
    (at(steps.first().unwrap()), at(steps.last().unwrap()))
}

/// Returns whether a job waits for the lease that `holder` has.
fn waits_for(event: &Value, holder: &str) -> bool {
    let reason = event["retrying"]["reason"].as_str().unwrap_or_default();
    reason.contains("has the lease") && reason.contains(holder)
}

fn signal(daemon: &Daemon, signal: &str) {
    sh(&format!("kill -{signal} {}", daemon.id().unwrap())).unwrap();
}

#[test]
fn two_daemons_release_an_app_one_after_the_other() {
    let one = TestEnv::new("t-leases");
    let two = beside("t-leases", "t-leases-2");
    let repository = one.small_app();
    repository.commit("one").unwrap();
    // Slow enough that the second comes while the first waits for its pods.
    let slow = python(&format!("import time; time.sleep(8); {SERVE}")) + SMALL;
    let file = one.spec_file("app", &slow);
    let jobs = [&one, &two]
        .map(|env| (env, env.submit_detached("app", repository.url(), &["--spec", &file])));
    let mut times = Vec::new();
    let mut waits = 0;
    for (env, id) in &jobs {
        env.watch(id).succeeded();
        waits += env.events(id).iter().filter(|event| waits_for(event, "bed/")).count();
        times.push(at_work(env, id));
    }
    assert_eq!(waits, 1, "one waits for the other, and says so once");
    times.sort_by(|one, other| one.0.total_cmp(&other.0));
    println!("at work: {times:?}");
    assert!(times[0].1 <= times[1].0, "both were at work: {times:?}");
    one.serves("app", "one");
    let left = one.names("leases");
    assert!(!left.contains("windlass-app"), "{left}");
}

/// It is stopped in a hold. By the time at which it goes on, another daemon works on the app.
#[test]
fn a_daemon_that_was_stopped_writes_nothing_when_it_goes_on() {
    let ghost = Shop::new("t-ghost");
    ghost.serves_first("one", "");
    let other = beside("t-ghost", "t-ghost-2");
    let id = ghost.begin("two", "[strategy]\nkind = \"blue-green\"\nhold-seconds = 300\n");
    ghost.await_hold(&id);
    signal(&ghost.env.daemon, "STOP");
    let stopped = Instant::now();
    // It is at work until long after the ghost goes on.
    let slow = "import time, runpy; time.sleep(25); runpy.run_path('app.py', run_name='__main__')";
    let file = ghost.spec("three", &python(slow));
    let newer = other.submit_detached("app", ghost.repository.url(), &["--spec", &file]);
    let waited = other.await_event(&newer, |event| waits_for(event, &format!("bed/{id}")));
    assert!(waited.is_some(), "{:#?}", other.events(&newer));
    let began = other.await_event(&newer, |event| event["step"].is_object());
    assert!(began.is_some(), "{:#?}", other.events(&newer));
    let after = stopped.elapsed();
    println!("taken over {after:?} after the daemon was stopped");
    assert!(after >= Duration::from_secs(20), "while it may still have written: {after:?}");

    signal(&ghost.env.daemon, "CONT");
    // What it had half made is void by then, and the other one is still at work.
    let ended = ghost.env.watch(&id);
    assert_eq!(ended.outcome, "stopped", "{}", ended.text);
    assert!(ended.text.contains(&*newer), "{}", ended.text);
    let events = ghost.env.events(&id);
    let holding = events.iter().rposition(|event| event["holding"].is_object()).unwrap();
    let more: Vec<_> = events[holding..].iter().filter(|event| event["step"].is_object()).collect();
    assert!(more.is_empty(), "it took a step: {more:#?}");
    other.watch(&newer).succeeded();
    other.serves("app", "three");
    let live = other.json("deployment/app");
    assert_eq!(live["metadata"]["annotations"]["windlass.dev/job"], *newer);
    let left = other.names("deployments");
    assert!(!left.contains("app-blue"), "{left}");
    other.serves("app", "three");
}
