//! Routes of pauses, of what ends them, and of the strategy that the page shows beside them.

use super::{OWNER, READER, World, commit};
use crate::strategy::tests::{canary, planned};
use serde_json::{Value, json};
use windlass_model::{cluster::RolloutOrder, event::Event, job::Stage};

/// A world with a canary that is under way: job `0001`.
async fn under_way() -> World {
    let world = World::new();
    world.submitted("0001", commit()).await;
    let plan = planned(canary(), &["eu"], RolloutOrder::Sequential);
    for event in [Event::Started(Stage::Release), Event::Planned(Box::new(plan))] {
        world.append("0001", event).await;
    }
    world
}

#[tokio::test]
async fn a_release_is_paused_and_resumed_with_a_note() {
    let world = under_way().await;
    assert_eq!(world.get("/api/jobs/0001").await["paused"], Value::Null);
    let body = json!({ "note": "errors in the log" });
    let (status, job) = world.ask(OWNER, "/api/jobs/0001/pause", Some(body)).await;
    assert_eq!(status, 200, "{job}");
    let paused = &job["paused"];
    assert_eq!((&paused["by"], &paused["note"]), (&json!(OWNER), &json!("errors in the log")));
    assert!(paused["at"].as_f64().is_some_and(|at| at > 1e9), "{paused}");
    let listed = world.get("/api/jobs").await;
    assert_eq!(listed["items"][0]["paused"]["by"], OWNER);
    let (status, job) = world.ask(OWNER, "/api/jobs/0001/resume", Some(json!({}))).await;
    assert_eq!((status, &job["paused"]), (200, &Value::Null));
    let again = world.post(OWNER, "/api/jobs/0001/resume", json!({})).await;
    assert_eq!(again, (409, json!("not-paused")));
}

#[tokio::test]
async fn a_release_is_aborted_once_and_no_longer_paused() {
    let world = under_way().await;
    let note = json!({ "note": "slow" });
    assert_eq!(world.post(OWNER, "/api/jobs/0001/abort", note).await, (200, Value::Null));
    let late = world.post(OWNER, "/api/jobs/0001/pause", json!({})).await;
    assert_eq!(late, (409, json!("not-on-its-way")));
}

#[tokio::test]
async fn who_may_only_look_pauses_resumes_and_aborts_nothing() {
    let world = under_way().await;
    for what in ["pause", "resume", "abort"] {
        let path = format!("/api/jobs/0001/{what}");
        let refused = world.post(READER, &path, json!({})).await;
        assert_eq!(refused, (403, json!("permission-denied")), "{what}");
        let odd = world.post(OWNER, &path, json!({ "why": "?" })).await.0;
        assert_eq!(odd, 422, "{what}: a field that nobody knows");
        let missing = world.post(OWNER, &format!("/api/jobs/none/{what}"), json!({})).await;
        assert_eq!(missing, (404, json!("not-found")), "{what}");
        assert_eq!(world.ask(OWNER, &path, None).await.0, 405, "{what}: a GET changes nothing");
    }
    assert_eq!(world.get("/api/jobs/0001").await["paused"], Value::Null);
}

#[tokio::test]
async fn events_have_the_shares_the_measurements_and_the_ends_of_holds() {
    let world = under_way().await;
    let cluster = "eu".to_owned();
    for event in [
        Event::TrafficShifted { cluster, weight: 25, pods: Some((1, 3)) },
        Event::Holding { until_ms: 7000 },
    ] {
        world.append("0001", event).await;
    }
    let page = world.get("/api/jobs/0001/events").await;
    let events = page["events"].as_array().unwrap();
    let of = |name: &str| events.iter().find(|event| event[name].is_object()).unwrap();
    assert_eq!(of("strategy")["strategy"]["shares"][0]["weight"], 25);
    let shifted = &of("traffic_shifted")["traffic_shifted"];
    let expected = json!({ "cluster": "eu", "weight": 25, "new_pods": 1, "old_pods": 3 });
    assert_eq!(shifted, &expected);
    assert_eq!(of("holding")["holding"]["until"], json!(7.0));
}
