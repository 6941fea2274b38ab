//! Waits for the end of a hook's `Job`. The Job's pod is judged as a rollout's pods are, with the same
//! debounce, and each state of the pod is logged.

use super::{
    job::Begun,
    seen::{Seen, may_have_run, never_began, ran, seen, statuses},
};
use crate::{
    client::{Client, limited},
    observe::{
        EVENTS, Expected, Observed,
        watch::{SCALE_UPS, WATCH_SECONDS, WatchSignal, all, flooded, watch},
    },
};
use futures::{StreamExt, stream::SelectAll};
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{Event as K8sEvent, Pod},
};
use kube::{
    api::ListParams,
    runtime::{reflector::Store, watcher},
};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use windlass_engine::recorder::Recorder;
use windlass_model::{error::ClusterError, job::Release};
use windlass_rollout::{
    judge::{Judge, Verdict},
    problem,
    problem::Finding,
};

/// Time for which a container may wait, for a reason that no problem knows, before the Job counts as stuck.
const PERSISTENT: Duration = Duration::from_secs(60);

/// Reasons of `waiting` from which a container does not recover by itself.
const HOPELESS: [&str; 5] = [
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// The end of the wait for a Job.
pub(crate) enum End {
    /// The command ended.
    Exited(i32),
    /// The command ran and did not end in time.
    TimedOut,
    /// The time limit was reached before the command ran.
    NeverRan,
    /// The command will not run, for a known problem.
    Hopeless(Finding),
    /// The command will not run, for the reason given.
    Stuck(String),
    /// The cluster took the command's pod from its node, and no other one is made. The text is the cluster's.
    Disrupted(String),
}

/// Waits until a Job has ended, or will not end by itself. Returns that end, the last look at the Job, and the state in which
/// its pods were seen until then.
pub(crate) async fn wait(
    client: &Client,
    release: &Release,
    job: &Begun<'_>,
    recorder: &Recorder,
) -> Result<(End, Observed, Seen), ClusterError> {
    let name = job.name;
    let namespace = release.app.namespace();
    let config = || watcher::Config::default().timeout(WATCH_SECONDS);
    let named = config().fields(&format!("metadata.name={name}"));
    let (jobs, of_jobs) = watch::<Job>(client, &namespace, named);
    let (pods, of_pods) = watch::<Pod>(client, &namespace, config().labels(&of_job(name)));
    let (events, of_events) = watch::<K8sEvent>(client, &namespace, config().fields(EVENTS));
    let mut changes: SelectAll<_> = [of_jobs, of_pods, of_events].into_iter().collect();
    let mut scale_ups: Vec<Store<K8sEvent>> = Vec::new();
    let mut judge = Judge::default();
    let began = Instant::now();
    let mut before = Seen::Nothing;
    // A command may begin and end while the cluster is away.
    let mut was_away = false;
    let mut in_vain = None;
    let mut logged = String::new();
    let mut last = None;
    loop {
        // Each second too, since some problems show only by lasting.
        match timeout(Duration::from_secs(1), changes.next()).await {
            Ok(None) => {
                return Err(ClusterError::Unreachable { message: "the watch ended".into() });
            }
            // Nothing is judged while the cluster is away.
            Ok(Some(WatchSignal::Broke)) => {
                client.check().await?;
                was_away = true;
            }
            Ok(Some(WatchSignal::Flooded)) => return Err(flooded()),
            _ => {}
        }
        let observed = Observed {
            expected: expected(name),
            jobs: all(&jobs),
            pods: all(&pods),
            events: all(&events),
            scaling_up: scale_ups
                .iter()
                .flat_map(all)
                .filter_map(|event| event.involved_object.uid)
                .collect(),
            ..Observed::default()
        };
        let shown = seen(&observed);
        before = before.max(shown);
        let known = if was_away && before == Seen::Waiting { shown } else { before };
        if let Some(end) = end_of(&observed, known) {
            // The problem that it waited for explains more than the time limit.
            return Ok(match (end, last) {
                (End::NeverRan, Some(finding)) => (End::Hopeless(finding), observed, known),
                (end, _) => (end, observed, known),
            });
        }
        let snapshot = observed.snapshot();
        let finds_no_node = snapshot.pods.iter().any(|pod| pod.unschedulable.is_some());
        for reason in SCALE_UPS.iter().filter(|_| finds_no_node).skip(scale_ups.len()) {
            let of_reason = config().fields(&format!("reason={reason}"));
            let (store, more) = watch::<K8sEvent>(client, &namespace, of_reason);
            changes.push(more);
            scale_ups.push(store);
        }
        if let Verdict::Failed(finding) = judge.judge(&snapshot, release, began.elapsed())
            && finding.problem != problem::of_a_job()
        {
            return Ok((End::Hopeless(finding), observed, known));
        }
        last = judge.noticed().first().cloned().or(last.filter(|_| before != Seen::Ran));
        let (state, line) = state(&observed, judge.noticed().first());
        if state != logged {
            logged = state;
            recorder.log_line(job.stage, job.source, &line).await;
        }
        match hopeless(&observed).filter(|_| judge.noticed().is_empty()) {
            None => in_vain = None,
            Some(why) => {
                let since = in_vain.get_or_insert_with(Instant::now);
                if since.elapsed() > PERSISTENT {
                    return Ok((End::Stuck(why), observed, known));
                }
            }
        }
    }
}

/// Reads a Job and its pods once.
pub(crate) async fn look(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<Observed, ClusterError> {
    let job = limited(client.api::<Job>(namespace).get_opt(name), "the hook's Job").await?;
    let of_job = ListParams::default().labels(&of_job(name));
    let pods = limited(client.api::<Pod>(namespace).list(&of_job), "pods").await?;
    Ok(Observed {
        expected: expected(name),
        jobs: job.into_iter().collect(),
        pods: pods.items,
        ..Observed::default()
    })
}

/// Returns the end of a Job. `None` means that the Job has not ended. The Job's own conditions go first, since
/// a command that is terminated may still exit with 0. `before` is the state in which pods were seen that may be
/// deleted by now.
pub(crate) fn end_of(observed: &Observed, before: Seen) -> Option<End> {
    let job = observed.jobs.first();
    let pod = pod(observed);
    let status = job.and_then(|job| job.status.as_ref());
    let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let is = |kinds: &[&str]| {
        let mut all = conditions.iter().filter(|condition| condition.status == "True");
        all.find(|condition| kinds.contains(&&*condition.type_))
    };
    let failed = is(&["Failed", "FailureTarget"]);
    if failed.is_some_and(|failed| failed.reason.as_deref() == Some("DeadlineExceeded")) {
        return Some(if may_have_run(observed, before) { End::TimedOut } else { End::NeverRan });
    }
    if is(&["Suspended"]).is_some() {
        return Some(End::Stuck("it was stopped before".into()));
    }
    // Its pod may be deleted by now, or be about to be.
    if is(&["Complete"]).is_some() {
        return Some(End::Exited(0));
    }
    if let Some(failed) =
        failed.filter(|failed| failed.reason.as_deref() == Some("PodFailurePolicy"))
    {
        return Some(End::Disrupted(failed.message.clone().unwrap_or_default()));
    }
    // A pod that the cluster took away may get a successor: the Job knows.
    let is_leaving =
        pod.is_some_and(|pod| pod.metadata.deletion_timestamp.is_some() || is_disrupted(pod));
    let state = pod.and_then(|pod| statuses(pod).next()?.state.as_ref());
    if let Some(ended) = state.and_then(|state| state.terminated.as_ref())
        && (failed.is_some() || !is_leaving)
    {
        return match (ended.reason.as_deref(), ended.exit_code) {
            (reason, _) if never_began(reason) => {
                Some(End::Stuck(ended.message.clone().unwrap_or_default()))
            }
            (_, 0) => is(&["Complete", "SuccessCriteriaMet"]).map(|_| End::Exited(0)),
            (_, code) => Some(End::Exited(code)),
        };
    }
    let failed = failed?;
    let reason = failed.reason.as_deref();
    let message = failed.message.as_deref();
    let reason = reason.unwrap_or("the Job failed");
    Some(End::Stuck(format!("{reason}: {}", message.unwrap_or_default())))
}

/// Returns the pod of a Job whose end counts: not one that the cluster took from its node while there is another one.
/// `None` means that there is none.
pub(crate) fn pod(observed: &Observed) -> Option<&Pod> {
    observed.pods.iter().find(|pod| !is_disrupted(pod)).or_else(|| observed.pods.first())
}

fn is_disrupted(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|condition| condition.type_ == "DisruptionTarget" && condition.status == "True")
}

/// Returns the Job as the one workload that is expected.
fn expected(name: &str) -> Vec<Expected> {
    vec![Expected { kind: "Job".into(), name: name.to_owned(), process: String::new() }]
}

fn of_job(name: &str) -> String {
    format!("batch.kubernetes.io/job-name={name}")
}

fn hopeless(observed: &Observed) -> Option<String> {
    let waiting = statuses(pod(observed)?).next()?.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref().filter(|reason| HOPELESS.contains(reason))?;
    Some(format!("{reason}: {}", waiting.message.as_deref().unwrap_or_default()))
}

/// Returns a Job's progress, as a key that changes with it, and as a line for people.
fn state(observed: &Observed, noticed: Option<&Finding>) -> (String, String) {
    if let Some(Finding { problem, subject, message, .. }) = noticed {
        let code = problem.code;
        return (format!("{subject} {code}"), format!("{subject} waits ({code}): {message}"));
    }
    let Some(pod) = pod(observed) else {
        let line = "its Job waits for a pod".to_owned();
        return (line.clone(), line);
    };
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let is_placed = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
    let does = if ran(pod) {
        "has begun"
    } else if is_placed {
        "is being made"
    } else {
        "waits for a node"
    };
    let line = format!("pod {name} {does}");
    (line.clone(), line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn observed(job: Value, pod: Value) -> Observed {
        Observed {
            jobs: vec![serde_json::from_value(json!({ "status": job })).unwrap()],
            pods: match pod {
                Value::Null => Vec::new(),
                pod => vec![serde_json::from_value(pod).unwrap()],
            },
            ..Observed::default()
        }
    }

    fn failed(reason: &str) -> Value {
        json!({ "conditions": [{ "type": "Failed", "status": "True", "reason": reason }] })
    }

    fn container(state: Value) -> Value {
        json!({ "metadata": { "name": "p" }, "status": { "containerStatuses": [{
            "name": "app", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state,
        }] } })
    }

    #[test]
    fn a_time_limit_before_the_command_ran_is_no_command_that_hangs() {
        let waits = container(json!({ "waiting": { "reason": "ContainerCreating" } }));
        let runs = container(json!({ "running": {} }));
        let late = || failed("DeadlineExceeded");
        let never =
            |observed: Observed, before| matches!(end_of(&observed, before), Some(End::NeverRan));
        assert!(never(observed(late(), Value::Null), Seen::Nothing));
        assert!(never(observed(late(), waits.clone()), Seen::Nothing));
        assert!(!never(observed(late(), runs), Seen::Nothing));
        assert!(!never(observed(late(), Value::Null), Seen::Ran));
        // After a restart nobody knows what its pod did.
        let mut had_pod = late();
        had_pod["failed"] = json!(1);
        assert!(!never(observed(had_pod, Value::Null), Seen::Nothing));
        assert!(end_of(&observed(json!({}), waits), Seen::Nothing).is_none(), "it may still run");
    }

    /// The exit code of the pod says nothing of the command.
    #[test]
    fn a_pod_that_its_node_lost_ends_a_job_that_makes_no_other_one() {
        let mut lost = container(json!({ "terminated": { "exitCode": 137 } }));
        lost["status"]["conditions"] = json!([{ "type": "DisruptionTarget", "status": "True" }]);
        let text = "Pod shop--production/p has condition DisruptionTarget";
        let mut status = failed("PodFailurePolicy");
        status["conditions"][0]["message"] = json!(text);
        for pod in [Value::Null, lost] {
            let ended = end_of(&observed(status.clone(), pod), Seen::Ran);
            assert!(matches!(ended, Some(End::Disrupted(why)) if why == text));
        }
    }

    #[test]
    fn a_pod_that_its_node_lost_does_not_end_a_job_that_goes_on() {
        let mut lost = container(json!({ "terminated": { "exitCode": 137 } }));
        lost["status"]["conditions"] = json!([{ "type": "DisruptionTarget", "status": "True" }]);
        assert!(end_of(&observed(json!({}), lost.clone()), Seen::Ran).is_none());
        let ended = end_of(&observed(failed("BackoffLimitExceeded"), lost), Seen::Ran);
        assert!(matches!(ended, Some(End::Exited(137))));
    }

    /// Otherwise its end would be waited for until the time is up, and then count as a failure.
    #[test]
    fn a_job_that_succeeded_has_ended_whatever_became_of_its_pod() {
        let done = || json!({ "conditions": [{ "type": "Complete", "status": "True" }] });
        let mut leaving = container(json!({ "terminated": { "exitCode": 0 } }));
        leaving["metadata"]["deletionTimestamp"] = json!("2025-11-25T17:53:00Z");
        for pod in [Value::Null, leaving] {
            let ended = end_of(&observed(done(), pod), Seen::Nothing);
            assert!(matches!(ended, Some(End::Exited(0))));
        }
    }

    #[test]
    fn each_state_has_a_line() {
        let line = |pod: Value| state(&observed(json!({}), pod), None).1;
        assert_eq!(line(Value::Null), "its Job waits for a pod");
        assert_eq!(line(json!({ "metadata": { "name": "p" } })), "pod p waits for a node");
        let mut placed = container(json!({ "waiting": {} }));
        placed["spec"] = json!({ "containers": [], "nodeName": "n" });
        assert_eq!(line(placed), "pod p is being made");
        assert_eq!(line(container(json!({ "running": {} }))), "pod p has begun");
    }
}
