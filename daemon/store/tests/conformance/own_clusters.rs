//! Clusters of projects' own.

use crate::Place;
use windlass_engine::ports::store::{
    CLUSTER_NAMES_KEPT, CLUSTER_VERSIONS_KEPT, OwnClusterRecord, Store,
};
use windlass_model::{
    cluster::PodSecurity,
    own::cluster::{MOST_CLUSTERS, OwnCluster},
    project::ProjectSpec,
    secret::Secret,
};

fn cluster(environment: &str) -> OwnCluster {
    OwnCluster {
        environments: vec![environment.into()],
        pod_security: PodSecurity::Restricted,
        server: "https://k8s.example:6443".into(),
    }
}

/// Puts a cluster whose kubeconfig is the text.
async fn put(store: &dyn Store, project: &str, name: &str, text: &str) -> Option<OwnClusterRecord> {
    let kubeconfig = Secret::new(text.into());
    store.put_cluster(project, name, &cluster(text), &kubeconfig, "ann").await.unwrap()
}

/// Returns the version of a cluster and its kubeconfig.
async fn opened(store: &dyn Store, project: &str, name: &str) -> Option<(u32, String)> {
    let opened = store.open_cluster(project, name).await.unwrap();
    opened
        .map(|(record, kubeconfig)| (record.version, kubeconfig.reveal_text().unwrap().to_owned()))
}

async fn names(store: &dyn Store, project: &str) -> Vec<String> {
    let all = store.own_clusters(project).await.unwrap().into_iter();
    all.filter(|record| record.cluster.is_some()).map(|record| record.name).collect()
}

pub(crate) async fn a_cluster_has_versions_and_opens_with_its_newest_kubeconfig(place: Place) {
    {
        let store = place.open().await;
        assert!(store.own_cluster("shop", "eu").await.unwrap().is_none());
        assert_eq!(opened(&*store, "shop", "eu").await, None);
        let record = put(&*store, "shop", "eu", "one").await.unwrap();
        assert_eq!((&*record.project, &*record.name, &*record.by), ("shop", "eu", "ann"));
        assert_eq!((record.version, record.cluster.clone()), (1, Some(cluster("one"))));
        assert!(record.at_ms > 0);
        assert_eq!(store.own_cluster("shop", "eu").await.unwrap(), Some(record));
        store.close().await;
    }
    let store = place.open().await;
    assert_eq!(opened(&*store, "shop", "eu").await, Some((1, "one".into())));
    assert_eq!(put(&*store, "shop", "eu", "two").await.unwrap().version, 2);
    assert_eq!(opened(&*store, "shop", "eu").await, Some((2, "two".into())));
    let all = store.own_clusters("shop").await.unwrap();
    assert_eq!(all.iter().map(|one| one.version).collect::<Vec<_>>(), [2], "the newest alone");
    // Many versions are no fault of the newest.
    for number in 3..=120 {
        assert_eq!(put(&*store, "shop", "eu", "more").await.unwrap().version, number);
    }
    assert_eq!(opened(&*store, "shop", "eu").await, Some((120, "more".into())));
    let versions = store.cluster_versions("shop", "eu").await.unwrap();
    let numbers: Vec<_> = versions.iter().map(|one| one.version).collect();
    let newest: Vec<u32> = (0..CLUSTER_VERSIONS_KEPT).map(|before| 120 - before).collect();
    assert_eq!(numbers, newest, "the newest first, and not all");
}

pub(crate) async fn a_cluster_that_was_removed_is_known_as_removed(place: Place) {
    let store = place.open().await;
    assert!(!store.remove_cluster("shop", "eu", "bob").await.unwrap(), "there is none");
    put(&*store, "shop", "eu", "one").await.unwrap();
    assert!(store.remove_cluster("shop", "eu", "bob").await.unwrap());
    assert!(!store.remove_cluster("shop", "eu", "bob").await.unwrap());
    assert_eq!(opened(&*store, "shop", "eu").await, None);
    let removal = store.own_cluster("shop", "eu").await.unwrap().unwrap();
    assert_eq!((removal.version, removal.cluster.as_ref(), &*removal.by), (2, None, "bob"));
    assert_eq!(store.own_clusters("shop").await.unwrap(), [removal]);
    assert_eq!(put(&*store, "shop", "eu", "two").await.unwrap().version, 3);
    assert_eq!(opened(&*store, "shop", "eu").await, Some((3, "two".into())));
    let versions = store.cluster_versions("shop", "eu").await.unwrap();
    let shown: Vec<_> =
        versions.iter().map(|one| (one.version, &*one.by, one.cluster.is_some())).collect();
    assert_eq!(shown, [(3, "ann", true), (2, "bob", false), (1, "ann", true)]);
    assert_eq!(versions[2].cluster, Some(cluster("one")));
    assert!(store.cluster_versions("blog", "eu").await.unwrap().is_empty());
}

pub(crate) async fn a_project_has_so_many_clusters_and_no_more(place: Place) {
    let store = place.open().await;
    for number in 0..MOST_CLUSTERS {
        put(&*store, "shop", &format!("c{number}"), "one").await.unwrap();
    }
    assert_eq!(put(&*store, "shop", "more", "one").await, None);
    assert!(store.own_cluster("shop", "more").await.unwrap().is_none());
    assert_eq!(put(&*store, "shop", "c0", "two").await.unwrap().version, 2, "not one more");
    put(&*store, "blog", "more", "one").await.unwrap();
    assert!(store.remove_cluster("shop", "c0", "bob").await.unwrap());
    put(&*store, "shop", "more", "one").await.unwrap();
    assert_eq!(put(&*store, "shop", "c0", "one").await, None, "it is one more again");
    assert_eq!(names(&*store, "shop").await.len(), MOST_CLUSTERS);
}

pub(crate) async fn names_that_were_removed_are_forgotten_beyond_a_number(place: Place) {
    let store = place.open().await;
    put(&*store, "shop", "stays", "one").await.unwrap();
    for number in 0..CLUSTER_NAMES_KEPT + 5 {
        let name = format!("c{number:03}");
        put(&*store, "shop", &name, "one").await.unwrap();
        assert!(store.remove_cluster("shop", &name, "bob").await.unwrap());
    }
    let all = store.own_clusters("shop").await.unwrap();
    assert!(all.len() <= CLUSTER_NAMES_KEPT, "{}", all.len());
    assert_eq!(names(&*store, "shop").await, ["stays"]);
    let last = format!("c{:03}", CLUSTER_NAMES_KEPT + 4);
    assert!(store.own_cluster("shop", &last).await.unwrap().is_some());
}

pub(crate) async fn clusters_are_of_one_project_and_end_with_it(place: Place) {
    let store = place.open().await;
    let spec = ProjectSpec { project: "shop".into(), ..ProjectSpec::default() };
    store.apply_project(&spec, "me", None).await.unwrap();
    for (project, name) in [("shop", "us"), ("shop", "eu"), ("blog", "eu")] {
        put(&*store, project, name, project).await.unwrap();
    }
    assert_eq!(names(&*store, "shop").await, ["eu", "us"], "by name");
    assert_eq!(opened(&*store, "blog", "eu").await, Some((1, "blog".into())));
    assert_eq!(opened(&*store, "blog", "us").await, None);
    assert!(store.remove_cluster("blog", "eu", "bob").await.unwrap());
    assert_eq!(opened(&*store, "shop", "eu").await, Some((1, "shop".into())));
    assert!(store.delete_project("shop", "me").await.unwrap());
    assert!(store.own_clusters("shop").await.unwrap().is_empty());
    assert!(store.cluster_versions("shop", "eu").await.unwrap().is_empty());
    assert_eq!(opened(&*store, "shop", "eu").await, None);
    assert_eq!(store.own_clusters("blog").await.unwrap().len(), 1);
}
