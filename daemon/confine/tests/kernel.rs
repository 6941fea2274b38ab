//! Real children, which confine themselves, try what is forbidden, and do what they need.
//!
//! This program is its own children: rules of files concern one thread, and a harness has several. Arguments
//! without a dash are parts of the names of tests, as for any other test program.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unsafe_code,
    reason = "tests: what cannot go on should stop, and what has no safe form is to be refused"
)]

#[path = "kernel/children.rs"]
mod children;
#[path = "kernel/tests.rs"]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(role) = arguments.first().and_then(|first| first.strip_prefix("child-")) {
        return children::run(role, &arguments[1..]);
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
}
