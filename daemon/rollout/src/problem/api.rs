//! Answers of the API server that refuse a release's objects.

pub(super) mod cluster_forbids;
pub(super) mod field_of_another;
pub(super) mod immutable;
pub(super) mod kind_missing;
pub(super) mod namespace_terminating;
