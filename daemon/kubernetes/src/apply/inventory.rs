//! Inventory of an app's objects in a cluster: a `ConfigMap` that is also the parent of an ApplySet (KEP-3659).
//!
//! Objects that a later release no longer has are found without listing any kind.

use super::server_side;
use crate::{
    client::{Client, limited},
    object::ObjectRef,
    render::{APPLY_SET, JOB, apply_set, inventory_name, labels},
};
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use windlass_model::{error::ClusterError, job::Release};

/// Key of the list in the ConfigMap.
const KEY: &str = "objects";

/// Objects named by their content that are kept for rollbacks.
const KEPT: usize = 10;

/// Objects of an app, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inventory(Vec<ObjectRef>);

impl Inventory {
    /// Reads the inventory of a release's app. `None` means that the app has none yet.
    pub(crate) async fn find(
        client: &Client,
        release: &Release,
    ) -> Result<Option<Self>, ClusterError> {
        match Self::read(client, release).await? {
            Some(Ok(inventory)) => Ok(Some(inventory)),
            // Nobody but us writes it. The objects that it listed are left alone.
            Some(Err(error)) => {
                let name = inventory_name(release);
                tracing::warn!(%error, name, "the inventory cannot be read; an empty one replaces it");
                Ok(Some(Self::default()))
            }
            None => Ok(None),
        }
    }

    /// Reads the inventory of a release's app for its removal: what one that cannot be read lists would stay for good.
    pub(super) async fn find_whole(
        client: &Client,
        release: &Release,
    ) -> Result<Self, ClusterError> {
        match Self::read(client, release).await? {
            Some(Ok(inventory)) => Ok(inventory),
            Some(Err(error)) => Err(ClusterError::Rejected {
                object: format!("ConfigMap {}", inventory_name(release)),
                message: format!(
                    "its list of what was made cannot be read, and nothing is deleted: {error}; deploy the app once more, which lists its objects again, then remove it"
                ),
            }),
            None => Ok(Self::default()),
        }
    }

    /// Reads the inventory of a release's app, or the error that its text has.
    async fn read(
        client: &Client,
        release: &Release,
    ) -> Result<Option<Result<Self, serde_json::Error>>, ClusterError> {
        let api = client.api::<ConfigMap>(&release.app.namespace());
        let name = inventory_name(release);
        let found = limited(api.get_opt(&name), &format!("ConfigMap {name}")).await?;
        let Some(found) = found else { return Ok(None) };
        let text = found.data.and_then(|mut data| data.remove(KEY)).unwrap_or_default();
        if text.is_empty() {
            return Ok(Some(Ok(Self::default())));
        }
        Ok(Some(serde_json::from_str(&text).map(Self)))
    }

    /// Returns the job of the release that wrote the inventory last. `None` means that an older daemon wrote it, or that
    /// there is none.
    pub(super) async fn writer(
        client: &Client,
        release: &Release,
    ) -> Result<Option<String>, ClusterError> {
        let api = client.api::<ConfigMap>(&release.app.namespace());
        let name = inventory_name(release);
        let found = limited(api.get_opt(&name), &format!("ConfigMap {name}")).await?;
        let annotations = found.and_then(|found| found.metadata.annotations);
        Ok(annotations.and_then(|mut all| all.remove(JOB)))
    }

    /// Returns all entries, the oldest first.
    pub(super) fn entries(&self) -> &[ObjectRef] {
        &self.0
    }

    /// Returns whether an object was made, and not only listed to be made.
    pub(crate) fn has(&self, object: &Value) -> bool {
        let entry = ObjectRef::of(object);
        self.0.iter().any(|one| one.is(&entry) && !one.uid.is_empty())
    }

    /// Adds entries. An entry that is listed already keeps its place, and gets the new uid.
    #[must_use]
    pub(crate) fn with(mut self, entries: &[ObjectRef]) -> Self {
        for entry in entries {
            match self.0.iter_mut().find(|known| known.is(entry)) {
                Some(known) => {
                    if !entry.uid.is_empty() {
                        *known = entry.clone();
                    }
                }
                None => self.0.push(entry.clone()),
            }
        }
        self
    }

    /// Returns the objects that are listed and not in a release, as those to delete and those that hold data.
    /// Objects that are kept for rollbacks are in neither.
    pub(crate) fn beyond(&self, entries: &[ObjectRef]) -> (Vec<ObjectRef>, Vec<ObjectRef>) {
        let hashed: Vec<_> = self.0.iter().filter(|entry| is_hashed(entry)).collect();
        let young: Vec<_> = hashed.iter().rev().take(KEPT).collect();
        let obsolete = self.0.iter().filter(|known| {
            !entries.iter().any(|entry| entry.is(known)) && !young.iter().any(|one| one.is(known))
        });
        obsolete.cloned().partition(|entry| !holds_data(entry))
    }

    /// Removes entries.
    #[must_use]
    pub(crate) fn without(mut self, entries: &[ObjectRef]) -> Self {
        self.0.retain(|known| !entries.iter().any(|entry| entry.is(known)));
        self
    }

    /// Applies the ConfigMap with the inventory.
    pub(crate) async fn write(
        &self,
        client: &Client,
        release: &Release,
    ) -> Result<(), ClusterError> {
        let kinds: BTreeSet<_> = self
            .0
            .iter()
            .map(|entry| match entry.group() {
                "" => entry.kind.clone(),
                group => format!("{}.{group}", entry.kind),
            })
            .collect();
        let mut labels = labels(release);
        if let Some(labels) = labels.as_object_mut() {
            labels.insert("applyset.kubernetes.io/id".into(), json!(apply_set(release)));
            labels.remove(APPLY_SET);
        }
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": inventory_name(release),
                "namespace": release.app.namespace(),
                "labels": labels,
                "annotations": {
                    "applyset.kubernetes.io/tooling": "windlass/v0.1",
                    "applyset.kubernetes.io/contains-group-kinds":
                        kinds.into_iter().collect::<Vec<_>>().join(","),
                    JOB: release.id,
                },
            },
            "data": { KEY: serde_json::to_string(&self.0).unwrap_or_default() },
        });
        server_side::apply(client, &object).await.map(drop)
    }
}

/// Returns whether an object holds data that cannot be made again, or runs pods that hold it.
fn holds_data(object: &ObjectRef) -> bool {
    matches!(&*object.kind, "PersistentVolumeClaim" | "StatefulSet" | "Namespace")
}

/// Returns whether an object is a volume claim.
pub(super) fn is_claim(object: &ObjectRef) -> bool {
    object.kind == "PersistentVolumeClaim"
}

/// Returns whether an object is named by its content.
fn is_hashed(object: &ObjectRef) -> bool {
    matches!(&*object.kind, "ConfigMap" | "Secret")
        && (object.name.contains("-env-") || object.name.contains("-secrets-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, name: &str) -> ObjectRef {
        ObjectRef { uid: "1".into(), ..ObjectRef::new("v1", kind, name) }
    }

    #[test]
    fn what_holds_data_and_what_a_rollback_needs_is_kept() {
        let mut all: Vec<_> =
            (0..12).map(|n| entry("ConfigMap", &format!("web-env-{n}"))).collect();
        all.extend([entry("Service", "old"), entry("PersistentVolumeClaim", "disk")]);
        all.push(entry("Service", "web"));
        let inventory = Inventory(all);
        let now = [entry("Service", "web"), entry("ConfigMap", "web-env-11")];
        let (obsolete, held) = inventory.beyond(&now);
        let names = |list: &[ObjectRef]| list.iter().map(|e| e.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&obsolete), ["web-env-0", "web-env-1", "old"]);
        assert_eq!(names(&held), ["disk"]);
    }

    #[test]
    fn what_is_known_keeps_its_place_and_learns_its_uid() {
        let known = Inventory(vec![ObjectRef { uid: String::new(), ..entry("Service", "web") }]);
        let both = known.with(&[entry("Service", "web"), entry("Secret", "a")]);
        assert_eq!(both.0, [entry("Service", "web"), entry("Secret", "a")]);
    }
}
