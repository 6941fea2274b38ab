//! Apps with a package.json: what detectors of Node, Bun, Deno and static sites, and test runners, share.

mod assets;
mod brought;
pub mod bun;
mod config;
mod framework;
mod install;
mod manager;
mod native;
pub(crate) mod package;
mod port;
mod version;

pub use assets::assets;
pub use brought::{Brought, brought};
pub use framework::{Framework, Output, framework};
pub use install::{Install, install};
pub use manager::{Kind, Manager, manager};
pub use native::build_packages;
pub use package::Package;
pub use port::{port, port_after};
pub use version::node_version;

pub(crate) use package::{at as package_at, inside, join, parents};
