//! The Cluster port on a real cluster: renders objects, applies them, watches what becomes of them.

mod apply;
mod client;
mod cluster;
mod evidence;
mod observe;
mod render;
mod snapshot;

pub use client::{Client, ConnectError};
pub use cluster::Kubernetes;
pub use render::{PullLogin, manifests};
