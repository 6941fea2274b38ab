//! Requests to the API server for one release, by its audit log.

use crate::figures::title;
use bench_history::Figures;
use serde_json::Value;
use std::{fs, process::Command, time::Instant};
use windlass_bed::{Repository, process::run};
use windlass_tests::{TestEnv, bed};

pub(crate) fn beside_kubectl(env: &TestEnv, figures: &mut Figures) {
    title("Requests to the API server for one release");
    let repository = Repository::new(&bed().layout, "bench-requests", true).unwrap();
    repository.write("Dockerfile", &windlass_tests::dockerfile()).unwrap();
    repository.write("index.html", &format!("{:?}", std::time::SystemTime::now())).unwrap();
    repository.commit("bench").unwrap();
    let before = count("windlass");
    env.submit("requests", repository.url(), &[]).succeeded();
    let ours = count("windlass") - before;
    figures.add("a release", ours as f64, "requests");

    // The same objects, applied by kubectl.
    let before = count("kubectl");
    let started = Instant::now();
    for kind in ["service", "deployment"] {
        let mut object = env.json(&format!("{kind}/requests"));
        for field in ["uid", "resourceVersion", "managedFields", "creationTimestamp", "generation"]
        {
            object["metadata"].as_object_mut().unwrap().remove(field);
        }
        object.as_object_mut().unwrap().remove("status");
        object["metadata"]["name"] = "peer".into();
        if kind == "service" {
            object["spec"] = serde_json::json!({ "selector": { "app.kubernetes.io/instance": "peer" }, "ports": [{ "port": 80 }] });
        } else {
            for pointer in ["/spec/selector/matchLabels", "/spec/template/metadata/labels"] {
                let labels = serde_json::json!({ "app.kubernetes.io/instance": "peer" });
                *object.pointer_mut(pointer).unwrap() = labels;
            }
            object["spec"]["template"]["spec"]
                .as_object_mut()
                .unwrap()
                .remove("topologySpreadConstraints");
        }
        let file = bed().layout.at(&format!("peer-{kind}.json"));
        fs::write(&file, object.to_string()).unwrap();
        run(Command::new(bed().layout.program("kubectl"))
            .arg("--kubeconfig")
            .arg(bed().kubeconfig())
            .args(["apply", "--server-side", "-f"])
            .arg(file))
        .unwrap();
    }
    env.kubectl(&["rollout", "status", "deployment/peer"]);
    // The two reads of the objects above are not part of the apply.
    let theirs = count("kubectl").saturating_sub(before + 2);
    println!(
        "windlass {ours} (namespace, service, deployment; 4 watches)   kubectl apply --server-side + rollout status {theirs} (service, deployment; {:.1} s)",
        started.elapsed().as_secs_f32()
    );
}

/// Returns the number of requests of a client so far.
fn count(agent: &str) -> usize {
    let text = fs::read_to_string(bed().layout.at("kube/audit.log")).unwrap_or_default();
    let of = |line: &&str| {
        let event: Value = serde_json::from_str(line).unwrap_or_default();
        event["userAgent"].as_str().is_some_and(|name| name.starts_with(agent))
    };
    text.lines().filter(of).count()
}
