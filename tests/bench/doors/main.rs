//! Prints what the doors take: from a push to a claimed job, webhooks a second, from a line of a build to a page, the
//! page's size and first paint, and five hundred pages that watch one job.

#![allow(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench: what cannot go on should stop"
)]

mod crowd;
mod deliveries;
mod lines;
mod live;
mod page;
mod place;
#[path = "../limits/process.rs"]
mod process;
mod pushes;
mod spread;

use bench_history::Figures;
use tokio::runtime::Runtime;
use windlass_bed::{Layout, Report, build};

/// Prints a heading.
fn title(text: &str) {
    println!("\n## {text}");
}

fn main() {
    // The daemon that is measured is the released one, beside this program. Compiling it takes minutes.
    build::everything(&Layout::main(), &Report::printed()).unwrap();
    let mut figures = Figures::of("doors");
    let env = place::daemon();
    let runtime = Runtime::new().unwrap();
    let cookie = place::cookie();
    page::size_and_paint(&cookie, &mut figures);
    pushes::to_claimed(&env, &mut figures);
    lines::to_pages(&env, &runtime, &cookie, &mut figures);
    crowd::watches(&env, &runtime, &cookie, &mut figures);
    deliveries::flooded(&env, &mut figures);
    figures.keep().unwrap();
}
