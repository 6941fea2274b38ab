//! The vocabulary of Windlass and the format of its journal.
//!
//! Plain data, plans and replay. Nothing here is asynchronous, and `Cargo.toml` names no client of any
//! service. [`rollout`](../windlass_rollout/index.html) and the engine build on this crate.

pub mod address;
pub mod app;
pub mod approval;
pub mod clock;
pub mod cluster;
pub mod contraction;
pub mod delivery;
pub mod diagnosis;
pub mod docker_hub;
pub mod due;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod exposure;
pub mod forge;
pub mod hook;
pub mod job;
pub mod manifest;
pub mod outbox;
pub mod outcome;
pub mod own;
pub mod pause;
pub mod plan;
pub mod preview;
pub mod project;
pub mod recipe;
pub mod redact;
pub mod registry_host;
pub mod replay;
pub mod repository;
pub mod reserved;
pub mod revision;
pub mod runtime;
pub mod samples;
pub mod secret;
pub mod spec;
pub mod testing;
pub mod text;
pub mod traceparent;
pub mod version;
