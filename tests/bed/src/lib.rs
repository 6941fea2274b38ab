//! Real parts on this machine: BuildKit, registries, Kubernetes with a node that runs pods, git servers.
//!
//! All users share one bed. The bed ends with its keeper. The keeper ends on request, or ten minutes after the last
//! user has ended.

pub mod build;
pub mod client;
pub mod daemon;
pub mod doctor;
pub mod images;
pub mod install;
pub mod keeper;
pub mod lanes;
pub mod layout;
pub mod part;
pub mod process;
pub mod report;
pub mod repository;
pub mod times;

pub use client::{Bed, Wanted};
pub use daemon::Daemon;
pub use layout::Layout;
pub use report::Report;
pub use repository::Repository;

/// A result whose error is a text for people.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
