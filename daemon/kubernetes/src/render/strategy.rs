//! `strategy` of a Deployment: rolling update, or `Recreate`.

use serde_json::{Value, json};
use windlass_model::{job::Release, runtime::Process};

/// Renders the `strategy` of a process's Deployment. `shares` returns whether several pods at once can use a
/// volume claim that somebody else made, by its name and by whether they only read.
pub(crate) fn strategy(
    release: &Release,
    process: &Process,
    shares: &dyn Fn(&str, bool) -> bool,
) -> Value {
    let wanted = &release.runtime.strategy;
    if process.recreate(wanted.kind, shares).is_some() {
        return json!({ "type": "Recreate" });
    }
    // One replica with the default of one unavailable would be an outage. A quarter more at once replaces
    // many pods in a few waves; a rollback has one. Under an autoscaler `replicas` is the least, and only the
    // cluster knows how many pods a share is, which it rounds up.
    let surge = match (&process.autoscale, wanted.at_once) {
        (Some(_), true) => json!("100%"),
        (Some(_), false) => json!("25%"),
        (None, true) => json!(process.replicas.max(1)),
        (None, false) => json!((process.replicas / 4).max(1)),
    };
    json!({
        "type": "RollingUpdate",
        "rollingUpdate": { "maxUnavailable": 0, "maxSurge": surge },
    })
}
