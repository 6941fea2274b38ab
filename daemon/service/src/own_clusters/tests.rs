//! Clusters of projects' own: put, tested, removed, and what their history shows.

use super::*;
use crate::fakes::{World, app, caller, release, submit};
use crate::remove::RemoveRequest;
use windlass_model::{
    event::Event,
    outcome::{Outcome, Removed},
};

fn put(project: &str, name: &str, kubeconfig: &str) -> PutClusterRequest {
    PutClusterRequest {
        project: project.into(),
        name: name.into(),
        environments: Vec::new(),
        pod_security: PodSecurity::Baseline,
        kubeconfig: Secret::new(kubeconfig.as_bytes().to_vec()),
        unchecked: false,
    }
}

fn owner() -> Caller {
    caller("ann", &["shop"], &[Verb::Clusters, Verb::Read, Verb::Deploy])
}

#[tokio::test]
async fn the_next_job_goes_to_the_projects_own_cluster_and_one_of_others_does_not() {
    let world = World::new();
    let services = &world.services;
    let before = services.submit(&owner(), submit("one")).await.unwrap().job;
    assert_eq!(before.clusters.names, ["eu", "us"]);
    let put = services.put_cluster(&owner(), put("shop", "ours", "https://k8s t")).await.unwrap();
    assert_eq!((put.record.version, &*put.version), (1, "v1.35.0"));
    assert!(put.missing.is_empty() && put.warnings.is_empty());
    let after = services.submit(&owner(), submit("two")).await.unwrap().job;
    assert_eq!(after.clusters.names, ["ours"]);
    let mut named = submit("three");
    named.clusters = vec!["us".into(), "ours".into()];
    let named = services.submit(&owner(), named).await.unwrap().job;
    assert_eq!(named.clusters.names, ["us", "ours"]);
    let all = Caller::with_all_rights("root".into());
    let mut other = submit("four");
    (other.app, other.clusters) = (app("blog"), vec!["ours".into()]);
    let error = services.submit(&all, other).await.unwrap_err();
    assert!(error.to_string().contains("`ours` is no cluster for blog/web"), "{error}");
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_stored() {
    let world = World::new();
    let services = &world.services;
    let reader = caller("bob", &["shop"], &[Verb::Read, Verb::Deploy]);
    let good = || put("shop", "ours", "https://k8s hunter22");
    let error = services.put_cluster(&reader, good()).await.unwrap_err();
    assert_eq!(error.reason(), "permission-denied");
    let long = format!("https://{}", "x".repeat(LONGEST_KUBECONFIG));
    let twice = PutClusterRequest { environments: vec!["a".into(), "a".into()], ..good() };
    for (request, text) in [
        (put("shop", "eu", "https://k8s"), "`eu` is one of the operator's clusters"),
        (put("shop", "default", "https://k8s"), "name: `default` is the name of"),
        (put("shop", "Ours", "https://k8s"), "name: `Ours`"),
        (put("shop", "ours", ""), "kubeconfig: `(0 bytes)` must have"),
        (put("shop", "ours", &long), "kubeconfig: `("),
        (
            put("shop", "ours", "http://hunter22"),
            "kubeconfig.clusters[0].cluster.server: `(not shown)` is not https",
        ),
        (twice, "environments[1]: `a` is named twice"),
    ] {
        let error = services.put_cluster(&owner(), request).await.unwrap_err().to_string();
        assert!(error.starts_with(text), "{error}");
        assert!(!error.contains("hunter22"), "{error}");
    }
    assert!(services.list_own_clusters(&reader, "shop").await.unwrap().is_empty());
}

#[tokio::test]
async fn missing_rights_are_shown_and_stored_only_unchecked() {
    let world = World::new();
    let services = &world.services;
    world.probe.lacks("kind: Role");
    let good = || put("shop", "ours", "https://k8s");
    let error = services.put_cluster(&owner(), good()).await.unwrap_err();
    assert_eq!(error.reason(), "cluster-forbids");
    assert!(error.to_string().ends_with("\nkind: Role"), "{error}");
    let unchecked = || PutClusterRequest { unchecked: true, ..good() };
    let put = services.put_cluster(&owner(), unchecked()).await.unwrap();
    assert_eq!(put.missing, ["kind: Role"]);
    let tested = services.test_cluster(&owner(), "shop", "ours").await.unwrap();
    assert_eq!(tested.missing, ["kind: Role"]);
    world.probe.lacks("");
    assert!(services.test_cluster(&owner(), "shop", "ours").await.unwrap().missing.is_empty());
    world.probe.goes_away();
    let error = services.put_cluster(&owner(), good()).await.unwrap_err();
    assert_eq!(error.reason(), "cluster-unreachable");
    let moved =
        PutClusterRequest { kubeconfig: Secret::new(b"https://elsewhere".into()), ..unchecked() };
    let put = services.put_cluster(&owner(), moved).await.unwrap();
    assert_eq!((put.record.version, &*put.version), (2, ""));
    assert!(put.warnings[0].contains("connection refused"), "{:?}", put.warnings);
    assert!(put.warnings[1].contains("was https://k8s before"), "{:?}", put.warnings);
}

#[tokio::test]
async fn a_cluster_that_is_removed_names_what_serves_there_and_how_to_get_it_back() {
    let world = World::new();
    let services = &world.services;
    let back = || put("shop", "ours", "https://k8s");
    services.put_cluster(&owner(), back()).await.unwrap();
    let id = services.submit(&owner(), submit("one")).await.unwrap().job.id;
    world.succeeds(release(&id, "one", &["ours"])).await;
    let removed = services.remove_cluster(&owner(), "shop", "ours").await.unwrap();
    assert_eq!((removed.apps, removed.jobs), (vec![app("shop")], Vec::new()));
    assert_eq!(world.probe.forgotten(), ["shop/ours"]);
    let error = services.remove_cluster(&owner(), "shop", "ours").await.unwrap_err();
    assert_eq!(error.reason(), "not-found");
    let mut named = submit("two");
    named.clusters = vec!["ours".into()];
    let remove = |clusters: &[&str]| RemoveRequest {
        request_id: "gone".into(),
        body: Vec::new(),
        app: app("shop"),
        data: false,
        clusters: clusters.iter().map(ToString::to_string).collect(),
    };
    for error in [
        services.submit(&owner(), named).await.unwrap_err(),
        services.remove(&owner(), remove(&[])).await.unwrap_err(),
        services.remove(&owner(), remove(&["ours"])).await.unwrap_err(),
    ] {
        assert_eq!(error.reason(), "cluster-unknown", "{error}");
        let fix = "put it back: windlass cluster put shop ours --kubeconfig FILE";
        assert_eq!(error.fixes(), [fix]);
    }
    let elsewhere = services.submit(&owner(), submit("three")).await.unwrap().job;
    assert_eq!(elsewhere.clusters.names, ["eu", "us"], "those of the operator again");
    services.put_cluster(&owner(), back()).await.unwrap();
    services.remove(&owner(), remove(&[])).await.unwrap();
}

#[tokio::test]
async fn an_app_that_was_removed_there_before_is_not_left() {
    let world = World::new();
    let services = &world.services;
    services.put_cluster(&owner(), put("shop", "ours", "https://k8s")).await.unwrap();
    let mut both = submit("one");
    both.clusters = vec!["us".into(), "ours".into()];
    let id = services.submit(&owner(), both).await.unwrap().job.id;
    world.succeeds(release(&id, "one", &["us", "ours"])).await;
    let request = RemoveRequest {
        request_id: "gone".into(),
        body: Vec::new(),
        app: app("shop"),
        data: false,
        clusters: vec!["ours".into()],
    };
    let id = services.remove(&owner(), request).await.unwrap().job.id;
    let removed = Removed { job: id.clone(), app: app("shop"), clusters: vec!["ours".into()] };
    world.append(&id, Event::Ended(Outcome::Removed(removed))).await;
    let removed = services.remove_cluster(&owner(), "shop", "ours").await.unwrap();
    assert_eq!(removed.apps, []);
}

/// Else it could be neither seen nor removed there.
#[tokio::test]
async fn an_app_that_served_before_stays_within_reach_of_status_and_removal() {
    let world = World::new();
    let services = &world.services;
    let id = services.submit(&owner(), submit("one")).await.unwrap().job.id;
    world.succeeds(release(&id, "one", &["eu"])).await;
    services.put_cluster(&owner(), put("shop", "ours", "https://k8s")).await.unwrap();
    let status = services.app_status(&owner(), app("shop")).await.unwrap();
    let names: Vec<_> = status.clusters.iter().map(|one| &*one.cluster).collect();
    assert_eq!(names, ["ours", "eu"]);
    let request = RemoveRequest {
        request_id: "gone".into(),
        body: Vec::new(),
        app: app("shop"),
        data: false,
        clusters: Vec::new(),
    };
    let removal = services.remove(&owner(), request).await.unwrap().job;
    assert_eq!(removal.clusters.names, ["ours", "eu"]);
}

#[tokio::test]
async fn a_cluster_that_is_removed_names_the_jobs_that_wait_or_run_there() {
    let world = World::new();
    let services = &world.services;
    let elsewhere = services.submit(&owner(), submit("one")).await.unwrap().job;
    services.put_cluster(&owner(), put("shop", "ours", "https://k8s")).await.unwrap();
    let there = services.submit(&owner(), submit("two")).await.unwrap().job;
    assert_eq!(
        (elsewhere.clusters.names.len(), &*there.clusters.names),
        (2, &["ours".to_owned()][..])
    );
    let removed = services.remove_cluster(&owner(), "shop", "ours").await.unwrap();
    assert_eq!(removed.jobs, [(there.id, app("shop"))]);
}

#[tokio::test]
async fn a_history_has_each_version_with_who_made_it() {
    let world = World::new();
    let services = &world.services;
    services.put_cluster(&owner(), put("shop", "ours", "https://k8s hunter22")).await.unwrap();
    services.put_cluster(&owner(), put("shop", "ours", "https://k8s hunter23")).await.unwrap();
    services.remove_cluster(&owner(), "shop", "ours").await.unwrap();
    let reader = caller("bob", &["shop"], &[Verb::Read]);
    let history = services.cluster_history(&reader, "shop", "ours").await.unwrap();
    let shown: Vec<_> =
        history.iter().map(|one| (one.version, one.cluster.is_some(), &*one.by)).collect();
    assert_eq!(shown, [(3, false, "ann"), (2, true, "ann"), (1, true, "ann")]);
    assert!(!format!("{history:?}").contains("hunter2"), "{history:?}");
    let error = services.cluster_history(&reader, "shop", "other").await.unwrap_err();
    assert_eq!(error.reason(), "not-found");
    let error = services.cluster_history(&reader, "blog", "ours").await.unwrap_err();
    assert_eq!(error.reason(), "permission-denied");
}

/// Else the first deploy would say it, by pods that cannot pull.
#[tokio::test]
async fn nodes_that_get_no_login_are_warned_of_before_the_first_deploy() {
    let world = World::new();
    let services = &world.services;
    let advice = "nodes get no login: put a registry of the project's own";
    world.registries.withholds(advice);
    let put = services.put_cluster(&owner(), put("shop", "ours", "https://k8s")).await.unwrap();
    assert_eq!(put.warnings, [advice]);
    let tested = services.test_cluster(&owner(), "shop", "ours").await.unwrap();
    assert_eq!(tested.warnings, [advice]);
}
