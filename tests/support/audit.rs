//! Requests to the bed's API server, by its audit log.

use crate::bed;
use serde_json::Value;
use std::{collections::BTreeSet, fs};

/// Returns the number of requests so far of clients whose `User-Agent` begins so.
#[must_use]
pub fn requests(agent: &str) -> usize {
    let text = fs::read_to_string(bed().layout.at("kube/audit.log")).unwrap_or_default();
    // A watch has a line at its begin and another at its end.
    let of = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap_or_default();
        let ours = event["userAgent"].as_str().is_some_and(|name| name.starts_with(agent));
        ours.then(|| event["auditID"].to_string())
    };
    text.lines().filter_map(of).collect::<BTreeSet<_>>().len()
}
