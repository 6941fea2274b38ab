//! Releases whose new version runs beside the one that serves.

use super::*;
use serde_json::json;
use windlass_model::runtime::{StrategyKind, Track, Traffic};

/// A canary with a worker, an autoscaler, a gateway and a scaler of its own.
const CANARY: &str = "port = 3000\nreplicas = 4\nprocesses.web.autoscale = { max = 9, cpu = 60 }\nprocesses.worker.replicas = 2\nexpose.gateway = \"infra/public\"\nexpose.hosts = [\"shop.example.com\"]\nstrategy.kind = \"canary\"\n";

/// Returns a release on a track.
fn on(track: Track, toml: &str) -> Release {
    let mut release = release(toml);
    release.runtime.tracks = [("default".to_owned(), track)].into();
    release
}

fn names(objects: &[Value]) -> Vec<String> {
    objects.iter().map(|object| ObjectRef::of(object).to_string()).collect()
}

fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let wanted =
        |object: &&Value| text(object, "/kind") == kind && text(object, "/metadata/name") == name;
    objects.iter().find(wanted).unwrap_or_else(|| panic!("{kind} {name}: {:?}", names(objects)))
}

#[test]
fn only_web_and_what_protects_it_are_named_by_their_track() {
    let all = manifests(&on(Track::Blue, CANARY), None, None, None);
    let deployment = find(&all, "Deployment", "web-blue");
    let labels = json!({ NAME: "web-blue", INSTANCE: "web" });
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(deployment["spec"]["template"]["metadata"]["labels"][NAME], "web-blue");
    assert_eq!(find(&all, "Service", "web")["spec"]["selector"], labels);
    let scaler = find(&all, "HorizontalPodAutoscaler", "web-blue");
    assert_eq!(scaler["spec"]["scaleTargetRef"]["name"], "web-blue");
    assert!(deployment["spec"].get("replicas").is_none(), "its autoscaler sets them");
    let budget = find(&all, "PodDisruptionBudget", "web-blue");
    assert_eq!(budget["spec"]["selector"]["matchLabels"], labels);
    let worker = find(&all, "Deployment", "web-worker");
    assert_eq!(worker["spec"]["selector"]["matchLabels"][NAME], "web-worker");
    let route = find(&all, "HTTPRoute", "web");
    let backends = &route["spec"]["rules"][0]["backendRefs"];
    assert_eq!(*backends, json!([{ "name": "web", "port": 80 }]));
}

#[test]
fn versions_on_two_tracks_share_their_claims() {
    let toml = "processes.web.volumes.data = { path = \"/data\", size = \"1Gi\", access = \"ReadWriteMany\" }";
    for track in TRACKS {
        let all = manifests(&on(track, toml), None, None, None);
        find(&all, "PersistentVolumeClaim", "web-data");
        let web = find(&all, "Deployment", &format!("web{}", track.suffix()));
        let volume = &web["spec"]["template"]["spec"]["volumes"][0];
        assert_eq!(volume["persistentVolumeClaim"]["claimName"], "web-data");
    }
}

#[test]
fn a_version_aside_has_pods_and_a_preview_and_alters_nothing_that_serves() {
    let mut whole = on(Track::Blue, CANARY);
    let own = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: proxy }\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: proxy }\nspec: { template: {} }\n---\napiVersion: v1\nkind: Service\nmetadata: { name: proxy }\n";
    whole.runtime.manifests = manifest::read("own.yaml", own).unwrap();
    let aside = whole.aside(Track::Plain, 50);
    let all = manifests(&aside, None, None, None);
    let expected = [
        "Namespace shop--production",
        "ServiceAccount web",
        "Secret",
        "PodDisruptionBudget web-blue",
        "ConfigMap proxy",
        "Service web-preview",
        "Deployment web-blue",
    ];
    let found = names(&all);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found} is no {expected}");
    }
    let beside = find(&all, "Deployment", "web-blue");
    assert_eq!(beside["spec"]["replicas"], 2, "half of four");
    // Or the pods would be replaced once the release is whole.
    let after = manifests(&whole, None, None, None);
    let after = find(&after, "Deployment", "web-blue");
    assert_eq!(beside["spec"]["template"], after["spec"]["template"]);
    let budget = |objects: &[Value]| find(objects, "PodDisruptionBudget", "web-blue").clone();
    assert_eq!(budget(&all), budget(&manifests(&whole, None, None, None)));
    let preview = find(&all, "Service", "web-preview");
    assert_eq!(preview["spec"]["selector"], json!({ NAME: "web-blue", INSTANCE: "web" }));
    assert_eq!(preview["spec"]["ports"][0]["targetPort"], "http");
    let none = manifests(&whole.aside(Track::Plain, 0), None, None, None);
    assert_eq!(find(&none, "Deployment", "web-blue")["spec"]["replicas"], 0);
}

#[test]
fn a_gateway_shares_requests_by_weights() {
    let release = on(Track::Blue, CANARY);
    assert_eq!(traffic(&release), Traffic::Gateway);
    for (weight, old, new) in [(0, 100, 0), (5, 95, 5), (100, 0, 100)] {
        let route = shared_route(&release, weight, 8080).unwrap();
        assert_eq!(
            route["spec"]["rules"][0]["backendRefs"],
            json!([
                { "name": "web", "port": 8080, "weight": old },
                { "name": "web-preview", "port": 80, "weight": new },
            ])
        );
        assert_eq!(text(&route, "/metadata/name"), "web");
    }
}

#[test]
fn a_service_selects_one_track_or_both() {
    let release = on(Track::Green, "port = 3000\nstrategy.kind = \"canary\"\n");
    assert_eq!(traffic(&release), Traffic::Replicas);
    let selector =
        |weight| shared_service(&release, Track::Blue, weight).unwrap()["spec"]["selector"].clone();
    let both = json!({ INSTANCE: "web", COMPONENT: "web" });
    assert_eq!(selector(0), json!({ NAME: "web-blue", INSTANCE: "web" }));
    assert_eq!((selector(1), selector(99)), (both.clone(), both.clone()));
    assert_eq!(selector(100), json!({ NAME: "web-green", INSTANCE: "web" }));
    // The pods of both have what it selects by.
    for track in [Track::Blue, Track::Green] {
        let all = manifests(&on(track, "port = 3000"), None, None, None);
        let web = find(&all, "Deployment", &format!("web{}", track.suffix()));
        let labels = &web["spec"]["template"]["metadata"]["labels"];
        let has = |(key, value): (&String, &Value)| labels.get(key) == Some(value);
        assert!(both.as_object().unwrap().iter().all(has), "{labels}");
    }
}

#[test]
fn blue_green_switches_the_service_whatever_leads_to_it() {
    let mut release = on(Track::Blue, CANARY);
    release.runtime.strategy = release.runtime.strategy.at_once();
    assert_eq!(release.runtime.strategy.kind, StrategyKind::BlueGreen);
    assert_eq!(traffic(&release), Traffic::Replicas);
}

#[test]
fn a_virtual_service_reads_as_istio_has_it() {
    let release = on(
        Track::Blue,
        "port = 3000\nexpose.ingress-class = \"public\"\nexpose.hosts = [\"shop.example.com\"]\nstrategy.kind = \"canary\"\nstrategy.traffic = \"istio\"\n",
    );
    let shared = shared_virtual_service(&release, 25);
    assert_eq!(
        shared,
        json!({
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {
                "name": "web",
                "namespace": "shop--production",
                "labels": {
                    "app.kubernetes.io/name": "web",
                    "app.kubernetes.io/instance": "web",
                    "app.kubernetes.io/part-of": "shop",
                    "app.kubernetes.io/managed-by": "windlass",
                    "applyset.kubernetes.io/part-of": apply_set(&release),
                },
            },
            "spec": {
                "hosts": ["web", "shop.example.com"],
                "http": [{ "route": [
                    { "destination": { "host": "web" }, "weight": 75 },
                    { "destination": { "host": "web-preview" }, "weight": 25 },
                ] }],
            },
        })
    );
    let all = manifests(&release, None, None, None);
    let whole = find(&all, "VirtualService", "web");
    let routes = json!([{ "destination": { "host": "web" }, "weight": 100 }]);
    assert_eq!(whole["spec"]["http"][0]["route"], routes);
    assert!(wave(whole) > PODS, "it leads to what is there");
    let rolling = manifests(&on(Track::Blue, "port = 3000"), None, None, None);
    assert!(rolling.iter().all(|object| object["kind"] != "VirtualService"));
}

#[test]
fn a_rollback_has_all_pods_at_once_and_recreate_none_meanwhile() {
    let strategy = |change: fn(&mut Release)| {
        let mut release = release("port = 3000\nreplicas = 10\n");
        change(&mut release);
        let all = manifests(&release, None, None, None);
        find(&all, "Deployment", "web")["spec"]["strategy"].clone()
    };
    let surge = |pods: u32| json!({ "maxUnavailable": 0, "maxSurge": pods });
    assert_eq!(strategy(|_| {})["rollingUpdate"], surge(2));
    let at_once = |release: &mut Release| {
        release.runtime.strategy = release.runtime.strategy.at_once();
    };
    assert_eq!(strategy(at_once)["rollingUpdate"], surge(10));
    let recreate = |release: &mut Release| {
        release.runtime.strategy.kind = StrategyKind::Recreate;
    };
    assert_eq!(strategy(recreate), json!({ "type": "Recreate" }));
}

/// One more at a time, as the least number has it, would take longer than a release may.
#[test]
fn more_pods_at_once_are_a_share_of_those_that_an_autoscaler_has_set() {
    let surge = |is_at_once: bool| {
        let mut release = release(
            "port = 3000\nprocesses.web.autoscale.max = 20\nprocesses.worker.replicas = 8\n",
        );
        release.runtime.strategy.at_once = is_at_once;
        let all = manifests(&release, None, None, None);
        ["web", "web-worker"].map(|name| {
            find(&all, "Deployment", name)["spec"]["strategy"]["rollingUpdate"]["maxSurge"].clone()
        })
    };
    assert_eq!(surge(false), [json!("25%"), json!(2)]);
    assert_eq!(surge(true), [json!("100%"), json!(8)]);
}

#[test]
fn a_scaler_of_ones_own_finds_web_on_its_track() {
    let own = "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: { name: queue }\nspec: { scaleTargetRef: { name: web } }\n---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: { name: other }\nspec: { scaleTargetRef: { name: web-worker } }\n";
    let mut release =
        on(Track::Green, "port = 3000\nreplicas = 2\nprocesses.worker.replicas = 2\n");
    release.runtime.manifests = manifest::read("own.yaml", own).unwrap();
    let all = manifests(&release, None, None, None);
    let target =
        |name: &str| find(&all, "ScaledObject", name)["spec"]["scaleTargetRef"]["name"].clone();
    assert_eq!((target("queue"), target("other")), (json!("web-green"), json!("web-worker")));
    assert!(find(&all, "Deployment", "web-green")["spec"].get("replicas").is_none());
}

#[test]
fn names_that_a_release_takes_on_its_way_are_not_a_manifests() {
    let mut release = release("port = 3000\nreplicas = 2\nstrategy.kind = \"blue-green\"\n");
    let is_taken = |release: &Release| {
        let mut all = manifests(release, None, None, None);
        all.extend(beside(release));
        twice(&all).map(|object| object.to_string())
    };
    assert_eq!(is_taken(&release), None);
    let own = |kind: &str, version: &str, name: &str| {
        let text = format!("{{apiVersion: {version}, kind: {kind}, metadata: {{name: {name}}}}}");
        manifest::read("own.yaml", &text).unwrap()
    };
    for (kind, version, name) in [
        ("Service", "v1", "web-preview"),
        ("Deployment", "apps/v1", "web-blue"),
        ("Deployment", "apps/v1", "web-green"),
        ("PodDisruptionBudget", "policy/v1", "web-blue"),
    ] {
        release.runtime.manifests = own(kind, version, name);
        assert_eq!(is_taken(&release), Some(format!("{kind} {name}")));
        let mut rolling = release.clone();
        rolling.runtime.strategy.kind = StrategyKind::Rolling;
        assert_eq!(is_taken(&rolling), None, "{kind} {name}");
    }
}
