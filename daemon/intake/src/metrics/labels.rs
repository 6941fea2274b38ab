//! Labels of series.

/// Labels of one series: each name with its value.
pub(super) type Labels = Vec<(&'static str, String)>;
