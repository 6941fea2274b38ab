//! Resources of a process that asks for none.

pub(super) const CPU: &str = "100m";
pub(super) const MEMORY: &str = "128Mi";
