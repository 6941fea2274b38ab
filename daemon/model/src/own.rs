//! Things of a project's own that the operator lets it bring.

pub mod cluster;
pub mod registry;
