//! Registries of projects' own.

use crate::Place;
use windlass_engine::ports::store::{
    MOST_OWN_REGISTRIES, OWN_REGISTRY_VERSIONS_KEPT, OwnRegistryRecord, PutRegistry,
    REMOVED_REGISTRIES_KEPT, Store,
};
use windlass_model::{
    own::registry::{LoginUse, OwnRegistry, PASSWORD, RegistryLogin, RegistrySecrets},
    project::ProjectSpec,
    secret::Secret,
};

fn registry(host: &str, images: Option<&str>) -> OwnRegistry {
    OwnRegistry {
        host: host.into(),
        images: images.map(str::to_owned),
        push: Some(RegistryLogin::User("ci".into())),
        pull: None,
    }
}

fn password(value: &str) -> RegistrySecrets {
    let secret = Secret::new(value.into());
    RegistrySecrets { push: [(PASSWORD.to_owned(), secret)].into(), ..RegistrySecrets::default() }
}

/// Puts a registry, and returns its record.
async fn put(
    store: &dyn Store,
    project: &str,
    registry: &OwnRegistry,
    value: &str,
) -> OwnRegistryRecord {
    match store.put_registry(project, registry, &password(value), "", "me").await.unwrap() {
        PutRegistry::Version(record) => *record,
        other => panic!("{other:?}"),
    }
}

/// Returns the password and the version that are used now. `None` means that there is no registry.
async fn opened(store: &dyn Store, project: &str, host: &str) -> Option<(String, u32)> {
    let opened = store.open_registry(project, host).await.unwrap()?;
    let password = opened.secrets.of(LoginUse::Push)[PASSWORD].reveal_text().unwrap().to_owned();
    Some((password, opened.record.version))
}

pub(crate) async fn a_registry_opens_with_its_secrets_and_is_listed_without(place: Place) {
    let (ghcr, other) = (registry("ghcr.io", Some("ghcr.io/acme")), registry("b.example", None));
    {
        let store = place.open().await;
        assert_eq!(opened(&*store, "shop", "ghcr.io").await, None);
        let record = put(&*store, "shop", &ghcr, "hunter22").await;
        assert_eq!((record.version, &*record.by, &record.registry), (1, "me", &ghcr));
        assert!(record.at_ms > 0);
        put(&*store, "shop", &other, "hunter23").await;
        // Two projects may bring one host, each with a login of its own.
        put(&*store, "blog", &ghcr, "hunter24").await;
        store.close().await;
    }
    let store = place.open().await;
    assert_eq!(opened(&*store, "shop", "ghcr.io").await, Some(("hunter22".into(), 1)));
    assert_eq!(opened(&*store, "blog", "ghcr.io").await, Some(("hunter24".into(), 1)));
    assert_eq!(opened(&*store, "blog", "b.example").await, None);
    let listed = store.registries("shop").await.unwrap();
    let hosts: Vec<_> = listed.iter().map(|one| &*one.registry.host).collect();
    assert_eq!(hosts, ["b.example", "ghcr.io"]);
    assert!(!format!("{listed:?}").contains("hunter"));
}

pub(crate) async fn a_rotation_is_a_version_and_forgets_the_secrets_before(place: Place) {
    let store = place.open().await;
    let mut ghcr = registry("ghcr.io", None);
    put(&*store, "shop", &ghcr, "hunter22").await;
    ghcr.images = Some("ghcr.io/acme".into());
    let finding = "the login was refused";
    let secrets = password("hunter23");
    store.put_registry("shop", &ghcr, &secrets, finding, "you").await.unwrap();
    assert_eq!(opened(&*store, "shop", "ghcr.io").await, Some(("hunter23".into(), 2)));
    let listed = store.registries("shop").await.unwrap();
    assert_eq!((listed.len(), &*listed[0].finding, &*listed[0].by), (1, finding, "you"));
    let versions = store.registry_versions("shop", "ghcr.io").await.unwrap();
    let shown: Vec<_> = versions.iter().map(|one| (one.version, &*one.by)).collect();
    assert_eq!(shown, [(2, "you"), (1, "me")]);
    assert_eq!(versions[1].registry, Some(registry("ghcr.io", None)));
    let findings: Vec<_> = versions.iter().map(|one| &*one.finding).collect();
    assert_eq!(findings, [finding, ""]);
    for _ in 0..OWN_REGISTRY_VERSIONS_KEPT {
        put(&*store, "shop", &ghcr, "hunter24").await;
    }
    let versions = store.registry_versions("shop", "ghcr.io").await.unwrap();
    let kept = u32::try_from(versions.len()).unwrap();
    assert_eq!((kept, versions[0].version), (OWN_REGISTRY_VERSIONS_KEPT, 102));
}

pub(crate) async fn a_removal_is_a_version_and_numbers_go_on(place: Place) {
    let store = place.open().await;
    assert!(!store.delete_registry("shop", "ghcr.io", "me").await.unwrap());
    put(&*store, "shop", &registry("ghcr.io", None), "hunter22").await;
    assert!(!store.delete_registry("blog", "ghcr.io", "me").await.unwrap());
    assert!(store.delete_registry("shop", "ghcr.io", "you").await.unwrap());
    assert!(!store.delete_registry("shop", "ghcr.io", "you").await.unwrap());
    assert_eq!(opened(&*store, "shop", "ghcr.io").await, None);
    assert!(store.registries("shop").await.unwrap().is_empty());
    let versions = store.registry_versions("shop", "ghcr.io").await.unwrap();
    assert_eq!((versions[0].version, &*versions[0].by), (2, "you"));
    assert_eq!(versions[0].registry, None);
    put(&*store, "shop", &registry("ghcr.io", None), "hunter23").await;
    assert_eq!(opened(&*store, "shop", "ghcr.io").await, Some(("hunter23".into(), 3)));
}

pub(crate) async fn one_registry_of_a_project_has_the_place_for_images(place: Place) {
    let store = place.open().await;
    let ghcr = registry("ghcr.io", Some("ghcr.io/acme"));
    let other = registry("b.example", Some("b.example/acme"));
    put(&*store, "shop", &ghcr, "hunter22").await;
    let second = store.put_registry("shop", &other, &password("hunter23"), "", "me").await;
    assert_eq!(second.unwrap(), PutRegistry::SecondPlace("ghcr.io".into()));
    assert_eq!(opened(&*store, "shop", "b.example").await, None);
    put(&*store, "blog", &other, "hunter23").await;
    put(&*store, "shop", &registry("ghcr.io", None), "hunter22").await;
    put(&*store, "shop", &other, "hunter23").await;
}

pub(crate) async fn a_project_has_so_many_registries_and_no_more(place: Place) {
    let store = place.open().await;
    for number in 0..MOST_OWN_REGISTRIES {
        put(&*store, "shop", &registry(&format!("r{number}.example"), None), "hunter22").await;
    }
    let more = registry("more.example", None);
    let refused = store.put_registry("shop", &more, &password("hunter22"), "", "me").await;
    assert_eq!(refused.unwrap(), PutRegistry::TooMany);
    // One that is there is rotated all the same.
    assert_eq!(put(&*store, "shop", &registry("r0.example", None), "hunter23").await.version, 2);
    assert!(store.delete_registry("shop", "r1.example", "me").await.unwrap());
    put(&*store, "shop", &more, "hunter22").await;
}

pub(crate) async fn removed_registries_do_not_pile_up(place: Place) {
    let store = place.open().await;
    let hosts: Vec<_> = (0..REMOVED_REGISTRIES_KEPT + 5).map(|n| format!("r{n}.example")).collect();
    put(&*store, "shop", &registry("kept.example", None), "hunter22").await;
    put(&*store, "blog", &registry("r0.example", None), "hunter22").await;
    for host in &hosts {
        put(&*store, "shop", &registry(host, None), "hunter22").await;
        assert!(store.delete_registry("shop", host, "me").await.unwrap());
    }
    let mut known = 0;
    for host in &hosts {
        known += usize::from(!store.registry_versions("shop", host).await.unwrap().is_empty());
    }
    assert_eq!(known, REMOVED_REGISTRIES_KEPT);
    assert_eq!(opened(&*store, "shop", "kept.example").await, Some(("hunter22".into(), 1)));
    assert_eq!(opened(&*store, "blog", "r0.example").await, Some(("hunter22".into(), 1)));
}

pub(crate) async fn registries_end_with_their_project(place: Place) {
    let store = place.open().await;
    let spec = ProjectSpec { project: "shop".into(), ..ProjectSpec::default() };
    store.apply_project(&spec, "me", None).await.unwrap();
    let ghcr = registry("ghcr.io", Some("ghcr.io/acme"));
    put(&*store, "shop", &ghcr, "hunter22").await;
    put(&*store, "blog", &ghcr, "hunter23").await;
    assert!(store.delete_project("shop", "you").await.unwrap());
    assert_eq!(opened(&*store, "shop", "ghcr.io").await, None);
    assert_eq!(opened(&*store, "blog", "ghcr.io").await, Some(("hunter23".into(), 1)));
    // A login of before is in no cache under the number of a later one.
    put(&*store, "shop", &ghcr, "hunter24").await;
    assert_eq!(opened(&*store, "shop", "ghcr.io").await, Some(("hunter24".into(), 3)));
}
