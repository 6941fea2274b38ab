//! Prints the costs of jobs in Windlass, beside those of its peers for the same work in the same run.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench: what cannot go on should stop"
)]

mod builds;
mod deploys;
mod figures;
mod requests;

use bench_history::Figures;
use std::process::ExitCode;
use windlass_bed::{Layout, Report, build, daemon::Config};
use windlass_tests::{TestEnv, bed};

fn main() -> ExitCode {
    // The daemon that is measured is the released one, beside this program. Compiling it takes minutes.
    build::everything(&Layout::main(), &Report::printed()).unwrap();
    let env = TestEnv::with("bench", &Config::of(bed()).unwrap());
    let mut figures = Figures::of("jobs");
    let idle = deploys::resident(&env);
    deploys::three_apps(&env, &mut figures);
    builds::beside_buildctl(&env, &mut figures);
    requests::beside_kubectl(&env, &mut figures);
    deploys::crash(&env, &mut figures);
    deploys::memory(&env, idle, &mut figures);
    figures.keep().unwrap();
    ExitCode::SUCCESS
}
