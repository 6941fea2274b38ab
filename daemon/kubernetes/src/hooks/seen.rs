//! Knowledge of whether the command of a `Job` has begun. Its pod may be gone by the time that somebody looks.

use crate::observe::Observed;
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ContainerState, ContainerStatus, Pod},
};

/// Reasons of a container that ended without having begun: its image has no such program, as an example.
const NEVER_BEGAN: [&str; 2] = ["StartError", "ContainerCannotRun"];

/// State in which a Job's pods were seen. The later one is the greater one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Seen {
    /// No pod was seen.
    Nothing,
    /// The command of a pod had not begun.
    Waiting,
    /// The command of a pod had begun.
    Ran,
}

/// Returns the state in which a Job's pods are.
pub(crate) fn seen(observed: &Observed) -> Seen {
    if observed.pods.iter().any(ran) {
        Seen::Ran
    } else if observed.pods.is_empty() {
        Seen::Nothing
    } else {
        Seen::Waiting
    }
}

/// Returns whether the command of a Job may have begun. `before` is the state in which its pods were seen before.
pub(crate) fn may_have_run(observed: &Observed, before: Seen) -> bool {
    match before.max(seen(observed)) {
        Seen::Ran => true,
        Seen::Waiting => false,
        // It may have had a pod that is gone by now.
        Seen::Nothing => observed.jobs.first().is_none_or(had_pod),
    }
}

/// Returns whether a Job may have had a pod.
fn had_pod(job: &Job) -> bool {
    let Some(status) = &job.status else { return false };
    let counts = [status.active, status.terminating, status.failed, status.succeeded];
    let uncounted = status.uncounted_terminated_pods.as_ref();
    let uncounted = uncounted.map(|pods| [pods.failed.as_deref(), pods.succeeded.as_deref()]);
    // The pods of a Job that was suspended are not counted.
    let mut conditions = status.conditions.iter().flatten();
    counts.into_iter().flatten().any(|count| count > 0)
        || uncounted.into_iter().flatten().flatten().any(|all| !all.is_empty())
        || conditions.any(|one| one.type_ == "Suspended" && one.status == "True")
}

/// Returns whether a pod's command has begun.
pub(crate) fn ran(pod: &Pod) -> bool {
    let begun = |state: &ContainerState| {
        let ended = state.terminated.as_ref();
        state.running.is_some() || ended.is_some_and(|ended| !never_began(ended.reason.as_deref()))
    };
    statuses(pod).any(|one| one.state.as_ref().is_some_and(begun))
}

/// Returns whether a container that ended for this reason has not begun.
pub(crate) fn never_began(reason: Option<&str>) -> bool {
    reason.is_some_and(|reason| NEVER_BEGAN.contains(&reason))
}

/// Returns the states of a pod's containers.
pub(crate) fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    statuses.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn observed(status: Value, pods: &[Value]) -> Observed {
        let pod = |state: &Value| -> Pod {
            serde_json::from_value(json!({ "status": { "containerStatuses": [{
                "name": "app", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state,
            }] } }))
            .unwrap()
        };
        Observed {
            jobs: vec![serde_json::from_value(json!({ "status": status })).unwrap()],
            pods: pods.iter().map(pod).collect(),
            ..Observed::default()
        }
    }

    #[test]
    fn a_program_that_is_not_there_has_not_begun() {
        let ended = |reason: &str| json!({ "terminated": { "exitCode": 128, "reason": reason } });
        for reason in NEVER_BEGAN {
            let seen = seen(&observed(json!({}), &[ended(reason)]));
            assert_eq!(seen, Seen::Waiting, "{reason}");
        }
        assert_eq!(seen(&observed(json!({}), &[ended("Error")])), Seen::Ran);
        assert_eq!(seen(&observed(json!({}), &[json!({ "running": {} })])), Seen::Ran);
        let waits = json!({ "waiting": { "reason": "ImagePullBackOff" } });
        assert!(!may_have_run(&observed(json!({ "active": 1 }), &[waits]), Seen::Nothing));
    }

    /// Nobody may say that nothing ran where nobody knows.
    #[test]
    fn a_pod_that_is_gone_may_have_run_unless_it_was_seen_to_wait() {
        for status in [
            json!({ "failed": 1 }),
            json!({ "active": 1 }),
            json!({ "uncountedTerminatedPods": { "failed": ["uid"] } }),
            json!({ "conditions": [{ "type": "Suspended", "status": "True" }] }),
        ] {
            let gone = observed(status.clone(), &[]);
            assert!(may_have_run(&gone, Seen::Nothing), "{status}");
            assert!(may_have_run(&gone, Seen::Ran), "{status}");
            assert!(!may_have_run(&gone, Seen::Waiting), "{status}");
        }
        // As where a quota refuses each pod.
        for status in [json!({}), json!({ "uncountedTerminatedPods": {} })] {
            assert!(!may_have_run(&observed(status.clone(), &[]), Seen::Nothing), "{status}");
        }
        assert!(may_have_run(&Observed::default(), Seen::Nothing), "the Job is gone, too");
    }
}
