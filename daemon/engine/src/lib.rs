//! The pipeline, and the ports through which it reaches the world.
//!
//! No IO: `Cargo.toml` names no client of anything. Adapters implement [`ports`]; the daemon joins
//! them. [`pipeline`] is the flow on one screen.

pub mod diagnose;
pub mod dockerfile;
pub mod failure;
pub mod journal;
pub mod pipeline;
pub mod ports;
pub mod queue;
pub mod recorder;
pub mod records;
pub mod release;
mod retry;
pub mod run;
