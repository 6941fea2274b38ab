//! Deletions that the cluster refuses.

use std::time::Duration;
use windlass_bed::process::await_that;
use windlass_tests::{SMALL, TestEnv, bed};

/// Denies that CronJobs of one namespace are deleted.
const POLICY: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: NAMESPACE }
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - { apiGroups: [batch], apiVersions: [v1], operations: [DELETE], resources: [cronjobs] }
  validations:
  - { expression: "false", message: "ask the night shift first" }
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: NAMESPACE }
spec:
  policyName: NAMESPACE
  validationActions: [Deny]
  matchResources:
    namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: NAMESPACE } }
"#;

/// The release serves, says what stays, and deletes all else. The next one deletes the rest.
#[test]
fn what_the_cluster_does_not_delete_fails_no_release() {
    let env = TestEnv::new("t-refused-deletion");
    // One of a run that broke off would keep the namespace.
    stop(&env);
    env.fresh();
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let nightly = "processes.nightly = { command = [\"true\"], schedule = \"30 3 * * *\" }\n";
    let worker = "processes.worker = { command = [\"sleep\", \"3600\"] }\n";
    let file = env.spec_file("all", &format!("{nightly}{worker}{SMALL}"));
    env.submit("app", repository.url(), &["--spec", &file]).succeeded();
    env.apply(&POLICY.replace("NAMESPACE", &env.namespace()));
    // The API server begins to ask a policy some time after it was made, and asks it some time after it is gone.
    let namespace = env.namespace();
    let awaits = |is_refused: bool| {
        let args = ["delete", "cronjob/app-nightly", "--dry-run=server", "--namespace", &namespace];
        let refused = || match bed().kubectl(&args) {
            Ok(_) => !is_refused,
            Err(error) => is_refused && error.to_string().contains("night shift"),
        };
        assert!(await_that(Duration::from_secs(30), refused), "refused: {is_refused}");
    };
    awaits(true);
    repository.write("index.html", "two\n").unwrap();
    repository.commit("two").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    env.serves("app", "two");
    let stays = "the cluster does not delete CronJob app-nightly";
    assert!(ended.text.contains(stays), "{}", ended.text);
    assert!(ended.text.contains("ask the night shift first"), "{}", ended.text);
    assert_eq!(env.names("cronjobs"), "cronjob.batch/app-nightly\n");
    assert_eq!(env.names("deployments"), "deployment.apps/app\n", "the worker is deleted");
    stop(&env);
    awaits(false);
    repository.commit("three").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    assert_eq!(env.names("cronjobs"), "");
}

/// Deletes the policy. One that is not there is no error.
fn stop(env: &TestEnv) {
    for kind in ["validatingadmissionpolicybinding", "validatingadmissionpolicy"] {
        env.delete(&format!("{kind}/{}", env.namespace()));
    }
}
