//! Whole jobs: durations by stage, cold and unchanged; a crash; memory.

use crate::figures::title;
use bench_history::Figures;
use serde_json::Value;
use std::fs;
use windlass_bed::Repository;
use windlass_tests::{TestEnv, bed};

const STAGES: [&str; 6] = ["clone", "detect", "build", "test", "push", "release"];

/// Measures from Submit to Ended for the three examples: a new commit that no cache knows, then the same commit
/// again.
pub(crate) fn three_apps(env: &TestEnv, figures: &mut Figures) {
    title("Submit to Ended, seconds by stage");
    println!("{:16}{:>9}{}", "", "all", STAGES.map(|stage| format!("{stage:>9}")).concat());
    for language in ["node", "python", "go"] {
        let repository =
            Repository::example(&bed().layout, &format!("bench-{language}"), language).unwrap();
        // A file that no cache knows, copied before the app is built.
        repository.write("nonce", &format!("{:?}", std::time::SystemTime::now())).unwrap();
        repository.commit("bench").unwrap();
        for when in ["new commit", "unchanged"] {
            let ended = env.submit(language, repository.url(), &[]);
            ended.succeeded();
            let events = env.events(&ended.id);
            let all = at(events.last()) - at(events.first());
            figures.add(format!("{language}, {when}"), all, "s");
            // An unchanged commit is neither built nor released.
            for stage in STAGES.iter().filter(|_| when == "new commit") {
                figures.add(format!("{language}, {when}, {stage}"), span(&events, stage), "s");
            }
            let by_stage = STAGES.map(|stage| format!("{:9.2}", span(&events, stage)));
            println!("{:16}{all:9.2}{}", format!("{language}, {when}"), by_stage.concat());
        }
    }
}

fn at(event: Option<&Value>) -> f64 {
    event.and_then(|event| event["at"].as_f64()).unwrap_or_default()
}

/// Returns the seconds from a stage's begin to its end. Steps of the build that are recorded later do not count. The
/// release is what follows the plan.
fn span(events: &[Value], stage: &str) -> f64 {
    let of =
        |key: &str| events.iter().find(|event| event[key].is_object() && event["stage"] == stage);
    match of("planned") {
        Some(planned) => at(events.last()) - at(Some(planned)),
        None => at(of("finished")) - at(of("started")),
    }
}

/// Measures from the apply of a crashing release to the verdict.
pub(crate) fn crash(env: &TestEnv, figures: &mut Figures) {
    title("From applying a crashing image to the verdict");
    let repository = Repository::example(&bed().layout, "bench-go", "go").unwrap();
    repository.commit("crash").unwrap();
    let ended =
        env.submit("go", repository.url(), &["--", "/app/app", "--no-such-flag-but-exit", "1"]);
    // The example ignores its arguments: this command surely crashes.
    let ended = match &*ended.outcome {
        "failed" => ended,
        _ => env.submit("go", repository.url(), &["--", "sh", "-c", "exit 3"]),
    };
    let events = env.events(&ended.id);
    let applied = events.iter().find(|event| event["step"]["done"] == true);
    let verdict = events.iter().find(|event| event["rolling_back"].is_object());
    let seconds = at(verdict) - at(applied);
    figures.add("verdict on a crash", seconds, "s");
    println!("{seconds:.2} s ({})", ended.diagnosis["code"]);
}

/// Returns the daemon's resident memory in MiB.
pub(crate) fn resident(env: &TestEnv) -> f64 {
    let id = env.daemon.id().unwrap();
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// Prints the daemon's resident memory: `idle`, now, and with fifty jobs that wait.
pub(crate) fn memory(env: &TestEnv, idle: f64, figures: &mut Figures) {
    title("The daemon's resident memory, MiB");
    figures.add("resident, idle", idle, "MiB");
    println!("idle after its start:   {idle:6.1}");
    let after = resident(env);
    figures.add("resident, after the jobs", after, "MiB");
    println!("after the jobs above:   {after:6.1}");
    let repository = env.small_app();
    repository.write("Dockerfile", "FROM debian:bookworm-slim\nRUN sleep 20\n").unwrap();
    repository.commit("slow").unwrap();
    let ids: Vec<_> = (0..54)
        .map(|n| env.submit_detached(&format!("wait{n}"), repository.url(), &["--no-test"]))
        .collect();
    let busy = resident(env);
    figures.add("resident, 4 running and 50 waiting", busy, "MiB");
    println!("4 running, 50 waiting:  {busy:6.1}");
    for id in ids.iter().rev() {
        let _ = env.daemon.windlass(&["cancel", id]);
    }
}
