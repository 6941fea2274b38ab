//! Changes of previews and ends of Deployments, as they are sent.

use super::{fresh, has_ended, sent, settings, store_for};
use crate::fakes::{FakeStore, Reply, Server, commit, project};
use serde_json::{Value, json};
use std::sync::Arc;
use windlass_model::{
    forge::ForgeKind,
    outbox::{Message, MessageState, PreviewChange, PullRequest, Receiver},
    project::{EndpointEvent, Reporting},
};

#[tokio::test]
async fn a_preview_that_is_ready_goes_to_the_endpoint_that_asks_for_it() {
    let server = Server::start(|_, _| Reply::status(204)).await;
    let mut spec = project(&format!("http://{}/in", server.address), "https://git.example/api/v1");
    spec.endpoints.get_mut("hooks").unwrap().events = vec![EndpointEvent::PreviewReady];
    let store = Arc::new(FakeStore::new(spec));
    for (number, change) in [(1, PreviewChange::Ready), (2, PreviewChange::Removed)] {
        let receiver = Receiver::Preview {
            name: "hooks".into(),
            change,
            environment: "pr-7".into(),
            pull: Some(PullRequest { repository: "web".into(), number: 7, page: None }),
        };
        store.add(Message { receiver, ..fresh(number) });
    }
    let all = sent(&store, settings(), has_ended).await;
    assert_eq!((all[0].state, all[1].state), (MessageState::Done, MessageState::Void));
    assert_eq!(all[1].error, "the endpoint does not ask for preview.removed");
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].headers["webhook-signature"].starts_with("v1,"));
    let body: Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(body["type"], "preview.ready");
    assert_eq!(
        (&body["data"]["job"], &body["data"]["commit"]),
        (&json!("job-7"), &json!(commit()))
    );
    assert_eq!(body["data"]["url"], "https://windlass.example/jobs/job-7");
    let pull = json!({ "repository": "web", "number": 7, "url": null });
    assert_eq!(body["data"]["pull_request"], pull);
}

fn end() -> Receiver {
    Receiver::DeploymentEnd {
        repository: "web".into(),
        commit: commit(),
        environment: "web/production".into(),
    }
}

#[tokio::test]
async fn a_deployment_of_github_ends_and_none_is_made() {
    let server = Server::start(|number, _| match number {
        0 => {
            let list = r#"[{"id":46,"payload":{"windlass_job":"job-6"}}]"#;
            Reply::Now(200, String::new(), list.into())
        }
        _ => Reply::Now(201, String::new(), "{}".into()),
    })
    .await;
    let api = format!("http://{}/api/v3", server.address);
    let mut spec = project("https://hooks.example/in", &api);
    let forge = spec.repositories.get_mut("web").unwrap().forge.as_mut().unwrap();
    (forge.kind, forge.report) = (ForgeKind::Github, vec![Reporting::Deployment]);
    let store = Arc::new(FakeStore::new(spec));
    store.add(Message { receiver: end(), ..fresh(1) });
    let all = sent(&store, settings(), has_ended).await;
    assert_eq!((all[0].state, all[0].code), (MessageState::Done, Some(201)), "{}", all[0].error);
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert!(
        seen[0].path.starts_with("/api/v3/repos/shop/web/deployments?sha="),
        "{}",
        seen[0].path
    );
    assert_eq!(seen[1].path, "/api/v3/repos/shop/web/deployments/46/statuses");
    let body: Value = serde_json::from_str(&seen[1].body).unwrap();
    assert_eq!(body["state"], "inactive");
}

#[tokio::test]
async fn a_forge_that_is_not_asked_for_deployments_hears_of_no_end() {
    let server = Server::start(|_, _| Reply::status(500)).await;
    let store = store_for(&server);
    store.add(Message { receiver: end(), ..fresh(1) });
    let all = sent(&store, settings(), has_ended).await;
    assert_eq!((all[0].state, server.seen().len()), (MessageState::Void, 0), "{}", all[0].error);
}
