//! The pipeline and everything that decides: types, ports, plans, verdicts, words.
//!
//! No IO: `Cargo.toml` names no client of anything. Adapters implement [`ports`]; the daemon
//! joins them. [`pipeline`] is the flow on one screen.

pub mod address;
pub mod app;
pub mod cluster;
pub mod diagnose;
pub mod dockerfile;
pub mod endpoint;
pub mod event;
pub mod failure;
pub mod health;
pub mod hook;
pub mod job;
pub mod manifest;
pub mod pipeline;
pub mod plan;
pub mod ports;
pub mod problem;
pub mod queue;
pub mod recipe;
pub mod records;
pub mod redact;
pub mod release;
pub mod replay;
pub mod repository;
mod retry;
pub mod revision;
pub mod rollout;
pub mod run;
pub mod runtime;
pub mod secret;
pub mod snapshot;
pub mod spec;
pub mod testing;
pub mod version;
