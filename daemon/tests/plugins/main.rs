//! Plugins as real components, in the host as the daemon has it: the project's own plugins against real
//! services, and plugins that mean harm.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests: what cannot go on should stop"
)]

mod children;
mod component;
mod confined;
mod detecting;
mod guests;
mod harness;
mod hostile;
mod outside;
mod selftest;
mod serving;
mod tracks;
mod worlds;
