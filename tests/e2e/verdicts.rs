//! Releases that fail because of a change in the cluster meanwhile, or of the previous release. Causes that need no
//! action of the test are folders in `cases/`.

use windlass_tests::{SMALL, TestEnv};

/// Somebody changes the selector of the `Service` while the pods come up.
#[test]
fn a_service_that_leads_nowhere() {
    let env = TestEnv::new("t-nowhere");
    let repository = env.small_app();
    repository.commit("one").unwrap();
    let id = env.submit_detached("app", repository.url(), &[]);
    let applied = env.await_event(&id, |event| {
        event["step"]["description"].as_str().is_some_and(|what| what.starts_with("wait"))
    });
    assert!(applied.is_some(), "{:#?}", env.events(&id));
    let elsewhere = "{\"spec\":{\"selector\":{\"app.kubernetes.io/name\":\"other\"}}}";
    env.patch("service/app", &[], elsewhere);
    let _ = env.watch(&id).failed_with("release", "no-endpoints");
}

/// A field of a StatefulSet that cannot change: the size of its volumes.
#[test]
fn a_disk_of_a_stateful_set_that_grows() {
    let env = TestEnv::new("t-immutable");
    let repository = env.small_app();
    repository.write("windlass.toml", "").unwrap();
    repository.commit("one").unwrap();
    let deploy = |size: &str| {
        let spec = format!(
            "[processes.web]\nstateful = true\n\
             volumes.data = {{ path = \"/data\", size = \"{size}\", class = \"none-such\" }}\n{SMALL}"
        );
        let file = env.spec_file("set", &spec);
        env.submit("set", repository.url(), &["--spec", &file])
    };
    for (size, code) in [("1Gi", "volume-unbound"), ("2Gi", "field-immutable")] {
        let ended = deploy(size);
        let _ = ended.failed_with("release", code);
        ended.is_explained();
    }
}
