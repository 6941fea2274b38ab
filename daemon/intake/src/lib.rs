//! The door for webhooks of forges, and the one for health and metrics.
//!
//! Both are routers for `windlass_listen`, each on a listener of its own: what forges call faces the Internet, and what
//! monitoring asks does not.

mod admin;
mod answer;
mod body;
mod hooks;
mod metrics;
mod rate;

pub use admin::{Admin, admin_router};
pub use hooks::{HookLimits, router};
pub use metrics::{EndpointReader, Metrics, QueueReader, QueueState};
pub use rate::Rate;
