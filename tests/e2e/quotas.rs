//! A quota that throttles. Quotas that refuse are folders in `cases/`.

use windlass_tests::{SMALL, TestEnv};

const QUOTA: &str = "
apiVersion: v1
kind: ResourceQuota
metadata:
  name: compute
spec:
  hard: { pods: '3' }
";

/// Pods that end count until they do not exist any more: here up to 20 s each.
#[test]
fn a_quota_that_throttles_fails_nothing() {
    let env = TestEnv::new("t-quota-full");
    env.fresh();
    env.apply(QUOTA);
    let repository = env.small_app();
    repository.write("windlass.toml", &format!("replicas = 2\n{SMALL}")).unwrap();
    repository.commit("one").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    repository.write("index.html", "two\n").unwrap();
    repository.commit("two").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    env.serves("app", "two");
}
