//! Real children list refs and compare commits, at a server of this program's own, and with git's own `upload-pack`
//! behind it.
//!
//! This program is its own children: the daemon starts itself as the child, which has one thread. Arguments without a
//! dash are parts of the names of tests, as for any other test program.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests: what cannot go on should stop"
)]

#[path = "remotes/server.rs"]
mod server;
#[path = "remotes/tests.rs"]
mod tests;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|role| role == "checkout") {
        return windlass_git::checkout_main();
    }
    let names: Vec<_> = arguments.iter().filter(|name| !name.starts_with('-')).collect();
    let mut failed = 0;
    for (name, test) in tests::ALL {
        if !names.is_empty() && !names.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let outcome = catch_unwind(AssertUnwindSafe(test));
        println!("test {name} ... {}", if outcome.is_ok() { "ok" } else { "FAILED" });
        failed += usize::from(outcome.is_err());
    }
    assert_eq!(failed, 0, "tests failed");
    ExitCode::SUCCESS
}
