//! Refusals to make pods, by the newest message of the controller that makes them.

use crate::observe::{
    facts::{applied, message, number},
    observed::Observed,
};
use k8s_openapi::{
    api::{
        apps::v1::{ReplicaSet, ReplicaSetCondition},
        batch::v1::Job,
        core::v1::Event,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::Timestamp,
};
use windlass_rollout::snapshot::{Warning, Workload};

const FAILED_CREATE: &str = "FailedCreate";

/// Returns the warning about a workload whose pods cannot be made.
pub(super) fn warning(workload: &Workload) -> Option<Warning> {
    let message = workload.refused.clone()?;
    Some(Warning { reason: FAILED_CREATE.into(), message, count: 1, ..Warning::default() })
}

impl Observed {
    /// Returns the refusal of a controller that reports it by an event, without a condition. Events stay for an
    /// hour, so those from before the newest change do not count.
    pub(super) fn refusal(&self, of: &ObjectMeta) -> Option<String> {
        self.refused_since(of, applied(of))
    }

    /// Returns the refusal of a ReplicaSet. The Deployment's own condition is about any ReplicaSet, also about
    /// one that a rollback has left behind. The set's condition keeps the message of the first failure, and
    /// events have the newest: what was a conflict at first may be a full quota since.
    pub(super) fn refusal_of_set(&self, set: &ReplicaSet) -> Option<String> {
        let conditions = set.status.as_ref()?.conditions.as_ref()?;
        let failing = |condition: &&ReplicaSetCondition| {
            condition.type_ == "ReplicaFailure" && condition.status == "True"
        };
        let failing = conditions.iter().find(failing)?;
        let since = failing.last_transition_time.as_ref().map(|time| time.0);
        self.refused_since(&set.metadata, since).or_else(|| failing.message.clone())
    }

    /// Returns the refusal of a Job, which has no condition for it. A Job that has a pod is not refused.
    pub(super) fn refusal_of_job(&self, job: &Job) -> Option<String> {
        let status = job.status.as_ref();
        let pods = |count: Option<i32>| number(count) > 0;
        let has_pods = status.is_some_and(|status| {
            pods(status.active) || pods(status.succeeded) || pods(status.failed)
        });
        self.refusal(&job.metadata).filter(|_| !has_pods)
    }

    fn refused_since(&self, of: &ObjectMeta, since: Option<Timestamp>) -> Option<String> {
        let at = |event: &&Event| event.last_timestamp.as_ref().map(|time| time.0);
        let refused = self.events.iter().filter(|event| {
            event.reason.as_deref() == Some(FAILED_CREATE)
                && event.involved_object.uid == of.uid
                && at(event) >= since
        });
        refused.max_by_key(at).map(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::expected::Expected;
    use serde_json::{Value, json};

    fn event(uid: &str, minute: u32, message: &str) -> Value {
        json!({
            "metadata": {}, "type": "Warning", "reason": FAILED_CREATE, "message": message,
            "involvedObject": { "uid": uid }, "lastTimestamp": format!("2026-01-01T00:{minute:02}:00Z"),
        })
    }

    fn read<T: serde::de::DeserializeOwned>(object: Value) -> T {
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn the_newest_words_count_and_those_of_the_past_do_not() {
        let set: ReplicaSet = read(json!({
            "metadata": { "name": "web-1", "uid": "r" },
            "status": { "replicas": 0, "conditions": [{
                "type": "ReplicaFailure", "status": "True", "message": "a conflict",
                "lastTransitionTime": "2026-01-01T00:05:00Z",
            }] },
        }));
        let observed = |events: &[Value]| Observed {
            events: events.iter().map(|event| read(event.clone())).collect(),
            ..Observed::default()
        };
        let refusal = |events: &[Value]| observed(events).refusal_of_set(&set).unwrap_or_default();
        assert_eq!(refusal(&[]), "a conflict");
        assert_eq!(refusal(&[event("r", 4, "of the past")]), "a conflict");
        let two = [event("r", 7, "exceeded quota: b"), event("r", 6, "exceeded quota: a")];
        assert_eq!(refusal(&two), "exceeded quota: b");
        assert_eq!(refusal(&[event("other", 7, "exceeded quota: b")]), "a conflict");
    }

    #[test]
    fn a_job_is_refused_until_it_has_a_pod() {
        let job = |status: Value| -> Observed {
            Observed {
                expected: vec![Expected {
                    kind: "Job".into(),
                    name: "seed".into(),
                    process: String::new(),
                }],
                jobs: vec![read(json!({
                    "metadata": { "name": "seed", "uid": "j" }, "status": status,
                }))],
                events: vec![read(event("j", 1, "Error creating: exceeded quota: small"))],
                ..Observed::default()
            }
        };
        let waits = job(json!({})).snapshot();
        assert!(waits.workloads[0].refused.as_ref().is_some_and(|why| why.contains("quota")));
        assert_eq!(waits.warnings[0].reason, FAILED_CREATE, "{waits:?}");
        let runs = job(json!({ "active": 1 })).snapshot();
        assert_eq!((&runs.workloads[0].refused, runs.warnings.len()), (&None, 0));
    }
}
