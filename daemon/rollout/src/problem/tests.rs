//! Tests of a healthy snapshot, and of what is no problem.

use crate::{
    blocked::Blocked,
    judge::{Judge, Verdict},
    snapshot::{Snapshot, Workload},
};
use std::time::Duration;
use windlass_model::samples::release;

#[test]
fn a_healthy_snapshot_of_another_revision_is_about_the_past() {
    let judge = |workload: Workload| {
        let snapshot = Snapshot { workloads: vec![workload], ..Snapshot::default() };
        Judge::default().judge(&snapshot, &release(), Duration::ZERO)
    };
    let healthy = Workload {
        kind: "Deployment".into(),
        name: "web".into(),
        revision: "0197".into(),
        observed: true,
        wanted: 1,
        total: 1,
        updated: 1,
        ready: 1,
        available: 1,
        is_complete: true,
        ..Workload::default()
    };
    assert_eq!(judge(healthy.clone()), Verdict::Healthy(vec![]));
    let progressing = Verdict::Progressing;
    assert_eq!(judge(Workload { revision: "0196".into(), ..healthy.clone() }), progressing);
    assert_eq!(judge(Workload { total: 2, ..healthy.clone() }), progressing);
    assert_eq!(judge(Workload { observed: false, ..healthy }), progressing);
}

/// A secret that was made a moment before the pod may not have come to the node.
#[test]
fn a_pull_without_its_secret_is_tried_again_before_it_fails() {
    let pulling = |reason: &str| -> Snapshot {
        serde_json::from_value(serde_json::json!({
            "workloads": [{ "kind": "Deployment", "name": "web", "revision": "0197", "observed": true, "wanted": 1 }],
            "pods": [{ "name": "web-1", "containers": [{ "waiting": ["ErrImagePull", "401 Unauthorized"] }] }],
            "warnings": [{ "pod": "web-1", "reason": reason, "message": "", "count": 1 }],
        }))
        .unwrap()
    };
    let mut judge = Judge::default();
    let snapshot = pulling("FailedToRetrieveImagePullSecret");
    assert_eq!(judge.judge(&snapshot, &release(), Duration::ZERO), Verdict::Progressing);
    let later = judge.judge(&snapshot, &release(), Duration::from_secs(20));
    assert!(matches!(later, Verdict::Failed(_)), "{later:?}");
    let at_once = Judge::default().judge(&pulling("Failed"), &release(), Duration::ZERO);
    assert!(matches!(at_once, Verdict::Failed(_)), "{at_once:?}");
}

/// Many registries answer so to a client without a login.
#[test]
fn a_pull_that_is_denied_may_have_come_before_its_secret() {
    let snapshot = |has_secret: bool, message: &str| -> Snapshot {
        serde_json::from_value(serde_json::json!({
            "workloads": [{ "kind": "Deployment", "name": "web", "revision": "0197", "observed": true, "wanted": 1 }],
            "pods": [{ "name": "web-1", "has_pull_secret": has_secret, "containers": [{ "waiting": ["ErrImagePull", message] }] }],
        }))
        .unwrap()
    };
    let codes = |snapshot: &Snapshot| {
        let mut judge = Judge::default();
        [0, 4].map(|at| match judge.judge(snapshot, &release(), Duration::from_secs(at)) {
            Verdict::Failed(finding) => Some(finding.problem.code),
            _ => None,
        })
    };
    let denied = "pull access denied: insufficient_scope: authorization failed";
    assert_eq!(codes(&snapshot(true, denied)), [None, Some("pull-denied")]);
    assert_eq!(codes(&snapshot(false, denied)), [Some("pull-denied"); 2]);
    let denied = Judge::default().judge(&snapshot(false, denied), &release(), Duration::ZERO);
    assert!(matches!(denied, Verdict::Failed(finding) if finding.problem.is_refused_pull()));
    // A name in a message is no part of its text.
    let refused = "failed to pull \"r.example/shop/certificate-denied-api:1\": Head \"https://r.example/v2/shop/certificate-denied-api/manifests/1\": dial tcp 10.0.0.1:443: connect: connection refused";
    assert_eq!(codes(&snapshot(false, refused)), [None; 2]);
}

/// A release that changes no pod, or puts back what still runs, finds pods of weeks.
#[test]
fn the_past_of_pods_that_serve_is_no_symptom() {
    let snapshot: Snapshot = serde_json::from_value(serde_json::json!({
        "workloads": [{
            "kind": "Deployment", "name": "web", "revision": "0197", "observed": true, "is_complete": true,
            "wanted": 1, "total": 1, "updated": 1, "ready": 1, "available": 1,
        }],
        "pods": [
            { "name": "web-0", "ready": true, "containers": [{ "restarts": 7, "last": { "reason": "Unknown", "exit": 255 } }] },
            { "name": "web-1", "ended": ["Evicted", "low on memory"] },
            { "name": "web-2", "ended": ["Evicted", "low on memory"] },
            { "name": "web-3", "ended": ["Evicted", "low on memory"] },
        ],
    }))
    .unwrap();
    let verdict = Judge::default().judge(&snapshot, &release(), Duration::ZERO);
    assert_eq!(verdict, Verdict::Healthy(vec![]));
}

/// Two pods that wait for the same database end once together, and then run.
#[test]
fn what_ended_once_and_runs_again_does_not_fail() {
    let pods = |now: bool, restarts: u32, count: usize| -> Snapshot {
        let end = serde_json::json!({ "reason": "Error", "exit": 1, "message": "no database" });
        let container = if now {
            serde_json::json!({ "restarts": restarts, "terminated": end })
        } else {
            serde_json::json!({ "restarts": restarts, "last": end })
        };
        let pods: Vec<_> = (0..count)
            .map(|n| serde_json::json!({ "name": format!("web-{n}"), "containers": [container] }))
            .collect();
        serde_json::from_value(serde_json::json!({
            "workloads": [{ "kind": "Deployment", "name": "web", "revision": "0197", "observed": true, "wanted": 2 }],
            "pods": pods,
        }))
        .unwrap()
    };
    let judge = |snapshot: &Snapshot| Judge::default().judge(snapshot, &release(), Duration::ZERO);
    for (now, restarts, count) in [(true, 0, 2), (false, 1, 2), (false, 1, 9)] {
        assert_eq!(
            judge(&pods(now, restarts, count)),
            Verdict::Progressing,
            "{now} {restarts} {count}"
        );
    }
    for (now, restarts, count) in [(true, 1, 1), (true, 0, 3), (false, 2, 1)] {
        let verdict = judge(&pods(now, restarts, count));
        assert!(matches!(verdict, Verdict::Failed(_)), "{now} {restarts} {count}: {verdict:?}");
    }
}

/// On a busy node an app answers its startup probe at the second asking; what kills it later is not
/// that probe.
#[test]
fn an_app_that_has_started_did_not_fail_its_startup_probe() {
    let code_of = |startup: u32, liveness: bool, has_liveness: bool| {
        let warning = |text: &str, count: u32| serde_json::json!({ "pod": "web-1", "reason": "Unhealthy", "message": text, "count": count });
        let mut warnings = vec![warning("Startup probe failed: connection refused", startup)];
        if liveness {
            warnings.push(warning("Liveness probe failed: timeout", 3));
        }
        let snapshot: Snapshot = serde_json::from_value(serde_json::json!({
            "workloads": [{ "kind": "Deployment", "name": "web", "revision": "0197", "observed": true, "wanted": 1 }],
            "pods": [{ "name": "web-1", "startup_failures": 120, "has_liveness": has_liveness, "containers": [
                { "restarts": 2, "waiting": ["CrashLoopBackOff", ""], "last": { "reason": "Error", "exit": 137 } }
            ]}],
            "warnings": warnings,
        }))
        .unwrap();
        // At once, and when a warning would have come.
        let mut judge = Judge::default();
        [0, 10].map(|at| match judge.judge(&snapshot, &release(), Duration::from_secs(at)) {
            Verdict::Failed(finding) => Some(finding.problem.code),
            _ => None,
        })
    };
    let code = |startup: u32, liveness: bool| code_of(startup, liveness, false)[0];
    assert_eq!(code(1, true), Some("liveness-kills"));
    assert_eq!(code(25, true), Some("liveness-kills"));
    assert_eq!(code(25, false), Some("startup-probe-failed"));
    assert_eq!(code_of(1, false, false), [None, Some("app-crashes")]);
    assert_eq!(code_of(1, false, true), [None, Some("liveness-kills")]);
    assert_eq!(code_of(12, false, true)[0], Some("startup-probe-failed"));
}

/// A busy node's kubelet drops warnings of a probe's failures: that it kills the container for it is enough.
#[test]
fn a_kill_that_is_told_needs_no_count_of_failures() {
    let code = |said: &str, exit: i32| {
        let state = serde_json::json!({
            "workloads": [{ "kind": "Deployment", "name": "web", "revision": "0197", "observed": true, "wanted": 1 }],
            "pods": [{ "name": "web-1", "startup_failures": 30, "has_liveness": true, "liveness_failures": 3, "containers": [
                { "name": "web", "restarts": 2, "waiting": ["CrashLoopBackOff", ""], "last": { "reason": "", "exit": exit } }
            ]}],
            "warnings": [
                { "pod": "web-1", "reason": "Unhealthy", "message": "Liveness probe failed: ", "count": 1 },
                { "pod": "web-1", "reason": "Killing", "message": said },
            ],
        });
        let snapshot: Snapshot = serde_json::from_value(state).unwrap();
        match Judge::default().judge(&snapshot, &release(), Duration::ZERO) {
            Verdict::Failed(finding) => Some(finding.problem.code),
            _ => None,
        }
    };
    let liveness = "Container web failed liveness probe, will be restarted";
    assert_eq!(code(liveness, 0), Some("liveness-kills"));
    assert_eq!(code(liveness, 1), Some("liveness-kills"));
    let startup = "Container web failed startup probe, will be restarted";
    assert_eq!(code(startup, 1), Some("startup-probe-failed"));
    // Of a sidecar, it says nothing of the app.
    assert_eq!(code("Container proxy failed liveness probe, will be restarted", 0), None);
}

/// Pods that end count against a quota until they are deleted, and a controller that is refused asks again
/// ever later.
#[test]
fn a_quota_fails_once_nothing_moves() {
    let snapshot = |ending: u32, requested: &str| -> Snapshot {
        let refused = format!(
            "pods \"web-1\" is forbidden: exceeded quota: pods, requested: {requested}, used: pods=3, limited: pods=3"
        );
        serde_json::from_value(serde_json::json!({
            "workloads": [{
                "kind": "Deployment", "name": "web", "revision": "0197", "observed": true,
                "wanted": 2, "total": 2, "updated": 1, "ready": 1, "available": 2, "refused": refused,
            }],
            "ending": ending,
        }))
        .unwrap()
    };
    let code = |judge: &mut Judge, snapshot: &Snapshot, at: u64| match judge.judge(
        snapshot,
        &release(),
        Duration::from_secs(at),
    ) {
        Verdict::Failed(finding) => Some(finding.problem.code),
        _ => None,
    };
    let mut judge = Judge::default();
    for (ending, at, expected) in [
        (1, 0, None),
        (1, 20, None),
        // Deleted: the controller asks again by 40.
        (0, 99, None),
        (0, 100, Some("quota-exceeded")),
    ] {
        assert_eq!(code(&mut judge, &snapshot(ending, "pods=1"), at), expected, "{at}");
    }
    let mut judge = Judge::default();
    assert_eq!(code(&mut judge, &snapshot(1, "pods=4"), 0), Some("quota-exceeded"));
}

/// A container ends until another workload of its release is there, such as its database.
#[test]
fn what_waits_for_another_workload_fails_once_that_is_there() {
    let snapshot = |times: u32, store: u32, store_fails: u32| -> Snapshot {
        let ended = |times: u32| {
            let end = serde_json::json!({ "reason": "Error", "exit": 1, "message": "no database" });
            serde_json::json!([{ "restarts": times - 1, "waiting": ["CrashLoopBackOff", ""], "last": end }])
        };
        let running = serde_json::json!([{}]);
        let workload = |name: &str, ready: u32| serde_json::json!({ "kind": "Deployment", "name": name, "revision": "0197", "observed": true, "wanted": 1, "ready": ready });
        serde_json::from_value(serde_json::json!({
            "workloads": [workload("web", 0), workload("store", store)],
            "pods": [
                { "name": "web-1", "workload": "web", "containers": ended(times) },
                {
                    "name": "store-1", "workload": "store", "ready": store > 0,
                    "containers": if store_fails > 0 { ended(store_fails) } else { running },
                },
            ],
        }))
        .unwrap()
    };
    let code = |judge: &mut Judge, snapshot: &Snapshot, at: u64| match judge.judge(
        snapshot,
        &release(),
        Duration::from_secs(at),
    ) {
        Verdict::Failed(finding) => Some(finding.problem.code),
        _ => None,
    };
    let mut judge = Judge::default();
    for (times, store, at, expected) in [
        (2, 0, 3, None),
        (4, 0, 40, None),
        // There: the next run may have begun a moment before.
        (4, 1, 42, None),
        (5, 1, 80, None),
        (6, 1, 160, Some("app-crashes")),
    ] {
        // The cluster was away for a moment.
        judge.begin_again();
        assert_eq!(code(&mut judge, &snapshot(times, store, 0), at), expected, "{at}");
        let waits = judge.excused().map(|finding| finding.problem.code);
        assert_eq!(waits, expected.is_none().then_some("app-crashes"), "{at}");
        let names_store =
            judge.excused().is_some_and(|finding| finding.message.contains("Deployment store"));
        assert_eq!(names_store, store == 0, "{at}");
    }
    let expected = Some("app-crashes");
    assert_eq!(code(&mut Judge::default(), &snapshot(2, 1, 0), 0), expected, "it is there");
    assert_eq!(
        code(&mut Judge::default(), &snapshot(2, 0, 2), 0),
        expected,
        "neither waits for the other"
    );
}

/// The old pod may be about to end.
#[test]
fn a_claim_of_one_pod_fails_once_it_has_lasted() {
    let snapshot: Snapshot = serde_json::from_value(serde_json::json!({
        "workloads": [{ "kind": "Deployment", "name": "web", "revision": "0197", "observed": true, "wanted": 1 }],
        "pods": [{ "name": "web-1", "unschedulable": "0/1 nodes are available: 1 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod." }],
    }))
    .unwrap();
    let mut judge = Judge::default();
    let codes =
        [0, 119, 120].map(|at| match judge.judge(&snapshot, &release(), Duration::from_secs(at)) {
            Verdict::Failed(finding) => Some(finding.problem.code),
            _ => None,
        });
    assert_eq!(codes, [None, None, Some("volume-in-use")]);
}

/// A StatefulSet waits for a broken pod of the version before for ever.
#[test]
fn a_pod_in_the_way_goes_once_it_has_lasted() {
    let snapshot = |blocked: Option<&str>| Snapshot {
        workloads: vec![Workload {
            revision: "0197".into(),
            observed: true,
            blocked: blocked.map(str::to_owned),
            ..Workload::default()
        }],
        ..Snapshot::default()
    };
    let mut blocked = Blocked::default();
    let mut must_go = |pod: Option<&str>, at: u64| {
        let goes = blocked.must_go(&snapshot(pod), &release(), Duration::from_secs(at));
        (goes, blocked.look_again().map(|at| at.as_secs()))
    };
    assert_eq!(must_go(Some("web-1"), 3), (false, Some(18)));
    // Ready for a moment.
    assert_eq!(must_go(None, 9), (false, None));
    assert_eq!(must_go(Some("web-1"), 17), (false, Some(18)));
    assert_eq!(must_go(Some("web-1"), 18), (true, None));
    assert_eq!(must_go(Some("web-0"), 20), (false, Some(35)), "another has its own time");
    assert_eq!(must_go(None, 21), (false, None));
    assert_eq!(must_go(Some("web-0"), 600), (false, Some(615)), "it was ready meanwhile");
}

/// An empty key in a toleration stands for every taint: it is never proposed.
#[test]
fn a_taint_that_the_scheduler_does_not_name_gets_no_empty_key() {
    let problem = super::KNOWN.iter().find(|problem| problem.code == "taint").unwrap();
    let message = "0/2 nodes are available: 1 node(s) had untolerated taint(s).";
    let symptom = super::Symptom {
        subject: "pod web-1".into(),
        process: "web".into(),
        message: message.into(),
        ..Default::default()
    };
    let finding = super::Finding::new(problem, symptom);
    let diagnosis = crate::report::report(&finding, &release(), Vec::new());
    assert!(diagnosis.what.ends_with("by a taint"), "{diagnosis}");
    assert!(diagnosis.fixes.iter().all(|fix| !fix.contains("\"\"")), "{diagnosis}");
}
