//! Services and routes that lead to no pod.

pub(super) mod no_address;
pub(super) mod no_endpoints;
pub(super) mod route_refused;
