//! Writes that fail where somebody else wrote meanwhile: each names the version of the object that it is of.

use super::{Client, MANAGER, Versioned, error::limited, name_of, named};
use crate::json::{entry, set};
use kube::{
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions},
    core::Status,
};
use serde_json::{Value, json};
use windlass_model::error::ClusterError;

/// These calls are not counted among the others (`calls`): a lease that waits for a place behind them would end. Those
/// may wait for this lease, too, with all places.
impl Client {
    /// Returns an object with the version that it has. `None` means that there is none.
    pub(crate) async fn find_version(
        &self,
        manifest: &Value,
    ) -> Result<Option<DynamicObject>, ClusterError> {
        let api = self.dynamic(manifest);
        limited(api.get_opt(name_of(manifest)), &named(manifest)).await
    }

    /// Makes an object that must not be there yet.
    pub(crate) async fn create_new(&self, manifest: &Value) -> Result<Versioned, ClusterError> {
        let what = named(manifest);
        let object: DynamicObject = serde_json::from_value(manifest.clone()).map_err(|error| {
            ClusterError::Rejected { object: what.clone(), message: error.to_string() }
        })?;
        let api = self.dynamic(manifest);
        let params = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
        let made = async { versioned(api.create(&params, &object).await) };
        limited(made, &what).await
    }

    /// Changes fields of an object that has this version (merge patch, which makes no object).
    pub(crate) async fn merge_version(
        &self,
        manifest: &Value,
        version: &str,
        mut change: Value,
    ) -> Result<Versioned, ClusterError> {
        if let Some(metadata) = entry(&mut change, "metadata") {
            set(metadata, "resourceVersion", json!(version));
        }
        let api = self.dynamic(manifest);
        let params = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        let patch = Patch::Merge(&change);
        let merged = async { versioned(api.patch(name_of(manifest), &params, &patch).await) };
        limited(merged, &named(manifest)).await
    }

    /// Deletes an object that has this version. What is done has this version for the last time.
    pub(crate) async fn delete_version(
        &self,
        manifest: &Value,
        version: &str,
    ) -> Result<Versioned, ClusterError> {
        let api = self.dynamic(manifest);
        let this = Preconditions { uid: None, resource_version: Some(version.to_owned()) };
        let params = DeleteParams::background().preconditions(this);
        let deleted = async {
            match api.delete(name_of(manifest), &params).await {
                Ok(_) => Ok(Versioned::Done(version.to_owned())),
                Err(error) => versioned(Err(error)),
            }
        };
        limited(deleted, &named(manifest)).await
    }
}

fn versioned(answer: Result<DynamicObject, kube::Error>) -> Result<Versioned, kube::Error> {
    match answer {
        Ok(object) => Ok(Versioned::Done(object.metadata.resource_version.unwrap_or_default())),
        Err(kube::Error::Api(status)) => answer_to(&status).ok_or_else(|| kube::Error::Api(status)),
        Err(error) => Err(error),
    }
}

/// Returns what a refusal says about the version. `None` means that it is about something else.
fn answer_to(status: &Status) -> Option<Versioned> {
    match (status.code, &*status.reason) {
        (409, "AlreadyExists" | "Conflict") => Some(Versioned::Other),
        // A kind that is not served has the same code.
        (404, "NotFound") if !status.message.contains("could not find the requested resource") => {
            Some(Versioned::Missing)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AT_ONCE, fake::FakeServer};
    use crate::lease;
    use serde_json::json;
    use std::{sync::Arc, time::Duration};
    use tokio::time::timeout;
    use windlass_engine::ports::{Acquired, LeaseHolder, Renewed};
    use windlass_model::{app::App, job::Release};

    /// Applies that wait for the lease have all places, and somebody has written it meanwhile.
    #[tokio::test]
    async fn a_lease_waits_for_no_place_among_other_calls() {
        let server = Arc::new(FakeServer::default());
        let name = "shop--production";
        server.put(
            &format!("/api/v1/namespaces/{name}"),
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }),
        );
        let client = server.client();
        let app = App::new("shop", "web", "").unwrap();
        let release = Release::bare("1", &app, &["default".to_owned()]);
        let holder = LeaseHolder::new("a", "job-1");
        let acquired = lease::acquire(&client, &release, &holder, None, None).await.unwrap();
        let Acquired::Held(first) = acquired else { panic!("{acquired:?}") };
        lease::renew(&client, &release, &holder, &first).await.unwrap();
        let places = u32::try_from(AT_ONCE).unwrap();
        let _all = client.shared.calls.acquire_many(places).await.unwrap();
        let soon = Duration::from_secs(5);
        let renewed = timeout(soon, lease::renew(&client, &release, &holder, &first)).await;
        assert!(matches!(renewed, Ok(Ok(Renewed::Held(_)))), "{renewed:?}");
        let given = timeout(soon, lease::give_back(&client, &release, &holder)).await;
        assert!(matches!(given, Ok(Ok(()))), "{given:?}");
    }
}
