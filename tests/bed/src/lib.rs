//! Real parts on this machine: BuildKit, registries, Kubernetes with a node that runs pods, git
//! servers. One bed for all its users; it goes with its keeper, and its keeper goes when told or
//! ten minutes after the last user went.

pub mod client;
pub mod doctor;
pub mod install;
pub mod keeper;
pub mod layout;
pub mod part;
pub mod process;

pub use client::Bed;
pub use layout::Layout;

/// What can go wrong with a bed, as a person should read it.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
