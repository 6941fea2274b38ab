//! Sealed secrets.

use crate::Place;
use windlass_engine::ports::store::{SecretRecord, Store};
use windlass_model::{error::SecretError, secret::Secret};

pub(crate) async fn secrets_have_versions(place: Place) {
    let store = place.open().await;
    for (version, value) in [(1, "hunter-one-1"), (2, "hunter-two-2")] {
        let put = store.put("shop", "token", &Secret::new(value.into())).await.unwrap();
        assert_eq!((&*put.project, &*put.name, put.version), ("shop", "token", version));
        assert!(put.created_ms > 0);
    }
    let open = |version| store.open("shop", "token", version);
    assert_eq!(open(None).await.unwrap().0.reveal(), b"hunter-two-2");
    assert_eq!(open(None).await.unwrap().1, 2);
    assert_eq!(open(Some(1)).await.unwrap().0.reveal(), b"hunter-one-1");
    for version in [0, 3] {
        let error = open(Some(version)).await.unwrap_err();
        assert!(matches!(error, SecretError::Missing { .. }), "{error}");
    }
    assert!(store.delete("shop", "token").await.unwrap());
    assert!(!store.delete("shop", "token").await.unwrap());
    assert!(open(None).await.is_err());
}

/// Objects in a cluster and releases name a secret by its version: another value must not come under it.
pub(crate) async fn a_version_never_comes_back(place: Place) {
    let put = async |store: &dyn Store, value: &[u8]| {
        store.put("shop", "token", &Secret::new(value.into())).await.unwrap().version
    };
    {
        let store = place.open().await;
        assert_eq!((put(&*store, b"one").await, put(&*store, b"two").await), (1, 2));
        assert!(store.delete("shop", "token").await.unwrap());
        assert!(store.list("shop").await.unwrap().is_empty());
        assert_eq!(put(&*store, b"three").await, 3);
        assert!(store.delete("shop", "token").await.unwrap());
        store.close().await;
    }
    let store = place.open().await;
    assert_eq!(put(&*store, b"four").await, 4);
    for deleted in [1, 2, 3] {
        let error = store.open("shop", "token", Some(deleted)).await.unwrap_err();
        assert!(matches!(error, SecretError::Missing { .. }), "{error}");
    }
    assert_eq!(store.open("shop", "token", None).await.unwrap().0.reveal(), b"four");
    assert_eq!(store.list("shop").await.unwrap()[0].version, 4);
}

pub(crate) async fn a_project_does_not_see_the_secrets_of_another(place: Place) {
    let store = place.open().await;
    for (project, name) in [("shop", "token"), ("shop", "key"), ("blog", "token")] {
        store.put(project, name, &Secret::new(project.into())).await.unwrap();
    }
    store.put("shop", "token", &Secret::new(b"newer".into())).await.unwrap();
    let listed = store.list("shop").await.unwrap();
    let name = |record: &SecretRecord| (record.name.clone(), record.version);
    let names: Vec<_> = listed.iter().map(name).collect();
    assert_eq!(names, [("key".to_owned(), 1), ("token".to_owned(), 2)], "by name");
    assert!(store.open("other", "token", None).await.is_err());
    assert_eq!(store.open("blog", "token", None).await.unwrap().0.reveal(), b"blog");
    assert!(store.delete("shop", "token").await.unwrap());
    assert_eq!(store.open("blog", "token", None).await.unwrap().0.reveal(), b"blog");
}
