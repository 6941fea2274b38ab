//! PHP projects: Composer, extensions, version.

mod extensions;
mod project;

pub use extensions::extensions;
pub use project::{OLDEST, Project};
