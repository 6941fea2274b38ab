//! Hooks around a release: a migration before it, a warm-up after it, a webhook at its end. Each fails once, and the
//! daemon is killed in between.

use serde_json::Value;
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};
use windlass_bed::{Repository, daemon::Config, part::python, process::Running};
use windlass_tests::{TestEnv, bed, granted};

/// Ports of the receivers, below those that the kernel gives to connections.
const RECEIVER: [u16; 2] = [21_510, 21_511];
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct Hooked {
    env: TestEnv,
    received: PathBuf,
    _receiver: Running,
}

fn hooked(name: &'static str, port: u16) -> Hooked {
    let folder = bed().layout.at("hooks").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let (received, key) = (folder.join("received"), folder.join("key"));
    fs::write(&key, SECRET).unwrap();
    fs::write(&received, "").unwrap();
    let receiver = python::receiver(&bed().layout, port, SECRET, &received).unwrap();
    let http = format!(
        "http = [{{ host = \"127.0.0.1:{port}\", methods = [\"POST\"], scheme = \"http\", private = true }}]\n\
         secrets = [{{ name = \"signing\", uses = [\"hmac\"] }}]"
    );
    let webhook = |name: &str, phase: &str| {
        format!(
            "[[hooks]]\nname = \"{name}\"\nplugin = \"hook-http\"\nphase = \"{phase}\"\npolicy = \"warn\"\n\
             settings = {{ url = \"http://127.0.0.1:{port}/\" }}\nsecrets = {{ signing = \"{}\" }}\n",
            key.display()
        )
    };
    let mut config = Config::of(bed()).unwrap();
    config.tables = [
        granted("hook-job", "actions = [\"run-job\"]"),
        granted("hook-exec", "actions = [\"pod-exec\"]"),
        granted("hook-http", &http),
        "[[hooks]]\nname = \"migrate\"\nplugin = \"hook-job\"\nphase = \"before-traffic\"\n".into(),
        "[[hooks]]\nname = \"warm\"\nplugin = \"hook-exec\"\nphase = \"after-release\"\n".into(),
        webhook("tell", "after-release"),
        webhook("tell-failure", "after-failure"),
        webhook("tell-rollback", "after-rollback"),
    ]
    .concat();
    let env = TestEnv::with(name, &config);
    Hooked { env, received, _receiver: receiver }
}

impl Hooked {
    /// Returns the types of the notifications, in order.
    fn received(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.received).unwrap();
        let kinds = text.lines().map(|line| {
            let (_, body) = line.split_once(' ').unwrap();
            let body: Value = serde_json::from_str(body).unwrap();
            body["type"].as_str().unwrap().to_owned()
        });
        kinds.collect()
    }

    /// Commits the app with these settings of its hooks.
    fn commit(&self, repository: &Repository, page: &str, hooks: &str) {
        repository.write("index.html", page).unwrap();
        let file = format!("{}{hooks}", windlass_tests::SMALL);
        repository.write("windlass.toml", &file).unwrap();
        repository.commit(page).unwrap();
    }
}

fn migrate(script: &str) -> String {
    format!("[hooks.migrate]\ncommand = [\"sh\", \"-c\", \"{script}\"]\n")
}

#[test]
fn a_migration_a_warm_up_and_webhooks() {
    let hooked = hooked("t-hooks", RECEIVER[0]);
    let env = &hooked.env;
    env.daemon.put_secret("t-hooks", "db", "postgres://hidden").unwrap();
    let repository = env.small_app();
    let good = migrate("test ${#DB} = 17 && echo migrated with $DB")
        + "[hooks.warm]\ncommand = [\"sh\", \"-c\", \"grep -q one index.html && echo warm\"]\n\
           [secrets]\nDB = \"db\"\n";
    hooked.commit(&repository, "one\n", &good);
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    env.serves("app", "one");
    let events = env.events(&ended.id);
    let at = |wanted: &dyn Fn(&Value) -> bool| events.iter().position(wanted).unwrap();
    let output = |text: &'static str| {
        move |event: &Value| {
            event["hook_action_finished"]["output"].as_str().is_some_and(|o| o.contains(text))
        }
    };
    let migrated = at(&output("migrated with ***"));
    let rollout = at(&|event| event["rollout"]["ready"] == 1);
    let warm = at(&output("warm"));
    assert!(migrated < rollout && rollout < warm, "{events:#?}");
    assert!(!ended.text.contains("hidden"), "{}", ended.text);
    assert_eq!(hooked.received(), ["release.succeeded"]);
    let used = env.daemon.windlass(&["show", &ended.id, "--plugins"]).unwrap();
    assert!(
        used.text.contains("POST http://127.0.0.1") && used.text.contains("204"),
        "{}",
        used.text
    );
    let inspected = env.daemon.windlass(&["plugin", "inspect", "hook-http"]).unwrap().text;
    for expected in ["can send POST requests", "without reading it, for hmac", "used:"] {
        assert!(inspected.contains(expected), "{inspected}");
    }

    // A migration that fails: nothing is released, and its last output says why.
    hooked.commit(&repository, "two\n", &migrate("echo no such column; exit 3"));
    let ended = env.submit("app", repository.url(), &[]);
    let text = ended.failed_with("hooks", "hook-failed");
    assert!(text.contains("no such column") && text.contains("exited with 3"), "{text}");
    assert!(text.contains("nothing was released"), "{text}");
    env.serves("app", "one");

    // A warm-up that fails rolls back the release.
    hooked.commit(&repository, "three\n", "[hooks.warm]\ncommand = [\"false\"]\n");
    let ended = env.submit("app", repository.url(), &[]);
    let _ = ended.failed_with("hooks", "hook-failed");
    env.serves("app", "one");

    // A `Job` whose command does not exist fails at once. Settings of a hook that is not configured are a warning.
    hooked.commit(
        &repository,
        "four\n",
        "[hooks.migrate]\ncommand = [\"no-such\"]\n[hooks.other]\nx = 1\n",
    );
    let ended = env.submit("app", repository.url(), &[]);
    let text = ended.failed_with("hooks", "hook-failed");
    assert!(text.contains("could not be run"), "{text}");
    assert!(ended.text.contains("`hooks.other` is set"), "{}", ended.text);

    // A `Job` whose pod finds no room says so while it waits, and is diagnosed as a pod of the app is.
    hooked.commit(&repository, "five\n", &migrate("echo migrated"));
    let began = Instant::now();
    let ended = env.submit("app", repository.url(), &["--cpu", "64"]);
    let text = ended.failed_with("hooks", "hook-failed");
    assert!(began.elapsed() < Duration::from_secs(120), "{:?}", began.elapsed());
    for expected in ["WL-K8S-028", "Insufficient cpu", "resources.cpu", "nothing was released"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let waits = |event: &Value| {
        event["log"]["line"].as_str().is_some_and(|line| line.contains("waits (no-room-on-nodes)"))
    };
    assert!(env.events(&ended.id).iter().any(waits), "{}", ended.text);
    env.serves("app", "one");

    let failed = ["release.failed"; 4];
    assert_eq!(hooked.received(), [&["release.succeeded"], &failed[..]].concat());

    let ended = env.daemon.windlass(&["rollback", "t-hooks/app", "--to", &first(env)]).unwrap();
    assert_eq!(ended.code, 0, "{}", ended.text);
    assert_eq!(hooked.received().last().unwrap(), "release.rolled_back");
}

/// Returns the id of the release that succeeded.
fn first(env: &TestEnv) -> String {
    let answer = env.daemon.windlass(&["--output", "json", "releases", "t-hooks/app"]).unwrap();
    let release: Value = serde_json::from_str(answer.text.lines().last().unwrap()).unwrap();
    release["id"].as_str().unwrap().to_owned()
}

/// The daemon is killed while the `Job` runs, and again after it. There is one `Job`, and the release goes on
/// from there.
#[test]
fn a_daemon_killed_in_the_middle_of_a_migration() {
    let mut hooked = hooked("t-hookkill", RECEIVER[1]);
    let repository = hooked.env.small_app();
    hooked.commit(&repository, "one\n", &migrate("sleep 6; echo migrated"));
    let id = hooked.env.submit_detached("app", repository.url(), &[]);
    let acting = |event: &Value| event["hook_action_started"]["hook"] == "migrate";
    assert!(hooked.env.await_event(&id, acting).is_some());
    hooked.env.daemon.kill();
    hooked.env.daemon.restart().unwrap();
    let acted = |event: &Value| event["hook_action_finished"]["hook"] == "migrate";
    assert!(hooked.env.await_event(&id, acted).is_some());
    hooked.env.daemon.kill();
    hooked.env.daemon.restart().unwrap();
    let ended = hooked.env.watch(&id);
    ended.succeeded();
    hooked.env.serves("app", "one");
    let jobs = hooked.env.names("jobs");
    assert_eq!(jobs.lines().count(), 1, "{jobs}");
    assert_eq!(hooked.received(), ["release.succeeded"]);
}
