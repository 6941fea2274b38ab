//! The gRPC door: converts requests and answers, streams, and keeps nothing.
//!
//! Of the daemon's crates, only this one knows the proto. What a request means is checked in `windlass-service`.

mod apps;
mod auth;
pub mod convert;
mod errors;
mod jobs;
mod outgoing;
mod plugins;
mod releases;
mod secrets;
mod serve;
mod unix;

pub use auth::{Access, Principal, hash_token};
pub use outgoing::event;
pub use serve::{Tls, serve_tcp, serve_unix};
