//! Watches one app's objects, and tells what they show each time that they change.

use crate::{client::Client, snapshot::Seen};
use futures::{Stream, StreamExt, stream::select_all};
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{Event, Pod},
};
use kube::{
    Resource,
    runtime::{
        WatchStreamExt,
        reflector::{self, Lookup, Store},
        watcher,
    },
};
use std::{fmt::Debug, hash::Hash, pin::Pin};
use tokio::sync::mpsc;
use windlass_core::{job::Release, rollout::Snapshot};

/// A dead connection is noticed after this and five seconds more; the default of 290 s is as long
/// as the whole rollout may take.
pub(crate) const WATCH_SECONDS: u32 = 30;

/// Something is other than before.
pub(crate) type Changes = Pin<Box<dyn Stream<Item = ()> + Send>>;

/// Starts the watches; they end when the receiver is dropped.
pub(crate) fn observe(client: &Client, release: &Release) -> mpsc::Receiver<Snapshot> {
    let namespace = release.app.namespace();
    let labels = format!("app.kubernetes.io/instance={}", release.app.name);
    let config = || watcher::Config::default().timeout(WATCH_SECONDS);
    let named = config().fields(&format!("metadata.name={}", release.app.name));
    let (deployments, changes_1) = watch::<Deployment>(client, &namespace, named);
    let (sets, changes_2) = watch::<ReplicaSet>(client, &namespace, config().labels(&labels));
    let (pods, changes_3) = watch::<Pod>(client, &namespace, config().labels(&labels));
    let warnings = config().fields("type=Warning");
    let (events, changes_4) = watch::<Event>(client, &namespace, warnings);
    let mut changes = select_all([changes_1, changes_2, changes_3, changes_4]);
    let (send, receive) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut last = None;
        loop {
            tokio::select! {
                change = changes.next() => if change.is_none() { return },
                () = send.closed() => return,
            }
            let seen = Seen {
                deployment: deployments.state().first().map(|found| Deployment::clone(found)),
                replica_sets: all(&sets),
                pods: all(&pods),
                events: all(&events),
            };
            let snapshot = seen.snapshot();
            if last.as_ref() != Some(&snapshot) {
                last = Some(snapshot.clone());
                if send.send(snapshot).await.is_err() {
                    return;
                }
            }
        }
    });
    receive
}

pub(crate) fn all<K: Lookup<DynamicType = ()> + Clone + 'static>(store: &Store<K>) -> Vec<K>
where
    K::DynamicType: Eq + Hash + Clone,
{
    store.state().iter().map(|object| K::clone(object)).collect::<Vec<_>>()
}

/// An expired watch is listed again, a broken one opened again after a while; both by `watcher`.
pub(crate) fn watch<K>(
    client: &Client,
    namespace: &str,
    config: watcher::Config,
) -> (Store<K>, Changes)
where
    K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + Send
        + Sync
        + serde::de::DeserializeOwned
        + 'static,
{
    let (store, writer) = reflector::store();
    let stream = reflector::reflector(writer, watcher(client.api::<K>(namespace), config));
    let changes = stream.default_backoff().map(|event| {
        if let Err(error) = event {
            tracing::debug!(%error, "watch");
        }
    });
    (store, Box::pin(changes))
}
