//! A volume that another node holds. No driver attaches volumes on the bed: the test records in its place that the
//! volume is attached. The controller that judges the attachment is the real one.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_tests::{TestEnv, bed};

/// A driver that attaches, one volume of it, a pod that holds the volume on the bed's node, and a node
/// on which nothing runs.
const HELD: &str = r#"
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: { name: attached.bed.test }
spec: { attachRequired: true, podInfoOnMount: false }
---
apiVersion: v1
kind: PersistentVolume
metadata: { name: t-attached }
spec:
  capacity: { storage: 1Gi }
  accessModes: [ReadWriteOnce]
  storageClassName: t-attached
  csi: { driver: attached.bed.test, volumeHandle: t-attached }
  claimRef: { namespace: t-attached--production, name: data }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data, namespace: t-attached--production }
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: t-attached
  resources: { requests: { storage: 1Gi } }
---
apiVersion: v1
kind: Node
metadata:
  name: t-attached
  annotations: { volumes.kubernetes.io/controller-managed-attach-detach: "true" }
spec: { taints: [{ key: bed.test/none, effect: NoSchedule }] }
---
apiVersion: v1
kind: Pod
metadata: { name: holder, namespace: t-attached--production }
spec:
  nodeName: node-1
  terminationGracePeriodSeconds: 0
  containers: [{ name: holder, image: none, volumeMounts: [{ name: data, mountPath: /data }] }]
  volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]
"#;

/// Returns the app's manifest: two pods, on the node that does not hold the volume.
fn wanting() -> String {
    format!(
        "
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-own
spec:
  replicas: 2
  selector:
    matchLabels: {{ own: app }}
  template:
    metadata:
      labels: {{ own: app }}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: own
          image: {}/library/python:3.11-slim
          command: [sleep, '600']
          volumeMounts: [{{ name: data, mountPath: /data }}]
      nodeName: t-attached
      volumes:
        - name: data
          persistentVolumeClaim: {{ claimName: data }}
",
        bed().registry()
    )
}

#[test]
fn a_volume_that_another_node_holds() {
    let env = TestEnv::new("t-attached");
    let clean = || {
        for what in
            ["node/t-attached", "csidriver/attached.bed.test", "pv/t-attached", "pod/holder"]
        {
            env.delete_later(what);
        }
    };
    clean();
    env.fresh();
    env.apply(HELD);
    let attachment = || {
        let found = "{.items[?(@.spec.source.persistentVolumeName=='t-attached')].metadata.name}";
        env.get("volumeattachments", found)
    };
    let began = Instant::now();
    while attachment().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody wants the volume attached");
        sleep(Duration::from_millis(300));
    }
    let attached = "{\"status\":{\"attached\":true}}";
    let attachment = format!("volumeattachment/{}", attachment());
    env.patch(&attachment, &["--subresource=status"], attached);

    let repository = env.small_app();
    repository.write("own/app.yaml", &wanting()).unwrap();
    repository.commit("one").unwrap();
    let spec = "processes.web.off = true\nmanifests = [\"own/app.yaml\"]\n";
    let file = env.spec_file("app", spec);
    let ended = env.submit("app", repository.url(), &["--spec", &file]);
    clean();
    let text = ended.failed_with("release", "volume-in-use");
    assert!(text.contains("Multi-Attach error for volume"), "{text}");
}
