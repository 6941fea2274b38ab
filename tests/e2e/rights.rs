//! The least rights. All missing rights are named before anything is built. With exactly those of `deploy/rbac`,
//! a whole release works.

use windlass_bed::{build, daemon::Config};
use windlass_tests::{Namespace, TestEnv, bed, kubeconfig_of};

/// Bindings that give the test's account the published rights, in its own namespace.
const BINDING: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: windlass
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: windlass-deployer
subjects:
  - kind: ServiceAccount
    name: deployer
    namespace: t-rights--production
";

#[test]
fn exactly_the_published_rights_are_enough() {
    let namespace = Namespace::of("t-rights--production");
    namespace.fresh();
    namespace.create("serviceaccount deployer");
    let token = namespace.create("token deployer --duration=1h");
    let file = bed().layout.at("t-rights.kubeconfig");
    std::fs::write(&file, kubeconfig_of(&format!("token: {}", token.trim()))).unwrap();

    let mut config = Config::of(bed()).unwrap();
    config.kubeconfig = file;
    let env = TestEnv::with("t-rights", &config);
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &["--env", "COLOR=blue"]);
    let text = ended.failed_with("release", "cluster-forbids");
    for rule in ["kind: Role", "resources: [\\\"deployments\\\"]", "verbs: [\\\"create\\\""] {
        assert!(text.contains(rule), "{rule}: {text}");
    }
    assert!(!ended.text.contains("\"build_step\""), "the job fails before anything is built");

    env.apply_file(&build::root().join("deploy/rbac/deployer.yaml"));
    env.apply(BINDING);
    let more = ["--env", "COLOR=blue", "--replicas", "2"];
    let ended = env.submit("app", repository.url(), &more);
    ended.succeeded();
    assert!(!ended.text.contains("leases"), "no right is missing: {}", ended.text);
    env.serves("app", "one");
    // A smaller spec: what is not requested any more is deleted with the same rights.
    env.submit("app", repository.url(), &[]).succeeded();
    let left = env.names("poddisruptionbudgets");
    assert!(left.trim().is_empty(), "{left}");
}
