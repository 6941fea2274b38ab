//! Pipeline of a job, and the ports through which it reaches the world.
//!
//! No IO: `Cargo.toml` names no client of anything. Adapters implement [`ports`]; the daemon joins
//! them. [`pipeline`] is the flow on one screen.

pub mod analysis;
pub mod blame;
pub mod custom;
mod deploy;
pub mod diagnose;
pub mod dockerfile;
pub mod endpoint_health;
mod execute;
pub mod explain;
pub mod failure;
mod hook;
pub mod journal;
pub mod leases;
pub mod logs;
mod masks;
mod news;
mod notify;
pub mod pipeline;
pub mod ports;
pub mod queue;
pub mod recorder;
mod resume;
mod retry;
pub mod run;
pub mod shared_queue;
pub mod slots;
pub mod targets;
pub mod underway;
