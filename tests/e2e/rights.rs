//! The least rights: what is missing is told whole before anything is built, and with exactly those of
//! `deploy/rbac` a whole release works.

use crate::cases::apply;
use windlass_bed::{build, daemon::Config};
use windlass_tests::{Stand, bed, kubeconfig_of};

#[test]
fn exactly_the_published_rights_are_enough() {
    let layout = &bed().layout;
    let kubectl = |args: &[&str]| windlass_bed::part::control_plane::kubectl(layout, args).unwrap();
    let namespace = "t-rights--production";
    let _ = kubectl(&["delete", "namespace", namespace, "--ignore-not-found"]);
    let _ = kubectl(&["create", "namespace", namespace]);
    let account = ["-n", namespace, "create", "serviceaccount", "deployer"];
    let _ = windlass_bed::part::control_plane::kubectl(layout, &account);
    let token = kubectl(&["-n", namespace, "create", "token", "deployer", "--duration=1h"]);
    let file = layout.at("t-rights.kubeconfig");
    std::fs::write(&file, kubeconfig_of(&format!("token: {}", token.trim()))).unwrap();

    let mut config = Config::of(bed()).unwrap();
    config.kubeconfig = file;
    let stand = Stand::with("t-rights", &config);
    let repository = stand.small_app();
    repository.commit("one").unwrap();
    let ended = stand.submit("app", repository.url(), &["--env", "COLOR=blue"]);
    let text = ended.failed_with("release", "cluster-forbids");
    for rule in ["kind: Role", "resources: [\\\"deployments\\\"]", "verbs: [\\\"create\\\""] {
        assert!(text.contains(rule), "{rule}: {text}");
    }
    assert!(!ended.text.contains("\"build_step\""), "it is told before anything is built");

    let role = build::root().join("deploy/rbac/deployer.yaml");
    let _ = kubectl(&["apply", "--filename", &role.display().to_string()]);
    apply(
        &stand,
        &format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{ name: windlass, namespace: {namespace} }}\nroleRef: {{ apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: windlass-deployer }}\nsubjects: [{{ kind: ServiceAccount, name: deployer, namespace: {namespace} }}]\n"
        ),
    );
    let more = ["--env", "COLOR=blue", "--replicas", "2"];
    stand.submit("app", repository.url(), &more).succeeded();
    stand.serves("app", "one");
    // Fewer: what is not said any more is deleted with the same rights.
    stand.submit("app", repository.url(), &[]).succeeded();
    let left = kubectl(&["-n", namespace, "get", "poddisruptionbudgets", "-o", "name"]);
    assert!(left.trim().is_empty(), "{left}");
}
