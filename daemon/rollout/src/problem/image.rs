//! Images that cannot be pulled or do not fit the node.

pub(super) mod image_name_invalid;
pub(super) mod image_never_pulled;
pub(super) mod image_not_found;
pub(super) mod image_not_pulled;
pub(super) mod pull_denied;
pub(super) mod pull_rate_limit;
pub(super) mod pull_unauthorized;
pub(super) mod registry_not_trusted;
pub(super) mod registry_unreachable;
pub(super) mod wrong_platform;
