//! End to end, on the bed. One program, so that its tests run side by side: each has a daemon, a
//! project and a repository of its own.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests: what cannot go on should stop"
)]

mod accepted;
mod apps;
mod attached;
mod building;
mod cases;
mod claims;
mod clusters;
mod controllers;
mod dependents;
mod detecting;
mod dockerfiles;
mod documents;
mod ejected;
mod face;
mod full;
mod gateway;
mod hooks;
mod kinds;
mod nodes;
mod operator;
mod own;
mod pulls;
mod quick;
mod quotas;
mod registries;
mod release;
mod resume;
mod rights;
mod source;
mod testing;
mod unruly;
mod verdicts;
mod well;
