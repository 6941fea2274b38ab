//! Approvals: a job of a gated environment is built and tested, and applied only once somebody approves exactly that;
//! also where the daemon is killed meanwhile.

use serde_json::Value;
use windlass_bed::daemon::Answer;
use windlass_tests::TestEnv;

/// Makes production of the test's project wait for approvals.
fn gate(env: &TestEnv) {
    let name = env.name;
    let text =
        format!("project = \"{name}\"\n\n[environments.production]\napproval = \"release\"\n");
    let file = env.spec_file("project", &text);
    let answer = env.daemon.windlass(&["project", "apply", "-f", &file]).unwrap();
    assert_eq!(answer.code, 0, "{}", answer.text);
}

/// Returns a job as JSON.
pub(super) fn job(env: &TestEnv, id: &str) -> Value {
    let answer = env.daemon.windlass(&["--output", "json", "show", id]).unwrap();
    serde_json::from_str(answer.text.trim()).unwrap()
}

/// Waits until a job is held, and returns the digest of what waits.
fn held(env: &TestEnv, id: &str) -> String {
    let event = env.await_event(id, |event| event["held"].is_object());
    let event = event.unwrap_or_else(|| panic!("it was never held: {:#?}", env.events(id)));
    let job = job(env, id);
    assert_eq!((&job["state"], &job["stage"]), (&"held".into(), &"release".into()), "{job:#}");
    assert_eq!(job["held"], event["held"]);
    job["held"]["digest"].as_str().unwrap().to_owned()
}

/// Approves exactly what has a digest.
pub(super) fn approve(env: &TestEnv, id: &str, digest: &str) -> Answer {
    env.daemon.windlass(&["approve", id, "--digest", digest, "--note", "looks good"]).unwrap()
}

#[test]
fn exactly_what_was_looked_at_is_released() {
    let env = TestEnv::new("t-approve");
    gate(&env);
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let submitted = env.submit("app", repository.url(), &[]);
    assert_eq!((&*submitted.outcome, submitted.code), ("none", 0), "{}", submitted.text);
    let id = &submitted.id;
    let digest = held(&env, id);
    let is_applied = |event: &Value| event["planned"].is_object() || event["step"].is_object();
    assert!(!env.events(id).iter().any(is_applied), "{:#?}", env.events(id));
    let jobs = env.daemon.windlass(&["jobs", "--project", "t-approve"]).unwrap();
    assert!(jobs.text.contains(&format!("windlass approve {id}")), "{}", jobs.text);

    let refused = |answer: Answer, texts: &[&str]| {
        assert_eq!(answer.code, 2, "{}", answer.text);
        for text in texts {
            assert!(answer.text.contains(text), "{text}: {}", answer.text);
        }
    };
    refused(approve(&env, id, "0123"), &["digest-changed", &digest, "0123", "windlass approve"]);
    let unasked = env.daemon.windlass(&["approve", id]).unwrap();
    refused(unasked, &["nobody can be asked here", &format!("--digest {digest}")]);
    assert_eq!(job(&env, id)["state"], "held");

    let answer = approve(&env, id, &digest);
    assert_eq!(answer.code, 0, "{}", answer.text);
    env.watch(id).succeeded();
    env.serves("app", "one");
    let events = env.events(id);
    let count = |key: &str| events.iter().filter(|event| event[key].is_object()).count();
    assert_eq!((count("pushed"), count("held"), count("approved")), (1, 1, 1), "{events:#?}");
    let approved = events.iter().find(|event| event["approved"].is_object()).unwrap();
    assert_eq!(approved["approved"]["note"], "looks good");
    refused(approve(&env, id, "0123"), &["not-held"]);

    // What comes back waits, too, and what is rejected never comes.
    repository.write("index.html", "two\n").unwrap();
    repository.commit("two").unwrap();
    let id = env.submit_detached("app", repository.url(), &[]);
    held(&env, &id);
    let answer = env.daemon.windlass(&["reject", &id, "--note", "not on a Friday"]).unwrap();
    assert_eq!(answer.code, 0, "{}", answer.text);
    let ended = env.watch(&id);
    assert_eq!(ended.outcome, "stopped", "{}", ended.text);
    assert!(ended.text.contains("not on a Friday"), "{}", ended.text);
    env.serves("app", "one");
}

#[test]
fn a_wait_outlives_the_daemon_and_gives_way_to_a_newer_job() {
    let mut env = TestEnv::new("t-held");
    gate(&env);
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let first = env.submit_detached("app", repository.url(), &[]);
    let digest = held(&env, &first);
    let until = job(&env, &first)["held"]["until"].clone();
    env.daemon.kill();
    env.daemon.restart().unwrap();
    assert_eq!(held(&env, &first), digest);
    assert_eq!(job(&env, &first)["held"]["until"], until, "it waits no longer for that");

    repository.write("index.html", "two\n").unwrap();
    repository.commit("two").unwrap();
    let second = env.submit_detached("app", repository.url(), &[]);
    let ended = env.watch(&first);
    assert_eq!(ended.outcome, "stopped", "{}", ended.text);
    assert!(ended.text.contains(&format!("superseded by job {second}")), "{}", ended.text);
    let newer = held(&env, &second);
    assert_ne!(newer, digest);
    let answer = approve(&env, &first, &digest);
    assert!(answer.code == 2 && answer.text.contains("not-held"), "{}", answer.text);

    // Killed between the approval and the release.
    assert_eq!(approve(&env, &second, &newer).code, 0);
    env.daemon.kill();
    env.daemon.restart().unwrap();
    env.watch(&second).succeeded();
    env.serves("app", "two");
    let events = env.events(&second);
    let count = |key: &str| events.iter().filter(|event| event[key].is_object()).count();
    assert_eq!((count("pushed"), count("approved"), count("planned")), (1, 1, 1), "{events:#?}");
}
