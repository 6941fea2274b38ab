//! The Cluster port on a real cluster: renders objects, applies them and watches the rollout.

mod apply;
mod client;
mod cluster;
mod clusters;
mod hooks;
mod json;
mod lease;
mod namespace;
mod object;
mod observe;
mod own;
mod render;
mod web_check;

pub use client::{Client, ConnectError, runs_programs};
pub use cluster::Kubernetes;
pub use clusters::Clusters;
pub use own::{OwnConnections, OwnProbe};
