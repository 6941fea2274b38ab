//! A volume claim that was made by hand. On one node, `ReadWriteOncePod` shows what `ReadWriteOnce` shows on two: the
//! second pod may not have the disk while the first pod has it.

use windlass_tests::{SMALL, TestEnv, bed};

const CLAIM: &str = "[processes.web]\nvolumes.data = { path = \"/data\", claim = \"shop-data\" }\n";

#[test]
fn a_claim_of_ones_own_outlives_a_second_release() {
    let env = TestEnv::new("t-claim");
    let volumes = "persistentvolumes --selector test=t-claim";
    env.fresh();
    env.delete(volumes);
    let folder = bed().layout.at("daemons/t-claim/volume");
    std::fs::create_dir_all(&folder).unwrap();
    env.apply(&format!(
        "
apiVersion: v1
kind: PersistentVolume
metadata:
  name: t-claim
  labels: {{ test: t-claim }}
spec:
  capacity: {{ storage: 1Gi }}
  accessModes: [ReadWriteOncePod]
  storageClassName: t-claim
  persistentVolumeReclaimPolicy: Retain
  hostPath: {{ path: {} }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: shop-data
spec:
  accessModes: [ReadWriteOncePod]
  storageClassName: t-claim
  volumeName: t-claim
  resources: {{ requests: {{ storage: 1Gi }} }}
",
        folder.display()
    ));
    let repository = env.small_app();
    repository.write("windlass.toml", &format!("{SMALL}{CLAIM}")).unwrap();
    for page in ["one", "two"] {
        repository.write("index.html", page).unwrap();
        repository.commit(page).unwrap();
        env.submit("app", repository.url(), &[]).succeeded();
        env.serves("app", page);
    }

    // Two pods can never have the claim: the job fails before anything is built.
    let ended = env.submit("app", repository.url(), &["--replicas", "2"]);
    let text = ended.failed_with("release", "object-rejected");
    for expected in ["PersistentVolumeClaim shop-data", "ReadWriteOncePod", "process `web`"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!ended.text.contains("\"build_step\""), "{}", ended.text);
    env.serves("app", "two");
    env.delete_later(volumes);
}

/// A rollback restores all except the volume's size.
#[test]
fn a_volume_that_has_grown_does_not_keep_a_release_from_coming_back() {
    let env = TestEnv::new("t-grown");
    let volumes = "persistentvolumes,storageclasses --selector test=t-grown";
    env.fresh();
    env.delete(volumes);
    let folder = bed().layout.at("daemons/t-grown/volume");
    std::fs::create_dir_all(&folder).unwrap();
    env.apply(&format!(
        "
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: t-grown
  labels: {{ test: t-grown }}
provisioner: kubernetes.io/no-provisioner
allowVolumeExpansion: true
---
apiVersion: v1
kind: PersistentVolume
metadata:
  name: t-grown
  labels: {{ test: t-grown }}
spec:
  capacity: {{ storage: 1Gi }}
  accessModes: [ReadWriteOnce]
  storageClassName: t-grown
  hostPath: {{ path: {} }}
",
        folder.display()
    ));
    let repository = env.small_app();
    let deploy = |page: &str, size: &str, more: &[&str]| {
        let disk = format!(
            "[processes.web]\nvolumes.data = {{ path = \"/data\", size = \"{size}\", class = \"t-grown\" }}\n"
        );
        repository.write("windlass.toml", &format!("{SMALL}{disk}")).unwrap();
        repository.write("index.html", page).unwrap();
        repository.commit(page).unwrap();
        env.submit("app", repository.url(), more)
    };
    deploy("one", "1Gi", &[]).succeeded();
    let ended = deploy("two", "2Gi", &["--", "python3", "-c", "raise SystemExit(3)"]);
    let _ = ended.failed_with("release", "app-crashes");
    assert!(ended.text.contains("stays as the failed release has made it"), "{}", ended.text);
    env.serves("app", "one");
    env.delete_later(volumes);
}
