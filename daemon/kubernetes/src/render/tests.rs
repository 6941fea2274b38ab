use super::*;
use crate::json::text;
use windlass_model::{
    app::App,
    job::Image,
    manifest,
    runtime::SecretEnv,
    spec::{Detected, Spec},
};

mod tracks;

fn release(toml: &str) -> Release {
    let spec = Spec::from_toml(toml).unwrap_or_else(|error| panic!("{error}"));
    let secrets = vec![SecretEnv { env: "TOKEN".into(), name: "token".into(), version: 2 }];
    let own = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: seed\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n      - name: seed\n        image: $WINDLASS_IMAGE\n";
    let manifests = if spec.manifests.is_empty() {
        Vec::new()
    } else {
        manifest::read("seed.yaml", own).unwrap()
    };
    let found = Detected { user: Some(10001), manifests, ..Detected::default() };
    Release {
        clusters: vec!["default".into()],
        id: "0197".into(),
        app: App::new("shop", "web", "").unwrap(),
        commit: "c0ffee".into(),
        image: Image {
            reference: "r:5000/shop/web:c0ffee".into(),
            digest: "sha256:12".into(),
            bytes: None,
        },
        hooks: Default::default(),
        runtime: spec.resolve(&found, secrets),
    }
}

const SMALL: &str = "port = 3000\nreplicas = 2\nhealth = \"/healthz\"\nenv.COLOR = \"blue\"\nresources.memory = \"64Mi\"";

/// A spec with every key.
pub(crate) const FULL: &str = include_str!("full.toml");

#[test]
fn read_as_the_golden_files() {
    for (name, toml) in [("small", SMALL), ("full", FULL)] {
        let login = PullLogin {
            host: "r:5000".into(),
            user: "u".into(),
            password: Secret::new(b"pw".into()),
        };
        let secrets = [("TOKEN".to_owned(), Secret::new(b"hunter2".into()))].into();
        let all = manifests(&release(toml), Some(&secrets), Some(&login), Some("baseline"));
        let text =
            all.iter().map(|o| serde_json::to_string_pretty(o).unwrap() + "\n").collect::<String>();
        let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("src/render/{name}.golden.json"));
        assert!(windlass_blessed::holds(&golden, &text), "{name} reads now:\n{text}");
    }
}

#[test]
fn names_follow_content_and_tell_no_value() {
    let one = release(SMALL);
    let mut other = release(SMALL);
    other.runtime.env.insert("COLOR".into(), "green".into());
    let name = |release: &Release, kind: &str, part: &str| {
        let all = manifests(release, None, None, None);
        let mut found = all.iter().filter(|object| object["kind"] == kind);
        let found =
            found.find(|object| object["metadata"]["name"].as_str().unwrap().contains(part));
        found.map(|object| object["metadata"]["name"].clone()).unwrap()
    };
    assert_ne!(name(&one, "ConfigMap", "-env-"), name(&other, "ConfigMap", "-env-"));
    assert_eq!(name(&one, "Secret", ""), name(&other, "Secret", ""));
    other.runtime.secrets[0].version = 3;
    assert_ne!(name(&one, "Secret", ""), name(&other, "Secret", ""));
    let shown = manifests(&one, None, None, None);
    assert!(shown.iter().any(|object| object["data"]["TOKEN"] == "***"));
}

#[test]
fn an_object_of_the_repository_runs_the_image_and_is_seen() {
    let all = manifests(&release(FULL), None, None, None);
    let job = all.iter().find(|object| object["kind"] == "Job").unwrap();
    let pod = &job["spec"]["template"];
    assert_eq!(pod["spec"]["containers"][0]["image"], "r:5000/shop/web@sha256:12");
    assert_eq!(pod["metadata"]["labels"][INSTANCE], "web");
    assert_eq!(job["metadata"]["namespace"], "shop--production");
}

#[test]
fn a_claim_that_pods_cannot_share_is_let_go_first() {
    let claim = "processes.web.volumes.data = { path = \"/data\", claim = \"shop-data\" }";
    let release = release(claim);
    let all = manifests(&release, None, None, None);
    let deployment = all.iter().find(|object| object["kind"] == "Deployment").unwrap();
    assert_eq!(deployment["spec"]["strategy"], serde_json::json!({ "type": "Recreate" }));
    let web = release.runtime.web().unwrap();
    let shared = strategy(&release, web, &|claim, reads| claim == "shop-data" && !reads);
    assert_eq!(shared["type"], "RollingUpdate");
}

#[test]
fn a_deployment_of_ones_own_says_its_strategy() {
    let strategy = |field: &str| {
        let own = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: own }}\nspec: {{ {field}template: {{}} }}\n"
        );
        let mut release = release("");
        release.runtime.manifests = manifest::read("own.yaml", &own).unwrap();
        let all = manifests(&release, None, None, None);
        let own = all.iter().find(|object| object["metadata"]["name"] == "own").unwrap();
        own["spec"]["strategy"].clone()
    };
    assert_eq!(strategy(""), serde_json::json!({ "type": "RollingUpdate" }));
    let surge = serde_json::json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 2 } });
    assert_eq!(strategy("strategy: { rollingUpdate: { maxSurge: 2 } }, "), surge);
    let alone = serde_json::json!({ "type": "Recreate" });
    assert_eq!(strategy("strategy: { type: Recreate }, "), alone);
}

#[test]
fn what_scales_a_workload_says_how_many_pods_it_has() {
    let own = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: { name: mine }\nspec: { maxReplicas: 3, scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web } }\n---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: { name: queue }\nspec: { scaleTargetRef: { name: own } }\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: own }\nspec: { replicas: 2, template: {} }\n";
    let mut release = release("replicas = 2\nprocesses.worker.replicas = 2\n");
    release.runtime.manifests = manifest::read("own.yaml", own).unwrap();
    let all = manifests(&release, None, None, None);
    let replicas = |name: &str| {
        let mut found = all.iter().filter(|object| object["kind"] == "Deployment");
        found.find(|object| object["metadata"]["name"] == name).unwrap()["spec"]["replicas"].clone()
    };
    assert!(replicas("web").is_null() && replicas("own").is_null());
    assert_eq!(replicas("web-worker"), 2);
    let scaler = all.iter().find(|object| object["kind"] == "ScaledObject").unwrap();
    assert!(wave(scaler) > PODS, "it finds what it scales");
}

#[test]
fn pods_of_another_instance_are_seen() {
    let own = |name: &str, labels: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: {name} }}\nspec: {{ template: {{ metadata: {{ labels: {labels} }} }} }}\n"
        )
    };
    let mut release = release("");
    assert_eq!(pods_of(&release), "app.kubernetes.io/instance=web");
    let text = own("a", "{ own: a }") + "---\n" + &own("b", &format!("{{ {INSTANCE}: chart }}"));
    release.runtime.manifests = manifest::read("own.yaml", &text).unwrap();
    assert_eq!(pods_of(&release), "app.kubernetes.io/instance in (chart,web)");
    release.runtime.manifests =
        manifest::read("own.yaml", &own("c", &format!("{{ {INSTANCE}: \"a b,c\" }}"))).unwrap();
    assert_eq!(pods_of(&release), "app.kubernetes.io/instance=web");
}

#[test]
fn a_config_of_ones_own_is_part_of_the_pods_that_read_it() {
    let own = |upstream: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: proxy }}\ndata: {{ UPSTREAM: {upstream} }}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: proxy }}\nspec: {{ template: {{ spec: {{ containers: [{{ envFrom: [{{ configMapRef: {{ name: proxy }} }}] }}] }} }} }}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: other }}\nspec: {{ template: {{ spec: {{ containers: [] }} }} }}\n---\napiVersion: batch/v1\nkind: Job\nmetadata: {{ name: seed }}\nspec: {{ template: {{ spec: {{ volumes: [{{ configMap: {{ name: proxy }} }}] }} }} }}\n"
        )
    };
    let mark = |toml: &str, upstream: &str, kind: &str, name: &str| {
        let mut release = release(toml);
        release.runtime.manifests = manifest::read("own.yaml", &own(upstream)).unwrap();
        let all = manifests(&release, None, None, None);
        let mut found = all.iter().filter(|object| object["kind"] == kind);
        let found = found.find(|object| text(object, "/metadata/name").starts_with(name)).unwrap();
        text(found, "/spec/template/metadata/annotations/windlass.dev~1config").to_owned()
    };
    let blue = mark("", "blue", "Deployment", "proxy");
    let green = mark("", "green", "Deployment", "proxy");
    assert!(!blue.is_empty() && blue != green, "{blue} {green}");
    let mounted = "processes.web.volumes.proxy = { path = \"/proxy\", config-map = \"proxy\" }";
    assert_eq!(mark(mounted, "blue", "Deployment", "web"), blue);
    for (kind, name) in [("Deployment", "web"), ("Deployment", "other"), ("Job", "seed")] {
        assert_eq!(mark("", "blue", kind, name), "", "{kind} {name}");
    }
}

#[test]
fn an_object_that_windlass_makes_is_not_replaced_by_a_manifest() {
    let mut release = release(SMALL);
    let own = |kind: &str, version: &str, name: &str| {
        let text = format!("{{apiVersion: {version}, kind: {kind}, metadata: {{name: {name}}}}}");
        manifest::read("own.yaml", &text).unwrap()
    };
    assert_eq!(twice(&manifests(&release, None, None, None)), None);
    for (kind, version, name, is_ours) in [
        ("ServiceAccount", "v1", "web", true),
        ("Service", "v1", "web", true),
        ("Deployment", "apps/v1", "web", true),
        ("Deployment", "apps/v1", "proxy", false),
        ("Service", "serving.example.com/v1", "web", false),
    ] {
        release.runtime.manifests = own(kind, version, name);
        let found = twice(&manifests(&release, None, None, None));
        assert_eq!(found.is_some(), is_ours, "{kind} {version} {name}");
    }
}
