//! Real parts on this machine: BuildKit, registries, Kubernetes with a node that runs pods, git
//! servers. One bed for all its users; it goes with its keeper, and its keeper goes when told or
//! ten minutes after the last user went.

pub mod build;
pub mod client;
pub mod daemon;
pub mod doctor;
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

/// What can go wrong with a bed, as a person should read it.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
