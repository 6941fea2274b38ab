//! Shares requests between two versions of `web` that run side by side.

use super::{
    Applier,
    aside::count,
    inventory::Inventory,
    owner::{is_of_same_app, of_another},
    server_side,
};
use crate::{
    client::limited,
    json::set,
    object::ObjectRef,
    render::{
        INSTANCE, NAME, TRACKS, shared_route, shared_service, shared_virtual_service, track_name,
        traffic,
    },
};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DynamicObject, ListParams};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use windlass_engine::recorder::Recorder;
use windlass_model::{
    error::ClusterError,
    event::Event,
    job::Release,
    runtime::{StrategyKind, Track, Traffic},
};

/// Any share at which the Service selects the pods of all tracks.
const BOTH: u32 = 50;

/// Number of tries to change a Service that others change at the same time.
const TRIES: u32 = 5;

/// Time in which pods of a third version must be ending.
const ENDING: Duration = Duration::from_secs(60);

/// Time between two looks at these pods.
const LOOK: Duration = Duration::from_millis(500);

impl Applier<'_> {
    /// Gives the release `weight` percent of the requests, and the version on track `from` the rest.
    pub(crate) async fn shift(
        &self,
        release: &Release,
        from: Track,
        weight: u32,
        recorder: &Recorder,
    ) -> Result<(), ClusterError> {
        let how = traffic(release);
        match how {
            Traffic::Replicas => self.shift_service(release, from, weight).await?,
            Traffic::Gateway => self.shift_route(release, weight).await?,
            Traffic::Istio => {
                self.make_listed(release, &shared_virtual_service(release, weight)).await?;
            }
        }
        let is_by_pods =
            how == Traffic::Replicas && release.runtime.strategy.kind == StrategyKind::Canary;
        let pods = if is_by_pods { Some(self.sharing(release, from, weight).await?) } else { None };
        let cluster = release.cluster().to_owned();
        recorder.record(Event::TrafficShifted { cluster, weight, pods }).await;
        Ok(())
    }

    /// Shares requests by the pods that the Service selects. Of a Service that is there nothing else is changed: its ports
    /// are still those of the version that serves.
    async fn shift_service(
        &self,
        release: &Release,
        from: Track,
        weight: u32,
    ) -> Result<(), ClusterError> {
        // Where `web` listens on nothing, no request comes.
        let Some(service) = shared_service(release, from, weight) else { return Ok(()) };
        if (1..100).contains(&weight) {
            self.end_third(release, from).await?;
        }
        for _ in 0..TRIES {
            let Some(live) = self.client.find(&service).await? else {
                return self.make_listed(release, &service).await;
            };
            if !is_of_same_app(&live.metadata, &service) {
                return Err(of_another(&live, ObjectRef::of(&service).to_string()));
            }
            let Some(change) = to_selector(&live, &service) else { return Ok(()) };
            match self.client.merge(&service, &change).await {
                // Somebody has changed it since: the newest one is looked at.
                Err(ClusterError::Conflict { .. }) => {}
                changed => return changed,
            }
        }
        let message = format!(
            "others changed it each of the {TRIES} times that its selector was to be changed"
        );
        let object = ObjectRef::of(&service).to_string();
        Err(ClusterError::Conflict { object, message })
    }

    /// Returns the Service of `web` that leads to the pods of all tracks, while it leads to ready ones of another track and
    /// the whole release has none yet: nothing shifted its requests, such as where the journal does not know what serves.
    /// The prune at the end leads it to the release alone. `None` means that it can lead there at once. A rollback does
    /// so, since the version that failed is to get no request.
    pub(super) async fn still_served(
        &self,
        release: &Release,
        inventory: &Inventory,
    ) -> Result<Option<Value>, ClusterError> {
        if release.runtime.aside.is_some() || self.rollback.is_some() {
            return Ok(None);
        }
        let namespace = release.app.namespace();
        let is_listed = |track: &Track| {
            ["Deployment", "StatefulSet"].iter().any(|kind| {
                let workload = ObjectRef::new("apps/v1", kind, &track_name(release, *track));
                inventory.has(&workload.head(&namespace))
            })
        };
        let others = TRACKS.into_iter().filter(|one| *one != release.track() && is_listed(one));
        let others: Vec<_> = others.collect();
        if others.is_empty() || self.ready(release, release.track()).await? > 0 {
            return Ok(None);
        }
        let service = ObjectRef::new("v1", "Service", &release.app.name).head(&namespace);
        let Some(live) = self.client.find(&service).await? else { return Ok(None) };
        let selected = live.data.pointer("/spec/selector").and_then(|selector| selector.get(NAME));
        for track in others {
            // One without a name selects all tracks: an apply before this one was broken off.
            let leads = selected.is_none_or(|name| *name == track_name(release, track));
            if leads && self.ready(release, track).await? > 0 {
                return Ok(shared_service(release, track, BOTH));
            }
        }
        Ok(None)
    }

    /// Leads the Service of `web` to the release's own track, where an apply has left it at the pods of another one, too.
    pub(super) async fn end_sharing(&self, release: &Release) -> Result<(), ClusterError> {
        self.shift_service(release, release.track(), 100).await
    }

    /// Shares requests by weights of the HTTPRoute, and waits until its gateways have taken them.
    async fn shift_route(&self, release: &Release, weight: u32) -> Result<(), ClusterError> {
        let port = self.serving_port(release).await?;
        // The spec is refused where the traffic is a gateway's and there is none.
        let Some(route) = shared_route(release, weight, port) else { return Ok(()) };
        self.make_listed(release, &route).await?;
        match self.why_not_accepted(&route).await? {
            None => Ok(()),
            Some(why) => {
                let object = ObjectRef::of(&route).to_string();
                let message = format!("its gateway has not taken a weight of {weight} %: {why}");
                Err(ClusterError::Rejected { object, message })
            }
        }
    }

    /// Returns the port of the Service that serves: the release may have another one, and the Service gets it only once
    /// all requests are the release's.
    async fn serving_port(&self, release: &Release) -> Result<u16, ClusterError> {
        let wanted = release.runtime.expose.port;
        let service = ObjectRef::new("v1", "Service", &release.app.name);
        let live = self.client.find(&service.head(&release.app.namespace())).await?;
        Ok(live.map_or(wanted, |live| port_of(&live, wanted)))
    }

    /// Ends pods of a third version, which was kept for a rollback: a Service that selects two versions would select it,
    /// too.
    async fn end_third(&self, release: &Release, from: Track) -> Result<(), ClusterError> {
        let namespace = release.app.namespace();
        let thirds = TRACKS.into_iter().filter(|one| *one != from && *one != release.track());
        for third in thirds {
            let name = track_name(release, third);
            let workload = ObjectRef::new("apps/v1", "Deployment", &name);
            if let Some(own) = self.own(release, &workload).await? {
                self.client.delete(&own.head(&namespace), &own.uid).await?;
            }
            let began = Instant::now();
            while let Some(pod) = self.running(release, &name).await? {
                if began.elapsed() > ENDING {
                    let message = format!(
                        "it is of a third version, and would get requests, too: none of {name} may run while two others share them; delete what makes it"
                    );
                    let object = format!("Pod {pod}");
                    return Err(ClusterError::Rejected { object, message });
                }
                sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// Returns a pod of a workload of `web` that does not end. `None` means that there is none.
    async fn running(
        &self,
        release: &Release,
        workload: &str,
    ) -> Result<Option<String>, ClusterError> {
        let labels = format!("{NAME}={workload},{INSTANCE}={}", release.app.name);
        let api = self.client.api::<Pod>(&release.app.namespace());
        let pods = limited(api.list(&ListParams::default().labels(&labels)), "pods").await?;
        let mut running =
            pods.items.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        Ok(running.next().and_then(|pod| pod.metadata.name))
    }

    /// Returns the numbers of ready pods that get requests: of the release, and of the version on track `from`.
    async fn sharing(
        &self,
        release: &Release,
        from: Track,
        weight: u32,
    ) -> Result<(u32, u32), ClusterError> {
        let (mut new, mut old) = (0, 0);
        if weight > 0 {
            new = self.ready(release, release.track()).await?;
        }
        if weight < 100 {
            old = self.ready(release, from).await?;
        }
        Ok((new, old))
    }

    async fn ready(&self, release: &Release, track: Track) -> Result<u32, ClusterError> {
        let live = self.on_track(release, track).await?;
        Ok(live.map_or(0, |live| count(&live, "/status/readyReplicas")))
    }

    /// Applies an object, and lists it in the inventory before and after.
    async fn make_listed(&self, release: &Release, object: &Value) -> Result<(), ClusterError> {
        let before = Inventory::find(self.client, release).await?.unwrap_or_default();
        if !before.has(object) {
            self.check_owner(object).await?;
        }
        let entry = ObjectRef::of(object);
        let listed = before.clone().with(std::slice::from_ref(&entry));
        // Listed first: what is made and not listed would never be deleted.
        if listed != before {
            listed.write(self.client, release).await?;
        }
        let applied = server_side::apply(self.client, object).await?;
        let made = ObjectRef { uid: applied.metadata.uid.unwrap_or_default(), ..entry };
        let known = listed.clone().with(&[made]);
        if known != listed {
            known.write(self.client, release).await?;
        }
        Ok(())
    }
}

/// Returns the change that gives a live Service the selector of another one. It fails where the Service was changed
/// since it was read: a daemon that lost its job in between must not switch back. `None` means that nothing is to be
/// changed.
fn to_selector(live: &DynamicObject, wanted: &Value) -> Option<Value> {
    let empty = json!({});
    let now = live.data.pointer("/spec/selector").unwrap_or(&empty);
    let wanted = wanted.pointer("/spec/selector").unwrap_or(&empty);
    if now == wanted {
        return None;
    }
    let mut selector = wanted.clone();
    for key in now.as_object().into_iter().flatten().map(|(key, _)| key) {
        if wanted.get(key).is_none() {
            set(&mut selector, key, Value::Null);
        }
    }
    Some(json!({
        "metadata": { "resourceVersion": live.metadata.resource_version },
        "spec": { "selector": selector },
    }))
}

/// Returns the port of a live Service that leads to `web`: the wanted one where the Service has it, else the one with
/// its name.
fn port_of(live: &DynamicObject, wanted: u16) -> u16 {
    let ports = live.data.pointer("/spec/ports").and_then(Value::as_array);
    let ports: Vec<_> = ports.into_iter().flatten().collect();
    let number = |port: &&Value| u16::try_from(port.get("port")?.as_u64()?).ok();
    if ports.iter().any(|port| number(port) == Some(wanted)) {
        return wanted;
    }
    let named = ports.iter().find(|port| port.get("name").is_some_and(|name| name == "http"));
    named.and_then(number).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(selector: &Value, ports: &Value) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": "web", "resourceVersion": "7" },
            "spec": { "selector": selector, "ports": ports },
        }))
        .unwrap()
    }

    #[test]
    fn a_selector_is_changed_whole_and_only_as_it_was_read() {
        let plain = json!({ NAME: "web", INSTANCE: "web" });
        let live = service(&plain, &json!([]));
        let shared = json!({ INSTANCE: "web", "app.kubernetes.io/component": "web" });
        let change = to_selector(&live, &json!({ "spec": { "selector": shared } }));
        assert_eq!(
            change.unwrap(),
            json!({
                "metadata": { "resourceVersion": "7" },
                "spec": { "selector": {
                    NAME: null, INSTANCE: "web", "app.kubernetes.io/component": "web",
                } },
            })
        );
        let same = to_selector(&live, &json!({ "spec": { "selector": plain } }));
        assert_eq!(same, None);
    }

    #[test]
    fn the_version_that_serves_keeps_its_port_until_the_switch() {
        let ports = |ports: Value| service(&json!({}), &ports);
        let old = ports(json!([{ "name": "admin", "port": 9 }, { "name": "http", "port": 80 }]));
        assert_eq!((port_of(&old, 80), port_of(&old, 8080)), (80, 80));
        // Without a port of that name, nothing better is known than the release's own.
        let other = ports(json!([{ "name": "grpc", "port": 50051 }]));
        assert_eq!(port_of(&other, 8080), 8080);
        assert_eq!(port_of(&ports(json!(null)), 8080), 8080);
    }
}
