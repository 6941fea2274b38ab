//! Releases into a namespace that is being deleted. One of them waits for two minutes, and tests begin in the order of their
//! names: as one of the last it would keep the whole suite waiting.

use windlass_tests::TestEnv;

const HELD: &str = "
apiVersion: v1
kind: ConfigMap
metadata:
  name: held
  finalizers: [example.com/held]
";

#[test]
fn a_namespace_that_is_being_deleted() {
    let env = TestEnv::new("t-leaving");
    let repository = env.small_app();
    env.fresh();
    env.apply(HELD);
    env.discard();
    repository.commit("one").unwrap();
    let text =
        env.submit("app", repository.url(), &[]).failed_with("release", "namespace-terminating");
    assert!(text.contains(env.as_str()), "{text}");
    env.patch("configmap/held", &[], "{\"metadata\":{\"finalizers\":null}}");
}

/// As a preview that is opened again right after its removal: the release waits for the end of what was there.
#[test]
fn a_namespace_that_is_deleted_in_time_is_made_again() {
    let env = TestEnv::new("t-reopened");
    let repository = env.small_app();
    repository.commit("one").unwrap();
    env.submit("app", repository.url(), &[]).succeeded();
    env.apply(HELD);
    // Before the objects of the app go: changes of them would still be taken.
    env.discard();
    let id = env.submit_detached("app", repository.url(), &[]);
    let waits = env.await_event(&id, |event| {
        let reason = event["retrying"]["reason"].as_str();
        reason.is_some_and(|reason| reason.contains("t-reopened") && reason.contains("is being"))
    });
    assert!(waits.is_some(), "{:#?}", env.events(&id));
    env.patch("configmap/held", &[], "{\"metadata\":{\"finalizers\":null}}");
    env.watch(&id).succeeded();
    env.serves("app", "one");
}
