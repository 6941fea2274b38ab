//! A daemon that is killed with SIGKILL at five instants goes on after its restart: no job is lost, event numbers have
//! no gap, no finished build step runs again, nothing is released twice.

use serde_json::Value;
use windlass_tests::{TestEnv, dockerfile};

/// A name, and the last event before the daemon is killed.
type Instant = (&'static str, fn(&Value) -> bool);

const INSTANTS: [Instant; 5] = [
    // A step is recorded when it is in the cache, after its output.
    ("in the middle of the build", |event| {
        event["build_step"]["name"].as_str().is_some_and(|name| name.contains("echo finished one"))
    }),
    ("once pushed", |event| event["pushed"].is_object()),
    ("once planned", |event| event["planned"].is_object()),
    ("once applied", |event| event["step"]["done"] == true),
    ("while it waits", |event| event["rollout"].is_object()),
];

#[test]
fn killed_at_five_instants() {
    let mut env = TestEnv::new("t-resume");
    let repository = env.small_app();
    for (number, (when, is)) in INSTANTS.into_iter().enumerate() {
        let page = format!("page {number}\n");
        repository.write("index.html", &page).unwrap();
        let steps = format!(
            "RUN echo {number} > one && echo finished one\nRUN sleep 2 && echo finished two"
        );
        let dockerfile = dockerfile().replace("USER 10001", &format!("{steps}\nUSER 10001"));
        repository.write("Dockerfile", &dockerfile).unwrap();
        repository.commit(when).unwrap();
        let id = env.submit_detached("app", repository.url(), &[]);
        assert!(env.await_event(&id, is).is_some(), "{when}: {:#?}", env.events(&id));
        env.daemon.kill();
        env.daemon.restart().unwrap();
        let is_planned = number > 1;
        assert!(!is_planned || stage(&env, &id) == "release", "{when}: {}", stage(&env, &id));
        let ended = env.watch(&id);
        assert_eq!(ended.outcome, "succeeded", "{when}: {}\n{}", ended.text, env.daemon.log());
        assert_eq!(stage(&env, &id), "release", "{when}");
        env.serves("app", page.trim());
        check(when, &env.events(&id));
        // One `ReplicaSet` for each release: nothing was released twice.
        let sets = env.names("replicasets");
        assert_eq!(sets.lines().count(), number + 1, "{when}: {sets}");
    }
    let jobs = env.daemon.windlass(&["--output", "json", "jobs", "--state", "succeeded"]).unwrap();
    assert_eq!(jobs.text.lines().count(), INSTANTS.len(), "no job is lost: {}", jobs.text);
}

/// Returns the stage that `windlass show` prints.
fn stage(env: &TestEnv, id: &str) -> String {
    let answer = env.daemon.windlass(&["--output", "json", "show", id]).unwrap();
    let job: Value = serde_json::from_str(answer.text.trim()).unwrap();
    job["stage"].as_str().unwrap_or_default().to_owned()
}

fn check(when: &str, events: &[Value]) {
    let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    let expected: Vec<_> = (1..=u64::try_from(events.len()).unwrap()).collect();
    assert_eq!(numbers, expected, "{when}");
    let count = |key: &str| events.iter().filter(|event| event[key].is_object()).count();
    assert_eq!(count("claimed"), 2, "{when}: two lives");
    for once in ["pushed", "planned", "ended"] {
        assert_eq!(count(once), 1, "{when}: {once}");
    }
    let ran = events.iter().filter(|event| event["log"]["line"] == "finished one").count();
    assert_eq!(ran, 1, "{when}: a finished step ran again");
}

/// A job is cancelled, and the daemon is killed at once.
#[test]
fn jobs_wait_and_stops_are_kept_over_a_restart() {
    let mut env = TestEnv::new("t-kept");
    let repository = env.small_app();
    let slow = dockerfile().replace("USER 10001", "RUN echo now && sleep 30\nUSER 10001");
    repository.write("Dockerfile", &slow).unwrap();
    repository.commit("slow").unwrap();
    let id = env.submit_detached("app", repository.url(), &[]);
    env.await_line(&id, "now");
    assert_eq!(env.daemon.windlass(&["cancel", &id]).unwrap().code, 0);
    env.daemon.kill();
    env.daemon.restart().unwrap();
    let ended = env.watch(&id);
    assert_eq!(ended.outcome, "stopped", "{}", ended.text);
}

/// A daemon that gets SIGTERM drains and ends, and its job goes on in the next daemon.
#[test]
fn a_daemon_that_is_told_to_end_does() {
    let mut env = TestEnv::new("t-drain");
    let repository = env.small_app();
    let slow = dockerfile().replace("USER 10001", "RUN echo now && sleep 20\nUSER 10001");
    repository.write("Dockerfile", &slow).unwrap();
    repository.commit("slow").unwrap();
    let id = env.submit_detached("app", repository.url(), &[]);
    env.await_line(&id, "now");
    env.daemon.terminate(std::time::Duration::from_secs(20)).unwrap();
    env.daemon.restart().unwrap();
    env.watch(&id).succeeded();
}
