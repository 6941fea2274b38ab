//! Strategies that cannot be, which are refused before anything is built.

use windlass_tests::{SMALL, TestEnv, traffic::exposed};

/// `HTTPRoute` of somebody else with the app's name.
const THEIRS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: app
spec:
  hostnames: [theirs.bed.test]
  parentRefs: [{ name: public, namespace: bed-gateway }]
  rules: [{ backendRefs: [{ name: theirs, port: 80 }] }]
";

#[test]
fn a_strategy_that_cannot_be_is_refused_with_its_field_before_the_build() {
    let env = TestEnv::new("t-strategy");
    let repository = env.small_app();
    let year = format!("kind = \"canary\"\nhold-seconds = {}", 365 * 24 * 3600);
    let cases = [
        ("kind = \"canary\"\nweights = [50, 25, 100]", "", "strategy.weights", "must rise"),
        ("kind = \"canary\"\nweights = [5, 25]", "", "strategy.weights", "must end with 100"),
        ("kind = \"canary\"\ntraffic = \"gateway\"", "", "strategy.traffic", "expose.gateway"),
        (year.as_str(), "", "strategy.hold-seconds", ""),
        (
            "kind = \"blue-green\"",
            "processes.web.volumes.data = { path = \"/data\", size = \"1Gi\" }\n",
            "strategy.kind",
            "ReadWriteMany",
        ),
        (
            "kind = \"blue-green\"",
            "processes.web.stateful = true\n",
            "strategy.kind",
            "use `rolling`",
        ),
    ];
    for (strategy, keys, field, what) in cases {
        let text = format!("{keys}[strategy]\n{strategy}\n{SMALL}");
        repository.write("windlass.toml", &text).unwrap();
        repository.commit(field).unwrap();
        let ended = env.submit("app", repository.url(), &[]);
        let diagnosis = ended.failed_with("detect", "spec-invalid");
        assert!(diagnosis.contains(field) && diagnosis.contains(what), "{field}: {diagnosis}");
        assert!(!ended.text.contains("\"build_step\""), "nothing is built: {}", ended.text);
    }
}

#[test]
fn a_route_of_somebody_else_is_left_alone() {
    windlass_tests::gateway();
    let env = TestEnv::new("t-route");
    env.fresh();
    env.apply(THEIRS);
    let repository = env.small_app();
    let canary = super::canary("[50, 100]", 1);
    let spec = format!("{}{canary}{SMALL}", exposed("t-route.bed.test"));
    repository.write("windlass.toml", &spec).unwrap();
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    let text = ended.failed_with("release", "object-of-another");
    assert!(text.contains("HTTPRoute app"), "{text}");
    assert_eq!(env.get("httproute/app", "{.spec.rules[0].backendRefs[0].name}"), "theirs");
}
