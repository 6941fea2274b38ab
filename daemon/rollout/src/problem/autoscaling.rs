//! Autoscalers that cannot scale.

pub(super) mod autoscaler_blind;
pub(super) mod autoscaler_lost;
