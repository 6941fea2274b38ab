//! Costs of each strategy: ten pods under traffic, by our share of the time and the cluster's, beside `kubectl set image`;
//! rollbacks; fifty canaries that hold at once on simulated nodes. Arguments choose: `-- holding`, `-- rolling canary`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench: what cannot go on should stop"
)]

mod holding;
mod spans;

use bench_history::Figures;
use spans::Spans;
use std::time::Instant;
use windlass_bed::{Layout, Report, build, install};
use windlass_tests::{
    audit::requests,
    bed,
    traffic::{Shop, Traffic},
};

/// Number of pods.
const REPLICAS: u32 = 10;

/// Strategies without holds, each with its keys. What the app is released by before is the same.
const STRATEGIES: [(&str, &str); 4] = [
    ("rolling", ""),
    ("recreate", "[strategy]\nkind = \"recreate\"\n"),
    ("blue-green", "[strategy]\nkind = \"blue-green\"\n"),
    (
        "canary",
        "[strategy]\nkind = \"canary\"\nweights = [10, 25, 50, 100]\nhold-seconds = 0\nkeep-seconds = 600\n",
    ),
];

fn main() {
    // The released daemon is measured. Compiling it takes minutes.
    build::everything(&Layout::main(), &Report::printed()).unwrap();
    install::for_benches(&bed().layout, &Report::printed()).unwrap();
    let mut figures = Figures::of("strategies");
    let chosen: Vec<_> = std::env::args().skip(1).collect();
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|one| one == name);
    let all: Vec<_> = STRATEGIES.into_iter().filter(|(name, _)| is_chosen(name)).collect();
    if !all.is_empty() {
        ten_pods(&all, &mut figures);
    }
    if is_chosen("holding") {
        holding::fifty(&mut figures);
    }
    figures.keep().unwrap();
}

/// Releases one app of ten pods by each of these strategies, and rolls it back.
fn ten_pods(strategies: &[(&str, &str)], figures: &mut Figures) {
    println!(
        "{:24}{:>8}{:>8}{:>8}{:>10}{:>10}{:>8}",
        "release", "all s", "ours", "cluster", "to switch", "requests", "failed"
    );
    for &(name, strategy) in strategies {
        let shop = Shop::new(match name {
            "rolling" => "bench-rolling",
            "recreate" => "bench-recreate",
            "blue-green" => "bench-blue-green",
            _ => "bench-canary",
        });
        let spec = format!("replicas = {REPLICAS}\n{strategy}");
        // The second and the third release are on the tracks that later ones use in turns.
        for version in ["one", "two"] {
            shop.serves_first(version, &spec);
        }
        let mut traffic = Traffic::start(&shop.target());
        for (what, version) in [("forward", Some("three")), ("rollback", None)] {
            let before = requests("windlass");
            let ended = match version {
                Some(version) => shop.release(version, &spec),
                None => shop.roll_back(),
            };
            ended.succeeded();
            let count = requests("windlass") - before;
            let spans = Spans::of(&shop.env.events(&ended.id));
            let failed = traffic.report().failed;
            let line = format!("{name}, {what}");
            println!("{line:24}{spans}{count:10}{failed:8}");
            spans.keep(&line, figures);
            figures.add(format!("{line}, requests"), count as f64, "");
            if line == "rolling, forward" {
                println!("{:24}{}", "", traffic.end());
                // Before the rollback, which has all pods replaced in one wave.
                set_image(&shop, figures);
                traffic = Traffic::start(&shop.target());
            }
        }
        println!("{:24}{}", "", traffic.end());
    }
}

/// Replaces the pods of a rolling release with `kubectl set image`, by the objects that the release made.
fn set_image(shop: &Shop, figures: &mut Figures) {
    let traffic = Traffic::start(&shop.target());
    let (before, began) = (requests("kubectl"), Instant::now());
    shop.set_image("beside");
    let seconds = began.elapsed().as_secs_f64();
    let (count, report) = (requests("kubectl") - before, traffic.end());
    let line = "kubectl set image";
    println!("{line:24}{seconds:8.2}{:>8}{:>8}{:>10}{count:10}{:8}", "-", "-", "-", report.failed);
    figures.add(format!("{line}, whole"), seconds, "s");
    figures.add(format!("{line}, requests"), count as f64, "");
}
