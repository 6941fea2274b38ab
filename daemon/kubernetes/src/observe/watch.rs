//! Watches of one kind of object each.

use crate::client::Client;
use futures::{Stream, StreamExt};
use kube::{
    Api, Resource,
    api::DynamicObject,
    core::{ApiResource, GroupVersionKind},
    runtime::{
        WatchStreamExt,
        reflector::{self, Lookup, Store},
        watcher,
    },
};
use std::{fmt::Debug, hash::Hash, pin::Pin};

/// A dead connection is noticed after this and five seconds more; the default of 290 s is as long
/// as the whole rollout may take.
pub(crate) const WATCH_SECONDS: u32 = 30;

/// How an API server says that it does not begin watches with lists: its feature gate WatchList is
/// off, or it is older than 1.27 (`ValidateListOptions` of apimachinery); or its etcd is too old
/// (`cacher.go` of apiserver).
const UNSTREAMED: [&str; 3] =
    ["sendInitialEvents", "resourceVersionMatch is forbidden for watch", "RequestWatchProgress"];

/// Reasons of the events by which an autoscaler says that a node comes for a pod: the Cluster
/// Autoscaler's, and that of Karpenter and EKS Auto Mode. A field selector takes one value.
pub(crate) const SCALE_UPS: [&str; 2] = ["TriggeredScaleUp", "Nominated"];

/// What a watch says.
pub(crate) enum WatchSignal {
    /// It was opened; what it shows is still to come.
    Opened,
    /// Something is other than before.
    Changed,
    /// It broke, and is opened again after a while.
    Broke,
    /// The API server does not begin a watch with a list.
    Unstreamed,
}

/// What watches say.
pub(crate) type Changes = Pin<Box<dyn Stream<Item = WatchSignal> + Send>>;

/// Returns all objects that a watch shows.
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
    (store, Box::pin(stream.default_backoff().map(signal)))
}

/// Watches objects of a kind that is no type here.
pub(super) fn watch_dynamic(
    client: &Client,
    namespace: &str,
    kind: &GroupVersionKind,
    config: watcher::Config,
) -> (Store<DynamicObject>, Changes) {
    let resource: ApiResource = client.resource(kind);
    let api = Api::<DynamicObject>::namespaced_with(client.inner(), namespace, &resource);
    let writer = reflector::store::Writer::<DynamicObject>::new(resource);
    let store = writer.as_reader();
    let stream = reflector::reflector(writer, watcher(api, config));
    (store, Box::pin(stream.default_backoff().map(signal)))
}

/// Returns what an event of a watch means.
fn signal<K>(event: Result<watcher::Event<K>, watcher::Error>) -> WatchSignal {
    use watcher::Event;
    match event {
        Ok(Event::Init | Event::InitApply(_)) => WatchSignal::Opened,
        Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_)) => WatchSignal::Changed,
        Err(error) => {
            tracing::debug!(%error, "watch");
            let words = match &error {
                watcher::Error::WatchStartFailed(kube::Error::Api(status))
                | watcher::Error::WatchError(status) => &*status.message,
                _ => "",
            };
            if UNSTREAMED.iter().any(|unstreamed| words.contains(unstreamed)) {
                WatchSignal::Unstreamed
            } else {
                WatchSignal::Broke
            }
        }
    }
}
