//! Deletes objects that a release no longer has.

use super::{
    Applier,
    inventory::Inventory,
    owner::{is_of_app, is_of_same_app},
    scalers::has_autoscaler,
};
use crate::{json::text, object::ObjectRef, render::manifests};
use serde_json::{Value, json};
use windlass_engine::recorder::Recorder;
use windlass_model::{
    error::ClusterError,
    event::Event,
    job::{Release, Stage},
};

impl Applier<'_> {
    /// Deletes objects that are listed and not in the release. An object that holds data stays, with a warning.
    pub(crate) async fn prune(
        &self,
        release: &Release,
        recorder: &Recorder,
    ) -> Result<(), ClusterError> {
        let objects = manifests(release, None, self.pull, None);
        let entries: Vec<_> = objects.iter().map(ObjectRef::of).collect();
        let inventory = Inventory::find(self.client, release).await?.unwrap_or_default();
        let (obsolete, held) = inventory.beyond(&entries);
        let namespace = release.app.namespace();
        let mut kept = held;
        let mut deleted = Vec::new();
        for entry in obsolete {
            let done = match self.uid_to_delete(release, &entry).await {
                Ok(Some(uid)) => self.client.delete(&entry.head(&namespace), &uid).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => deleted.push(entry),
                Err(ClusterError::Forbidden { .. }) => kept.push(entry),
                Err(error) => return Err(error),
            }
        }
        for entry in &kept {
            let message = format!("{entry} is not in this release any more, and stays");
            let fix = format!(
                "if nothing in it is needed: kubectl --namespace {namespace} delete {} {}",
                entry.kind.to_lowercase(),
                entry.name
            );
            recorder.record(Event::Warning { stage: Stage::Release, message, fix }).await;
        }
        // Before the inventory forgets them: a restart does this again.
        if deleted.iter().any(scales) {
            self.restore_replicas(&objects).await?;
        }
        if !deleted.is_empty() {
            inventory.without(&deleted).write(self.client, release).await?;
        }
        Ok(())
    }

    /// Returns the uid of the object that an entry means, if the object is ours. An entry that was listed and
    /// never made may have the name of somebody else's object.
    async fn uid_to_delete(
        &self,
        release: &Release,
        entry: &ObjectRef,
    ) -> Result<Option<String>, ClusterError> {
        if !entry.uid.is_empty() {
            return Ok(Some(entry.uid.clone()));
        }
        let live = self.client.find(&entry.head(&release.app.namespace())).await?;
        let ours = live.filter(|live| is_of_app(&live.metadata, &release.app.name));
        Ok(ours.and_then(|live| live.metadata.uid))
    }

    /// Sets `replicas` of workloads whose scaler was deleted, since until then the scaler may have changed the
    /// number.
    async fn restore_replicas(&self, objects: &[Value]) -> Result<(), ClusterError> {
        let has_count = |kind: &str| matches!(kind, "Deployment" | "StatefulSet");
        for object in objects.iter().filter(|object| has_count(text(object, "/kind"))) {
            let Some(wanted) = object.pointer("/spec/replicas") else { continue };
            let Some(live) = self.client.find(object).await? else { continue };
            if live.data.pointer("/spec/replicas") == Some(wanted)
                || !is_of_same_app(&live.metadata, object)
                || has_autoscaler(self.client, object).await?
            {
                continue;
            }
            self.client.merge(object, &json!({ "spec": { "replicas": wanted } })).await?;
        }
        Ok(())
    }
}

/// Returns whether an object scales another one.
fn scales(object: &ObjectRef) -> bool {
    matches!(&*object.kind, "HorizontalPodAutoscaler" | "ScaledObject")
}
