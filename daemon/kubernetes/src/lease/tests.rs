//! Leases as an API server gets them.

use super::*;
use crate::client::fake::FakeServer;
use std::sync::Arc;
use windlass_model::app::App;

const LEASE_OF_WEB: &str =
    "/apis/coordination.k8s.io/v1/namespaces/shop--production/leases/windlass-web";
const NAMESPACE: &str = "/api/v1/namespaces/shop--production";

fn release() -> Release {
    let app = App::new("shop", "web", "").unwrap();
    Release::bare("1", &app, &["default".to_owned()])
}

fn namespace() -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop--production" } })
}

/// Returns a server with the namespace of the app.
fn server() -> (Arc<FakeServer>, Client) {
    let server = Arc::new(FakeServer::default());
    server.put(NAMESPACE, namespace());
    let client = server.client();
    (server, client)
}

async fn acquired(client: &Client, holder: &LeaseHolder, over: Option<&str>) -> Acquired {
    acquire(client, &release(), holder, over, None).await.unwrap()
}

async fn held(client: &Client, holder: &LeaseHolder) -> String {
    match acquired(client, holder, None).await {
        Acquired::Held(version) => version,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_lease_is_made_for_a_release_and_deleted_after_it() {
    let (server, client) = server();
    let holder = LeaseHolder::new("a", "job-1");
    held(&client, &holder).await;
    let lease = server.get(LEASE_OF_WEB);
    assert_eq!(text(&lease, "/spec/holderIdentity"), "a/job-1");
    assert_eq!(lease["spec"]["leaseDurationSeconds"], 30);
    assert_eq!(lease["metadata"]["annotations"][JOB], "job-1");
    // As the API server reads them: with six digits.
    let time = text(&lease, "/spec/renewTime");
    assert_eq!(time.rsplit_once('.').map(|(_, rest)| rest.len()), Some(7), "{time}");
    give_back(&client, &release(), &holder).await.unwrap();
    assert_eq!(server.written(), ["POST leases", "DELETE leases/windlass-web"], "two writes");
    assert!(server.get(LEASE_OF_WEB).is_null());
}

#[tokio::test]
async fn nobody_else_gets_a_lease_that_is_renewed() {
    let (server, client) = server();
    let (one, other) = (LeaseHolder::new("a", "job-1"), LeaseHolder::new("b", "job-2"));
    let first = held(&client, &one).await;
    let seen = acquired(&client, &other, None).await;
    let by_one = |version: &str| Acquired::By { holder: "a/job-1".into(), version: version.into() };
    assert_eq!(seen, by_one(&first));
    let Renewed::Held(second) = renew(&client, &release(), &one, &first).await.unwrap() else {
        panic!("it is lost")
    };
    // What was seen unchanged for long has changed.
    assert_eq!(acquired(&client, &other, Some(&first)).await, by_one(&second));
    give_back(&client, &release(), &other).await.unwrap();
    assert_eq!(text(&server.get(LEASE_OF_WEB), "/spec/holderIdentity"), "a/job-1");
    // A renewal of its own may have been on its way.
    give_back(&client, &release(), &one).await.unwrap();
    assert!(server.get(LEASE_OF_WEB).is_null());
}

#[tokio::test]
async fn a_lease_that_nobody_renews_is_taken_over_and_its_ghost_learns_it() {
    let (server, client) = server();
    let (ghost, other) = (LeaseHolder::new("a", "job-1"), LeaseHolder::new("b", "job-2"));
    let seen = held(&client, &ghost).await;
    let taken = acquired(&client, &other, Some(&seen)).await;
    assert!(matches!(taken, Acquired::Held(_)), "{taken:?}");
    let lost = renew(&client, &release(), &ghost, &seen).await.unwrap();
    assert_eq!(lost, Renewed::Lost("b/job-2".into()));
    // Neither does the ghost give away what is the other's.
    give_back(&client, &release(), &ghost).await.unwrap();
    assert_eq!(text(&server.get(LEASE_OF_WEB), "/spec/holderIdentity"), "b/job-2");
    give_back(&client, &release(), &other).await.unwrap();
    let lost = renew(&client, &release(), &ghost, &seen).await.unwrap();
    assert_eq!(lost, Renewed::Lost("job-2".into()), "nobody has it, and it is not the ghost's");
}

/// The daemon of the first job comes back after the others are through.
#[tokio::test]
async fn a_job_learns_that_its_lease_was_taken_over_long_ago() {
    let (server, client) = server();
    let [one, other, third] = ["job-1", "job-2", "job-3"].map(|job| LeaseHolder::new("a", job));
    let first = held(&client, &one).await;
    acquired(&client, &other, Some(&first)).await;
    give_back(&client, &release(), &other).await.unwrap();
    let lease = server.get(LEASE_OF_WEB);
    assert_eq!(lease["metadata"]["annotations"][OVER], "job-1");
    assert!(lease["spec"]["holderIdentity"].is_null(), "anybody may have it: {lease}");
    held(&client, &third).await;
    give_back(&client, &release(), &third).await.unwrap();
    let back = LeaseHolder::new("a", "job-1");
    let Acquired::Void { holder, version } = acquired(&client, &back, None).await else {
        panic!("it goes on as if nothing had been")
    };
    assert_eq!(holder, "job-3");
    let taken = acquired(&client, &back, Some(&version)).await;
    assert!(matches!(taken, Acquired::Held(_)), "{taken:?}");
    assert!(server.get(LEASE_OF_WEB)["metadata"]["annotations"][OVER].is_null());
    give_back(&client, &release(), &back).await.unwrap();
    assert!(server.get(LEASE_OF_WEB).is_null(), "there is no word to keep");
}

#[tokio::test]
async fn a_lease_keeps_the_last_jobs_that_never_came_back() {
    let (server, client) = server();
    let mut seen = held(&client, &LeaseHolder::new("a", "0")).await;
    for job in 1..=2 * MOST {
        let holder = LeaseHolder::new("a", &job.to_string());
        let Acquired::Held(version) = acquired(&client, &holder, Some(&seen)).await else {
            panic!("{job} does not take it over")
        };
        seen = version;
    }
    let lease = server.get(LEASE_OF_WEB);
    assert_eq!(lease["metadata"]["annotations"][OVER], "8 9 10 11 12 13 14 15");
}

#[tokio::test]
async fn the_next_run_of_a_job_takes_its_lease_at_once() {
    let (_server, client) = server();
    let (before, after) = (LeaseHolder::new("a", "job-1"), LeaseHolder::new("a", "job-1"));
    let first = held(&client, &before).await;
    held(&client, &after).await;
    let lost = renew(&client, &release(), &before, &first).await.unwrap();
    assert_eq!(lost, Renewed::Lost("a/job-1".into()));
}

/// The API server renewed it, and its answer did not arrive.
#[tokio::test]
async fn a_renewal_whose_answer_was_lost_is_none_by_somebody_else() {
    let (_server, client) = server();
    let holder = LeaseHolder::new("a", "job-1");
    let first = held(&client, &holder).await;
    let Renewed::Held(second) = renew(&client, &release(), &holder, &first).await.unwrap() else {
        panic!("it is lost")
    };
    let again = renew(&client, &release(), &holder, &first).await.unwrap();
    assert!(matches!(&again, Renewed::Held(version) if *version != second), "{again:?}");
}

#[tokio::test]
async fn a_missing_namespace_is_made_only_for_a_release() {
    let server = Arc::new(FakeServer::default());
    let client = server.client();
    let holder = LeaseHolder::new("a", "job-1");
    assert_eq!(acquired(&client, &holder, None).await, Acquired::NoNamespace);
    assert!(server.get(NAMESPACE).is_null());
    let namespace = namespace();
    let made = acquire(&client, &release(), &holder, None, Some(&namespace)).await.unwrap();
    assert!(matches!(made, Acquired::Held(_)), "{made:?}");
    assert!(!server.get(NAMESPACE).is_null());
}

#[tokio::test]
async fn the_name_of_a_holder_moves_no_cursor() {
    let (server, client) = server();
    let mut lease = head(&release());
    lease["spec"] = json!({ "holderIdentity": format!("\u{1b}[2J{}", "x".repeat(LONGEST)) });
    server.put(LEASE_OF_WEB, lease);
    let seen = acquired(&client, &LeaseHolder::new("a", "job-1"), None).await;
    let Acquired::By { holder, .. } = seen else { panic!("{seen:?}") };
    assert!(holder.starts_with("?[2Jx") && holder.len() <= LONGEST + '…'.len_utf8(), "{holder}");
}

/// Another tool leaves its Lease where it ends.
#[tokio::test]
async fn a_lease_without_a_holder_is_free() {
    let (server, client) = server();
    let mut lease = head(&release());
    lease["spec"] = json!({ "holderIdentity": "" });
    server.put(LEASE_OF_WEB, lease);
    held(&client, &LeaseHolder::new("a", "job-1")).await;
    assert_eq!(text(&server.get(LEASE_OF_WEB), "/spec/holderIdentity"), "a/job-1");
}
