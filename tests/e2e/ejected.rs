//! Files of `windlass eject`, which give the same cluster state by `kubectl apply`.

use serde_json::Value;
use std::{collections::BTreeMap, fs};
use windlass_tests::{Namespace, TestEnv, bed};

const NAMESPACE: &str = "t-ejected";
const KINDS: &str = "deployments,statefulsets,services,ingresses,configmaps,horizontalpodautoscalers,poddisruptionbudgets,networkpolicies,serviceaccounts,cronjobs,jobs,persistentvolumeclaims";

/// Fields that are not compared: those that the cluster adds, those that say who made an object, and the replicas that
/// an autoscaler sets at a time of its own.
const NOT_THE_SAME: [&str; 16] = [
    "clusterIP",
    "clusterIPs",
    "controller-uid",
    "batch.kubernetes.io/controller-uid",
    "creationTimestamp",
    "finalizers",
    "generation",
    "job-name",
    "batch.kubernetes.io/job-name",
    "managedFields",
    "namespace",
    "ownerReferences",
    "replicas",
    "resourceVersion",
    "status",
    "uid",
];

/// Ejects, applies the files in another namespace, and compares the objects with those that were released.
pub(crate) fn is_the_same(env: &TestEnv, source: &[&str], spec: &str) {
    let (live, folder) = (env.namespace(), bed().layout.at("daemons/t-kinds/ejected"));
    let image = env.get("deployment/app", "{.spec.template.spec.containers[0].image}");
    let to = folder.display().to_string();
    let rest = ["--spec", spec, "--to", &to, "--image", &image];
    let answer = env.daemon.windlass(&[&["eject"], source, &rest].concat()).unwrap();
    assert_eq!(answer.code, 0, "{}", answer.text);
    assert!(answer.text.contains("kubectl apply"), "{}", answer.text);
    assert!(fs::read_to_string(folder.join("Dockerfile")).unwrap().contains("http.server"));
    for entry in fs::read_dir(folder.join("kubernetes")).unwrap().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap();
        fs::write(entry.path(), text.replace(&live, NAMESPACE)).unwrap();
    }
    let other = Namespace::of(NAMESPACE);
    other.delete(&format!("namespace/{NAMESPACE}"));
    other.apply_file(&folder.join("kubernetes"));
    other.kubectl(&["rollout", "status", "deployment/app", "--timeout=60s"]);
    let (released, ejected) = (state(env), state(&other));
    assert_eq!(
        released.keys().collect::<Vec<_>>(),
        ejected.keys().collect::<Vec<_>>(),
        "the same objects"
    );
    for (name, object) in &released {
        let (ours, theirs) = (format!("{object:#}"), format!("{:#}", ejected[name]));
        if ours != theirs {
            fs::write(folder.join("released.json"), ours).unwrap();
            fs::write(folder.join("ejected.json"), theirs).unwrap();
            panic!("{name} differs: compare released.json and ejected.json in {to}");
        }
    }
    other.discard();
}

/// Returns the objects by kind and name. The end of a `Job`'s name is left out, since it depends
/// on the `Job`'s content.
fn state(namespace: &Namespace) -> BTreeMap<String, Value> {
    let all = namespace.json(&format!("{KINDS} --selector app.kubernetes.io/instance=app"));
    let mut found = BTreeMap::new();
    for object in all["items"].as_array().unwrap() {
        let (kind, name) = (object["kind"].as_str().unwrap(), &object["metadata"]["name"]);
        let name = name.as_str().unwrap();
        if name.starts_with("windlass-") {
            continue;
        }
        let name = if kind == "Job" { name.rsplit_once('-').unwrap().0 } else { name };
        let mut object = object.clone();
        strip(&mut object);
        object["metadata"]["name"] = name.into();
        let _ = found.insert(format!("{kind} {name}"), object);
    }
    found
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, value| {
                let theirs = ["kubectl.kubernetes.io/", "deployment.kubernetes.io/"];
                let volumes = ["pv.kubernetes.io/", "volume.kubernetes.io/", "volumeName"];
                let ours = ["windlass.dev/", "applyset.kubernetes.io/"];
                let mut all = theirs.iter().chain(&volumes).chain(&ours);
                let other = NOT_THE_SAME.contains(&&**key)
                    || all.any(|start| key.starts_with(start))
                    || key == "app.kubernetes.io/managed-by" && value == "windlass";
                !other
            });
            map.values_mut().for_each(strip);
            map.retain(|key, value| {
                key != "annotations" || value.as_object().is_none_or(|all| !all.is_empty())
            });
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}
