//! Self-tests of manifests, which run before a set goes live.

use crate::{
    component::{NOTHING, component, detector, manifest},
    harness::{Bench, of},
};
use std::fs;
use windlass_engine::ports::Detectors;
use windlass_plugin_host::{Plugins, Source};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_whose_self_tests_fail_never_goes_live() {
    let bench = Bench::new();
    let file = |name: &str, detect: &str, test: &str| {
        let path = bench.folder.path().join(name);
        let manifest = manifest(name) + "[[self-test]]\nfiles.\"go.mod\" = \"module x\"\n" + test;
        fs::write(&path, component(&detector("", detect), &manifest)).unwrap();
        Source { path, ..Source::default() }
    };
    // It finds nothing, and its self-test expects nothing.
    let good = file("good", NOTHING, "");
    let plugins =
        Plugins::load(bench.host.clone(), &of(std::slice::from_ref(&good))).await.unwrap();
    assert_eq!(plugins.list().remove(0).calls, 0, "its self-tests are no calls of jobs");
    for (source, expected) in [
        (
            file("other", NOTHING, "expect.language = \"go\"\n"),
            "its self-test 1 fails: `language` is null, and \"go\" was expected",
        ),
        (file("traps", "unreachable", ""), "its self-test 1 fails"),
        (file("spins", "(loop $again (br $again)) (i32.const 0)", ""), "limit `cpu-ms`"),
        (file("fine", NOTHING, "expect.error = \"no\"\n"), "an error `no` was expected"),
        (file("plans", NOTHING, "expect.refused = \"no\"\n"), "its refusal is `none`"),
        (file("asks", NOTHING, "secrets.key = \"x\"\n"), "which it does not ask for"),
        (file("odd", NOTHING, "colour = 1\n"), "colour"),
    ] {
        let error = plugins.reload(&of(&[good.clone(), source])).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(plugins.for_job("shop").names(), ["good"], "the old set stays");
    }
}
