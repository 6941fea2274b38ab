//! Python projects: manager, dependencies, version and the stages that install them.

mod context;
mod dependency;
mod install;
mod interpreter;
mod locks;
mod manager;
mod manifests;
mod project;
mod requirements;
mod scm;
mod system;

pub use dependency::{Dependency, canonical};
pub use install::{Installed, PATH, stages};
pub use manager::{Kind, Manager};
pub use project::Project;
pub use system::{System, install_packages};
