//! Each rollout diagnosis from a snapshot as a real cluster showed it, to the words that a user
//! reads. `WINDLASS_BLESS=1` writes the words anew, for review.

use super::diagnose;
use crate::{
    app::App,
    job::{Image, Release, Resources, Runtime, Stage},
    rollout::{Judge, Snapshot, Verdict},
    run::{Cause, Failure},
};
use std::{collections::BTreeMap, fs, path::Path, time::Duration};

fn release() -> Release {
    Release {
        id: "0197".into(),
        app: App::new("shop", "web", "").unwrap(),
        commit: "c0ffee".into(),
        image: Image { reference: "r.example/shop/web:c0ffee".into(), digest: "sha256:12".into() },
        hooks: Default::default(),
        runtime: Runtime {
            port: 8080,
            env: BTreeMap::new(),
            secrets: Vec::new(),
            replicas: 1,
            resources: Resources {
                cpu: "100m".into(),
                memory: "64Mi".into(),
                memory_limit: "128Mi".into(),
            },
            health: None,
            command: Vec::new(),
            user: Some(10001),
        },
    }
}

#[test]
fn from_what_the_cluster_shows_to_what_a_user_reads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnose/fixtures");
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut snapshot: Snapshot =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        snapshot.revision = "0197".into();
        snapshot.observed = true;
        let mut judge = Judge::default();
        let first = judge.judge(&snapshot, &release(), Duration::ZERO);
        let finding = match first {
            Verdict::Failed(finding) => finding,
            Verdict::Healthy => panic!("{name} is healthy"),
            Verdict::Progressing => {
                let at = judge.look_again().unwrap_or_else(|| panic!("{name} says nothing"));
                match judge.judge(&snapshot, &release(), at) {
                    Verdict::Failed(finding) => finding,
                    other => panic!("{name} at {at:?}: {other:?}"),
                }
            }
        };
        let cause = Cause::Rollout { finding, release: Box::new(release()), evidence: vec![] };
        let words = diagnose(&Failure { at: Stage::Release, cause }).to_string();
        let expected = path.with_extension("txt");
        #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
        if std::env::var_os("WINDLASS_BLESS").is_some() {
            fs::write(&expected, &words).unwrap();
        }
        assert_eq!(words, fs::read_to_string(&expected).unwrap_or_default(), "{name}");
        seen += 1;
    }
    assert!(seen >= 10, "{seen} fixtures");
}

#[test]
fn a_healthy_snapshot_of_another_revision_is_about_the_past() {
    let healthy = Snapshot {
        revision: "0197".into(),
        observed: true,
        wanted: 1,
        total: 1,
        updated: 1,
        ready: 1,
        available: 1,
        is_available: true,
        progressing: Some(("NewReplicaSetAvailable".into(), String::new())),
        ..Snapshot::default()
    };
    let judge = |seen: &Snapshot| Judge::default().judge(seen, &release(), Duration::ZERO);
    assert_eq!(judge(&healthy), Verdict::Healthy);
    let past = Snapshot { revision: "0196".into(), ..healthy.clone() };
    assert_eq!(judge(&past), Verdict::Progressing);
    let old_pod_left = Snapshot { total: 2, ..healthy.clone() };
    assert_eq!(judge(&old_pod_left), Verdict::Progressing);
    let stale = Snapshot { observed: false, ..healthy };
    assert_eq!(judge(&stale), Verdict::Progressing);
}

/// A secret that was made a moment before the pod may not have come to the node.
#[test]
fn a_pull_without_its_secret_is_tried_again_before_it_is_called() {
    let pulling = |reason: &str| -> Snapshot {
        serde_json::from_value(serde_json::json!({
            "revision": "0197",
            "observed": true,
            "wanted": 1,
            "pods": [{ "name": "web-1", "containers": [{ "waiting": ["ErrImagePull", "401 Unauthorized"] }] }],
            "warnings": [{ "pod": "web-1", "reason": reason, "message": "", "count": 1 }],
        }))
        .unwrap()
    };
    let mut judge = Judge::default();
    let seen = pulling("FailedToRetrieveImagePullSecret");
    assert_eq!(judge.judge(&seen, &release(), Duration::ZERO), Verdict::Progressing);
    let later = judge.judge(&seen, &release(), Duration::from_secs(20));
    assert!(matches!(later, Verdict::Failed(_)), "{later:?}");
    let at_once = Judge::default().judge(&pulling("Failed"), &release(), Duration::ZERO);
    assert!(matches!(at_once, Verdict::Failed(_)), "{at_once:?}");
}
