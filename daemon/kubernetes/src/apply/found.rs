//! Objects of an inventory as they are in the cluster now.

use super::{
    Applier,
    owner::{is_of_app, is_of_other},
};
use crate::object::ObjectRef;
use kube::api::DynamicObject;
use windlass_model::{error::ClusterError, job::Release};

/// An object that the inventory of an app lists, as it is now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The app made it, and it is still the app's own. It has its uid, and an API version that the cluster serves.
    Own(ObjectRef),
    /// The app made it, and it is of another tool or app by now.
    Taken,
    /// There is none, or one of the same name that the app did not make.
    Gone,
}

impl Applier<'_> {
    /// Looks for an entry of an inventory. An object whose kind is served in another version by now is found in that.
    pub(super) async fn found(
        &self,
        release: &Release,
        entry: &ObjectRef,
    ) -> Result<Found, ClusterError> {
        if let Some(live) = self.live(release, entry).await? {
            return Ok(found(&live, &release.app.name, entry));
        }
        for api_version in self.client.other_versions(entry).await? {
            let other = ObjectRef { api_version, ..entry.clone() };
            if let Some(live) = self.live(release, &other).await? {
                return Ok(found(&live, &release.app.name, &other));
            }
        }
        Ok(Found::Gone)
    }

    /// Returns an entry with its uid, in the version that it names alone. `None` means that the object is gone, or is not
    /// ours: an entry that was listed and never made may have the name of somebody else's object.
    pub(super) async fn own(
        &self,
        release: &Release,
        entry: &ObjectRef,
    ) -> Result<Option<ObjectRef>, ClusterError> {
        let live = self.live(release, entry).await?;
        Ok(live.and_then(|live| match found(&live, &release.app.name, entry) {
            Found::Own(own) => Some(own),
            Found::Taken | Found::Gone => None,
        }))
    }

    /// Returns the object with the name of an entry, whoever made it. `None` means that there is none.
    async fn live(
        &self,
        release: &Release,
        entry: &ObjectRef,
    ) -> Result<Option<DynamicObject>, ClusterError> {
        match self.client.find(&entry.head(&release.app.namespace())).await {
            // The version is not served any more.
            Err(ClusterError::NoKind { .. }) => Ok(None),
            found => found,
        }
    }
}

/// Returns what the object with the name of an entry is to an app.
fn found(live: &DynamicObject, app: &str, entry: &ObjectRef) -> Found {
    let uid = live.metadata.uid.as_deref().unwrap_or_default();
    let own = || Found::Own(ObjectRef { uid: uid.to_owned(), ..entry.clone() });
    if entry.uid.is_empty() {
        return if is_of_app(&live.metadata, app) { own() } else { Found::Gone };
    }
    if uid != entry.uid {
        return Found::Gone;
    }
    if is_of_other(&live.metadata, app) { Found::Taken } else { own() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{INSTANCE, MANAGED_BY, OURS};
    use serde_json::{Value, json};

    #[test]
    fn an_object_is_the_apps_own_by_its_uid_until_another_tool_takes_it_over() {
        let ours = json!({ MANAGED_BY: OURS, INSTANCE: "web" });
        let helms = json!({ MANAGED_BY: "Helm", INSTANCE: "web" });
        let of = |listed: &str, uid: &str, labels: &Value| {
            let live = json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": { "name": "web", "uid": uid, "labels": labels },
            });
            let live: DynamicObject = serde_json::from_value(live).unwrap();
            let entry = ObjectRef { uid: listed.into(), ..ObjectRef::new("v1", "Service", "web") };
            found(&live, "web", &entry)
        };
        let own =
            Found::Own(ObjectRef { uid: "u1".into(), ..ObjectRef::new("v1", "Service", "web") });
        assert_eq!(of("u1", "u1", &ours), own);
        // Somebody has deleted the labels, and nobody else claims it.
        assert_eq!(of("u1", "u1", &json!({})), own);
        assert_eq!(of("u1", "u1", &helms), Found::Taken);
        assert_eq!(of("u1", "u1", &json!({ MANAGED_BY: OURS, INSTANCE: "api" })), Found::Taken);
        assert_eq!(of("u1", "u2", &ours), Found::Gone, "made again by somebody");
        // Listed, and not known to be made.
        assert_eq!(of("", "u1", &ours), own);
        assert_eq!(of("", "u1", &helms), Found::Gone);
        assert_eq!(of("", "u1", &json!({})), Found::Gone);
    }
}
