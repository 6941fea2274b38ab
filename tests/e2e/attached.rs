//! A volume that another node holds. No driver attaches anything on the bed: the test says in its place
//! that the volume is attached, and the controller that judges it is the real one.

use crate::cases::{apply, own, spec_file};
use std::{
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_tests::Stand;

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

#[test]
fn a_volume_that_another_node_holds() {
    let stand = Stand::new("t-attached");
    let clean = || {
        let namespace = stand.namespace();
        for what in
            [["node", "t-attached"], ["csidriver", "attached.bed.test"], ["pv", "t-attached"]]
        {
            let _ =
                stand.kubectl(&["delete", what[0], what[1], "--ignore-not-found", "--wait=false"]);
        }
        let holder =
            ["-n", &namespace, "delete", "pod", "holder", "--ignore-not-found", "--wait=false"];
        let _ = stand.kubectl(&holder);
    };
    clean();
    stand.fresh_namespace();
    apply(&stand, HELD);
    let attachment = || {
        let found =
            "jsonpath={.items[?(@.spec.source.persistentVolumeName=='t-attached')].metadata.name}";
        stand.kubectl(&["get", "volumeattachments", "-o", found])
    };
    let began = Instant::now();
    while attachment().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody wants the volume attached");
        sleep(Duration::from_millis(300));
    }
    let patch =
        ["patch", "volumeattachment", &attachment(), "--subresource=status", "--type=merge"];
    let _ = stand.kubectl(&[&patch[..], &["--patch", "{\"status\":{\"attached\":true}}"]].concat());

    let case = own(
        "app",
        "volume-in-use",
        crate::cases::HELPER,
        "REPLICAS CONTAINER volumeMounts: [{ name: data, mountPath: /data }]",
    );
    let volume = "nodeName: t-attached\n      volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]\n";
    let manifest = case.manifest.unwrap() + "      " + volume;
    let repository = stand.small_app();
    repository.write("own/app.yaml", &manifest).unwrap();
    repository.commit("one").unwrap();
    let file = spec_file(&stand, "app", &case.spec);
    let ended = stand.submit("app", repository.url(), &["--spec", &file]);
    clean();
    let text = ended.failed_with("release", "volume-in-use");
    assert!(text.contains("Multi-Attach error for volume"), "{text}");
}
