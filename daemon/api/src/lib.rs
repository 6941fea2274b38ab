//! The gRPC door: converts requests and answers, streams, and keeps nothing.
//!
//! This crate makes the messages of the proto. `windlass-amqp` reads requests by it, and `windlass-dashboard` shows
//! messages by it. What a request means is checked in `windlass-service`.

mod apps;
mod auth;
mod clusters;
pub mod convert;
mod deliveries;
mod door;
mod errors;
mod front;
mod health;
mod hooks;
mod jobs;
mod outbox;
mod outgoing;
mod plugins;
mod projects;
mod queue;
mod registries;
mod releases;
mod revocable;
mod secrets;
mod serve;
mod sessions;
pub mod shown;
mod submit;
mod trace;

pub use door::CallTimes;
pub use health::Health;
pub use outgoing::event;
pub use serve::{Api, ListenLimits};
pub use submit::{WrongField, submit_request};
