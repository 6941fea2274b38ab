//! Routes of registries and clusters that a project brings.

use super::{OWNER, READER, World, fakes::ROLE};
use serde_json::{Value, json};
use windlass_engine::ports::store::{OwnClusters, OwnRegistries};
use windlass_model::{
    own::{
        cluster::OwnCluster,
        registry::{OwnRegistry, PASSWORD, RegistryLogin, RegistrySecrets},
    },
    secret::Secret,
};

const HOST: &str = "registry.example.com:5000";

/// Password, and a kubeconfig, which no answer may have.
const HIDDEN: &str = "hunter22";

async fn world() -> World {
    let world = World::new();
    let registry = OwnRegistry {
        host: HOST.into(),
        images: Some(format!("{HOST}/shop")),
        push: Some(RegistryLogin::User("ci".into())),
        pull: None,
    };
    let hidden = Secret::new(HIDDEN.into());
    let push = [(PASSWORD.to_owned(), hidden.clone())].into();
    let secrets = RegistrySecrets { push, ..RegistrySecrets::default() };
    let finding = "push: refuses the login: 401";
    world.store.put_registry("shop", &registry, &secrets, finding, "ann").await.unwrap();
    let cluster = OwnCluster {
        environments: vec!["staging".into()],
        server: "https://k8s.example.com".into(),
        ..OwnCluster::default()
    };
    world.store.put_cluster("shop", "ours", &cluster, &hidden, "ann").await.unwrap();
    world
}

#[tokio::test]
async fn what_a_project_brought_is_listed_without_its_secrets() {
    let world = world().await;
    let (status, registries) = world.ask(READER, "/api/projects/shop/registries", None).await;
    let registry = &registries[0];
    assert_eq!((status, &registry["host"], &registry["version"]), (200, &json!(HOST), &json!(1)));
    assert_eq!(registry["by"], "ann");
    assert_eq!(registry["push"], json!({ "user": "ci", "plugin": "", "settings": null }));
    assert_eq!(registry["finding"], "push: refuses the login: 401");
    let (status, clusters) = world.ask(READER, "/api/projects/shop/clusters", None).await;
    let cluster = &clusters[0];
    assert_eq!((status, &cluster["name"], &cluster["version"]), (200, &json!("ours"), &json!(1)));
    assert_eq!(cluster["environments"], json!(["staging"]));
    assert_eq!((&cluster["pod_security"], &cluster["by"]), (&json!("baseline"), &json!("ann")));
    for part in [registry, cluster] {
        assert!(part["at"].as_f64().is_some_and(|at| at > 1e9), "{part}");
        assert!(!part.to_string().contains(HIDDEN), "{part}");
    }
    for part in ["registries", "clusters"] {
        let path = format!("/api/projects/blog/{part}");
        assert_eq!(world.ask(READER, &path, None).await.0, 403);
        assert_eq!(world.get(&path).await, json!([]));
    }
}

#[tokio::test]
async fn a_test_says_what_is_wrong_to_those_with_the_verb() {
    let world = world().await;
    let registry = format!("/api/projects/shop/registries/{HOST}/test");
    let cluster = "/api/projects/shop/clusters/ours/test";
    let (status, tested) = world.ask(OWNER, &registry, Some(json!({}))).await;
    let expected = json!([{
        "login": "push",
        "message": format!("{HOST} refuses the login: 401"),
        "fix": "put a password that is valid",
    }]);
    assert_eq!((status, &tested["findings"]), (200, &expected));
    let (status, tested) = world.ask(OWNER, cluster, Some(json!({}))).await;
    assert_eq!((status, &tested["kubernetes"]), (200, &json!("v1.35.0")));
    assert_eq!(tested["missing_roles"], json!([ROLE]));
    assert_eq!((&tested["cluster"]["name"], &tested["warnings"]), (&json!("ours"), &json!([])));
    for path in [&*registry, cluster] {
        let refused = world.post(READER, path, json!({})).await;
        assert_eq!(refused, (403, json!("permission-denied")), "{path}");
    }
    for path in ["registries/other.example.com/test", "clusters/theirs/test"] {
        let path = format!("/api/projects/shop/{path}");
        assert_eq!(world.post(OWNER, &path, json!({})).await, (404, json!("not-found")), "{path}");
        assert_eq!(world.ask(OWNER, &path, None).await, (405, Value::Null), "a GET tests nothing");
    }
}
