//! A claim that somebody made by hand. On one node `ReadWriteOncePod` shows what `ReadWriteOnce` shows on
//! two: the second pod may not have the disk while the first one has it.

use crate::cases::apply;
use windlass_tests::{SMALL, Stand, bed};

const CLAIM: &str = "[processes.web]\nvolumes.data = { path = \"/data\", claim = \"shop-data\" }\n";

#[test]
fn a_claim_of_ones_own_outlives_a_second_release() {
    let stand = Stand::new("t-claim");
    let forget = |wait: &str| {
        let _ = stand.kubectl(&["delete", "persistentvolumes", "--selector", "test=t-claim", wait]);
    };
    let namespace = stand.fresh_namespace();
    forget("--wait=true");
    let folder = bed().layout.at("daemons/t-claim/volume");
    std::fs::create_dir_all(&folder).unwrap();
    apply(
        &stand,
        &format!(
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{ name: t-claim, labels: {{ test: t-claim }} }}\nspec:\n  capacity: {{ storage: 1Gi }}\n  accessModes: [ReadWriteOncePod]\n  storageClassName: t-claim\n  persistentVolumeReclaimPolicy: Retain\n  hostPath: {{ path: {} }}\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{ name: shop-data, namespace: {namespace} }}\nspec:\n  accessModes: [ReadWriteOncePod]\n  storageClassName: t-claim\n  volumeName: t-claim\n  resources: {{ requests: {{ storage: 1Gi }} }}\n",
            folder.display()
        ),
    );
    let repository = stand.small_app();
    repository.write("windlass.toml", &format!("{SMALL}{CLAIM}")).unwrap();
    for page in ["one", "two"] {
        repository.write("index.html", page).unwrap();
        repository.commit(page).unwrap();
        stand.submit("app", repository.url(), &[]).succeeded();
        stand.serves("app", page);
    }

    // Two pods can never have it: told before anything is built.
    let ended = stand.submit("app", repository.url(), &["--replicas", "2"]);
    let text = ended.failed_with("release", "object-rejected");
    for words in ["PersistentVolumeClaim shop-data", "ReadWriteOncePod", "process `web`"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!ended.text.contains("\"build_step\""), "{}", ended.text);
    stand.serves("app", "two");
    forget("--wait=false");
}

/// All else is put back.
#[test]
fn a_volume_that_has_grown_does_not_keep_a_release_from_coming_back() {
    let stand = Stand::new("t-grown");
    let forget = |wait: &str| {
        let kinds = "persistentvolumes,storageclasses";
        let _ = stand.kubectl(&["delete", kinds, "--selector", "test=t-grown", wait]);
    };
    let _ = stand.fresh_namespace();
    forget("--wait=true");
    let folder = bed().layout.at("daemons/t-grown/volume");
    std::fs::create_dir_all(&folder).unwrap();
    apply(
        &stand,
        &format!(
            "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {{ name: t-grown, labels: {{ test: t-grown }} }}\nprovisioner: kubernetes.io/no-provisioner\nallowVolumeExpansion: true\n---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {{ name: t-grown, labels: {{ test: t-grown }} }}\nspec:\n  capacity: {{ storage: 1Gi }}\n  accessModes: [ReadWriteOnce]\n  storageClassName: t-grown\n  hostPath: {{ path: {} }}\n",
            folder.display()
        ),
    );
    let repository = stand.small_app();
    let deploy = |page: &str, size: &str, more: &[&str]| {
        let disk = format!(
            "[processes.web]\nvolumes.data = {{ path = \"/data\", size = \"{size}\", class = \"t-grown\" }}\n"
        );
        repository.write("windlass.toml", &format!("{SMALL}{disk}")).unwrap();
        repository.write("index.html", page).unwrap();
        repository.commit(page).unwrap();
        stand.submit("app", repository.url(), more)
    };
    deploy("one", "1Gi", &[]).succeeded();
    let ended = deploy("two", "2Gi", &["--", "python3", "-c", "raise SystemExit(3)"]);
    let _ = ended.failed_with("release", "app-crashes");
    assert!(ended.text.contains("stays as the failed release has made it"), "{}", ended.text);
    stand.serves("app", "one");
    forget("--wait=false");
}
