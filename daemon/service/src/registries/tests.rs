//! Registries, as callers put and use them.

use super::*;
use crate::fakes::{World, caller};
use windlass_model::{
    own::registry::{PASSWORD, RegistryLogin},
    secret::Secret,
};

fn put(host: &str, images: &str, password: &str) -> PutRegistryRequest {
    let secret = Secret::new(password.as_bytes().to_vec());
    PutRegistryRequest {
        project: "shop".into(),
        registry: OwnRegistry {
            host: host.into(),
            images: Some(images.to_owned()).filter(|images| !images.is_empty()),
            push: Some(RegistryLogin::User("ci".into())),
            pull: None,
        },
        secrets: RegistrySecrets {
            push: [(PASSWORD.to_owned(), secret)].into(),
            ..RegistrySecrets::default()
        },
        no_check: false,
    }
}

fn keeper() -> Caller {
    caller("keeper", &["shop"], &[Verb::Registries])
}

#[tokio::test]
async fn a_registry_is_put_with_a_login_that_works() {
    let world = World::new();
    let services = &world.services;
    let wrong = put("r.example.com", "r.example.com/acme", "hunter23");
    let error = services.put_registry(&keeper(), wrong.clone()).await.unwrap_err();
    assert_eq!(error.reason(), "own-registry-failed");
    assert_eq!(error.to_string(), "push: r.example.com refuses the login: 401");
    assert_eq!(error.fixes(), ["put a password that is valid"]);
    assert!(world.registries.changed().is_empty());

    let unchecked = PutRegistryRequest { no_check: true, ..wrong };
    let record = services.put_registry(&keeper(), unchecked).await.unwrap();
    assert_eq!((record.version, &*record.by), (1, "keeper"));
    assert!(record.finding.contains("refuses the login"), "{record:?}");
    let findings = services.test_registry(&keeper(), "shop", "r.example.com").await.unwrap();
    assert_eq!(findings.len(), 1);

    let right = put("R.example.com", "R.example.com/acme", "hunter22");
    let record = services.put_registry(&keeper(), right).await.unwrap();
    assert_eq!((record.version, &*record.finding), (2, ""));
    assert_eq!(record.registry.images.as_deref(), Some("r.example.com/acme"));
    assert!(services.test_registry(&keeper(), "shop", "R.example.com").await.unwrap().is_empty());
    assert_eq!(world.registries.changed(), ["shop", "shop"]);
    let reader = caller("reader", &["shop"], &[Verb::Read]);
    assert_eq!(services.list_registries(&reader, "shop").await.unwrap(), [record]);
}

#[tokio::test]
async fn only_those_with_the_verb_put_test_and_remove() {
    let world = World::new();
    let services = &world.services;
    services.put_registry(&keeper(), put("r.example.com", "", "hunter22")).await.unwrap();
    let others = [
        caller("deployer", &["shop"], &[Verb::Read, Verb::Deploy, Verb::Secrets, Verb::Projects]),
        caller("keeper", &["blog"], &[Verb::Registries, Verb::Read]),
    ];
    for other in others {
        for error in [
            services.put_registry(&other, put("r.example.com", "", "hunter22")).await.unwrap_err(),
            services.test_registry(&other, "shop", "r.example.com").await.unwrap_err(),
            services.delete_registry(&other, "shop", "r.example.com").await.unwrap_err(),
        ] {
            assert!(matches!(error, ServiceError::Forbidden { .. }), "{error}");
        }
    }
    let error = services.list_registries(&keeper(), "shop").await.unwrap_err();
    assert!(matches!(error, ServiceError::Forbidden { .. }), "{error}");
    services.delete_registry(&keeper(), "shop", "R.example.com").await.unwrap();
    for error in [
        services.delete_registry(&keeper(), "shop", "r.example.com").await.unwrap_err(),
        services.test_registry(&keeper(), "shop", "r.example.com").await.unwrap_err(),
    ] {
        assert_eq!(error.fixes(), ["list them: windlass registry list shop"]);
    }
}

#[tokio::test]
async fn what_is_refused_names_its_field_and_no_secret() {
    let world = World::new();
    for (request, message) in [
        (put("ghcr.io", "", "hunter22"), "host: `ghcr.io` is not allowed"),
        (put("https://r.example.com", "", "hunter22"), "host: `https://r.example.com` is no host"),
        (put("r.example.com", "b.example.com/a", "hunter22"), "images: `b.example.com/a` is not"),
        (put("r.example.com", "", "abc"), "push.secrets.password: `(3 bytes)` must have"),
    ] {
        let request = PutRegistryRequest { no_check: true, ..request };
        let error = world.services.put_registry(&keeper(), request).await.unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
    }
    let own = put("a.example.com", "a.example.com/acme", "hunter22");
    world.services.put_registry(&keeper(), own).await.unwrap();
    let second = put("b.example.com", "b.example.com/acme", "hunter22");
    let error = world.services.put_registry(&keeper(), second).await.unwrap_err();
    assert_eq!(error.reason(), "second-image-place");
    assert!(error.fixes()[0].contains("put `a.example.com` without `images`"), "{error}");
}

#[tokio::test]
async fn a_history_has_each_version_with_who_put_or_removed_it() {
    let world = World::new();
    let services = &world.services;
    let wrong = put("r.example.com", "r.example.com/acme", "hunter23");
    let unchecked = PutRegistryRequest { no_check: true, ..wrong };
    services.put_registry(&keeper(), unchecked).await.unwrap();
    services.put_registry(&keeper(), put("r.example.com", "", "hunter22")).await.unwrap();
    services.delete_registry(&keeper(), "shop", "r.example.com").await.unwrap();
    let reader = caller("reader", &["shop"], &[Verb::Read]);
    let history = services.registry_history(&reader, "shop", "R.example.com").await.unwrap();
    let shown: Vec<_> = history
        .iter()
        .map(|one| (one.version, one.registry.is_some(), !one.finding.is_empty(), &*one.by))
        .collect();
    let by = "keeper";
    assert_eq!(shown, [(3, false, false, by), (2, true, false, by), (1, true, true, by)]);
    assert!(!format!("{history:?}").contains("hunter2"), "{history:?}");
    let error = services.registry_history(&reader, "shop", "b.example.com").await.unwrap_err();
    assert!(matches!(error, ServiceError::NotFound { .. }), "{error}");
    let error = services.registry_history(&keeper(), "shop", "r.example.com").await.unwrap_err();
    assert!(matches!(error, ServiceError::Forbidden { .. }), "{error}");
}
