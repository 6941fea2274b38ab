//! Routes of hooks that forges call, and of endpoints that take no messages.

use super::{READER, World, app, commit};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use windlass_engine::ports::store::{
    Attempt, ForgeHooks, HookRecord, Jobs, Outbox, Projects, Submission,
};
use windlass_model::{
    clock::now_ms,
    cluster::{Clusters, RolloutOrder},
    job::Job,
    outbox::{EndpointHealth, MessageState, Receiver},
    project::{EndpointSpec, ProjectSpec},
    secret::Secret,
    spec::Spec,
};

#[tokio::test]
async fn hooks_are_listed_with_their_last_use_and_without_their_secret() {
    let world = World::new();
    let hook = |id: &str| HookRecord {
        id: id.repeat(26),
        project: "shop".into(),
        repository: "web".into(),
        created_ms: 5000,
        by: "ann".into(),
        previous_until_ms: None,
        seen_ms: None,
        repository_id: None,
    };
    let secret = Secret::new(b"hunter22".to_vec());
    for id in ["a", "b"] {
        world.store.create_hook(&hook(id), &secret).await.unwrap();
    }
    world.store.saw_hook(&"a".repeat(26), 9000, "").await.unwrap();
    let (status, hooks) = world.ask(READER, "/api/projects/shop/hooks", None).await;
    assert_eq!((status, hooks.as_array().map(Vec::len)), (200, Some(2)));
    let of = |letter: &str| {
        let path = json!(format!("/hooks/{}", letter.repeat(26)));
        hooks.as_array().unwrap().iter().find(|one| one["path"] == path).unwrap()
    };
    assert_eq!((&of("a")["seen"], &of("b")["seen"]), (&json!(9.0), &Value::Null));
    assert_eq!((&of("a")["repository"], &of("a")["created"]), (&json!("web"), &json!(5.0)));
    assert!(!hooks.to_string().contains("hunter22"), "{hooks}");
    assert_eq!(world.ask(READER, "/api/projects/blog/hooks", None).await.0, 403);
}

/// Stores a job of which the endpoint `chat` hears.
async fn heard(world: &World) {
    let job = Job {
        id: "0001".into(),
        app: app("production"),
        source: commit(),
        clusters: Clusters { names: vec!["eu".into()], order: RolloutOrder::Sequential },
        spec: Spec::default(),
        preview: None,
        labels: BTreeMap::new(),
        timeout: Duration::from_secs(60),
        gates: Vec::new(),
        principal: "ci".into(),
        created_ms: 1,
    };
    let receivers = vec![Receiver::Endpoint { name: "chat".into() }];
    let submission = Submission { request_id: "one".into(), body: Vec::new(), job, receivers };
    world.store.submit(submission).await.unwrap();
}

#[tokio::test]
async fn an_endpoint_that_takes_nothing_is_named_with_why_and_since_when() {
    let world = World::new();
    let endpoint = EndpointSpec {
        url: "https://chat.example.com".into(),
        secret: "chat".into(),
        events: Vec::new(),
    };
    let spec = ProjectSpec {
        project: "shop".into(),
        endpoints: [("chat".to_owned(), endpoint)].into(),
        ..ProjectSpec::default()
    };
    world.store.apply_project(&spec, "ann", None).await.unwrap();
    heard(&world).await;
    let path = "/api/projects/shop/outbox";
    assert_eq!(world.get(path).await["unwell"], json!([]));
    let message = world.store.take_messages(now_ms(), now_ms() + 1, 9).await.unwrap().remove(0);
    let gone = Attempt {
        state: MessageState::Dead,
        next_ms: now_ms(),
        code: Some(410),
        error: "HTTP 410".into(),
    };
    world.store.attempted(&message.id, &gone).await.unwrap();
    let listed = world.get(path).await;
    let unwell = &listed["unwell"][0];
    let disabled = EndpointHealth::Disabled.as_str();
    assert_eq!((&unwell["name"], &unwell["health"]), (&json!("chat"), &json!(disabled)));
    assert!(unwell["why"].as_str().unwrap().contains(&message.id), "{unwell}");
    assert!(unwell["since"].as_f64().is_some_and(|since| since > 1e9), "{unwell}");
    assert_eq!((&listed["items"][0]["state"], &listed["next"]), (&json!("dead"), &Value::Null));
    let older = world.get(&format!("{path}?before={}", message.id)).await;
    assert_eq!((&older["items"], &older["unwell"]), (&json!([]), &json!([])));
}
