//! Objects and pods that admission refuses: quotas, limits, policies, webhooks.

pub(super) mod account_missing;
pub(super) mod limit_range;
pub(super) mod pod_security;
pub(super) mod quota;
pub(super) mod quota_must_specify;
pub(super) mod webhook_denies;
pub(super) mod webhook_down;
