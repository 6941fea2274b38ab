//! Properties of parts that decide, for inputs that nobody chose by hand: a file for each subject.
//!
//! A failure is shrunk, and its seed is kept in `tests/proptest-regressions`, to be committed with the fix.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests: what cannot go on should stop"
)]

mod queue;
