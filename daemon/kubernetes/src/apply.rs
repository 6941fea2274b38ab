//! Carries a change out: in waves, each after the one before.

mod claims;
mod inventory;
mod owner;
mod preview;
mod prune;
pub(crate) mod pull_secret;
mod scale_to_zero;
mod scalers;
pub(crate) mod server_side;
mod unblock;

pub(crate) use claims::Claims;
pub(crate) use preview::serves;
pub(crate) use scale_to_zero::scale_to_zero;
pub(crate) use unblock::unblock;

use crate::{
    client::{Client, HOLDER, MANAGER},
    json::text,
    object::ObjectRef,
    render::{PODS, PullLogin, manifests, scaled, wave, workload_name},
};
use futures::future::try_join_all;
use inventory::Inventory;
use kube::api::DynamicObject;
use owner::{is_of_same_app, of_another};
use scalers::has_said;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use windlass_engine::{ports::Secrets, recorder::Recorder};
use windlass_model::{
    error::ClusterError,
    event::Event,
    job::{Release, Stage},
    secret::Secret,
};

/// What applying needs beside the release.
pub(crate) struct Applier<'a> {
    pub(crate) client: &'a Client,
    pub(crate) secrets: &'a dyn Secrets,
    pub(crate) pull: Option<&'a PullLogin>,
    pub(crate) pod_security: Option<&'a str>,
    /// On the way back: what is told of objects that cannot be as they were.
    pub(crate) back: Option<&'a Recorder>,
}

impl Applier<'_> {
    /// All objects of a release, with its secrets in clear.
    pub(crate) async fn objects(&self, release: &Release) -> Result<Vec<Value>, ClusterError> {
        let mut values: BTreeMap<String, Secret> = BTreeMap::new();
        for secret in &release.runtime.secrets {
            let version = Some(secret.version);
            let opened = self.secrets.open(&release.app.project, &secret.name, version).await?;
            values.insert(secret.env.clone(), opened.0);
        }
        let mut all = manifests(release, Some(&values), self.pull, self.pod_security);
        Claims::of(self.client, release).await?.settle(release, &mut all);
        Ok(all)
    }

    /// Applies the objects of a release, and lists them before and after; where it is only prepared,
    /// those that make no pods.
    pub(crate) async fn apply(&self, release: &Release, pods: bool) -> Result<(), ClusterError> {
        let all = self.objects(release).await?;
        let Some((namespace, rest)) = all.split_first() else { return Ok(()) };
        let found = Inventory::find(self.client, release).await?;
        // Where there is an inventory, there is its namespace.
        if found.is_none() {
            self.namespace(namespace).await?;
        }
        let entries: Vec<_> = rest.iter().map(ObjectRef::of).collect();
        let before = found.unwrap_or_default();
        let unknown = rest.iter().filter(|object| !before.has(object));
        try_join_all(unknown.map(|object| self.free(object))).await?;
        let listed = before.clone().with(&entries);
        // Listed first: what is made and not listed would never be deleted.
        if listed != before {
            listed.write(self.client, release).await?;
        }
        let scaled = scaled(rest);
        let mut made = Vec::new();
        for number in 1..=4 {
            if number >= PODS && !pods {
                break;
            }
            let of_wave = rest.iter().filter(|object| wave(object) == number);
            made.extend(
                try_join_all(of_wave.map(|object| self.one(release, object, &scaled))).await?,
            );
        }
        let known = listed.clone().with(&made);
        if known != listed {
            known.write(self.client, release).await?;
        }
        Ok(())
    }

    /// Before the first of a release's objects is touched: none is somebody else's.
    async fn free(&self, object: &Value) -> Result<(), ClusterError> {
        match self.client.find(object).await? {
            Some(live) if !is_of_same_app(&live.metadata, object) => {
                Err(of_another(&live, ObjectRef::of(object).to_string()))
            }
            _ => Ok(()),
        }
    }

    async fn one(
        &self,
        release: &Release,
        object: &Value,
        scaled: &BTreeSet<(String, String)>,
    ) -> Result<ObjectRef, ClusterError> {
        let kind = text(object, "/kind");
        let name = text(object, "/metadata/name");
        let scaled = scaled.contains(&(kind.to_owned(), name.to_owned()));
        // Also where its autoscaler is there already: an older daemon's releases said the number beside it.
        if scaled {
            self.hand_over(object).await?;
        }
        if text(object, "/spec/strategy/type") == "Recreate" {
            self.end_rolling(object).await?;
        }
        let applied = match (server_side::apply(self.client, object).await, self.back) {
            (Err(error @ ClusterError::Rejected { .. }), Some(recorder)) => {
                self.leave(object, error, recorder).await?
            }
            (applied, _) => applied?,
        };
        // An app that failed before it ever served was scaled to nothing, and an autoscaler leaves that
        // as it is. One that scales to nothing itself has its way.
        if scaled
            && applied.data.pointer("/spec/replicas").and_then(Value::as_u64) == Some(0)
            && has_said(&applied.metadata, &[MANAGER, HOLDER])
        {
            let mut processes = release.runtime.processes.iter();
            let process = processes.find(|one| workload_name(release, one) == name);
            let least = process.map_or(1, |process| process.replicas.max(1));
            self.client.merge(object, &json!({ "spec": { "replicas": least } })).await?;
        }
        Ok(ObjectRef { uid: applied.metadata.uid.unwrap_or_default(), ..ObjectRef::of(object) })
    }

    /// An object as it is now, where the API server does not take it as it was and that is no reason not to
    /// put all else back.
    async fn leave(
        &self,
        object: &Value,
        error: ClusterError,
        recorder: &Recorder,
    ) -> Result<DynamicObject, ClusterError> {
        let Some(live) = self.client.find(object).await? else { return Err(error) };
        match text(object, "/kind") {
            // It holds what it held: a volume that has grown does not shrink.
            "PersistentVolumeClaim" => {
                let message = format!("it stays as the failed release has made it: {error}");
                let fix = "say its new size in the next release".into();
                recorder.record(Event::Warning { stage: Stage::Release, message, fix }).await;
                Ok(live)
            }
            // One that was made immutable meanwhile. What a policy or a quota refuses it would refuse again.
            "ConfigMap" if error.to_string().contains("field is immutable") => {
                let uid = live.metadata.uid.unwrap_or_default();
                self.client.delete(object, &uid).await?;
                server_side::apply(self.client, object).await
            }
            _ => Err(error),
        }
    }

    /// The API server takes no field of a rolling update beside `Recreate`, and our apply alone takes away
    /// none that somebody else holds, or that it filled in itself.
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

    /// An autoscaler takes over how many pods there are. Were our word on it only dropped, the API
    /// server would set it to 1: another manager holds it meanwhile.
    async fn hand_over(&self, object: &Value) -> Result<(), ClusterError> {
        let Some(live) = self.client.find(object).await? else { return Ok(()) };
        let ours = has_said(&live.metadata, &[MANAGER]);
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

    /// One that is there stays as it is: others may have said what it enforces. An account that may
    /// not make namespaces deploys into one that an admin made.
    async fn namespace(&self, namespace: &Value) -> Result<(), ClusterError> {
        match self.client.create(namespace).await {
            Err(ClusterError::Forbidden { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether an object is to let its old pods go first, and what is there has fields of a rolling update.
fn still_rolls(object: &Value, live: &DynamicObject) -> bool {
    text(object, "/spec/strategy/type") == "Recreate"
        && live.data.pointer("/spec/strategy/rollingUpdate").is_some_and(|one| !one.is_null())
}
