//! Parts of the world that a project brings itself, beside those of the operator.

pub mod registry;
