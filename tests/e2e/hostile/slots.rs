//! Slots are for work: a release that waits takes nobody's place to build, and who waits says for what.

use serde_json::Value;
use std::time::{Duration, Instant};
use windlass_bed::daemon::Config;
use windlass_tests::{SMALL, TestEnv, bed, dockerfile, run_of_tests};

/// Runs, prints nothing, and is never ready, for which only `progressDeadlineSeconds` would end the wait.
const NEVER_READY: &str = "
apiVersion: apps/v1
kind: Deployment
metadata:
  name: never
spec:
  replicas: 1
  progressDeadlineSeconds: 600
  selector:
    matchLabels: { own: never }
  template:
    metadata:
      labels: { own: never }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: never
          image: $WINDLASS_IMAGE
          command: [sleep, '600']
          readinessProbe:
            exec: { command: ['false'] }
";

/// Returns what `windlass show` has of a job.
fn shown(env: &TestEnv, id: &str) -> Value {
    let answer = env.daemon.windlass(&["--output", "json", "show", id]).unwrap();
    let first = answer.text.lines().find_map(|line| serde_json::from_str(line).ok());
    first.unwrap_or_else(|| panic!("{}", answer.text))
}

/// Asks until a job waits, and returns what for.
fn awaited(env: &TestEnv, id: &str) -> Value {
    let began = Instant::now();
    loop {
        let job = shown(env, id);
        if job["waiting"].is_object() {
            return job["waiting"].clone();
        }
        assert!(job["ended"].is_null() && began.elapsed() < Duration::from_secs(60), "{job:#}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// One rollout never gets ready, with one place for each kind of work. Two other jobs are built and pushed meanwhile,
/// and wait for a place to release alone. A cancel ends such a wait at once.
#[test]
fn a_rollout_that_waits_takes_no_place_to_build() {
    let mut config = Config::of(bed()).unwrap();
    config.more =
        "limits.checkouts = 1\nlimits.builds = 1\nlimits.releases = 1\ndrain-seconds = 1\n".into();
    let env = TestEnv::with("t-slots", &config);
    let repository = env.small_app();
    repository.write("own/never.yaml", NEVER_READY).unwrap();
    repository.commit("one").unwrap();
    let never = format!("processes.web.off = true\nmanifests = [\"own/never.yaml\"]\n{SMALL}");
    let never = env.spec_file("never", &never);
    let stuck = env.submit_detached("stuck", repository.url(), &["--spec", &never]);
    let waits = env.await_event(&stuck, |event| {
        event["step"]["description"].as_str().is_some_and(|what| what.starts_with("wait"))
    });
    assert!(waits.is_some(), "{:#?}", env.events(&stuck));

    let others = ["second", "third"].map(|app| env.submit_detached(app, repository.url(), &[]));
    for id in &others {
        let pushed = env.await_event(id, |event| event["pushed"].is_object());
        assert!(pushed.is_some(), "it was not built: {:#?}", env.events(id));
    }
    assert!(shown(&env, &stuck)["ended"].is_null(), "the rollout still waits");
    for id in &others {
        let waiting = awaited(&env, id);
        assert_eq!(waiting["reason"], "release", "{waiting:#}");
        assert_eq!(waiting["clusters"][0], "default", "{waiting:#}");
        assert_eq!((&waiting["limit"], &waiting["taken_by_project"]), (&1.into(), &1.into()));
    }
    let listed = env.daemon.windlass(&["jobs", "--project", "t-slots"]).unwrap().text;
    for expected in ["WAITS FOR", "a place to release in default (1 of 1 taken, 1 by its project;"]
    {
        assert!(listed.contains(expected), "{listed}");
    }

    let [second, third] = others;
    let began = Instant::now();
    assert_eq!(env.daemon.windlass(&["cancel", &second]).unwrap().code, 0);
    assert_eq!(env.watch(&second).outcome, "stopped");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(env.daemon.windlass(&["cancel", &stuck]).unwrap().code, 0);
    env.watch(&third).succeeded();
    assert_eq!(env.watch(&stuck).outcome, "stopped");
}

/// A daemon that ends does not wait for a job that only waits, and the next one goes on with it.
#[test]
fn a_job_that_waits_for_a_slot_is_left_for_the_next_daemon() {
    let mut config = Config::of(bed()).unwrap();
    config.more = "limits.checkouts = 2\nlimits.builds = 1\ndrain-seconds = 60\n".into();
    let mut env = TestEnv::with("t-slots-drain", &config);
    let repository = env.small_app();
    // Long enough for the second job to be fetched on a busy machine, and shorter than the drain.
    let step = format!("RUN echo now && sleep 20 && echo {}", run_of_tests());
    let slow = dockerfile().replace("USER 10001", &format!("{step}\nUSER 10001"));
    repository.write("Dockerfile", &slow).unwrap();
    repository.commit("slow").unwrap();
    let builds = env.submit_detached("builds", repository.url(), &[]);
    env.await_line(&builds, "now");
    let waits = env.submit_detached("waits", repository.url(), &[]);
    assert_eq!(awaited(&env, &waits)["reason"], "build");
    env.daemon.terminate(Duration::from_secs(50)).unwrap();
    env.daemon.restart().unwrap();
    env.watch(&builds).succeeded();
    env.watch(&waits).succeeded();
}
