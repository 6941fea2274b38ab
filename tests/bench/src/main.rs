//! Prints what Windlass takes, beside what its peers take for the same, in the same run.

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

use std::process::ExitCode;
use windlass_bed::daemon::Config;
use windlass_tests::{Stand, bed};

fn main() -> ExitCode {
    // The daemon that is measured is the released one, beside this program.
    let stand = Stand::with("bench", &Config::of(bed()).unwrap());
    let idle = deploys::resident(&stand);
    deploys::three_apps(&stand);
    builds::beside_buildctl(&stand);
    requests::beside_kubectl(&stand);
    deploys::crash(&stand);
    deploys::memory(&stand, idle);
    ExitCode::SUCCESS
}
