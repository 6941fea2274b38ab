//! Changes as an API server gets them.

use super::*;
use crate::{
    client::fake::FakeServer,
    render::{COMPONENT, INSTANCE, NAME},
};
use async_trait::async_trait;
use std::sync::Arc;
use windlass_model::{
    app::App,
    error::SecretError,
    runtime::Track,
    spec::{Detected, Spec},
};

struct NoSecrets;

#[async_trait]
impl Secrets for NoSecrets {
    async fn open(
        &self,
        _: &str,
        name: &str,
        _: Option<u32>,
    ) -> Result<(Secret, u32), SecretError> {
        panic!("no release of these tests has the secret {name}")
    }
}

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop--production/deployments";
const SERVICES: &str = "/api/v1/namespaces/shop--production/services";
const ROUTE: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/shop--production/httproutes/web";
const INVENTORY: &str = "/api/v1/namespaces/shop--production/configmaps/windlass-web";

fn applier(client: &Client) -> Applier<'_> {
    Applier {
        client,
        secrets: &NoSecrets,
        pull: None,
        keeps_pull: false,
        pod_security: None,
        rollback: None,
    }
}

/// Returns a release on a track.
fn on(track: Track, id: &str, toml: &str) -> Release {
    let spec = Spec::from_toml(toml).unwrap_or_else(|error| panic!("{error}"));
    let app = App::new("shop", "web", "").unwrap();
    let mut release = Release::bare(id, &app, &["default".to_owned()]);
    release.image.reference = "r/shop/web:1".into();
    release.image.digest = "sha256:1".into();
    release.runtime = spec.resolve(&Detected::default(), Vec::new());
    release.runtime.tracks = [("default".to_owned(), track)].into();
    release
}

fn names(inventory: &Value) -> String {
    text(inventory, "/data/objects").to_owned()
}

/// Returns a server on which a release serves on the plain track, with this number of pods.
async fn serving(toml: &str, replicas: u32) -> (Arc<FakeServer>, Client) {
    let server = Arc::new(FakeServer::default());
    let client = server.client();
    let release = on(Track::Plain, "1", toml);
    applier(&client).apply(&release, true).await.unwrap();
    make_ready(&server, "web", replicas);
    server.written();
    (server, client)
}

/// Gives a Deployment this number of pods, which are ready.
fn make_ready(server: &FakeServer, name: &str, replicas: u32) {
    let path = format!("{DEPLOYMENTS}/{name}");
    let mut deployment = server.get(&path);
    deployment["spec"]["replicas"] = json!(replicas);
    deployment["status"] = json!({ "readyReplicas": replicas });
    server.put(&path, deployment);
}

/// Requests to the API server that a rollback of an app with one process takes at most.
const MOST_REQUESTS: usize = 50;

const CANARY: &str = "port = 3000\nreplicas = 2\nstrategy.kind = \"canary\"\n";

#[tokio::test]
async fn pods_aside_are_a_share_of_those_that_serve_and_touch_nothing_else() {
    let (server, client) = serving(CANARY, 10).await;
    let before = [format!("{DEPLOYMENTS}/web"), format!("{SERVICES}/web")];
    let live = before.each_ref().map(|path| server.get(path));
    let aside = on(Track::Blue, "2", CANARY).aside(Track::Plain, 25);
    applier(&client).apply(&aside, true).await.unwrap();
    let beside = server.get(&format!("{DEPLOYMENTS}/web-blue"));
    assert_eq!(beside["spec"]["replicas"], 3, "a quarter of ten, rounded up");
    assert_eq!(before.each_ref().map(|path| server.get(path)), live);
    let written = server.written();
    let serves = ["services/web", "deployments/web", "poddisruptionbudgets/web"];
    for write in &written {
        assert!(serves.iter().all(|path| !write.ends_with(path)), "{written:?}");
        assert!(!write.starts_with("DELETE"), "{written:?}");
    }
    let listed = names(&server.get(INVENTORY));
    assert!(listed.contains("web-preview") && listed.contains("web-blue"), "{listed}");
    // Nothing runs yet while hooks do.
    let (server, client) = serving(CANARY, 10).await;
    let prepared = on(Track::Blue, "2", CANARY).aside(Track::Plain, 0);
    applier(&client).apply(&prepared, false).await.unwrap();
    assert!(server.get(&format!("{DEPLOYMENTS}/web-blue")).is_null());
}

/// Nodes are drained while a canary holds.
#[tokio::test]
async fn pods_aside_have_a_budget_that_goes_with_them() {
    let (server, client) = serving(CANARY, 10).await;
    let aside = on(Track::Blue, "2", CANARY).aside(Track::Plain, 50);
    applier(&client).apply(&aside, true).await.unwrap();
    let budget = |name: &str| {
        server.get(&format!(
            "/apis/policy/v1/namespaces/shop--production/poddisruptionbudgets/{name}"
        ))
    };
    let selected = budget("web-blue")["spec"]["selector"]["matchLabels"].clone();
    assert_eq!(selected, json!({ NAME: "web-blue", INSTANCE: "web" }));
    let before = on(Track::Plain, "1", CANARY);
    let recorder = Recorder::null();
    let restores = Applier { rollback: Some(&recorder), ..applier(&client) };
    restores.apply(&before, true).await.unwrap();
    applier(&client).prune(&before, &recorder).await.unwrap();
    assert!(budget("web-blue").is_null(), "its pods are gone");
    assert!(!budget("web").is_null());
}

#[tokio::test]
async fn a_share_by_pods_is_one_write_of_the_selector() {
    let (server, client) = serving(CANARY, 2).await;
    let path = format!("{SERVICES}/web");
    let ports = server.get(&path)["spec"]["ports"].clone();
    // Its port is another one: the serving version keeps its own.
    let next = on(Track::Blue, "2", &format!("{CANARY}expose.port = 8080\n"));
    let recorder = Recorder::null();
    let both = json!({ INSTANCE: "web", COMPONENT: "web" });
    let plain = json!({ NAME: "web", INSTANCE: "web" });
    let blue = json!({ NAME: "web-blue", INSTANCE: "web" });
    for (weight, selector) in [(5, both), (100, blue), (0, plain)] {
        for writes in [vec!["PATCH services/web".to_owned()], Vec::new()] {
            applier(&client).shift(&next, Track::Plain, weight, &recorder).await.unwrap();
            assert_eq!(server.written(), writes, "{weight} %");
            let service = server.get(&path);
            assert_eq!(service["spec"]["selector"], selector, "{weight} %");
            assert_eq!(service["spec"]["ports"], ports, "{weight} %");
        }
    }
}

#[tokio::test]
async fn a_third_version_gets_no_share() {
    let (server, client) = serving(CANARY, 2).await;
    let blue = on(Track::Blue, "2", CANARY);
    applier(&client).apply(&blue, true).await.unwrap();
    let green = on(Track::Green, "3", CANARY);
    let recorder = Recorder::null();
    applier(&client).shift(&green, Track::Blue, 100, &recorder).await.unwrap();
    assert!(!server.get(&format!("{DEPLOYMENTS}/web")).is_null(), "nothing selects it");
    applier(&client).shift(&green, Track::Blue, 5, &recorder).await.unwrap();
    assert!(server.get(&format!("{DEPLOYMENTS}/web")).is_null());
    assert!(!server.get(&format!("{DEPLOYMENTS}/web-blue")).is_null(), "it serves");
}

#[tokio::test]
async fn a_gateway_gets_weights_and_what_is_made_for_it_is_listed() {
    let (server, client) = serving(CANARY, 2).await;
    let toml = format!("{CANARY}expose.gateway = \"public\"\nexpose.port = 8080\n");
    let next = on(Track::Blue, "2", &toml);
    assert!(!names(&server.get(INVENTORY)).contains("HTTPRoute"));
    applier(&client).shift(&next, Track::Plain, 25, &Recorder::null()).await.unwrap();
    let backends = json!([
        { "name": "web", "port": 80, "weight": 75 },
        { "name": "web-preview", "port": 8080, "weight": 25 },
    ]);
    assert_eq!(server.get(ROUTE)["spec"]["rules"][0]["backendRefs"], backends);
    assert!(names(&server.get(INVENTORY)).contains("HTTPRoute"));
}

#[tokio::test]
async fn a_route_or_service_of_somebody_else_is_not_shifted() {
    let (server, client) = serving(CANARY, 2).await;
    let gateway = on(Track::Blue, "2", &format!("{CANARY}expose.gateway = \"public\"\n"));
    let theirs = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": { "name": "web", "labels": { INSTANCE: "web", "app.kubernetes.io/managed-by": "Helm" } },
    });
    server.put(ROUTE, theirs);
    let mut service = server.get(&format!("{SERVICES}/web"));
    service["metadata"]["labels"][INSTANCE] = json!("another");
    server.put(&format!("{SERVICES}/web"), service);
    for next in [gateway, on(Track::Blue, "2", CANARY)] {
        let shifted = applier(&client).shift(&next, Track::Plain, 5, &Recorder::null()).await;
        assert!(matches!(shifted, Err(ClusterError::Conflict { .. })), "{shifted:?}");
    }
    assert!(server.written().is_empty());
}

#[tokio::test]
async fn the_whole_release_serves_and_only_then_the_old_version_goes() {
    let (server, client) = serving(CANARY, 2).await;
    let next = on(Track::Blue, "2", CANARY);
    let aside = next.aside(Track::Plain, 100);
    applier(&client).apply(&aside, true).await.unwrap();
    make_ready(&server, "web-blue", 2);
    applier(&client).apply(&next, true).await.unwrap();
    let selector = &server.get(&format!("{SERVICES}/web"))["spec"]["selector"];
    assert_eq!(*selector, json!({ NAME: "web-blue", INSTANCE: "web" }));
    assert!(!server.get(&format!("{DEPLOYMENTS}/web")).is_null());
    server.written();
    applier(&client).prune(&next, &Recorder::null()).await.unwrap();
    let written = server.written();
    let deleted: Vec<_> = written.iter().filter_map(|one| one.strip_prefix("DELETE ")).collect();
    assert_eq!(deleted, ["deployments/web", "services/web-preview", "poddisruptionbudgets/web"]);
}

#[tokio::test]
async fn an_autoscaler_keeps_the_pods_that_serve_up_to_its_own_largest_number() {
    let toml = format!("{CANARY}processes.web.autoscale.max = 5\n");
    let path = "/apis/autoscaling/v2/namespaces/shop--production/horizontalpodautoscalers/web";
    for (replicas, least) in [(1, 2), (4, 4), (10, 5)] {
        let (server, client) = serving(&toml, replicas).await;
        let aside = on(Track::Blue, "2", &toml).aside(Track::Plain, 50);
        applier(&client).apply(&aside, true).await.unwrap();
        assert_eq!(server.get(path)["spec"]["minReplicas"], least, "{replicas} pods serve");
        applier(&client).apply(&on(Track::Plain, "1", &toml), true).await.unwrap();
        assert_eq!(server.get(path)["spec"]["minReplicas"], 2, "as the release has it");
    }
}

#[tokio::test]
async fn pods_of_a_track_that_nobody_knows_serve_until_the_new_ones_do() {
    let (server, client) = serving(CANARY, 2).await;
    // The journal has no release of the app: nothing is shifted.
    let next = on(Track::Blue, "2", CANARY);
    let path = format!("{SERVICES}/web");
    for _ in 0..2 {
        applier(&client).apply(&next, true).await.unwrap();
        let both = json!({ INSTANCE: "web", COMPONENT: "web" });
        assert_eq!(server.get(&path)["spec"]["selector"], both, "also after a restart");
    }
    make_ready(&server, "web-blue", 2);
    applier(&client).prune(&next, &Recorder::null()).await.unwrap();
    let blue = json!({ NAME: "web-blue", INSTANCE: "web" });
    assert_eq!(server.get(&path)["spec"]["selector"], blue);
    assert!(server.get(&format!("{DEPLOYMENTS}/web")).is_null());
}

#[tokio::test]
async fn pods_that_are_kept_get_no_request_of_a_version_that_has_none_ready() {
    let (server, client) = serving(CANARY, 2).await;
    let blue = on(Track::Blue, "2", CANARY);
    applier(&client).shift(&blue, Track::Plain, 100, &Recorder::null()).await.unwrap();
    applier(&client).apply(&blue, true).await.unwrap();
    let selector = &server.get(&format!("{SERVICES}/web"))["spec"]["selector"];
    assert_eq!(*selector, json!({ NAME: "web-blue", INSTANCE: "web" }));
}

#[tokio::test]
async fn nothing_is_deleted_beside_a_job_that_has_begun() {
    let (_server, client) = serving(CANARY, 2).await;
    let serves = on(Track::Plain, "1", CANARY);
    let writer = Inventory::writer(&client, &serves).await.unwrap();
    assert_eq!(writer.as_deref(), Some("1"));
    applier(&client).check_writer(&serves, writer.as_deref()).await.unwrap();
    let aside = on(Track::Blue, "2", CANARY).aside(Track::Plain, 50);
    applier(&client).apply(&aside, true).await.unwrap();
    let checked = applier(&client).check_writer(&serves, writer.as_deref()).await;
    assert!(matches!(checked, Err(ClusterError::Conflict { .. })), "{checked:?}");
    // The same job deletes what its own releases had.
    applier(&client).check_writer(&aside, writer.as_deref()).await.unwrap();
}

#[tokio::test]
async fn a_route_of_somebody_else_is_found_before_anything_is_written() {
    let (server, client) = serving(CANARY, 2).await;
    let next = on(Track::Blue, "2", &format!("{CANARY}expose.gateway = \"public\"\n"));
    let objects = manifests(&next, None, None, None);
    applier(&client).check_shared(&next, &objects).await.unwrap();
    let theirs = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": { "name": "web" },
    });
    server.put(ROUTE, theirs);
    let checked = applier(&client).check_shared(&next, &objects).await;
    assert!(matches!(checked, Err(ClusterError::Conflict { .. })), "{checked:?}");
    assert!(server.written().is_empty());
}

/// Returns a server on which a version serves that replaced one with a worker, all of whose objects are there still.
async fn replaced(before: &str) -> (Arc<FakeServer>, Client, Release) {
    let worker = "processes.worker = { command = [\"work\"] }\n";
    let (server, client) = serving(&format!("{CANARY}{before}{worker}"), 2).await;
    let next = on(Track::Blue, "2", CANARY);
    applier(&client).apply(&next, true).await.unwrap();
    make_ready(&server, "web-blue", 2);
    (server, client, next)
}

#[tokio::test]
async fn one_refused_deletion_keeps_no_other_and_is_made_later() {
    let (server, client, next) = replaced("").await;
    let (worker, web) = (format!("{DEPLOYMENTS}/web-worker"), format!("{DEPLOYMENTS}/web"));
    server.hold(&[&worker]);
    for _ in 0..2 {
        let pruned = applier(&client).prune(&next, &Recorder::null()).await;
        let Err(ClusterError::NotDeleted { object, message }) = pruned else {
            panic!("{pruned:?}")
        };
        assert_eq!(object, "Deployment web-worker");
        assert!(message.contains("owner not found"), "{message}");
        assert!(!server.get(&worker).is_null() && server.get(&web).is_null());
        let listed = names(&server.get(INVENTORY));
        assert!(listed.contains("web-worker") && !listed.contains("web-preview"), "{listed}");
    }
    server.hold(&[]);
    applier(&client).prune(&next, &Recorder::null()).await.unwrap();
    assert!(server.get(&worker).is_null());
    assert!(!names(&server.get(INVENTORY)).contains("web-worker"));
}

/// Pods of before may get requests, whatever the Service selects: that is no mere warning.
#[tokio::test]
async fn a_refused_deletion_of_what_may_get_requests_is_a_refusal() {
    let (server, client, next) = replaced("").await;
    server.hold(&[&format!("{DEPLOYMENTS}/web")]);
    let pruned = applier(&client).prune(&next, &Recorder::null()).await;
    assert!(matches!(pruned, Err(ClusterError::Rejected { .. })), "{pruned:?}");
    assert!(server.get(&format!("{DEPLOYMENTS}/web-worker")).is_null(), "all else is deleted");
}

#[tokio::test]
async fn what_a_route_leads_to_stays_as_long_as_the_route() {
    let (server, client, next) = replaced("expose.gateway = \"public\"\n").await;
    server.hold(&[ROUTE]);
    let pruned = applier(&client).prune(&next, &Recorder::null()).await;
    let Err(ClusterError::Rejected { object, message }) = pruned else { panic!("{pruned:?}") };
    assert!(object.starts_with("HTTPRoute web, "), "{object}");
    assert!(object.contains("Deployment web") && !object.contains("web-worker"), "{object}");
    assert!(message.contains("admission webhook"), "{message}");
    assert!(!server.get(&format!("{DEPLOYMENTS}/web")).is_null());
    assert!(server.get(&format!("{DEPLOYMENTS}/web-worker")).is_null());
}

/// Each of them takes some milliseconds: a rollback is to need no second of them.
#[tokio::test]
async fn a_rollback_takes_few_requests() {
    let toml = "port = 3000\nreplicas = 10\nenv.COLOR = \"blue\"\n";
    let (server, client) = serving(toml, 10).await;
    let mut back = on(Track::Plain, "0", toml);
    back.image.digest = "sha256:0".into();
    server.requested();
    let recorder = Recorder::null();
    let applier = Applier { rollback: Some(&recorder), ..applier(&client) };
    applier.apply(&back, true).await.unwrap();
    make_ready(&server, "web", 10);
    applier.prune(&back, &recorder).await.unwrap();
    let requested = server.requested();
    let count = requested.len();
    assert!((1..=MOST_REQUESTS).contains(&count), "{count}: {requested:#?}");
    let deployment = server.get(&format!("{DEPLOYMENTS}/web"));
    assert!(deployment.to_string().contains("sha256:0"), "{deployment}");
}
