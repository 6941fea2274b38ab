//! Last step of a child.

use std::{error::Error, io::Write, process::ExitCode};

/// Returns the exit code of a child's work, and writes the error of a failure to standard error for the daemon.
#[must_use]
pub fn exit_code(result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}
