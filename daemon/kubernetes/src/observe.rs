//! Watches one app's objects, and sends a snapshot each time that they change. Only kinds that the
//! release has are watched.

mod blocked;
pub(crate) mod endpoints;
pub(crate) mod evidence;
mod expected;
mod facts;
mod list;
pub(crate) mod logs;
mod observed;
mod snapshot;
pub(crate) mod watch;

pub(crate) use expected::{Expected, expected};
pub(crate) use facts::is_ready;
pub(crate) use list::list;
pub(crate) use observed::Observed;
pub(crate) use snapshot::route;

use crate::{
    client::{Client, limited},
    json::text,
    namespace,
    render::{self, INSTANCE},
};
use expected::{Leading, services};
use facts::selector_of;
use futures::{FutureExt, StreamExt, stream::SelectAll};
use k8s_openapi::api::{
    apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::Job,
    core::v1::{Event, Node, Pod, Service},
    discovery::v1::EndpointSlice,
};
use kube::{
    Api,
    api::{DynamicObject, ListParams},
    core::GroupVersionKind,
    runtime::{reflector::Store, watcher},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};
use watch::{
    Changes, SCALE_UPS, WATCH_SECONDS, WatchSignal, all, flooded, watch, watch_dynamic,
    watch_seconds,
};
use windlass_engine::ports::{Observation, Watching};
use windlass_model::{
    job::Release,
    runtime::{Route, ServiceKind},
};
use windlass_rollout::snapshot::{Snapshot, Workload};

/// Time without any signal of a watch after which the API server is checked.
const SILENCE: Duration = Duration::from_secs(20);

/// Time in which signals of a stranger's cluster become one: each snapshot copies all objects, and a server may send changes
/// as fast as the line is.
const TOGETHER: Duration = Duration::from_millis(50);

/// Signals that become one, at most.
const MOST_TOGETHER: usize = 10_000;

/// Field selector of the events that may explain a problem: warnings, and the `Killing` of a container whose probe
/// failed, which is of type Normal. A selector knows no "or", so it leaves out the frequent ones by name.
pub(crate) const EVENTS: &str = "reason!=Scheduled,reason!=Pulling,reason!=Pulled,reason!=Created,reason!=Started,reason!=SuccessfulCreate,reason!=SuccessfulDelete,reason!=ScalingReplicaSet";

/// All the watches of one release.
struct Watches {
    client: Client,
    namespace: String,
    expected: Vec<Expected>,
    services: Vec<Leading>,
    deployments: Option<Store<Deployment>>,
    stateful_sets: Option<Store<StatefulSet>>,
    daemon_sets: Option<Store<DaemonSet>>,
    jobs: Option<Store<Job>>,
    replica_sets: Option<Store<ReplicaSet>>,
    pods: Store<Pod>,
    events: Store<Event>,
    routes: Option<Store<DynamicObject>>,
    balancers: Option<Store<Service>>,
    autoscalers: Option<Store<HorizontalPodAutoscaler>>,
    /// Events of autoscalers, one store for each of [`SCALE_UPS`]. Empty until a pod finds no node.
    scale_ups: Vec<Store<Event>>,
    endpoints: BTreeMap<String, u32>,
    matching_nodes: BTreeMap<String, Option<bool>>,
    changes: SelectAll<Changes>,
}

/// Starts the watches of a release. They end when the receiver is dropped, or with an error once the
/// cluster is away, since nothing can be judged then.
pub(crate) fn observe(
    client: &Client,
    release: &Release,
    watching: Watching,
) -> mpsc::Receiver<Observation> {
    let mut watches = Watches::start(client, release, watching);
    let client = client.clone();
    let release = release.clone();
    let (send, receive) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut last: Option<Snapshot> = None;
        let mut is_alive = false;
        let mut has_looked = false;
        let silent = Instant::now() + SILENCE;
        loop {
            let snapshot = watches.snapshot();
            // Endpoints are read once the pods are healthy.
            let looks = watches.wants_endpoints(&snapshot);
            if last.as_ref() != Some(&snapshot) {
                // Or it would wait for pods that nobody makes, until its time is over.
                if last.as_ref().is_some_and(|last| has_lost(last, &snapshot))
                    && is_gone(&client, &watches.namespace, &send).await
                {
                    return;
                }
                last = Some(snapshot.clone());
                if send.send(Ok(snapshot)).await.is_err() {
                    return;
                }
            }
            if looks && watches.look_for_endpoints().await || watches.look_for_nodes().await {
                continue;
            }
            tokio::select! {
                signal = next_signal(&mut watches.changes, client.is_of_project()) => match signal {
                    None => return,
                    Some(WatchSignal::Opened) => {}
                    Some(WatchSignal::Changed) => {
                        is_alive = true;
                        // What went before this began is not missed: nothing of it was ever shown here.
                        if !has_looked {
                            has_looked = true;
                            if is_gone(&client, &watches.namespace, &send).await { return }
                        }
                    }
                    Some(WatchSignal::Broke) => if is_away(&client, &send).await { return },
                    Some(WatchSignal::Flooded) => {
                        let _ = send.send(Err(flooded())).await;
                        return;
                    }
                    Some(WatchSignal::Unstreamed) => {
                        client.list_first();
                        watches = Watches::start(&client, &release, watching);
                    }
                },
                // A cluster that hangs sends no signal at all.
                () = sleep_until(silent), if !is_alive => {
                    is_alive = true;
                    if is_away(&client, &send).await { return }
                    // A proxy before the API server may not stream watches. Lists work through it.
                    client.list_first();
                    watches = Watches::start(&client, &release, watching);
                }
                () = sleep(Duration::from_secs(1)), if looks => {}
                () = send.closed() => return,
            }
        }
    });
    receive
}

/// Returns the next signal. Those of a stranger's cluster are taken together, up to the first that is no change.
async fn next_signal(changes: &mut SelectAll<Changes>, is_strangers: bool) -> Option<WatchSignal> {
    let mut signal = changes.next().await?;
    if !is_strangers || !matches!(signal, WatchSignal::Opened | WatchSignal::Changed) {
        return Some(signal);
    }
    // A caller that drops this future meanwhile looks at all objects all the same.
    sleep(TOGETHER).await;
    for _ in 0..MOST_TOGETHER {
        match changes.next().now_or_never() {
            Some(Some(WatchSignal::Opened)) => {}
            Some(Some(WatchSignal::Changed)) => signal = WatchSignal::Changed,
            Some(Some(other)) => return Some(other),
            Some(None) | None => break,
        }
    }
    Some(signal)
}

/// Returns whether the namespace is being deleted or is gone, and sends the error if so.
async fn is_gone(client: &Client, namespace: &str, send: &mpsc::Sender<Observation>) -> bool {
    match namespace::why_gone(client, namespace).await {
        None => false,
        Some(why) => {
            let _ = send.send(Err(why)).await;
            true
        }
    }
}

/// Returns whether a workload that was there is not shown any more.
fn has_lost(before: &Snapshot, now: &Snapshot) -> bool {
    let is_shown = |snapshot: &Snapshot, one: &Workload| {
        let same = |other: &&Workload| (&other.kind, &other.name) == (&one.kind, &one.name);
        snapshot.workloads.iter().find(same).is_some_and(|found| !found.revision.is_empty())
    };
    before.workloads.iter().any(|one| !one.revision.is_empty() && !is_shown(now, one))
}

/// Returns whether the cluster is away, and sends the error if so.
async fn is_away(client: &Client, send: &mpsc::Sender<Observation>) -> bool {
    match client.check().await {
        Ok(_) => false,
        Err(away) => {
            let _ = send.send(Err(away)).await;
            true
        }
    }
}

impl Watches {
    fn start(client: &Client, release: &Release, watching: Watching) -> Self {
        let namespace = release.app.namespace();
        let labels = format!("{INSTANCE}={}", release.app.name);
        let (seconds, seconds_of_others) = watch_seconds(watching);
        let lasting = |seconds| {
            let config = watcher::Config::default().timeout(seconds);
            if client.streams() { config.streaming_lists() } else { config }
        };
        let ours = || lasting(seconds).labels(&labels);
        let others = || lasting(seconds_of_others);
        let pod_labels = render::pods_of(release);
        let expected = expected(release);
        let has = |kind: &str| expected.iter().any(|one| one.kind == kind);
        let mut changes = SelectAll::new();
        macro_rules! watched {
            ($wanted:expr, $config:expr) => {
                if $wanted {
                    let (store, more) = watch(client, &namespace, $config);
                    changes.push(more);
                    Some(store)
                } else {
                    None
                }
            };
        }
        let runtime = &release.runtime;
        // What leads to the version that serves is not of one that runs aside.
        let is_whole = runtime.aside.is_none();
        let own: Vec<_> = runtime
            .manifests
            .iter()
            .filter(|_| is_whole)
            .filter_map(|manifest| render::own_object(release, manifest))
            .map(|object| text(&object, "/kind").to_owned())
            .collect();
        let has_own = |kind: &str| own.iter().any(|one| one == kind);
        let has_gateway = matches!(runtime.expose.route, Some(Route::Gateway { .. }));
        let routed = is_whole && has_gateway || has_own("HTTPRoute");
        let balanced = is_whole && runtime.expose.service == Some(ServiceKind::LoadBalancer);
        let has_scaler = runtime.processes.iter().any(|process| process.autoscale.is_some());
        let scaled = is_whole && has_scaler || has_own("HorizontalPodAutoscaler");
        let (pods, more) = watch(client, &namespace, lasting(seconds).labels(&pod_labels));
        changes.push(more);
        let (events, more) = watch(client, &namespace, others().fields(EVENTS));
        changes.push(more);
        let routes = routed.then(|| {
            let kind = GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute");
            let (store, more) = watch_dynamic(client, &namespace, &kind, others().labels(&labels));
            changes.push(more);
            store
        });
        Self {
            deployments: watched!(has("Deployment"), ours()),
            // ReplicaSets have the labels of their pods.
            replica_sets: watched!(has("Deployment"), lasting(seconds).labels(&pod_labels)),
            stateful_sets: watched!(has("StatefulSet"), ours()),
            daemon_sets: watched!(has("DaemonSet"), ours()),
            jobs: watched!(has("Job"), ours()),
            balancers: watched!(balanced, others().labels(&labels)),
            autoscalers: watched!(scaled, others().labels(&labels)),
            client: client.clone(),
            namespace: namespace.clone(),
            services: services(release),
            expected,
            pods,
            events,
            routes,
            scale_ups: Vec::new(),
            endpoints: BTreeMap::new(),
            matching_nodes: BTreeMap::new(),
            changes,
        }
    }

    /// Returns the snapshot of now. Starts the watches of [`SCALE_UPS`] once a pod finds no node.
    fn snapshot(&mut self) -> Snapshot {
        let snapshot = self.observed().snapshot();
        let in_vain = snapshot.pods.iter().any(|pod| pod.unschedulable.is_some());
        if self.scale_ups.is_empty() && in_vain {
            for reason in SCALE_UPS {
                let config = watcher::Config::default().timeout(WATCH_SECONDS);
                let config = config.fields(&format!("reason={reason}"));
                let (store, more) = watch(&self.client, &self.namespace, config);
                self.changes.push(more);
                self.scale_ups.push(store);
            }
        }
        snapshot
    }

    fn observed(&self) -> Observed {
        let scaling = self.scale_ups.iter().flat_map(all);
        Observed {
            expected: self.expected.clone(),
            deployments: self.deployments.as_ref().map(all).unwrap_or_default(),
            stateful_sets: self.stateful_sets.as_ref().map(all).unwrap_or_default(),
            daemon_sets: self.daemon_sets.as_ref().map(all).unwrap_or_default(),
            jobs: self.jobs.as_ref().map(all).unwrap_or_default(),
            replica_sets: self.replica_sets.as_ref().map(all).unwrap_or_default(),
            pods: all(&self.pods),
            events: all(&self.events),
            routes: match &self.routes {
                Some(store) => store.state().iter().map(|one| DynamicObject::clone(one)).collect(),
                None => Vec::new(),
            },
            services: self.balancers.as_ref().map(all).unwrap_or_default(),
            autoscalers: self.autoscalers.as_ref().map(all).unwrap_or_default(),
            leading: self.services.clone(),
            endpoints: self.endpoints.clone(),
            matching_nodes: self.matching_nodes.clone(),
            scaling_up: scaling.filter_map(|one| one.involved_object.uid).collect(),
        }
    }

    fn wants_endpoints(&self, snapshot: &Snapshot) -> bool {
        let found =
            |one: &Leading| self.endpoints.get(&one.service).is_some_and(|ready| *ready > 0);
        !self.services.iter().all(found)
            && snapshot.workloads.iter().all(|one| !one.revision.is_empty() && one.observed)
            && snapshot.workloads.iter().all(Workload::is_healthy)
    }

    /// Asks once for each node selector of a pod that finds no node whether some node matches it.
    /// Returns whether anything was asked. An account that may not see nodes learns nothing.
    async fn look_for_nodes(&mut self) -> bool {
        let in_vain = all(&self.pods).into_iter().filter(|pod| {
            let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
            conditions.into_iter().flatten().any(|one| {
                one.message.as_ref().is_some_and(|message| {
                    message.contains("untolerated taint") && message.contains("affinity/selector")
                })
            })
        });
        let selectors: Vec<_> = in_vain.map(|pod| selector_of(&pod)).collect();
        let mut changed = false;
        for selector in selectors {
            if selector.is_empty() || self.matching_nodes.contains_key(&selector) {
                continue;
            }
            let api: Api<Node> = Api::all(self.client.inner());
            let one = ListParams::default().labels(&selector).limit(1);
            let nodes = limited(api.list_metadata(&one), "nodes").await.ok();
            self.matching_nodes.insert(selector, nodes.map(|nodes| !nodes.items.is_empty()));
            changed = true;
        }
        changed
    }

    /// Counts the ready endpoints of each Service. Returns whether a count changed.
    async fn look_for_endpoints(&mut self) -> bool {
        let api = self.client.api::<EndpointSlice>(&self.namespace);
        let mut changed = false;
        for Leading { service: name, .. } in &self.services {
            let slices =
                ListParams::default().labels(&format!("kubernetes.io/service-name={name}"));
            let Ok(slices) = limited(api.list(&slices), "EndpointSlices").await else { continue };
            let endpoints = slices.items.iter().flat_map(|slice| &slice.endpoints);
            let ready = endpoints.filter(|endpoint| {
                let conditions = endpoint.conditions.as_ref();
                conditions.and_then(|one| one.ready).unwrap_or(true)
            });
            let ready = u32::try_from(ready.count()).unwrap_or(u32::MAX);
            changed |= self.endpoints.insert(name.clone(), ready) != Some(ready);
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(workloads: &[(&str, &str)]) -> Snapshot {
        let workload = |(name, revision): &(&str, &str)| Workload {
            kind: "Deployment".into(),
            name: (*name).into(),
            revision: (*revision).into(),
            ..Workload::default()
        };
        Snapshot { workloads: workloads.iter().map(workload).collect(), ..Snapshot::default() }
    }

    #[test]
    fn a_workload_is_lost_once_it_was_there_and_is_not() {
        let both = snapshot(&[("web", "r1"), ("worker", "r1")]);
        for (now, expected) in [
            (snapshot(&[("web", "r1"), ("worker", "r1")]), false),
            (snapshot(&[("web", "r2"), ("worker", "r1")]), false),
            (snapshot(&[("web", "r1"), ("worker", "")]), true),
            (snapshot(&[]), true),
        ] {
            assert_eq!(has_lost(&both, &now), expected, "{now:?}");
        }
        // What is not made yet is not lost.
        let none = snapshot(&[("web", ""), ("worker", "")]);
        assert!(!has_lost(&none, &none) && !has_lost(&none, &both));
    }

    #[tokio::test]
    async fn changes_of_a_strangers_cluster_are_taken_together() {
        use WatchSignal::{Broke, Changed, Opened};
        let of = |signals: Vec<WatchSignal>| {
            let signals: Changes = Box::pin(futures::stream::iter(signals));
            SelectAll::from_iter([signals])
        };
        let mut changes = of(vec![Opened, Changed, Opened, Broke, Changed]);
        assert!(matches!(next_signal(&mut changes, true).await, Some(Broke)));
        assert!(matches!(next_signal(&mut changes, true).await, Some(Changed)));
        let mut changes = of(vec![Opened, Changed, Opened]);
        assert!(matches!(next_signal(&mut changes, true).await, Some(Changed)));
        assert!(next_signal(&mut changes, true).await.is_none());
        let mut changes = of(vec![Opened, Changed]);
        assert!(matches!(next_signal(&mut changes, false).await, Some(Opened)));
    }
}
