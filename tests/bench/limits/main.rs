//! Prints what big numbers cost: clones beside git's, connections, lines of logs, jobs that wait, large contexts.

#![allow(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench: what cannot go on should stop"
)]

mod clones;
mod connections;
mod contexts;
mod lines;
mod masking;
mod process;
mod waiting;

use bench_history::Figures;
use windlass_bed::{Layout, Report, build, daemon::Config};
use windlass_tests::{TestEnv, bed};

/// Prints a heading.
fn title(text: &str) {
    println!("\n## {text}");
}

/// Returns the median.
fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn main() {
    let mut figures = Figures::of("limits");
    lines::masked_stored_and_read(&mut figures);
    masking::measure(&mut figures);
    // The daemon that is measured is the released one, beside this program. Compiling it takes minutes.
    build::everything(&Layout::main(), &Report::printed()).unwrap();
    let mut config = Config::of(bed()).unwrap();
    // One project's jobs wait, and one user's connections are held.
    config.more = "max-waiting-jobs = 2000\nlisten.max-connections-per-peer = 500\n".into();
    let env = TestEnv::with("bench-limits", &config);
    clones::beside_git(&env, &mut figures);
    connections::held(&env, &mut figures);
    contexts::of_many_files(&env, &mut figures);
    waiting::jobs_and_watchers(&env, &mut figures);
    figures.keep().unwrap();
}
