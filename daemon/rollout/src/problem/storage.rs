//! Volumes that cannot be bound or mounted.

pub(super) mod mount_missing;
pub(super) mod volume_elsewhere;
pub(super) mod volume_in_use;
pub(super) mod volume_unbound;
