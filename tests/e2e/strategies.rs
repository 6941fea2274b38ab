//! Releases under traffic by each strategy: forward, aborted, rolled back, killed. Requests come over kept and fresh
//! connections, some are slow, and one client has a WebSocket.

mod blue_green;
mod canary;
mod changes;
mod gates;
mod gateway;
mod istio;
mod metrics;
mod people;
mod recorded;
mod refused;
mod restarts;
mod rolling;
mod way_back;

use std::time::{Duration, Instant};
use windlass_tests::{
    Ended,
    traffic::{Shop, Target},
};

/// Time in which proxies know of other endpoints and weights.
const KNOWN: Duration = Duration::from_secs(5);

/// Requests of a measurement.
const SAMPLE: usize = 1000;

/// Standard deviations by which a measured share may differ: one of 15,000 measurements differs by more.
const SIGMA: f64 = 4.0;

/// Returns the keys of a canary with these weights, and with this hold at each of them.
fn canary(weights: &str, hold_seconds: u32) -> String {
    format!("[strategy]\nkind = \"canary\"\nweights = {weights}\nhold-seconds = {hold_seconds}\n")
}

/// Returns the keys of a blue-green release with this hold before the switch.
fn blue_green(hold_seconds: u32) -> String {
    format!("[strategy]\nkind = \"blue-green\"\nhold-seconds = {hold_seconds}\n")
}

/// Asserts that a version gets this percentage of requests once proxies know, by a measurement of its own.
#[track_caller]
fn shares(target: &Target, version: &str, percent: u32, keeps: bool) {
    let measured = || {
        let versions = target.sample(SAMPLE, keeps).unwrap();
        versions.get(version).copied().unwrap_or_default()
    };
    let began = Instant::now();
    while !is_within(measured(), percent) && began.elapsed() < KNOWN {}
    let found = measured();
    println!("{version}: {found} of {SAMPLE} answers at a weight of {percent}");
    assert!(is_within(found, percent), "{found} of {SAMPLE} answers by {version}, not {percent} %");
}

/// Returns whether a number of [`SAMPLE`] answers is within the binomial bounds of a percentage.
fn is_within(found: usize, percent: u32) -> bool {
    let (count, share) = (SAMPLE as f64, f64::from(percent) / 100.0);
    let deviation = (count * share * (1.0 - share)).sqrt();
    (found as f64 - count * share).abs() <= SIGMA * deviation
}

/// Asserts that a job was stopped, and that the text is in its reason.
#[track_caller]
fn was_stopped(ended: &Ended, reason: &str) {
    assert_eq!(ended.outcome, "stopped", "{}", ended.text);
    assert!(ended.text.contains(reason), "{reason}: {}", ended.text);
}

/// Returns the names of the pods of one of the app's workloads.
fn pods(shop: &Shop, workload: &str) -> Vec<String> {
    let begin = format!("pod/{workload}-");
    // Behind the workload's name: the hash of its template, and five letters of the pod's own.
    let is_its =
        |name: &&str| name.strip_prefix(&begin).is_some_and(|rest| rest.matches('-').count() == 1);
    let names = shop.env.names("pods");
    let mut pods: Vec<_> = names.lines().filter(is_its).map(str::to_owned).collect();
    pods.sort();
    pods
}

#[test]
fn a_share_is_judged_by_its_binomial_bounds() {
    // 250 of 1000 are expected at 25 %, and 54.8 more or fewer are within four deviations.
    for (found, is_so) in [(250, true), (304, true), (196, true), (305, false), (195, false)] {
        assert_eq!(is_within(found, 25), is_so, "{found}");
    }
    assert!(is_within(SAMPLE, 100) && !is_within(SAMPLE - 1, 100));
}
