//! Faults of a node during a release, on a second node that no other test uses.

use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::part::node::{Node, SECOND};
use windlass_tests::{SERVE, SMALL, TestEnv, bed, python};

/// First the node's network plugin is missing, which is the diagnosis of pods that need the plugin. Then the node is
/// lost with a pod of the new version. Another node gets a pod in its place, and the release does not fail.
#[test]
fn a_node_without_a_network_and_a_node_that_is_lost() {
    let env = TestEnv::new("t-lost");
    let layout = &bed().layout;
    env.delete("node/node-2");
    let second = Node(2).up(layout).unwrap();
    let repository = env.small_app();
    repository.commit("one").unwrap();

    let network = Node(2).folder(layout).join("cni/10-bed.conflist");
    let whole = fs::read_to_string(&network).unwrap();
    assert!(whole.contains("\"type\":\"bridge\""), "{whole}");
    fs::write(&network, whole.replace("\"type\":\"bridge\"", "\"type\":\"no-such-plugin\""))
        .unwrap();
    let there = format!(
        "replicas = 2\nprocesses.web.placement = {{ tolerations = [{{ key = \"{SECOND}\" }}], nodes = {{ \"kubernetes.io/hostname\" = \"node-2\" }} }}\n{SMALL}"
    );
    let file = env.spec_file("there", &there);
    let ended = env.submit("there", repository.url(), &["--spec", &file]);
    let _ = ended.failed_with("release", "no-sandbox");
    fs::write(&network, whole).unwrap();

    let spec = format!(
        "{}replicas = 2\nprocesses.web.placement = {{ tolerations = [{{ key = \"{SECOND}\" }}], spread = \"preferred\" }}\n{SMALL}",
        python(&format!("import time; time.sleep(15); {SERVE}"))
    );
    let file = env.spec_file("app", &spec);
    let id = env.submit_detached("app", repository.url(), &["--spec", &file]);
    let nodes = || env.get("pods", "{.items[*].spec.nodeName}");
    let began = Instant::now();
    while !nodes().contains("node-2") {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", nodes());
        sleep(Duration::from_millis(200));
    }
    drop(second);
    let ended = env.watch(&id);
    println!("a node was lost: {} after {:.0} s", ended.outcome, began.elapsed().as_secs_f32());
    env.delete("node/node-2");
    ended.succeeded();
}
