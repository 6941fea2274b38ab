//! Deletes pods that keep a StatefulSet from its update.
//!
//! A StatefulSet waits for a pod of another version to get ready, for ever if that pod is broken: the
//! controller does not replace the pod (kubernetes/kubernetes#67250).

use crate::{client::Client, object::ObjectRef, observe::list, render::JOB};
use windlass_engine::recorder::Recorder;
use windlass_model::{
    error::ClusterError,
    event::Event,
    job::{Release, Stage},
};

/// Deletes the pods that StatefulSets of this release wait for in vain now, each by its uid.
pub(crate) async fn unblock(
    client: &Client,
    release: &Release,
    recorder: &Recorder,
) -> Result<(), ClusterError> {
    let observed = list(client, release).await;
    for (set, pod) in observed.blocked() {
        let of = set.metadata.annotations.as_ref().and_then(|all| all.get(JOB));
        let (Some(name), Some(uid)) = (&pod.metadata.name, &pod.metadata.uid) else { continue };
        // Another release may have been applied in between. Its pods are not ours to delete.
        if of != Some(&release.id) {
            continue;
        }
        let head = ObjectRef::new("v1", "Pod", name).head(&release.app.namespace());
        client.delete(&head, uid).await?;
        let set = set.metadata.name.as_deref().unwrap_or_default();
        let line = format!(
            "pod {name} is of another version and not ready, and nothing goes on while it is there: deleted"
        );
        let source = format!("StatefulSet {set}");
        recorder.record(Event::Log { stage: Stage::Release, source, line }).await;
    }
    Ok(())
}
