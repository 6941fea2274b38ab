//! Applies a release's objects in waves, each after the one before.

mod aside;
mod claims;
mod found;
mod inventory;
mod owner;
mod preview;
mod prune;
pub(crate) mod pull_secret;
mod remove;
mod scale_to_zero;
mod scalers;
pub(crate) mod server_side;
mod settle;
mod shift;
mod unblock;

pub(crate) use claims::Claims;
pub(crate) use preview::{compare, serves};
pub(crate) use scale_to_zero::scale_to_zero;
pub(crate) use unblock::unblock;

use crate::{
    client::{Client, HOLDER, MANAGER},
    json::text,
    namespace,
    object::ObjectRef,
    render::{PODS, PullLogin, is_route, manifests, scaled, wave, workload_name},
};
use futures::future::try_join_all;
use inventory::Inventory;
use kube::api::DynamicObject;
use owner::{is_of_same_app, of_another};
use scalers::sets_replicas;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use windlass_engine::{ports::Secrets, recorder::Recorder};
use windlass_model::{
    error::ClusterError,
    event::Event,
    job::{Release, Stage},
    secret::Secret,
};

/// Handles and settings that applying needs beside the release.
pub(crate) struct Applier<'a> {
    pub(crate) client: &'a Client,
    pub(crate) secrets: &'a dyn Secrets,
    /// Login of the pull secret. `None` makes no pull secret.
    pub(crate) pull: Option<&'a PullLogin>,
    /// The pull secret that there is stays: `pull` only names it.
    pub(crate) keeps_pull: bool,
    /// Level of `pod-security.kubernetes.io/enforce`. `None` leaves it to others.
    pub(crate) pod_security: Option<&'a str>,
    /// Recorder of warnings about objects that a rollback cannot restore. `None` means that this is no
    /// rollback.
    pub(crate) rollback: Option<&'a Recorder>,
}

impl Applier<'_> {
    /// Returns all objects of a release, with the values of its secrets.
    pub(crate) async fn objects(&self, release: &Release) -> Result<Vec<Value>, ClusterError> {
        let sized = self.sized(release).await?;
        let release = &*sized;
        let mut values: BTreeMap<String, Secret> = BTreeMap::new();
        for secret in &release.runtime.secrets {
            let version = Some(secret.version);
            let opened = self.secrets.open(&release.app.project, &secret.name, version).await?;
            values.insert(secret.env.clone(), opened.0);
        }
        let mut all = manifests(release, Some(&values), self.pull, self.pod_security);
        Claims::of(self.client, release).await?.set_strategies(release, &mut all);
        Ok(all)
    }

    /// Applies the objects of a release, and lists them in the inventory before and after. Without `pods`,
    /// objects that make pods are left out.
    pub(crate) async fn apply(&self, release: &Release, pods: bool) -> Result<(), ClusterError> {
        let all = self.objects(release).await?;
        let Some((own, rest)) = all.split_first() else { return Ok(()) };
        // It ends by itself, and is made again then: a preview may be opened right after its removal.
        namespace::check(self.client, &release.app.namespace()).await?;
        let found = Inventory::find(self.client, release).await?;
        // Where there is an inventory, there is its namespace.
        let mut begins = None;
        if found.is_none() {
            begins = Some(self.client.namespaces().read().await);
            self.namespace(own).await?;
        }
        let entries: Vec<_> = rest.iter().map(ObjectRef::of).collect();
        let before = found.unwrap_or_default();
        let unknown = rest.iter().filter(|object| !before.has(object));
        try_join_all(unknown.map(|object| self.check_owner(object))).await?;
        let listed = before.clone().with(&entries);
        // Listed first: what is made and not listed would never be deleted. On tracks it also says whose turn it is: what
        // is kept for a while is deleted by no job.
        let has_tracks = release.runtime.strategy.has_tracks() || !release.track().is_plain();
        if listed != before || has_tracks {
            listed.write(self.client, release).await?;
        }
        drop(begins);
        if let Some(aside) = release.runtime.aside.filter(|_| pods) {
            self.end_scaler(release, &before).await?;
            self.hold_size(release, aside.from, &before).await?;
        }
        let kept = if pods { self.still_served(release, &before).await? } else { None };
        let scaled = scaled(rest);
        let mut made = Vec::new();
        for number in 1..=4 {
            if number >= PODS && !pods {
                break;
            }
            let of_wave = rest.iter().filter(|object| {
                wave(object) == number && !(self.keeps_pull && is_pull_secret(object))
            });
            let of_wave = of_wave.map(|object| {
                let is_it = |service: &&Value| ObjectRef::of(service).is(&ObjectRef::of(object));
                kept.as_ref().filter(is_it).unwrap_or(object)
            });
            made.extend(
                try_join_all(of_wave.map(|object| self.apply_one(release, object, &scaled)))
                    .await?,
            );
        }
        let known = listed.clone().with(&made);
        if known != listed {
            known.write(self.client, release).await?;
        }
        Ok(())
    }

    /// Checks that the Services and routes among these objects are not there yet, or are of this app.
    pub(crate) async fn check_shared(
        &self,
        release: &Release,
        objects: &[Value],
    ) -> Result<(), ClusterError> {
        let known = Inventory::find(self.client, release).await?.unwrap_or_default();
        let leads = objects.iter().filter(|one| text(one, "/kind") == "Service" || is_route(one));
        let unknown = leads.filter(|object| !known.has(object));
        try_join_all(unknown.map(|object| self.check_owner(object))).await.map(drop)
    }

    /// Checks that an object is not there yet, or is of this app. All are checked before the first one is
    /// written.
    async fn check_owner(&self, object: &Value) -> Result<(), ClusterError> {
        match self.client.find(object).await? {
            Some(live) if !is_of_same_app(&live.metadata, object) => {
                Err(of_another(&live, ObjectRef::of(object).to_string()))
            }
            _ => Ok(()),
        }
    }

    async fn apply_one(
        &self,
        release: &Release,
        object: &Value,
        scaled: &BTreeSet<(String, String)>,
    ) -> Result<ObjectRef, ClusterError> {
        let kind = text(object, "/kind");
        let name = text(object, "/metadata/name");
        let scaled = scaled.contains(&(kind.to_owned(), name.to_owned()));
        // Also where its autoscaler is there already: releases of an older daemon set `replicas` beside an
        // autoscaler.
        if scaled {
            self.hand_over(object).await?;
        }
        if text(object, "/spec/strategy/type") == "Recreate" {
            self.end_rolling(object).await?;
        }
        let applied = match (server_side::apply(self.client, object).await, self.rollback) {
            (Err(error @ ClusterError::Rejected { .. }), Some(recorder)) => {
                self.keep_or_replace(object, error, recorder).await?
            }
            (applied, _) => applied?,
        };
        // An app that failed before it ever served was scaled to zero, and an autoscaler leaves that as it is.
        // A scaler that scaled to zero itself is not overruled.
        if scaled
            && applied.data.pointer("/spec/replicas").and_then(Value::as_u64) == Some(0)
            && sets_replicas(&applied.metadata, &[MANAGER, HOLDER])
        {
            let mut processes = release.runtime.processes.iter();
            let process = processes.find(|one| workload_name(release, one) == name);
            let least = process.map_or(1, |process| process.replicas.max(1));
            self.client.merge(object, &json!({ "spec": { "replicas": least } })).await?;
        }
        Ok(ObjectRef { uid: applied.metadata.uid.unwrap_or_default(), ..ObjectRef::of(object) })
    }

    /// Returns the object that stays or is made in the place of one that the API server does not restore.
    /// `error` is returned where that is a reason to end the rollback.
    async fn keep_or_replace(
        &self,
        object: &Value,
        error: ClusterError,
        recorder: &Recorder,
    ) -> Result<DynamicObject, ClusterError> {
        let Some(live) = self.client.find(object).await? else { return Err(error) };
        match text(object, "/kind") {
            // The claim keeps its data: a volume that has grown does not shrink.
            "PersistentVolumeClaim" => {
                let message = format!("it stays as the failed release has made it: {error}");
                let fix = "say its new size in the next release".into();
                recorder.record(Event::Warning { stage: Stage::Release, message, fix }).await;
                Ok(live)
            }
            // The ConfigMap was made immutable meanwhile. A policy or a quota would refuse a new one, too.
            "ConfigMap" if error.to_string().contains("field is immutable") => {
                let uid = live.metadata.uid.unwrap_or_default();
                self.client.delete(object, &uid).await?;
                server_side::apply(self.client, object).await
            }
            _ => Err(error),
        }
    }

    /// Removes `rollingUpdate` from a live Deployment. The API server refuses it beside `Recreate`, and an
    /// apply removes no field that another manager owns or that the API server filled in.
    async fn end_rolling(&self, object: &Value) -> Result<(), ClusterError> {
        let live = self.client.find(object).await?;
        let is_to_end = |live: &DynamicObject| {
            is_of_same_app(&live.metadata, object) && still_rolls(object, live)
        };
        if !live.as_ref().is_some_and(is_to_end) {
            return Ok(());
        }
        let strategy = json!({ "type": "Recreate", "rollingUpdate": null });
        self.client.merge(object, &json!({ "spec": { "strategy": strategy } })).await
    }

    /// Leaves `replicas` to an autoscaler. If we only stopped applying the field, the API server would set it
    /// to 1, so another manager takes the field meanwhile.
    async fn hand_over(&self, object: &Value) -> Result<(), ClusterError> {
        let Some(live) = self.client.find(object).await? else { return Ok(()) };
        let ours = sets_replicas(&live.metadata, &[MANAGER]);
        let Some(replicas) = live.data.pointer("/spec/replicas").filter(|_| ours) else {
            return Ok(());
        };
        let held = json!({
            "apiVersion": text(object, "/apiVersion"),
            "kind": text(object, "/kind"),
            "metadata": {
                "name": text(object, "/metadata/name"),
                "namespace": text(object, "/metadata/namespace"),
            },
            "spec": { "replicas": replicas },
        });
        self.client.hold(&held).await
    }

    /// Makes the namespace. One that exists stays as it is, since others may have set what it enforces. An
    /// account that may not make namespaces deploys into one that an admin made.
    async fn namespace(&self, namespace: &Value) -> Result<(), ClusterError> {
        match self.client.create(namespace).await {
            Err(ClusterError::Forbidden { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Returns whether an object is a pull secret.
pub(crate) fn is_pull_secret(object: &Value) -> bool {
    text(object, "/type") == "kubernetes.io/dockerconfigjson"
}

/// Returns whether an object is to be `Recreate` while the live one has fields of a rolling update.
fn still_rolls(object: &Value, live: &DynamicObject) -> bool {
    text(object, "/spec/strategy/type") == "Recreate"
        && live.data.pointer("/spec/strategy/rollingUpdate").is_some_and(|one| !one.is_null())
}

#[cfg(test)]
mod tests;
