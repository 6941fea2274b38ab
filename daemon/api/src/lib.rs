//! The gRPC face: checks what comes in, says what goes out, and keeps nothing.
//!
//! Only this crate knows the proto.

mod apps;
mod auth;
mod convert;
mod errors;
mod jobs;
mod outgoing;
mod plugins;
mod releases;
mod secrets;
mod serve;
mod unix;
mod watch;

pub use apps::{Brought, Inspector, Serving, Shown, Unseen};
pub use auth::{Access, Principal, Verb, hash_token};
pub use jobs::{Planned, Planner};
pub use outgoing::event;
pub use serve::{Services, Tls, serve_tcp, serve_unix};
