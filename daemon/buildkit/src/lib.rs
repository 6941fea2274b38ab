//! BuildKit client, and the `Builder` port on it.
//!
//! One gateway job builds, runs the tests live in what was built, and pushes exactly that. The
//! client is ours because the crates that exist kill long solves, never send progress, or upload
//! the whole context each time; the messages come from `bollard-buildkit-proto`.

mod builder;
mod connect;
mod container;
mod context;
mod credentials;
mod diffcopy;
mod docker;
mod errors;
mod frontend;
mod gateway;
pub mod go_regex;
mod image;
mod image_name;
mod line;
mod links;
mod look;
mod options;
pub mod patterns;
mod policy;
mod reports;
mod sent;
mod session;
mod size;
mod status;
mod syntax;
mod upload;

pub use builder::BuildKit;
pub use connect::{Address, AddressError};
pub use line::plain;
pub use policy::{BuildPolicy, is_frontend};
