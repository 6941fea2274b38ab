//! A version that runs beside the one that serves: how many pods it has, and what else runs on its track.

use super::{Applier, inventory::Inventory, owner::is_of_app};
use crate::{
    object::ObjectRef,
    render::{track_name, workload_name},
};
use kube::api::DynamicObject;
use serde_json::json;
use std::borrow::Cow;
use windlass_model::{
    error::ClusterError,
    job::Release,
    runtime::{Track, WEB},
};

impl Applier<'_> {
    /// Returns a release with as many `replicas` of `web` as serve now, where it runs aside: its own number is a share
    /// of them. An autoscaler or a person may have made them more than the release says. Any other release stays as it
    /// is.
    pub(super) async fn sized<'r>(
        &self,
        release: &'r Release,
    ) -> Result<Cow<'r, Release>, ClusterError> {
        let Some(aside) = release.runtime.aside.filter(|aside| aside.percent > 0) else {
            return Ok(Cow::Borrowed(release));
        };
        let serving = self.on_track(release, aside.from).await?;
        let serving = serving.map_or(0, |live| count(&live, "/spec/replicas"));
        let mut sized = release.clone();
        for web in sized.runtime.processes.iter_mut().filter(|process| process.name == WEB) {
            web.replicas = web.replicas.max(serving);
        }
        Ok(Cow::Owned(sized))
    }

    /// Finds the workload of `web` on a track, of whichever release it is. `None` means that the app has none there.
    pub(super) async fn on_track(
        &self,
        release: &Release,
        track: Track,
    ) -> Result<Option<DynamicObject>, ClusterError> {
        for kind in ["Deployment", "StatefulSet"] {
            let workload = ObjectRef::new("apps/v1", kind, &track_name(release, track));
            let live = match self.client.find(&workload.head(&release.app.namespace())).await {
                // An account that may not see StatefulSets made none.
                Err(ClusterError::Forbidden { .. }) if kind == "StatefulSet" => None,
                found => found?,
            };
            if live.as_ref().is_some_and(|live| is_of_app(&live.metadata, &release.app.name)) {
                return Ok(live);
            }
        }
        Ok(None)
    }

    /// Deletes the autoscaler that an earlier version left on this track, whose pods were kept: it would set the number
    /// of pods that run aside.
    pub(super) async fn end_scaler(
        &self,
        release: &Release,
        inventory: &Inventory,
    ) -> Result<(), ClusterError> {
        let Some(web) = release.runtime.web() else { return Ok(()) };
        let name = workload_name(release, web);
        let scaler = ObjectRef::new("autoscaling/v2", "HorizontalPodAutoscaler", &name);
        let namespace = release.app.namespace();
        if !inventory.has(&scaler.head(&namespace)) {
            return Ok(());
        }
        match self.own(release, &scaler).await? {
            Some(own) => self.client.delete(&own.head(&namespace), &own.uid).await,
            None => Ok(()),
        }
    }
}

impl Applier<'_> {
    /// Lets the autoscaler of the version on track `from` take none of its pods while its share of the requests falls: a
    /// rollback needs all of them. A rollback restores the autoscaler, and the end of the release deletes it.
    pub(super) async fn hold_size(
        &self,
        release: &Release,
        from: Track,
        inventory: &Inventory,
    ) -> Result<(), ClusterError> {
        let scaler =
            ObjectRef::new("autoscaling/v2", "HorizontalPodAutoscaler", &track_name(release, from));
        let head = scaler.head(&release.app.namespace());
        if !inventory.has(&head) {
            return Ok(());
        }
        let Some(live) = self.client.find(&head).await? else { return Ok(()) };
        let serving = self.on_track(release, from).await?;
        let serving = serving.map_or(0, |live| count(&live, "/spec/replicas"));
        // A person may have scaled beyond what the autoscaler allows, and the API server refuses a least number above the
        // largest one.
        let least = serving.min(count(&live, "/spec/maxReplicas"));
        let is_ours = is_of_app(&live.metadata, &release.app.name);
        if !is_ours || count(&live, "/spec/minReplicas") >= least {
            return Ok(());
        }
        self.client.merge(&head, &json!({ "spec": { "minReplicas": least } })).await
    }
}

/// Returns a count of a live object. 0 also means that it has none.
pub(super) fn count(live: &DynamicObject, pointer: &str) -> u32 {
    let count = live.data.pointer(pointer).and_then(serde_json::Value::as_u64);
    u32::try_from(count.unwrap_or_default()).unwrap_or(u32::MAX)
}
