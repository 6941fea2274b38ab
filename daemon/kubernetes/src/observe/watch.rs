//! Watches, each of one kind of object.

use crate::client::Client;
use futures::{Stream, StreamExt, future::ready};
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
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt::Debug,
    hash::Hash,
    io::{self, Write},
    mem,
    pin::Pin,
};
use windlass_engine::ports::Watching;
use windlass_model::error::ClusterError;

/// `timeoutSeconds` of watches. A dead connection is noticed five seconds later. The default of 290 s is as
/// long as the whole rollout may take.
pub(crate) const WATCH_SECONDS: u32 = 30;

/// `timeoutSeconds` while a release is guarded that was healthy: of watches of its pods and workloads, and of others, which
/// explain a problem and show none by themselves. To open watches again is half of the requests of a release that holds.
const GUARD_SECONDS: (u32, u32) = (50, 240);

/// Bytes of JSON that one watch of a stranger's cluster shows, at most. A selector asks for few objects, and a server
/// that lies sends others without end.
const MOST_HELD: usize = 32 << 20;

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
    /// The watch of a stranger's cluster showed more than [`MOST_HELD`], and has ended.
    Flooded,
}

/// Returns `timeoutSeconds` of watches of a release's pods and workloads, and of those of other objects.
pub(super) fn watch_seconds(watching: Watching) -> (u32, u32) {
    match watching {
        Watching::Rollout => (WATCH_SECONDS, WATCH_SECONDS),
        Watching::Guard => GUARD_SECONDS,
    }
}

/// Returns the error for [`WatchSignal::Flooded`].
pub(crate) fn flooded() -> ClusterError {
    let most = MOST_HELD >> 20;
    let message = format!("a watch of one app shows more than {most} MiB of objects");
    ClusterError::NotTrusted { message }
}

/// Objects that a watch shows, each with its bytes of JSON.
#[derive(Default)]
struct Held {
    shown: BTreeMap<String, usize>,
    /// Objects of a list that is on its way. At its end they take the place of those before.
    listed: BTreeMap<String, usize>,
    bytes: usize,
}

impl Held {
    /// Counts an event. `false` means that there are too many bytes.
    fn take<K: Resource + Serialize>(&mut self, event: &watcher::Event<K>) -> bool {
        use watcher::Event;
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(object) => {
                self.bytes += size(object);
                self.listed.insert(key(object), size(object));
            }
            Event::InitDone => self.shown = mem::take(&mut self.listed),
            Event::Apply(object) => {
                self.bytes += size(object);
                self.shown.insert(key(object), size(object));
            }
            Event::Delete(object) => {
                self.shown.remove(&key(object));
            }
        }
        // The sum is exact where it matters: objects were replaced or deleted meanwhile.
        if self.bytes > MOST_HELD || matches!(event, Event::InitDone) {
            self.bytes = self.shown.values().chain(self.listed.values()).sum();
        }
        self.bytes <= MOST_HELD
    }
}

fn key<K: Resource>(object: &K) -> String {
    let metadata = object.meta();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}/{}", text(&metadata.namespace), text(&metadata.name))
}

/// Returns the bytes of an object as JSON, and those that an empty one of its kind takes.
fn size<K: Serialize>(object: &K) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            self.0 += data.len();
            Ok(data.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(size_of::<K>());
    // What cannot be written as JSON did not come as JSON.
    let _ = serde_json::to_writer(&mut count, object);
    count.0
}

/// Ends the events of a stranger's cluster before they show too much.
fn bounded<K: Resource + Serialize>(
    events: impl Stream<Item = Result<watcher::Event<K>, watcher::Error>>,
    is_strangers: bool,
) -> impl Stream<Item = Result<watcher::Event<K>, watcher::Error>> {
    let mut held = is_strangers.then(Held::default);
    events.take_while(move |event| {
        ready(match (&mut held, event) {
            (Some(held), Ok(event)) => held.take(event),
            _ => true,
        })
    })
}

/// Converts the events of a watch. `watcher` does not end by itself.
fn signals<K: Send + 'static>(
    events: impl Stream<Item = Result<watcher::Event<K>, watcher::Error>> + Send + 'static,
) -> Changes {
    let ended = futures::stream::once(ready(WatchSignal::Flooded));
    Box::pin(events.default_backoff().map(signal).chain(ended))
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
        + Serialize
        + 'static,
{
    let (store, writer) = reflector::store();
    let events = bounded(watcher(client.api::<K>(namespace), config), client.is_of_project());
    (store, signals(reflector::reflector(writer, events)))
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
    let events = bounded(watcher(api, config), client.is_of_project());
    (store, signals(reflector::reflector(writer, events)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::runtime::watcher::Event;
    use serde_json::json;

    fn object(name: &str, bytes: usize) -> ConfigMap {
        let text = "x".repeat(bytes);
        let object = json!({ "metadata": { "name": name }, "data": { "text": text } });
        serde_json::from_value(object).unwrap()
    }

    async fn passed(events: Vec<Event<ConfigMap>>, is_strangers: bool) -> usize {
        bounded(stream::iter(events.into_iter().map(Ok)), is_strangers).count().await
    }

    #[tokio::test]
    async fn a_strangers_watch_ends_before_it_shows_too_much() {
        let third = MOST_HELD / 3;
        let many = |make: fn(ConfigMap) -> Event<ConfigMap>| -> Vec<_> {
            (0..4).map(|number| make(object(&number.to_string(), third))).collect()
        };
        assert_eq!(passed(many(Event::Apply), true).await, 2);
        assert_eq!(passed(many(Event::InitApply), true).await, 2);
        assert_eq!(passed(many(Event::Apply), false).await, 4, "the operator's");
        // One object that changes, lists that take each other's place, and objects that go are not too much.
        let same: Vec<_> = (0..9).map(|_| Event::Apply(object("a", third))).collect();
        assert_eq!(passed(same, true).await, 9);
        let lists = (0..9).flat_map(|number| {
            let one = object(&number.to_string(), third);
            [Event::Init, Event::InitApply(one), Event::InitDone]
        });
        assert_eq!(passed(lists.collect(), true).await, 27);
        let goes = (0..9).flat_map(|number| {
            let one = object(&number.to_string(), third);
            [Event::Apply(one.clone()), Event::Delete(one)]
        });
        assert_eq!(passed(goes.collect(), true).await, 18);
    }
}
