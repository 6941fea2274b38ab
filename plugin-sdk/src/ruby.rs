//! Ruby projects: gems, version, platform.

mod gemfile;
mod lock;
mod project;
mod system;

pub use gemfile::Gem;
pub use lock::Lock;
pub use project::Project;
pub use system::System;
