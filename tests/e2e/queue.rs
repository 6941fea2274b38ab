//! The queue: jobs from RabbitMQ and their results, on Debian's real broker. It is killed, short of memory, and cut off.

mod controller;
mod proxy;

use controller::{CANCEL, Controller, Put, SUBMIT};
use proxy::Proxy;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};
use windlass_bed::{
    Report,
    daemon::Config,
    layout::port,
    part::rabbitmq::{self, Broker, USER},
    process::await_that,
};
use windlass_tests::{TestEnv, bed, dockerfile};

/// Time in which the daemon finds the broker again, after some failures in a row.
const FOUND: Duration = Duration::from_secs(90);

/// Returns a configuration with a queue of a project's own, at a broker or what stands before it.
fn config(project: &str, broker: &Broker, port: u16) -> Config {
    let mut config = Config::of(bed()).unwrap();
    config.tables = format!(
        "[amqp]\nurl = \"amqp://127.0.0.1:{port}\"\nqueue = \"{project}-jobs\"\ndead = \"{project}-dead\"\n\
         results = \"{project}-results\"\nprincipal = \"queue\"\nprojects = [\"{project}\"]\n\
         user = \"{USER}\"\npassword-file = \"{}\"\ndeclare = true\n",
        broker.password_file().display()
    );
    config
}

/// Waits until the daemon has declared its queue.
fn await_queue(env: &TestEnv, broker: &Broker) {
    let queue = format!("{}-jobs", env.name);
    assert!(await_that(FOUND, || broker.count(&queue).is_ok()), "{}", env.daemon.log());
}

/// Waits until no message is left, those included that are not acknowledged.
fn await_empty(env: &TestEnv, broker: &Broker) {
    await_empty_queue(env, broker, "jobs");
}

/// Waits until the daemon's queue with this ending has no message. The broker counts a quorum queue's a moment late.
#[track_caller]
fn await_empty_queue(env: &TestEnv, broker: &Broker, ending: &str) {
    let queue = format!("{}-{ending}", env.name);
    let is_empty = || broker.count(&queue).is_ok_and(|count| count == 0);
    assert!(await_that(FOUND, is_empty), "{:?}\n{}", broker.count(&queue), env.daemon.log());
}

fn request(project: &str, app: &str, repository: &str) -> Value {
    json!({
        "app": { "project": project, "name": app },
        "source": { "repository": repository, "revision": "main" },
    })
}

/// Returns the ids of the project's jobs.
fn jobs(env: &TestEnv) -> Vec<String> {
    let args = ["--output", "json", "jobs", "--project", env.name];
    let answer = env.daemon.windlass(&args).unwrap();
    assert_eq!(answer.code, 0, "{}", answer.text);
    let lines = answer.text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|job| job["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_job_by_queue_runs_and_its_results_come() {
    let broker = rabbitmq::up(&bed().layout, &Report::silent(), "queue", port::AMQP).unwrap();
    let env = TestEnv::with("t-queue", &config("t-queue", &broker, broker.port()));
    let repository = env.small_app();
    repository.commit("one").unwrap();
    await_queue(&env, &broker);
    let controller = Controller::connect(env.name, broker.port());

    let body = request(env.name, "app", repository.url());
    let put = Put { correlation: "c1", ..Put::new("submit", SUBMIT, "r1", &body) };
    controller.put(&put);
    let accepted = controller.heard("accepted", "c1");
    let job = accepted.json()["job"].as_str().unwrap().to_owned();
    assert_eq!(
        (&*accepted.key, &*accepted.content_type),
        ("t-queue.app.accepted", "application/vnd.windlass.result+json;v=1")
    );
    let ended = controller.heard("ended", "c1");
    assert_eq!(ended.key, "t-queue.app.succeeded", "{:#}", ended.json());
    assert_eq!(
        (ended.json()["job"].as_str(), ended.json()["release"]["id"].as_str()),
        (Some(&*job), Some(&*job))
    );
    assert!(!ended.id.is_empty(), "by which a repeat is known");
    env.serves("app", "one");

    // The same message again, and the same request in other spellings and with its id in the body, are one job.
    controller.put(&put);
    assert_eq!(controller.heard("accepted", "c1").json()["job"], job.as_str());
    let mut spelled = body.clone();
    spelled["requestId"] = "r1".into();
    controller.put(&Put::new("submit", SUBMIT, "", &spelled));
    assert_eq!(controller.heard("accepted", "r1").json()["job"], job.as_str());
    assert_eq!(jobs(&env), [job]);

    // A job that builds is cancelled by the id of its request.
    let slow = dockerfile().replace("USER 10001", "RUN echo now && sleep 60\nUSER 10001");
    repository.write("Dockerfile", &slow).unwrap();
    repository.commit("slow").unwrap();
    controller.put(&Put::new("submit", SUBMIT, "r2", &request(env.name, "slow", repository.url())));
    let job = controller.heard("accepted", "r2").json()["job"].as_str().unwrap().to_owned();
    env.await_line(&job, "now");
    controller.put(&Put::new("cancel", CANCEL, "r3", &json!({ "requestId": "r2" })));
    let ended = controller.heard("ended", "r2");
    assert_eq!(ended.json()["outcome"], "stopped", "{:#}", ended.json());
    await_empty(&env, &broker);
}

#[test]
fn what_cannot_be_a_job_is_kept_with_its_reason_and_its_field() {
    let broker = rabbitmq::up(&bed().layout, &Report::silent(), "dead", port::AMQP_DEAD).unwrap();
    let env = TestEnv::with("t-dead", &config("t-dead", &broker, broker.port()));
    await_queue(&env, &broker);
    let controller = Controller::connect(env.name, broker.port());
    let good = request(env.name, "app", "https://git.example/x.git");
    let with = |path: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let mut typo = good.clone();
    typo["spec"] = json!({ "prot": 8080 });
    let large = json!({ "labels": { "large": "x".repeat(1 << 20) } });
    let other = request("other", "app", "https://git.example/x.git");
    let wrong = with("/source/revision", "main~1".into());
    for (put, reason, field) in [
        (Put::new("submit", SUBMIT, "p1", &typo), "unreadable", "spec.prot"),
        (Put::new("submit", SUBMIT, "p2", &large), "too-large", ""),
        (Put::new("submit", SUBMIT, "p3", &other), "permission-denied", "app.project"),
        (Put::new("submit", SUBMIT, "p4", &wrong), "field-invalid", "source.revision"),
        (Put::new("submit", "application/json", "p5", &good), "field-invalid", "content-type"),
        (Put::new("deploy", SUBMIT, "p6", &good), "field-invalid", "type"),
        (Put::new("cancel", CANCEL, "p7", &json!({ "id": "none" })), "not-found", "id"),
    ] {
        controller.put(&put);
        let dead = controller.dead();
        let header = |name: &str| dead.headers.get(name).map(String::as_str).unwrap_or_default();
        assert_eq!(
            (header("windlass-reason"), header("windlass-field")),
            (reason, field),
            "{dead:?}"
        );
        assert!(!header("windlass-detail").is_empty() && dead.headers.contains_key("windlass-at"));
        assert_eq!((&*dead.id, header("windlass-routing-key")), (put.id, "t-dead-jobs"));
        assert_eq!(dead.body, put.body, "as it was");
        let refused = controller.heard("refused", put.id).json();
        assert_eq!((&refused["reason"], &refused["field"]), (&json!(reason), &json!(field)));
    }
    await_empty(&env, &broker);
    assert!(jobs(&env).is_empty());

    // What is right does not die for the journal, which is away for longer than the consumer goes on.
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let mut holder = hold_the_journal(&env);
    let body = request(env.name, "app", repository.url());
    controller.put(&Put::new("submit", SUBMIT, "later", &body));
    assert!(holder.wait().unwrap().success());
    controller.heard("accepted", "later");
    await_empty(&env, &broker);
    await_empty_queue(&env, &broker, "dead");
    let ended = controller.heard("ended", "later");
    assert_eq!((jobs(&env).len(), &*ended.key), (1, "t-dead.app.succeeded"));
}

/// Seconds for which the journal is away: more than the half minute after which no more messages are taken.
const AWAY: u32 = 45;

/// Holds the lock on the daemon's journal for [`AWAY`], and returns once it is held.
fn hold_the_journal(env: &TestEnv) -> Child {
    let code = format!(
        "import sqlite3, sys, time; db = sqlite3.connect(sys.argv[1], isolation_level=None); \
         db.execute('BEGIN IMMEDIATE'); print('held', flush=True); time.sleep({AWAY}); db.execute('ROLLBACK')"
    );
    let mut command = Command::new("python3");
    command.arg("-c").arg(code).arg(env.daemon.data().join("journal/windlass.db"));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "held");
    child
}

/// Returns the dead messages as `windlass queue dead list` has them.
fn dead(env: &TestEnv) -> Vec<Value> {
    let answer = env.daemon.windlass(&["--output", "json", "queue", "dead", "list"]).unwrap();
    assert_eq!(answer.code, 0, "{}", answer.text);
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until there are so many dead messages, and returns them. The broker gives back what a look has taken a moment
/// after it.
#[track_caller]
fn await_dead(env: &TestEnv, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let is_so = await_that(Duration::from_secs(30), || {
        found = dead(env);
        found.len() == count
    });
    assert!(is_so, "expected {count} dead messages: {found:#?}\n{}", env.daemon.log());
    found
}

#[test]
fn dead_messages_are_looked_at_and_put_into_the_queue_once_more_by_a_command() {
    let broker =
        rabbitmq::up(&bed().layout, &Report::silent(), "replay", port::AMQP_REPLAY).unwrap();
    let env = TestEnv::with("t-replay", &config("t-replay", &broker, broker.port()));
    await_queue(&env, &broker);
    let controller = Controller::connect(env.name, broker.port());
    let windlass = |args: &[&str]| {
        let all = [&["--output", "json", "queue", "dead"][..], args].concat();
        let answer = env.daemon.windlass(&all).unwrap();
        assert_eq!(answer.code, 0, "{args:?}: {}", answer.text);
        serde_json::from_str::<Value>(&answer.text).unwrap()
    };
    let mut typo = request(env.name, "app", "https://git.example/x.git");
    typo["spec"] = json!({ "prot": 8080 });
    controller.put(&Put::new("submit", SUBMIT, "p1", &typo));
    controller.heard("refused", "p1");
    // It comes too early: the request that it cancels is not there yet.
    controller.put(&Put::new("cancel", CANCEL, "p2", &json!({ "requestId": "later" })));
    controller.heard("refused", "p2");

    // A broker that counted each look would have deleted them by now.
    for _ in 0..25 {
        dead(&env);
    }
    let found = await_dead(&env, 2);
    let of = |message_id: &str| {
        let found = found.iter().find(|one| one["message_id"] == message_id);
        found.unwrap_or_else(|| panic!("no {message_id}: {found:#?}")).clone()
    };
    let (wrong, early) = (of("p1"), of("p2"));
    assert_eq!((&wrong["reason"], &wrong["field"]), (&json!("unreadable"), &json!("spec.prot")));
    assert_eq!((&early["reason"], &early["type"]), (&json!("not-found"), &json!("cancel")));
    let id = |message: &Value| message["id"].as_str().unwrap().to_owned();
    let shown = windlass(&["show", &id(&wrong)]);
    assert_eq!(serde_json::from_str::<Value>(shown["body"].as_str().unwrap()).unwrap(), typo);

    // Once the cause is away, a replay is what it would have been at first.
    let body = json!({
        "app": { "project": env.name, "name": "app" },
        "source": { "repository": "https://git.example/x.git", "commit": "a".repeat(40) },
    });
    controller.put(&Put::new("submit", SUBMIT, "later", &body));
    controller.heard("accepted", "later");
    assert_eq!(windlass(&["replay", &id(&early)])["count"], 1);
    await_empty(&env, &broker);
    assert_eq!(id(&await_dead(&env, 1)[0]), id(&wrong), "as it was");
    controller.heard("ended", "later");
    assert_eq!(jobs(&env).len(), 1);

    // What is wrong itself comes back, with the reason, and once: a replay does not go round.
    assert_eq!(windlass(&["replay", "--all"])["count"], 1);
    controller.heard("refused", "p1");
    await_empty(&env, &broker);
    let again = await_dead(&env, 1).remove(0);
    assert_eq!((&again["field"], &again["body"]), (&wrong["field"], &wrong["body"]));
    windlass(&["drop", &id(&again)]);
    assert!(await_dead(&env, 0).is_empty());
    await_empty_queue(&env, &broker, "dead");
    let unknown = env.daemon.windlass(&["queue", "dead", "drop", &id(&again)]).unwrap();
    assert_eq!(unknown.code, 2, "{}", unknown.text);
    assert!(unknown.text.contains("there is no dead message"), "{}", unknown.text);
}

#[test]
fn a_daemon_without_a_queue_says_so() {
    let env = TestEnv::new("t-no-queue");
    let answer = env.daemon.windlass(&["queue", "dead", "list"]).unwrap();
    assert_eq!(answer.code, 2, "{}", answer.text);
    assert!(answer.text.contains("windlassd.toml has no `[amqp]`"), "{}", answer.text);
}

#[test]
fn a_broker_that_is_killed_or_short_of_memory_or_cut_off_loses_nothing() {
    let mut broker =
        rabbitmq::up(&bed().layout, &Report::silent(), "killed", port::AMQP_KILLED).unwrap();
    let proxy = Proxy::start(broker.port());
    let mut env = TestEnv::with("t-broker", &config("t-broker", &broker, proxy.port()));
    let repository = env.small_app();
    repository.commit("one").unwrap();
    await_queue(&env, &broker);
    let mut sent = 0;
    let mut put = |controller: &Controller| {
        sent += 1;
        let id = format!("r{sent}");
        let body = request("t-broker", &format!("app{sent}"), repository.url());
        controller.put(&Put::new("submit", SUBMIT, &id, &body));
        id
    };

    // Within the acknowledgement, behind it, and within the handshake of the next connection.
    let controller = Controller::connect(env.name, broker.port());
    for bytes in [0, 10, 25, 400] {
        proxy.cut_after(bytes);
        let id = put(&controller);
        controller.heard("accepted", &id);
        await_empty(&env, &broker);
    }
    assert_eq!(jobs(&env).len(), 4, "{}", env.daemon.log());

    broker.kill().unwrap();
    // The other doors are open.
    assert_eq!(jobs(&env).len(), 4);
    let log = env.daemon.config_file().with_file_name("windlassd.log");
    let is_said = || fs::read_to_string(&log).unwrap().contains("the queue's broker is away");
    assert!(await_that(FOUND, is_said), "{}", env.daemon.log());
    drop(controller);
    broker.start().unwrap();
    let controller = Controller::connect(env.name, broker.port());
    let id = put(&controller);
    controller.heard("accepted", &id);
    await_empty(&env, &broker);

    // Messages come while the broker takes none: the job runs, and its results come later.
    env.daemon.terminate(Duration::from_secs(60)).unwrap();
    let id = put(&controller);
    broker.memory_alarm(true).unwrap();
    env.daemon.restart().unwrap();
    assert!(await_that(FOUND, || jobs(&env).len() == 6), "{}", env.daemon.log());
    await_empty(&env, &broker);
    broker.memory_alarm(false).unwrap();
    controller.heard("accepted", &id);
    controller.heard("ended", &id);
}
