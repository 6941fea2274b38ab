//! Deletes objects that a release no longer has.

use super::{
    Applier,
    found::Found,
    inventory::Inventory,
    owner::is_of_same_app,
    scalers::has_autoscaler,
    settle::{has_route, is_behind_route, is_workload_of_web},
};
use crate::{
    json::text,
    object::ObjectRef,
    render::{inventory_name, manifests, wave},
};
use serde_json::{Value, json};
use std::cmp::Reverse;
use windlass_engine::recorder::Recorder;
use windlass_model::{
    error::ClusterError,
    event::Event,
    job::{Release, Stage},
};

impl Applier<'_> {
    /// Deletes objects that are listed and not in the release. An object that holds data stays, with a warning. So does one
    /// that another tool or app has taken over; the inventory forgets it. What a route led to goes only once its gateway
    /// has taken the change. An object whose deletion is refused keeps no other, but for a route: it leads to
    /// what it led to. In the end the error names all: [`ClusterError::NotDeleted`], or [`ClusterError::Rejected`] where
    /// one of them may get requests.
    pub(crate) async fn prune(
        &self,
        release: &Release,
        recorder: &Recorder,
    ) -> Result<(), ClusterError> {
        let objects = manifests(release, None, self.pull, None);
        let entries: Vec<_> = objects.iter().map(ObjectRef::of).collect();
        let writer = Inventory::writer(self.client, release).await?;
        let inventory = Inventory::find(self.client, release).await?.unwrap_or_default();
        let (mut obsolete, held) = inventory.beyond(&entries);
        if obsolete.iter().chain(&held).any(|entry| is_workload_of_web(release, entry)) {
            self.end_sharing(release).await?;
        }
        let namespace = release.app.namespace();
        // Routes and scalers go before what they lead to and scale.
        obsolete.sort_by_key(|entry| Reverse(wave(&entry.head(&namespace))));
        let heads: Vec<_> = obsolete.iter().map(|entry| entry.head(&namespace)).collect();
        let mut waits = has_route(&objects) || has_route(&heads);
        let mut kept = held;
        let mut refused = Vec::new();
        let mut route_stays = false;
        let mut may_answer = false;
        let mut deleted = Vec::new();
        let mut taken = Vec::new();
        for entry in obsolete {
            if route_stays && is_behind_route(release, &entry) {
                refused.push((entry, String::new()));
                continue;
            }
            let is_route = has_route(std::slice::from_ref(&entry.head(&namespace)));
            let done = match self.found(release, &entry).await {
                Ok(Found::Own(own)) => {
                    if waits && is_behind_route(release, &entry) {
                        self.settle(&objects, recorder).await?;
                        waits = false;
                    }
                    if is_behind_route(release, &entry) {
                        self.check_writer(release, writer.as_deref()).await?;
                    }
                    self.client.delete(&own.head(&namespace), &own.uid).await
                }
                Ok(Found::Taken) => {
                    taken.push(entry);
                    continue;
                }
                Ok(Found::Gone) => Ok(()),
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => deleted.push(entry),
                Err(ClusterError::Forbidden { .. }) => kept.push(entry),
                Err(ClusterError::Rejected { message, .. }) => {
                    route_stays = route_stays || is_route;
                    may_answer = may_answer || is_route || is_behind_route(release, &entry);
                    refused.push((entry, message));
                }
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
        for entry in &taken {
            let message = format!(
                "{entry} is not in this release any more, and stays: it is of another tool or app now"
            );
            let fix = "nothing, if that is meant: Windlass does not look after it any more".into();
            recorder.record(Event::Warning { stage: Stage::Release, message, fix }).await;
        }
        // Before the inventory forgets them: a restart does this again.
        if deleted.iter().any(scales) {
            self.restore_replicas(&objects).await?;
        }
        if !deleted.is_empty() || !taken.is_empty() {
            // What another job has listed since must not be forgotten.
            self.check_writer(release, writer.as_deref()).await?;
            inventory.without(&deleted).without(&taken).write(self.client, release).await?;
        }
        let Some((_, message)) = refused.first().cloned() else { return Ok(()) };
        let objects: Vec<_> = refused.iter().map(|(entry, _)| entry.to_string()).collect();
        let object = objects.join(", ");
        Err(if may_answer {
            ClusterError::Rejected { object, message }
        } else {
            ClusterError::NotDeleted { object, message }
        })
    }

    /// Checks that no other job has begun to write since a prune has begun: what it makes may have the names of what is to
    /// go. `writer` is the job that had written the inventory last.
    pub(super) async fn check_writer(
        &self,
        release: &Release,
        writer: Option<&str>,
    ) -> Result<(), ClusterError> {
        match Inventory::writer(self.client, release).await? {
            Some(job) if Some(&*job) != writer && job != release.id => {
                let object = format!("ConfigMap {}", inventory_name(release));
                let message = format!("job {job} writes it now, and nothing is deleted beside it");
                Err(ClusterError::Conflict { object, message })
            }
            _ => Ok(()),
        }
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
