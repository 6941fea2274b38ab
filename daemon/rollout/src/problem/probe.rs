//! Probes that the app does not answer as they expect.

pub(super) mod health_path_missing;
pub(super) mod health_refused;
pub(super) mod health_slow;
pub(super) mod health_unwell;
pub(super) mod no_http_answer;
pub(super) mod not_listening;
