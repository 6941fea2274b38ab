//! Costs of each strategy: ten pods under traffic, by our share of the time and the cluster's; rollbacks; fifty
//! canaries that hold at once on simulated nodes, which `-- holding` measures alone.

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
    if !std::env::args().any(|argument| argument == "holding") {
        ten_pods(&mut figures);
    }
    holding::fifty(&mut figures);
    figures.keep().unwrap();
}

/// Releases one app of ten pods by each strategy, and rolls it back.
fn ten_pods(figures: &mut Figures) {
    println!(
        "{:24}{:>8}{:>8}{:>8}{:>10}{:>10}{:>8}",
        "release", "all s", "ours", "cluster", "to switch", "requests", "failed"
    );
    for (name, strategy) in STRATEGIES {
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
        let traffic = Traffic::start(&shop.target());
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
        }
        println!("{:24}{}", "", traffic.end());
    }
}
