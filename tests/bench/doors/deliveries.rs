//! Webhooks a second, verified and in the journal.

use crate::{
    place::{ADMIN, HOOKS, PAGE, TOKEN},
    process::{Watched, resident},
    title,
};
use bench_history::Figures;
use std::{
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{Repository, daemon::get};
use windlass_tests::{
    TestEnv, bed,
    flood::{Flood, listed},
    webhooks::{hooks, project, push},
};

/// Projects of the hooks: one has eight places for bodies.
const PROJECTS: [&str; 4] = ["bench-hooks-a", "bench-hooks-b", "bench-hooks-c", "bench-hooks-d"];

/// Hooks of each project. One may get a hundred deliveries at once, and ten a second after that.
const HOOKS_EACH: usize = 50;

const DELIVERIES: usize = 10_000;

/// Connections that are kept.
const SENDERS: usize = 32;

/// Time in which all deliveries have their verdicts.
const DECIDED: Duration = Duration::from_secs(600);

pub(crate) fn flooded(env: &TestEnv, figures: &mut Figures) {
    title("10,000 signed pushes of 7 KiB over 32 connections (aim: 2,000 a second)");
    let repository = Repository::new(&bed().layout, "bench-hooks", true).unwrap();
    repository.write("README", "nothing is deployed\n").unwrap();
    let commit = repository.commit("one").unwrap();
    // A branch that is there, and that no trigger is for.
    repository.git(&["push", "--quiet", repository.url(), "HEAD:refs/heads/other"]).unwrap();
    let body = push("other", &commit);
    let mut all = Vec::new();
    for name in PROJECTS {
        project(env, name, repository.url());
        all.extend(hooks(&env.daemon, name, HOOKS_EACH, &body).unwrap());
    }
    let id = env.daemon.id().unwrap();
    let (before, decided_before) = (resident(id), verdicts());
    let watched = Watched::begin(id);
    let flood = Flood { port: HOOKS, count: DELIVERIES, senders: SENDERS, within: None };
    let began = Instant::now();
    let flooded = flood.send(&all).unwrap();
    let (memory, _) = watched.end();
    assert!(flooded.refused.is_empty(), "{:#?}", flooded.refused);
    assert_eq!(flooded.waits.len(), DELIVERIES);
    while verdicts() < decided_before + DELIVERIES as f64 {
        assert!(began.elapsed() < DECIDED, "{} of them have a verdict", verdicts());
        sleep(Duration::from_millis(200));
    }
    let decided = began.elapsed().as_secs_f64();
    let listed: usize =
        PROJECTS.iter().map(|project| listed(PAGE, TOKEN, project).unwrap().len()).sum();
    assert_eq!(listed, DELIVERIES, "each is in the journal once");

    let rate = DELIVERIES as f64 / flooded.time.as_secs_f64();
    let (median, late) =
        (flooded.waits[DELIVERIES / 2] * 1000.0, flooded.waits[DELIVERIES * 99 / 100] * 1000.0);
    println!("{rate:.0} a second; answer after {median:.1} ms (median), {late:.1} ms (p99)");
    println!("asked to send later {} times; all verdicts after {decided:.1} s", flooded.later);
    println!("memory before {before:.1} MiB, at most {memory:.1} MiB");
    figures.add("deliveries", rate, "/s");
    figures.add("delivery, answer, median", median, "ms");
    figures.add("delivery, answer, p99", late, "ms");
    figures.add("10,000 deliveries, asked to come later", flooded.later as f64, "");
    figures.add("10,000 deliveries, all verdicts", decided, "s");
    figures.add("10,000 deliveries, more memory", memory - before, "MiB");
}

/// Returns the number of verdicts so far, by the daemon's own metrics.
fn verdicts() -> f64 {
    let page = get("127.0.0.1", ADMIN, "/metrics").unwrap();
    let lines = page.lines().filter(|line| line.starts_with("windlass_delivery_verdicts_total"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}
