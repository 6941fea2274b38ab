//! The Cluster port on a real cluster: renders objects, applies them, watches what becomes of them.

mod act;
mod answer;
mod apply;
mod claims;
mod client;
mod cluster;
mod clusters;
mod connect;
mod endpoints;
mod evidence;
mod hook_job;
mod hook_wait;
mod inventory;
mod kinds;
mod logs;
mod observe;
mod owner;
mod preview;
mod pull;
mod render;
mod retire;
mod rights;
mod scalers;
mod snapshot;
mod unstick;

pub use client::{Client, ConnectError};
pub use cluster::Kubernetes;
pub use clusters::Clusters;
