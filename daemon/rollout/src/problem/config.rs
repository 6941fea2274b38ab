//! Configuration that a pod names and that is not there, or that the node refuses.

pub(super) mod config_key_missing;
pub(super) mod config_missing;
pub(super) mod config_not_synced;
pub(super) mod container_config;
pub(super) mod user_refused;
