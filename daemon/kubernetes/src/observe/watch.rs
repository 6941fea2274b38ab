//! Watches, each of one kind of object.

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

/// `timeoutSeconds` of watches. A dead connection is noticed five seconds later. The default of 290 s is as
/// long as the whole rollout may take.
pub(crate) const WATCH_SECONDS: u32 = 30;

/// Parts of the errors of an API server that does not begin watches with lists: its feature gate WatchList is
/// off, or it is older than 1.27 (`ValidateListOptions` of apimachinery), or its etcd is too old
/// (`cacher.go` of apiserver).
const UNSTREAMED: [&str; 3] =
    ["sendInitialEvents", "resourceVersionMatch is forbidden for watch", "RequestWatchProgress"];

/// Reasons of an autoscaler's events that announce a node for a pod: the Cluster Autoscaler's, and
/// that of Karpenter and EKS Auto Mode. A field selector takes one value.
pub(crate) const SCALE_UPS: [&str; 2] = ["TriggeredScaleUp", "Nominated"];

/// Signal of a watch.
pub(crate) enum WatchSignal {
    /// The watch was opened. Objects are still to come.
    Opened,
    /// An object changed, or the first list is complete.
    Changed,
    /// The watch broke, and is opened again after a while.
    Broke,
    /// The API server does not begin a watch with a list.
    Unstreamed,
}

/// Stream of a watch's signals.
pub(crate) type Changes = Pin<Box<dyn Stream<Item = WatchSignal> + Send>>;

/// Returns all objects that a watch shows.
pub(crate) fn all<K: Lookup<DynamicType = ()> + Clone + 'static>(store: &Store<K>) -> Vec<K>
where
    K::DynamicType: Eq + Hash + Clone,
{
    store.state().iter().map(|object| K::clone(object)).collect::<Vec<_>>()
}

/// Watches objects of a kind. `watcher` lists again after an expired watch, and opens a broken watch again
/// after a while.
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

/// Watches objects of a kind that has no Rust type.
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

/// Converts an event of a watch.
fn signal<K>(event: Result<watcher::Event<K>, watcher::Error>) -> WatchSignal {
    use watcher::Event;
    match event {
        Ok(Event::Init | Event::InitApply(_)) => WatchSignal::Opened,
        Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_)) => WatchSignal::Changed,
        Err(error) => {
            tracing::debug!(%error, "watch");
            let message = match &error {
                watcher::Error::WatchStartFailed(kube::Error::Api(status))
                | watcher::Error::WatchError(status) => &*status.message,
                _ => "",
            };
            if UNSTREAMED.iter().any(|unstreamed| message.contains(unstreamed)) {
                WatchSignal::Unstreamed
            } else {
                WatchSignal::Broke
            }
        }
    }
}
