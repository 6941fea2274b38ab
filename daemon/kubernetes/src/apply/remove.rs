//! Removes an app: deletes all that was made for it, by the inventory and by uid, and nothing else.

use super::{
    Applier,
    found::Found,
    inventory::{Inventory, is_claim},
    owner::{is_of_app, label},
};
use crate::{
    client::limited,
    object::ObjectRef,
    render::{COMPONENT, INSTANCE, MANAGED_BY, NAME, OURS, PART_OF, TRACKS, inventory_name, wave},
};
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{PersistentVolumeClaim, Pod},
};
use kube::{api::ListParams, core::ObjectMeta};
use serde_json::{Value, json};
use std::{cmp::Reverse, time::Duration};
use tokio::time::{Instant, sleep};
use windlass_engine::{ports::MadeObject, recorder::Recorder};
use windlass_model::{
    error::ClusterError,
    job::{Release, Stage},
    runtime::WEB,
};

/// Time in which what was deleted must be gone: pods have a grace period, and claims wait for their pods.
const GONE: Duration = Duration::from_secs(600);

/// Time between two looks at what is left.
const LOOK: Duration = Duration::from_secs(1);

/// Source of the lines that say what was removed.
const SOURCE: &str = "remove";

/// Objects of an app, as they are in the cluster now.
pub(crate) struct Made {
    /// Objects that a removal deletes, with their uids, in the order of their deletion.
    going: Vec<ObjectRef>,
    /// Claims that stay, since they hold data.
    staying: Vec<ObjectRef>,
    /// Objects that the app made, and that are of another tool or app by now.
    taken: Vec<ObjectRef>,
    /// The reason for which claims of StatefulSets are not known. `None` means that they are.
    unknown: Option<String>,
}

impl Made {
    /// Returns the objects as they are shown, with the inventory and the namespace.
    pub(crate) fn shown(&self, release: &Release) -> Vec<MadeObject> {
        let goes = |object: String| MadeObject { object, stays: None };
        let mut all: Vec<_> = self.going.iter().map(|entry| goes(entry.to_string())).collect();
        all.push(goes(format!("ConfigMap {}", inventory_name(release))));
        let namespace = release.app.namespace();
        all.push(goes(format!("Namespace {namespace}, if nothing else is in it")));
        let stays = |object: String, why: &str| MadeObject { object, stays: Some(why.into()) };
        let holds = "it holds data";
        all.extend(self.staying.iter().map(|entry| stays(entry.to_string(), holds)));
        let other = "it is of another tool or app now";
        all.extend(self.taken.iter().map(|entry| stays(entry.to_string(), other)));
        let unknown = self.unknown.iter();
        all.extend(unknown.map(|why| stays("claims of StatefulSets".into(), why)));
        all
    }
}

impl Applier<'_> {
    /// Finds the objects of a release's app. `data` says whether its volume claims go.
    pub(crate) async fn made(&self, release: &Release, data: bool) -> Result<Made, ClusterError> {
        let namespace = release.app.namespace();
        let inventory = Inventory::find_whole(self.client, release).await?;
        let (mut all, mut taken) = (Vec::new(), Vec::new());
        for entry in inventory.entries() {
            match self.found(release, entry).await? {
                Found::Own(own) => all.push(own),
                Found::Taken => taken.push(entry.clone()),
                Found::Gone => {}
            }
        }
        // What makes pods goes before what pods need.
        all.sort_by_key(|entry| Reverse(wave(&entry.head(&namespace))));
        let (mut claims, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(is_claim);
        let mut going = self.hook_jobs(release).await?;
        going.extend(rest);
        let mut unknown = None;
        match self.claims(release).await {
            Ok(found) => {
                let is_new = |claim: &ObjectRef| !claims.iter().any(|known| known.is(claim));
                let new: Vec<_> = found.into_iter().filter(is_new).collect();
                claims.extend(new);
            }
            Err(ClusterError::Forbidden { .. }) => {
                unknown = Some(
                    "they cannot be listed: the account lacks \"list\" on persistentvolumeclaims"
                        .to_owned(),
                );
            }
            Err(error) => return Err(error),
        }
        let staying = if data { Vec::new() } else { std::mem::take(&mut claims) };
        going.extend(claims);
        Ok(Made { going, staying, taken, unknown })
    }

    /// Removes a release's app. Each call goes on where the one before ended.
    pub(crate) async fn remove(
        &self,
        release: &Release,
        data: bool,
        recorder: &Recorder,
    ) -> Result<(), ClusterError> {
        let namespace = release.app.namespace();
        let Made { going, staying, taken, unknown } = self.made(release, data).await?;
        for entry in &going {
            self.client.delete(&entry.head(&namespace), &entry.uid).await?;
            say(recorder, &format!("{entry} is deleted")).await;
        }
        self.wait_until_gone(release, &going).await?;
        for entry in &staying {
            let line = format!("{entry} stays: it holds data (windlass remove --data deletes it)");
            say(recorder, &line).await;
        }
        for entry in &taken {
            say(recorder, &format!("{entry} stays: it is of another tool or app now")).await;
        }
        if let Some(why) = unknown {
            say(recorder, &format!("claims of StatefulSets stay, if there are any: {why}")).await;
        }
        // Last: until here a restart finds by it what is left.
        self.remove_inventory(release).await?;
        let line = match self.remove_namespace(release).await? {
            Some(why) => format!("Namespace {namespace} stays: {why}"),
            None => format!("Namespace {namespace} is deleted"),
        };
        say(recorder, &line).await;
        say(recorder, "images and their tags stay in the registry").await;
        Ok(())
    }

    /// Returns the Jobs of hooks, which no inventory lists.
    async fn hook_jobs(&self, release: &Release) -> Result<Vec<ObjectRef>, ClusterError> {
        let app = &release.app.name;
        let ours = format!("{INSTANCE}={app}--hook,{MANAGED_BY}={OURS}");
        let api = self.client.api::<Job>(&release.app.namespace());
        let list = match limited(api.list(&ListParams::default().labels(&ours)), "jobs").await {
            // An account that may not see Jobs made none.
            Err(ClusterError::Forbidden { .. }) => return Ok(Vec::new()),
            list => list?,
        };
        Ok(list.items.iter().map(|job| named("batch/v1", "Job", &job.metadata)).collect())
    }

    /// Returns the app's claims: those that its StatefulSets made, which no inventory lists, and those that a removal
    /// before left.
    async fn claims(&self, release: &Release) -> Result<Vec<ObjectRef>, ClusterError> {
        let app = &release.app.name;
        let params = ListParams::default().labels(&format!("{INSTANCE}={app}"));
        let api = self.client.api::<PersistentVolumeClaim>(&release.app.namespace());
        let list = limited(api.list(&params), "persistentvolumeclaims").await?;
        let ours = list.items.iter().map(|claim| &claim.metadata);
        let ours = ours.filter(|metadata| is_of_app(metadata, app) || is_claim_of(metadata, app));
        Ok(ours.map(|metadata| named("v1", "PersistentVolumeClaim", metadata)).collect())
    }

    /// Waits until what was deleted is gone, pods too.
    async fn wait_until_gone(
        &self,
        release: &Release,
        deleted: &[ObjectRef],
    ) -> Result<(), ClusterError> {
        let began = Instant::now();
        loop {
            let Some(object) = self.left(release, deleted).await? else { return Ok(()) };
            if began.elapsed() > GONE {
                let minutes = GONE.as_secs() / 60;
                let message = format!(
                    "it is still there {minutes} min after it was deleted: a finalizer or a node that does not answer keeps it; mend that, then remove the app again"
                );
                return Err(ClusterError::Rejected { object, message });
            }
            sleep(LOOK).await;
        }
    }

    /// Returns an object that is deleted and still there. `None` means that all are gone.
    async fn left(
        &self,
        release: &Release,
        deleted: &[ObjectRef],
    ) -> Result<Option<String>, ClusterError> {
        let namespace = release.app.namespace();
        let app = &release.app.name;
        let ours = format!("{INSTANCE} in ({app},{app}--hook),{MANAGED_BY}={OURS}");
        let params = ListParams::default().labels(&ours).limit(1);
        let pods = limited(self.client.api::<Pod>(&namespace).list(&params), "pods").await?;
        if let Some(pod) = pods.items.first() {
            return Ok(Some(named("v1", "Pod", &pod.metadata).to_string()));
        }
        for entry in deleted {
            if let Some(left) = self.own(release, entry).await? {
                return Ok(Some(left.to_string()));
            }
        }
        Ok(None)
    }

    async fn remove_inventory(&self, release: &Release) -> Result<(), ClusterError> {
        let entry = ObjectRef::new("v1", "ConfigMap", &inventory_name(release));
        let Some(own) = self.own(release, &entry).await? else { return Ok(()) };
        self.client.delete(&own.head(&release.app.namespace()), &own.uid).await
    }

    /// Deletes the namespace, if Windlass made it and nothing is in it. Returns why it stays. `None` means that it is
    /// gone.
    async fn remove_namespace(&self, release: &Release) -> Result<Option<String>, ClusterError> {
        let namespace = release.app.namespace();
        let head = head_of_namespace(&namespace);
        // No app begins there meanwhile.
        let _lock = self.client.namespaces().write().await;
        let live = match self.client.find(&head).await {
            Err(ClusterError::Forbidden { .. }) => {
                return Ok(Some("the account may not see namespaces".into()));
            }
            found => found?,
        };
        let Some(live) = live else { return Ok(None) };
        if live.metadata.deletion_timestamp.is_some() {
            return Ok(None);
        }
        if !is_made(&live.metadata, &release.app.project) {
            return Ok(Some("Windlass did not make it".into()));
        }
        match self.client.content(&namespace).await {
            Ok(None) => {}
            Ok(Some(object)) => return Ok(Some(format!("{object} is in it"))),
            Err(ClusterError::Forbidden { object, .. }) => {
                return Ok(Some(format!(
                    "whether it is empty is not known: the account lacks \"list\" on {object}"
                )));
            }
            Err(error @ (ClusterError::Unreachable { .. } | ClusterError::NotTrusted { .. })) => {
                return Err(error);
            }
            // Such as an API that is no more, and still announced.
            Err(error) => return Ok(Some(format!("whether it is empty is not known: {error}"))),
        }
        let uid = live.metadata.uid.unwrap_or_default();
        match self.client.delete(&head, &uid).await {
            Err(ClusterError::Forbidden { .. }) => {
                Ok(Some("the account lacks \"delete\" on namespaces".into()))
            }
            deleted => deleted.map(|()| None),
        }
    }
}

async fn say(recorder: &Recorder, line: &str) {
    recorder.log_line(Stage::Release, SOURCE, line).await;
}

/// Refers to an object by its metadata.
fn named(api_version: &str, kind: &str, metadata: &ObjectMeta) -> ObjectRef {
    let name = metadata.name.as_deref().unwrap_or_default();
    let uid = metadata.uid.clone().unwrap_or_default();
    ObjectRef { uid, ..ObjectRef::new(api_version, kind, name) }
}

fn head_of_namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })
}

/// Returns whether Windlass made a namespace for a project: it sets these labels when it makes one, and never on one
/// that is there.
fn is_made(metadata: &ObjectMeta, project: &str) -> bool {
    label(metadata, MANAGED_BY) == Some(OURS) && label(metadata, PART_OF) == Some(project)
}

/// Returns whether a StatefulSet of an app made a claim. Others use the same label, so the name decides with it:
/// `<volume>-<set>-<number>`, and so does the set that its labels name.
fn is_claim_of(metadata: &ObjectMeta, app: &str) -> bool {
    let Some(process) = label(metadata, COMPONENT) else { return false };
    if process == WEB {
        return TRACKS
            .iter()
            .any(|track| is_claim_of_set(metadata, app, &format!("{app}{}", track.suffix())));
    }
    is_claim_of_set(metadata, app, &format!("{app}-{process}"))
}

/// Returns whether this StatefulSet of an app made a claim. Its pods have the set's name in [`NAME`], and those of charts
/// of Helm the chart's.
fn is_claim_of_set(metadata: &ObjectMeta, app: &str, set: &str) -> bool {
    let name = metadata.name.as_deref().unwrap_or_default();
    let is_numbered = |(rest, number): (&str, &str)| {
        !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && rest.strip_suffix(set).is_some_and(|rest| rest.len() > 1 && rest.ends_with('-'))
    };
    label(metadata, INSTANCE) == Some(app)
        && label(metadata, MANAGED_BY).is_none_or(|by| by == OURS)
        && label(metadata, NAME).is_none_or(|name| name == set)
        && name.rsplit_once('-').is_some_and(is_numbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(name: &str, labels: &Value) -> ObjectMeta {
        serde_json::from_value(json!({ "name": name, "labels": labels })).unwrap()
    }

    #[test]
    fn a_claim_is_of_a_set_of_the_app() {
        let labels = |process: &str| json!({ INSTANCE: "web", COMPONENT: process });
        for (name, labels, is_own) in [
            ("data-web-0", labels("web"), true),
            ("data-web-db-12", labels("db"), true),
            ("data-web-blue-0", labels("web"), true),
            ("data-web-blue-0", json!({ INSTANCE: "web", COMPONENT: "web", NAME: "web" }), false),
            ("data-web-db-12", labels("web"), false),
            ("data-web", labels("web"), false),
            ("web-0", labels("web"), false),
            ("data-web-x", labels("web"), false),
            ("data-web-0", json!({ INSTANCE: "web" }), false),
            ("data-web-0", json!({ INSTANCE: "web", COMPONENT: "web", MANAGED_BY: "Helm" }), false),
            ("data-web-0", json!({ INSTANCE: "other", COMPONENT: "web" }), false),
            ("data-web-db-0", json!({ INSTANCE: "web", COMPONENT: "db", NAME: "web-db" }), true),
            // Of a chart with the name `db`, whose release has the app's name.
            ("data-web-db-0", json!({ INSTANCE: "web", COMPONENT: "db", NAME: "db" }), false),
        ] {
            assert_eq!(is_claim_of(&metadata(name, &labels), "web"), is_own, "{name} {labels}");
        }
    }

    #[test]
    fn a_namespace_that_an_admin_made_is_not_ours() {
        let of = |labels: Value| is_made(&metadata("shop--production", &labels), "shop");
        assert!(of(json!({ MANAGED_BY: OURS, PART_OF: "shop" })));
        assert!(!of(json!({ MANAGED_BY: OURS, PART_OF: "blog" })));
        assert!(!of(json!({ MANAGED_BY: OURS })));
        assert!(!of(json!({})));
    }
}
