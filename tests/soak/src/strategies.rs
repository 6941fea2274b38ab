//! `cargo soak strategies`: a daemon that is killed at instants that a seed draws, in releases and rollbacks of each
//! strategy, while requests come.

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use std::{process::ExitCode, thread::sleep, time::Duration};
use windlass_bed::Result;
use windlass_tests::traffic::{Report, Shop, Traffic};

/// Strategies, each with its keys. All have two pods.
const STRATEGIES: [(&str, &str); 4] = [
    ("rolling", ""),
    ("blue-green", "[strategy]\nkind = \"blue-green\"\nhold-seconds = 2\nkeep-seconds = 0\n"),
    ("canary", "[strategy]\nkind = \"canary\"\nweights = [34, 50, 100]\nhold-seconds = 2\n"),
    ("recreate", RECREATE),
];

/// Keys of the strategy under which nothing serves for a while.
const RECREATE: &str = "[strategy]\nkind = \"recreate\"\n";

/// Program that ends at once, and has a release rolled back.
const CRASH: &str = "command = [\"python3\", \"-c\", \"raise SystemExit(3)\"]\n";

/// Arguments of `cargo soak strategies`.
#[derive(clap::Args)]
pub(crate) struct StrategiesArgs {
    /// Number of kills, spread over all strategies, releases and rollbacks.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    instants: u32,
    /// Seed of the instants, as an earlier run printed it. Times differ all the same.
    #[arg(long)]
    seed: Option<u64>,
}

/// A release to be killed: its strategy, and whether it is rolled back.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    spec: &'static str,
    crashes: bool,
    /// Time from its plan to its end, without a kill.
    takes: Duration,
}

/// Releases one app again and again, kills the daemon in each release, and looks at its end.
pub(crate) fn run(args: &StrategiesArgs) -> Result<ExitCode> {
    let seed = args.seed.unwrap_or_else(|| rand::random::<u32>().into());
    println!("seed {seed}: `cargo soak strategies --seed {seed}` draws the same instants again");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut proof = Proof::begin();
    let mut ways = Vec::new();
    for (name, spec) in STRATEGIES {
        for crashes in [false, true] {
            let mut way = Way { name, spec, crashes, takes: Duration::ZERO };
            way.takes = proof.release(way, None);
            println!("{way} takes {:.1} s without a kill", way.takes.as_secs_f64());
            ways.push(way);
        }
    }
    let kills = usize::try_from(args.instants)?;
    for way in ways.iter().cycle().take(kills) {
        let longest = u64::try_from(way.takes.as_millis())?.max(1);
        let instant = Duration::from_millis(rng.random_range(0..longest));
        println!("{way}, killed {:.2} s behind its plan", instant.as_secs_f64());
        proof.release(*way, Some(instant));
    }
    for finding in &proof.findings {
        println!("FINDING {finding}");
    }
    if proof.findings.is_empty() {
        println!("no finding after {kills} kills");
        return Ok(ExitCode::SUCCESS);
    }
    let log = proof.shop.env.daemon.log();
    println!("{} findings; the daemon's log ends with:\n{log}", proof.findings.len());
    Ok(ExitCode::FAILURE)
}

/// The app, what serves, and all that was not as it should be.
struct Proof {
    shop: Shop,
    serving: String,
    number: u32,
    findings: Vec<String>,
}

impl Proof {
    fn begin() -> Self {
        let shop = Shop::new("soak-strategies");
        shop.serves_first("v0", "replicas = 2\n");
        Self { shop, serving: "v0".to_owned(), number: 0, findings: Vec::new() }
    }

    /// Releases the next version, kills the daemon at this time behind the plan, and returns the time from the plan to
    /// the end.
    fn release(&mut self, way: Way, kill: Option<Duration>) -> Duration {
        self.number += 1;
        let version = format!("v{}", self.number);
        let traffic = Traffic::start(&self.shop.target());
        let program = if way.crashes { CRASH } else { "" };
        let id = self.shop.begin(&version, &format!("replicas = 2\n{program}{}", way.spec));
        let planned = self.shop.env.await_event(&id, |event| event["planned"].is_object());
        if planned.is_none() {
            self.finds(way, &id, "it was never planned");
        }
        if let Some(kill) = kill {
            sleep(kill);
            self.shop.env.daemon.kill();
            if let Err(error) = self.shop.env.daemon.restart() {
                self.finds(way, &id, &format!("the daemon does not start again: {error}"));
            }
        }
        let ended = self.shop.env.watch(&id);
        let expected = if way.crashes { "failed" } else { "succeeded" };
        if ended.outcome != expected {
            self.finds(way, &id, &format!("{}, not {expected}: {}", ended.outcome, ended.text));
        }
        if !way.crashes {
            self.serving = version;
        }
        if let Err(page) = self.shop.env.await_page("app", &self.serving) {
            self.finds(way, &id, &format!("{page} serves, not {}", self.serving));
        }
        let report = traffic.end();
        if let Some(lost) = lost(&report, way.spec == RECREATE) {
            self.finds(way, &id, &lost);
        }
        let events = self.shop.env.events(&id);
        for fault in faults(&events) {
            self.finds(way, &id, &fault);
        }
        let at = |key: &str| {
            let event = events.iter().find(|event| event[key].is_object());
            event.and_then(|event| event["at"].as_f64()).unwrap_or_default()
        };
        Duration::from_secs_f64((at("ended") - at("planned")).max(0.0))
    }

    fn finds(&mut self, way: Way, id: &str, what: &str) {
        self.findings.push(format!("{way}, job {id}: {what}"));
    }
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.name, if self.crashes { "rolled back" } else { "forward" })
    }
}

/// Returns the failed requests as a finding. `may_lose` is for a strategy under which nothing serves for a while.
fn lost(report: &Report, may_lose: bool) -> Option<String> {
    (!may_lose && report.failed > 0).then(|| format!("requests failed: {report}"))
}

/// Returns what is wrong with the events of a job: numbers with a gap, and steps that may be taken once.
fn faults(events: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    for (event, expected) in events.iter().zip(1_u64..) {
        if event["seq"].as_u64() != Some(expected) {
            faults.push(format!("the event after {} is missing: {event}", expected - 1));
            break;
        }
    }
    for once in ["pushed", "planned", "ended"] {
        let count = events.iter().filter(|event| event[once].is_object()).count();
        if count != 1 {
            faults.push(format!("{count} times {once}, not once"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_gap_and_a_second_plan_are_faults() {
        let event = |seq: u64, key: &str| {
            let mut event = json!({ "seq": seq });
            event[key] = json!({});
            event
        };
        let mut events = vec![event(1, "pushed"), event(2, "planned"), event(3, "ended")];
        assert!(faults(&events).is_empty());
        events.push(event(5, "planned"));
        let found = faults(&events);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].contains("2 times planned"), "{found:?}");
    }

    #[test]
    fn recreate_alone_may_lose_requests() {
        let report = Report { failed: 1, ..Report::default() };
        assert!(lost(&report, false).is_some());
        assert!(lost(&report, true).is_none() && lost(&Report::default(), false).is_none());
    }
}
