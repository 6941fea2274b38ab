//! A StatefulSet waits for a pod of another version to get ready, for ever if that one is broken: its
//! controller does not replace it (kubernetes/kubernetes#67250). What is in the way goes.

use crate::{
    client::Client,
    evidence,
    inventory::Entry,
    render::{JOB, text},
};
use serde_json::Value;
use windlass_engine::recorder::Recorder;
use windlass_model::{
    error::ClusterError,
    event::Event,
    job::{Release, Stage},
};

/// Whether an object is a StatefulSet that starts its pods one after the other.
pub(crate) fn is_ordered(object: &Value) -> bool {
    let policy = object.pointer("/spec/podManagementPolicy").and_then(Value::as_str);
    text(object, "/kind") == "StatefulSet" && starts_in_order(policy)
}

/// Whether a policy is to start pods one after the other: the default.
pub(crate) fn starts_in_order(policy: Option<&str>) -> bool {
    policy != Some("Parallel")
}

/// Deletes the pods that StatefulSets of this release wait for in vain: as they are seen now, each by its
/// uid.
pub(crate) async fn unblock(
    client: &Client,
    release: &Release,
    recorder: &Recorder,
) -> Result<(), ClusterError> {
    let seen = evidence::seen(client, release).await;
    for (set, pod) in seen.blocked() {
        let of = set.metadata.annotations.as_ref().and_then(|all| all.get(JOB));
        let (Some(name), Some(uid)) = (&pod.metadata.name, &pod.metadata.uid) else { continue };
        // Another release may have come in between: what it wants is not ours to say.
        if of != Some(&release.id) {
            continue;
        }
        let entry = Entry {
            api_version: "v1".into(),
            kind: "Pod".into(),
            name: name.clone(),
            uid: uid.clone(),
        };
        client.delete(&entry.head(&release.app.namespace()), uid).await?;
        let set = set.metadata.name.as_deref().unwrap_or_default();
        let line = format!(
            "pod {name} is of another version and not ready, and nothing goes on while it is there: deleted"
        );
        let source = format!("StatefulSet {set}");
        recorder.record(Event::Log { stage: Stage::Release, source, line }).await;
    }
    Ok(())
}
