//! Prints the circles between files: `cargo run -p windlass-house [FOLDER]`.

use std::{path::PathBuf, process::ExitCode};
use windlass_house::{circles::report, crates::workspace};

#[allow(clippy::print_stderr, reason = "a program for a terminal")]
fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).map_or_else(workspace, PathBuf::from);
    match report(&folder) {
        Ok(report) if report.is_empty() => ExitCode::SUCCESS,
        Ok(report) | Err(report) => {
            eprint!("{report}");
            ExitCode::FAILURE
        }
    }
}
