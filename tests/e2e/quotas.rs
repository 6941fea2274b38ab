//! Quotas that throttle, that want limits, and that refuse a Job.

use crate::cases::apply;
use std::time::{Duration, Instant};
use windlass_tests::{SMALL, Stand};

/// A stand whose namespace has this quota.
fn limited(name: &'static str, hard: &str) -> Stand {
    let stand = Stand::new(name);
    let namespace = stand.fresh_namespace();
    apply(
        &stand,
        &format!(
            "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{ name: compute, namespace: {namespace} }}\nspec: {{ hard: {{ {hard} }} }}\n"
        ),
    );
    stand
}

#[test]
fn a_quota_that_wants_limits_is_told_at_once() {
    let stand =
        limited("t-quota-limits", "limits.cpu: \"4\", limits.memory: 4Gi, requests.cpu: \"2\"");
    let repository = stand.small_app();
    repository.commit("one").unwrap();
    let began = Instant::now();
    let text =
        stand.submit("app", repository.url(), &[]).failed_with("release", "quota-must-specify");
    assert!(began.elapsed() < Duration::from_secs(240), "{:?}", began.elapsed());
    for words in ["must specify limits.cpu", "`resources.cpu-limit`"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

/// Pods that end count until they are gone: here up to 20 s each.
#[test]
fn a_quota_that_throttles_fails_nothing() {
    let stand = limited("t-quota-full", "pods: \"3\"");
    let repository = stand.small_app();
    repository.write("windlass.toml", &format!("replicas = 2\n{SMALL}")).unwrap();
    repository.commit("one").unwrap();
    stand.submit("app", repository.url(), &[]).succeeded();
    repository.write("index.html", "two\n").unwrap();
    repository.commit("two").unwrap();
    stand.submit("app", repository.url(), &[]).succeeded();
    stand.serves("app", "two");
}

#[test]
fn a_job_that_a_quota_refuses_is_told_at_once() {
    let stand = limited("t-quota-job", "limits.memory: 1Gi");
    let repository = stand.small_app();
    let seed = "apiVersion: batch/v1\nkind: Job\nmetadata: { name: seed }\nspec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n        - name: seed\n          image: $WINDLASS_IMAGE\n          command: [sh, -c, 'echo seeded']\n          resources: { requests: { memory: 3Gi, cpu: 10m }, limits: { memory: 3Gi, cpu: 100m } }\n";
    repository.write("deploy/seed.yaml", seed).unwrap();
    let spec = format!("manifests = [\"deploy/seed.yaml\"]\n{SMALL}");
    repository.write("windlass.toml", &spec).unwrap();
    repository.commit("one").unwrap();
    let began = Instant::now();
    let text = stand.submit("app", repository.url(), &[]).failed_with("release", "quota-exceeded");
    assert!(began.elapsed() < Duration::from_secs(240), "{:?}", began.elapsed());
    assert!(text.contains("requested: limits.memory=3Gi") && text.contains("Job seed"), "{text}");
}
