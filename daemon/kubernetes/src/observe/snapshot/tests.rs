//! Objects of a cluster, and the snapshots that they become.

use super::*;
use crate::{observe::expected::Expected, render::JOB};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use windlass_rollout::snapshot::Workload;

fn read_as<K: DeserializeOwned>(object: Value) -> K {
    serde_json::from_value(object).unwrap()
}

fn expected(kind: &str) -> Vec<Expected> {
    vec![Expected { kind: kind.into(), name: "web".into(), process: "web".into() }]
}

/// Returns a Deployment that was applied at ten, with the given condition Progressing.
fn deployment(deadline: u32, progressing: Option<(&str, &str)>) -> Workload {
    let mut conditions = vec![json!({ "type": "Available", "status": "True" })];
    conditions.extend(progressing.map(|(reason, updated)| {
        let status = if reason == "ProgressDeadlineExceeded" { "False" } else { "True" };
        json!({ "type": "Progressing", "status": status, "reason": reason, "lastUpdateTime": format!("2026-11-20T{updated}Z") })
    }));
    let deployment = json!({
        "metadata": {
            "name": "web",
            "generation": 2,
            "annotations": { JOB: "0197" },
            "managedFields": [
                { "manager": "windlass", "operation": "Apply", "time": "2026-11-20T10:00:00Z" },
                { "manager": "kube-controller-manager", "operation": "Update", "time": "2026-11-20T11:00:00Z" },
            ],
        },
        "spec": { "replicas": 3, "progressDeadlineSeconds": deadline },
        "status": {
            "observedGeneration": 2,
            "replicas": 3,
            "updatedReplicas": 3,
            "availableReplicas": 3,
            "conditions": conditions,
        },
    });
    let observed = Observed {
        expected: expected("Deployment"),
        deployments: vec![read_as(deployment)],
        ..Observed::default()
    };
    observed.snapshot().workloads.remove(0)
}

/// The controller keeps the condition where an existing ReplicaSet is taken up again.
#[test]
fn a_deadline_of_before_is_not_this_releases() {
    for (updated, is_own) in [
        ("09:20:00", false),
        ("09:59:59", false),
        // Counted from the beginning of an earlier rollout of the same pods.
        ("10:01:00", false),
        ("10:05:01", true),
        // The controller's clock is behind that of the API server.
        ("10:04:55", true),
        ("11:00:00", true),
    ] {
        let failed = deployment(300, Some(("ProgressDeadlineExceeded", updated))).failed;
        assert_eq!(failed.is_some(), is_own, "{updated}");
    }
    for (deadline, updated, is_own) in
        [(5, "09:59:50", false), (5, "10:00:06", true), (20, "10:00:21", true)]
    {
        let failed = deployment(deadline, Some(("ProgressDeadlineExceeded", updated))).failed;
        assert_eq!(failed.is_some(), is_own, "{deadline} {updated}");
    }
    let early = deployment(300, Some(("ReplicaSetUpdated", "11:00:00")));
    assert_eq!(early.failed, None);
}

/// The controller removes the condition where there is no deadline.
#[test]
fn a_deployment_without_a_deadline_is_done() {
    let forever = i32::MAX.unsigned_abs();
    assert!(deployment(forever, None).is_healthy());
    assert!(deployment(300, Some(("NewReplicaSetAvailable", "10:01:00"))).is_healthy());
    for reason in ["ReplicaSetUpdated", "DeploymentPaused", "ProgressDeadlineExceeded"] {
        assert!(!deployment(300, Some((reason, "10:01:00"))).is_healthy(), "{reason}");
    }
}

#[test]
fn what_waits_to_be_resumed_says_so() {
    let observed = |kind: &str, spec: Value| {
        let object = json!({ "metadata": { "name": "web" }, "spec": spec });
        let mut observed = Observed { expected: expected(kind), ..Observed::default() };
        match kind {
            "Job" => observed.jobs.push(read_as(object)),
            _ => observed.deployments.push(read_as(object)),
        }
        observed.snapshot().workloads[0].paused
    };
    assert!(observed("Deployment", json!({ "paused": true })));
    assert!(!observed("Deployment", json!({})));
    assert!(observed("Job", json!({ "suspend": true })));
    assert!(!observed("Job", json!({ "suspend": false })));
}

#[test]
fn an_autoscaler_that_finds_no_target_says_so() {
    let conditions = |able: &str, active: &str| {
        let autoscaler = json!({
            "metadata": { "name": "web" },
            "status": { "conditions": [
                { "type": "AbleToScale", "status": if able == "SucceededGetScale" { "True" } else { "False" }, "reason": able, "message": able },
                { "type": "ScalingActive", "status": active, "reason": "R", "message": "no metrics" },
            ] },
        });
        let observed = Observed { autoscalers: vec![read_as(autoscaler)], ..Observed::default() };
        let read = observed.snapshot().autoscalers.remove(0);
        (read.unable, read.inactive)
    };
    let lost = Some("FailedGetScale".to_owned());
    assert_eq!(conditions("FailedGetScale", "True"), (lost, None));
    assert_eq!(conditions("SucceededGetScale", "False"), (None, Some("no metrics".to_owned())));
    // It has just scaled.
    assert_eq!(conditions("BackoffBoth", "True"), (None, None));
}

/// Returns a StatefulSet with a pod that finds no node.
fn homeless(status: &Value) -> Observed {
    let mut all = json!({ "phase": "Pending", "conditions": [
        { "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient cpu." },
    ] });
    if let (Some(all), Some(more)) = (all.as_object_mut(), status.as_object()) {
        all.extend(more.clone());
    }
    let set = json!({ "metadata": { "name": "web" }, "spec": { "replicas": 1 }, "status": { "replicas": 1, "updateRevision": "web-2" } });
    let pod = json!({
        "metadata": { "name": "web-0", "uid": "u2", "labels": { "controller-revision-hash": "web-2" } },
        "status": all,
    });
    Observed {
        expected: expected("StatefulSet"),
        stateful_sets: vec![read_as(set)],
        pods: vec![read_as(pod)],
        ..Observed::default()
    }
}

#[test]
fn room_comes_for_this_very_pod() {
    let is_scaling_up = |observed: &Observed| observed.snapshot().pods[0].is_scaling_up;
    let mut observed = homeless(&json!({}));
    assert!(!is_scaling_up(&observed));
    // A pod of the same name, from before.
    observed.scaling_up = vec!["u1".into()];
    assert!(!is_scaling_up(&observed));
    observed.scaling_up.push("u2".into());
    assert!(is_scaling_up(&observed));
    assert!(is_scaling_up(&homeless(&json!({ "nominatedNodeName": "node-1" }))));
}

/// The kubelet says that it kills a container by an event of type Normal.
#[test]
fn a_kill_for_a_probe_is_told_and_no_other_normal_event_is() {
    let event = |reason: &str, message: &str| {
        read_as(json!({
            "metadata": { "name": "e" },
            "involvedObject": { "kind": "Pod", "name": "web-0", "uid": "u2" },
            "reason": reason, "type": "Normal", "message": message,
        }))
    };
    let killed = "Container web failed liveness probe, will be restarted";
    let events = vec![
        event("Killing", killed),
        event("Killing", "Stopping container web"),
        event("Preempted", "Preempted by a pod"),
    ];
    let observed = Observed { events, ..homeless(&json!({})) };
    let told = observed.snapshot().warnings;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&*told[0].reason, &*told[0].message), ("Killing", killed));
}

/// Messages of similar events differ by a port each time.
#[test]
fn events_that_are_counted_as_one_keep_their_message() {
    let event = |message: &str| {
        read_as(json!({
            "metadata": { "name": "e" },
            "involvedObject": { "kind": "Pod", "name": "web-0", "uid": "u2" },
            "reason": "Unhealthy", "type": "Warning", "message": message, "count": 12,
        }))
    };
    let message = "Readiness probe failed: connection refused";
    let combined = format!("(combined from similar events): {message}");
    let observed =
        Observed { events: vec![event(message), event(&combined)], ..homeless(&json!({})) };
    let messages: Vec<_> =
        observed.snapshot().warnings.into_iter().map(|one| one.message).collect();
    assert_eq!(messages, [message, message]);
}

#[test]
fn a_probes_budget_is_the_least_of_its_kind() {
    let with = |containers: Value| {
        let mut observed = homeless(&json!({}));
        observed.pods[0].spec = Some(read_as(json!({ "containers": containers })));
        let pod = observed.snapshot().pods.remove(0);
        (pod.startup_failures, pod.liveness_failures, pod.has_liveness)
    };
    assert_eq!(with(json!([{ "name": "web" }])), (0, 0, false));
    // 3 is the API server's default.
    let probes = json!([{ "name": "web", "livenessProbe": {}, "startupProbe": { "failureThreshold": 120 } }]);
    assert_eq!(with(probes), (120, 3, true));
    let two = json!([
        { "name": "web", "livenessProbe": { "failureThreshold": 5 } },
        { "name": "proxy", "livenessProbe": { "failureThreshold": 1 } },
    ]);
    assert_eq!(with(two), (0, 1, true));
}
