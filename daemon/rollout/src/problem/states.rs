//! States that the tests of other deploy tools have, and their variants: which problem fails the release,
//! and when.

use crate::{
    judge::{Judge, Verdict},
    problem::Finding,
    snapshot::{Snapshot, Workload},
};
use serde_json::{Value, json};
use std::time::Duration;
use windlass_model::samples::release;

type Code = Option<&'static str>;

fn read(state: Value) -> Snapshot {
    let mut snapshot: Snapshot = serde_json::from_value(state).unwrap();
    if snapshot.workloads.is_empty() {
        snapshot.workloads.push(Workload { wanted: 1, ..Workload::default() });
    }
    for workload in &mut snapshot.workloads {
        workload.revision = release().id;
        workload.observed = true;
        if workload.kind.is_empty() {
            workload.kind = "Deployment".into();
            workload.name = "web".into();
        }
    }
    snapshot
}

/// Judges states, each at its second, and returns the code that each verdict names.
fn judged(states: &[(u64, &Snapshot)]) -> Vec<Code> {
    let mut judge = Judge::default();
    let judged = states.iter().map(|(at, snapshot)| {
        match judge.judge(snapshot, &release(), Duration::from_secs(*at)) {
            Verdict::Failed(finding) => Some(finding.problem.code),
            Verdict::Healthy(_) => Some("healthy"),
            Verdict::Progressing => None,
        }
    });
    judged.collect()
}

/// Judges a state that stays as it is at 0, 6, 30 and 120 s, and returns the code at each.
fn codes(state: Value) -> Vec<Code> {
    let snapshot = read(state);
    judged(&[0, 11, 30, 120].map(|at| (at, &snapshot)))
}

/// State of a pod that is not ready, with these containers.
fn pod(containers: Value) -> Value {
    json!({ "pods": [{ "name": "web-1", "has_liveness": true, "liveness_failures": 3, "containers": containers }] })
}

/// State of such a pod, about which the kubelet warned so often.
fn warned(containers: Value, warnings: &[(&str, &str, u32)]) -> Value {
    let mut state = pod(containers);
    let warnings = warnings.iter().map(|(reason, message, count)| {
        json!({ "pod": "web-1", "reason": reason, "message": message, "count": count })
    });
    state["warnings"] = warnings.collect();
    state
}

fn ended(exit: i32) -> Value {
    json!({ "reason": if exit == 0 { "Completed" } else { "Error" }, "exit": exit })
}

/// A container that is backed off after this exit.
fn looping(name: &str, restarts: u32, exit: i32) -> Value {
    json!({ "name": name, "restarts": restarts, "waiting": ["CrashLoopBackOff", "back-off"], "last": ended(exit) })
}

fn running(name: &str) -> Value {
    json!({ "name": name })
}

/// A proxy, or a native sidecar, often ends once while the pod starts.
#[test]
fn one_container_hides_no_other() {
    let crashes = vec![Some("app-crashes"); 4];
    let app = looping("web", 5, 1);
    for init in [true, false] {
        for beside in [
            json!({ "name": "proxy", "init": init, "restarts": 1, "last": ended(1) }),
            json!({ "name": "proxy", "init": init, "restarts": 1, "last": ended(137) }),
            json!({ "name": "proxy", "init": init, "terminated": ended(0) }),
        ] {
            assert_eq!(codes(pod(json!([beside, app]))), crashes, "{beside}");
            assert_eq!(codes(pod(json!([app, beside]))), crashes, "{beside}");
        }
        let past = json!({ "name": "proxy", "init": init, "restarts": 1, "last": ended(1) });
        assert_eq!(codes(pod(json!([past, running("web")]))), vec![None; 4], "init: {init}");
    }
    // Of two containers that crash, the message is that of the one that crashes now.
    let snapshot = read(pod(json!([
        { "name": "proxy", "restarts": 2, "last": { "reason": "Error", "exit": 1, "message": "no upstream" } },
        { "name": "web", "restarts": 1, "terminated": { "reason": "Error", "exit": 3, "message": "no database" } },
    ])));
    let Verdict::Failed(finding) = Judge::default().judge(&snapshot, &release(), Duration::ZERO)
    else {
        panic!("it does not fail")
    };
    assert_eq!((finding.exit, &*finding.message), (Some(3), "no database"));
}

/// Init containers stay `terminated` for the pod's life; service meshes add one to every pod of a namespace.
#[test]
fn init_containers_that_are_done_hide_no_probe() {
    let done = json!({ "name": "migrate", "init": true, "terminated": ended(0) });
    for (text, code) in [
        ("HTTP probe failed with statuscode: 404", "health-path-missing"),
        (
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service",
            "health-path-missing",
        ),
        ("HTTP probe failed with statuscode: 500", "health-unwell"),
        ("service unhealthy (responded with \"NOT_SERVING\")", "health-unwell"),
        ("Get \"http://10.1.1.7:8080/\": context deadline exceeded", "health-slow"),
        ("dial tcp 10.1.1.7:8080: connect: connection refused", "not-listening"),
        ("HTTP probe failed with statuscode: 400", "health-refused"),
        ("HTTP probe failed with statuscode: 401", "health-refused"),
        ("HTTP probe failed with statuscode: 403", "health-refused"),
        (
            "Get \"http://10.1.1.7:8080/\": read tcp 10.1.1.1:5->10.1.1.7:8080: read: connection reset by peer",
            "no-http-answer",
        ),
        ("Get \"http://10.1.1.7:8080/\": EOF", "no-http-answer"),
    ] {
        let message = format!("Readiness probe failed: {text}");
        let warnings = [("Unhealthy", &*message, 5)];
        for containers in [json!([done, running("web")]), json!([running("web")])] {
            let codes = codes(warned(containers, &warnings));
            assert_eq!(codes, [None, None, None, Some(code)], "{text}");
        }
    }
    // An app that starts is not probed yet, and one whose probe fails with a message of its own may get ready.
    let unwell =
        [("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500", 5)];
    let failed = json!({ "name": "migrate", "init": true, "terminated": ended(1) });
    assert_eq!(codes(warned(json!([failed, running("web")]), &unwell)), vec![None; 4]);
    let own = [("Unhealthy", "Readiness probe failed: not joined yet", 5)];
    assert_eq!(codes(warned(json!([done, running("web")]), &own)), vec![None; 4]);
}

/// krane, kstatus and gitops-engine judge each of these as a failure.
#[test]
fn what_the_cluster_calls_a_failure_is_one_in_any_words() {
    let waits = |reason: &str, message: &str| {
        codes(pod(json!([{ "name": "web", "waiting": [reason, message] }])))
    };
    let config = "CreateContainerConfigError";
    for (reason, message, at_once, code) in [
        (
            config,
            "container's runAsUser breaks non-root policy (pod: \"web-1\")",
            true,
            "user-refused",
        ),
        (
            config,
            "failed to prepare subPath for volumeMount \"data\" of container \"web\"",
            false,
            "container-config-unusable",
        ),
        ("CreateContainerError", "CDI device injection failed", false, "container-not-started"),
        ("CreateContainerError", "", false, "container-not-started"),
        ("RunContainerError", "mount denied by the runtime", false, "container-not-started"),
        ("PostStartHookError", "", false, "container-not-started"),
        (
            "ImagePullBackOff",
            "Back-off pulling image \"r.example/web:1\": ErrImagePull: failed to extract layer sha256:7a: no space left on device",
            false,
            "image-not-pulled",
        ),
        (
            "ErrImagePull",
            "failed to extract layer sha256:7a: no space left on device",
            false,
            "image-not-pulled",
        ),
        (
            "ImagePullBackOff",
            "Back-off pulling image \"r.example/web:1\"",
            false,
            "image-not-pulled",
        ),
    ] {
        let first = at_once.then_some(code);
        let expected = [first, first, first, Some(code)];
        assert_eq!(waits(reason, message), expected, "{reason} {message}");
    }
    // Such a container does not end, and so has no ends to count.
    let expected = [None, None, Some("command-not-found"), Some("command-not-found")];
    let missing = "executable file `web` not found in $PATH: No such file or directory";
    assert_eq!(waits("CreateContainerError", missing), expected);
    for (reason, message) in [
        ("ContainerCreating", ""),
        ("PodInitializing", ""),
        // It mostly passes.
        (config, "failed to sync configmap cache: timed out waiting for the condition"),
    ] {
        assert_eq!(waits(reason, message), vec![None; 4], "{reason}");
    }
}

#[test]
fn a_pod_that_no_node_takes_fails_with_any_message() {
    let unscheduled = |message: &str, is_scaling_up: bool| {
        codes(
            json!({ "pods": [{ "name": "web-1", "unschedulable": message, "is_scaling_up": is_scaling_up }] }),
        )
    };
    for message in [
        "0/3 nodes are available: 3 node(s) exceed max volume count.",
        "0/3 nodes are available: 3 node(s) did not have enough free storage.",
        "0/3 nodes are available: 3 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s).",
        "no nodes available to schedule pods",
    ] {
        let codes = unscheduled(message, false);
        assert_eq!(codes, [None, None, None, Some("not-scheduled")], "{message}");
    }
    let lost = "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.";
    assert_eq!(unscheduled(lost, false), vec![None; 4]);
    // A node comes: two minutes for it.
    let full = "0/3 nodes are available: 3 Insufficient cpu.";
    let no_room = Some("no-room-on-nodes");
    assert_eq!(unscheduled(full, false), [None, None, no_room, no_room]);
    assert_eq!(unscheduled(full, true), [None, None, None, no_room]);
}

#[test]
fn a_back_off_without_an_end_is_a_crash() {
    let unseen = |init: bool| json!([{ "name": "web", "init": init, "restarts": 1, "waiting": ["CrashLoopBackOff", "back-off"] }]);
    assert_eq!(codes(pod(unseen(false))), vec![Some("app-crashes"); 4]);
    assert_eq!(codes(pod(unseen(true))), vec![Some("init-fails"); 4]);
    // A native sidecar that returns.
    let mut sidecar = looping("proxy", 5, 0);
    sidecar["init"] = json!(true);
    let web = json!({ "name": "web", "waiting": ["PodInitializing", ""] });
    assert_eq!(codes(pod(json!([sidecar, web]))), vec![Some("init-fails"); 4]);
    // The kubelet shows its end with 0 instead of its back-off.
    let ended = |sidecar: bool| json!({ "name": "proxy", "init": true, "sidecar": sidecar, "restarts": 4, "terminated": ended(0) });
    assert_eq!(codes(pod(json!([ended(true), web]))), vec![Some("init-fails"); 4]);
    assert_eq!(codes(pod(json!([ended(false), web]))), vec![None; 4]);
    // A container that was put off once may still come up.
    let first = json!([{ "name": "web", "waiting": ["CrashLoopBackOff", "back-off"] }]);
    assert_eq!(codes(pod(first)), vec![None; 4]);
}

/// Kubelets of 1.31 and older name the cause only in the attempt itself and in its event.
#[test]
fn a_pull_that_fails_again_and_again_lasts() {
    let image = "\"r.example/web:1\"";
    let event = format!("Failed to pull image {image}: rpc error: 429 toomanyrequests");
    let state = |reason: &str, message: &str, has_event: bool| {
        let pods: Vec<_> = ["web-1", "web-2"]
            .map(|name| json!({ "name": name, "containers": [{ "name": "web", "waiting": [reason, message] }] }))
            .into();
        let warnings: Vec<_> = ["web-1", "web-2"]
            .map(|name| json!({ "pod": name, "reason": "Failed", "message": event, "count": 1 }))
            .into();
        let warnings = if has_event { warnings } else { vec![] };
        read(json!({ "pods": pods, "warnings": warnings }))
    };
    let back_off = format!("Back-off pulling image {image}");
    for (has_event, code) in [(true, "pull-rate-limit"), (false, "image-not-pulled")] {
        let attempt = state("ErrImagePull", "rpc error: 429 toomanyrequests", has_event);
        let backs_off = state("ImagePullBackOff", &back_off, has_event);
        let states =
            [(2, &attempt), (10, &backs_off), (20, &attempt), (22, &backs_off), (70, &backs_off)];
        assert_eq!(judged(&states), [None, None, None, None, Some(code)], "{has_event}");
    }
    // The event of another image is not meant.
    let other = event.replace("web:1", "proxy:1");
    let containers = json!([{ "name": "web", "waiting": ["ImagePullBackOff", back_off] }]);
    let codes = codes(warned(containers, &[("Failed", &*other, 3)]));
    assert_eq!(codes, [None, None, None, Some("image-not-pulled")]);
}

/// A probe that is answered in one way and then in another has failed all the time.
#[test]
fn a_change_of_the_message_does_not_begin_again() {
    let answers =
        |message: &str| read(warned(json!([running("web")]), &[("Unhealthy", message, 5)]));
    let error = answers("Readiness probe failed: HTTP probe failed with statuscode: 503");
    let slow =
        answers("Readiness probe failed: Get \"http://10.1.1.7/\": context deadline exceeded");
    let states = [(0, &error), (20, &slow), (40, &error), (60, &slow)];
    assert_eq!(judged(&states), [None, None, None, Some("health-slow")]);
    // While it is ready in between, it has not.
    let mut ready = error.clone();
    ready.pods[0].ready = true;
    let states = [(0, &error), (20, &ready), (40, &error), (60, &slow)];
    assert_eq!(judged(&states), vec![None; 4]);
}

/// With both probes on one path they fail in turn.
#[test]
fn one_probe_hides_no_other() {
    let failed =
        |which: &str| format!("{which} probe failed: HTTP probe failed with statuscode: 500");
    let readiness = failed("Readiness");
    let liveness = failed("Liveness");
    let of = |order: [&str; 2]| {
        read(warned(json!([running("web")]), &order.map(|message| ("Unhealthy", message, 5))))
    };
    let one = of([readiness.as_str(), liveness.as_str()]);
    let other = of([liveness.as_str(), readiness.as_str()]);
    let states = [(0, &one), (5, &other), (10, &one), (15, &other), (60, &one)];
    assert_eq!(judged(&states), [None, None, None, None, Some("health-unwell")]);
}

/// The kubelet writes its events later than the status of a pod.
#[test]
fn a_warning_of_a_liveness_probe_is_waited_for_where_one_may_come() {
    let ended = |seconds: u32| json!([{ "name": "web", "restarts": 1, "terminated": { "reason": "Completed", "exit": 0, "seconds": seconds } }]);
    let of = |seconds: u32| {
        let mut state = pod(ended(seconds));
        state["pods"][0]["liveness_seconds"] = json!(2);
        state
    };
    assert_eq!(codes(of(1)), vec![Some("app-returns"); 4], "too short for its probe to fail");
    let late = codes(of(3));
    assert_eq!(late, [None, Some("app-returns"), Some("app-returns"), Some("app-returns")]);
}

/// An app that ends when it is asked to has an exit code of its own.
#[test]
fn an_app_that_its_liveness_probe_ends_does_not_return() {
    let liveness = "Liveness probe failed: HTTP probe failed with statuscode: 503";
    let ends = |exit: i32, restarts: u32, count: u32| {
        codes(warned(json!([looping("web", restarts, exit)]), &[("Unhealthy", liveness, count)]))
    };
    for exit in [0, 1, 143] {
        assert_eq!(ends(exit, 4, 12), vec![Some("liveness-kills"); 4], "{exit}");
        assert_eq!(ends(exit, 1, 6), vec![Some("liveness-kills"); 4], "{exit}");
    }
    // A busy node's kubelet has dropped two of six warnings.
    let dropped = |seconds: u32, count: u32| {
        let mut web = looping("web", 1, 0);
        web["last"]["seconds"] = json!(seconds);
        let mut state = warned(json!([web]), &[("Unhealthy", liveness, count)]);
        state["pods"][0]["liveness_seconds"] = json!(2);
        codes(state)[0]
    };
    assert_eq!(dropped(3, 4), Some("liveness-kills"));
    assert_eq!(dropped(3, 2), None, "less than what one kill takes");
    assert_eq!(dropped(1, 4), None, "the run was too short for a kill");
    // Fewer failures than it takes: it ended by itself. The last warning may still come.
    for (exit, code) in [(0, "app-returns"), (1, "app-crashes")] {
        let code = Some(code);
        assert_eq!(ends(exit, 1, 4), [None, code, code, code], "{exit}");
        assert_eq!(codes(pod(json!([looping("web", 1, exit)]))), vec![code; 4], "{exit}");
    }
}

#[test]
fn an_autoscaler_without_a_target_is_a_warning() {
    let snapshot = read(json!({
        "workloads": [{ "is_complete": true, "wanted": 1, "total": 1, "updated": 1, "ready": 1, "available": 1 }],
        "autoscalers": [{ "name": "web", "unable": "deployments/scale.apps \"x\" not found", "inactive": "the HPA was unable to compute the replica count" }],
    }));
    let Verdict::Healthy(warned) = Judge::default().judge(&snapshot, &release(), Duration::ZERO)
    else {
        panic!("it is no failure")
    };
    let codes: Vec<_> = warned.iter().map(|finding| finding.problem.code).collect();
    assert_eq!(codes, ["autoscaler-lost"]);
}

/// The message has what the last snapshot shows when the time is up.
#[test]
fn the_last_words_say_what_was_waited_for() {
    let last = |state: Value| {
        let finding = Finding::stalled(&read(state), Duration::from_secs(300));
        finding.message.strip_prefix("0 of 1 pods ready after 300 s").unwrap_or_default().to_owned()
    };
    let paused =
        json!({ "workloads": [{ "kind": "Job", "name": "seed", "wanted": 1, "paused": true }] });
    assert_eq!(last(paused), "; Job seed is paused until somebody resumes it");
    let waits = pod(json!([
        { "name": "init", "init": true, "terminated": ended(0) },
        { "name": "web", "waiting": ["CreateContainerConfigError", "failed to sync secret cache"] },
    ]));
    let text = "; container web of pod web-1 waits: CreateContainerConfigError: failed to sync secret cache";
    assert_eq!(last(waits), text);
    let homeless =
        json!({ "pods": [{ "name": "web-1", "unschedulable": "0/1 nodes are available" }] });
    assert_eq!(last(homeless), "; no node takes pod web-1: 0/1 nodes are available");
    let made = pod(json!([{ "name": "web", "waiting": ["ContainerCreating", ""] }]));
    assert_eq!(last(made), "; pod web-1 is ContainerCreating");
    let warned_once =
        warned(json!([running("web")]), &[("Unhealthy", "Readiness probe failed: no", 5)]);
    assert_eq!(last(warned_once), "; Unhealthy: Readiness probe failed: no");
}
