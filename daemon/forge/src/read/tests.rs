//! Reports that are read from each request, and from what is left of it.

use super::read;
use crate::{
    error::Unreadable,
    fixtures::{Request, all, request},
    headers::{
        GITHUB_EVENT, GITLAB_EVENT, GITLAB_EVENT_UUID, IDEMPOTENCY_KEY, REQUEST_UUID, WEBHOOK_ID,
    },
};
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use windlass_model::{
    delivery::{Change, MOST_REFS, RefMove, Report},
    forge::ForgeKind,
};

mod mutilated;
mod table;

fn report(request: &Request) -> Result<Report, Unreadable> {
    read(request.kind, &request.headers, &request.body)
}

/// Returns the refs of a report that has some.
fn refs(report: Report) -> Vec<RefMove> {
    match report.change {
        Change::Refs(refs) => refs,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_delivery_has_the_id_that_a_repeat_has_too() {
    for request in all() {
        let report = report(&request).unwrap();
        let header = match request.kind {
            ForgeKind::Github => "x-github-delivery",
            ForgeKind::Gitlab => "idempotency-key",
            ForgeKind::Bitbucket => "x-request-uuid",
            ForgeKind::BitbucketServer => "x-request-id",
            ForgeKind::Gitea | ForgeKind::Forgejo => "x-gitea-delivery",
        };
        let id = request.headers.get(header).unwrap().to_str().unwrap();
        assert_eq!(report.forge_id, id, "{}", request.name);
    }
    let mut gitlab = request("gitlab/push");
    gitlab.headers.insert(IDEMPOTENCY_KEY, "not-signed".parse().unwrap());
    assert_ne!(report(&gitlab).unwrap().forge_id, "not-signed");
    gitlab.headers.remove(WEBHOOK_ID);
    assert_eq!(report(&gitlab).unwrap().forge_id, "not-signed");
    gitlab.headers.remove(IDEMPOTENCY_KEY);
    let uuid = gitlab.headers.get(GITLAB_EVENT_UUID).unwrap().clone();
    assert_eq!(report(&gitlab).unwrap().forge_id, uuid.to_str().unwrap());
    gitlab.headers.remove(GITLAB_EVENT_UUID);
    assert_eq!(report(&gitlab).unwrap().forge_id, "");
}

#[test]
fn headers_that_cannot_be_are_named() {
    let mut push = request("bitbucket/push");
    push.headers.insert(REQUEST_UUID, "x".repeat(201).parse().unwrap());
    assert_eq!(report(&push).unwrap_err().field, REQUEST_UUID);
    for kind in ForgeKind::ALL {
        let error = read(kind, &http::HeaderMap::new(), b"{}").unwrap_err();
        assert!(error.problem.contains("is missing"), "{kind}: {error}");
    }
    let mut push = request("github/push");
    push.headers.append(GITHUB_EVENT, "ping".parse().unwrap());
    let error = report(&push).unwrap_err();
    assert!(error.field == GITHUB_EVENT && error.problem.contains("more than once"), "{error}");
}

#[test]
fn a_form_reads_like_its_json() {
    for name in ["github/push", "github/push-odd", "gitea/push", "forgejo/pull-synchronized"] {
        let mut request = request(name);
        let plain = report(&request).unwrap();
        let text = String::from_utf8(request.body).unwrap();
        let form =
            form_urlencoded::Serializer::new(String::new()).append_pair("payload", &text).finish();
        request.body = form.into_bytes();
        let kind = "application/x-www-form-urlencoded".parse().unwrap();
        request.headers.insert(CONTENT_TYPE, kind);
        assert_eq!(report(&request).unwrap(), plain);
        request.body = b"other=1".to_vec();
        assert_eq!(report(&request).unwrap_err().field, "payload");
    }
}

#[test]
fn the_first_refs_of_many_are_kept() {
    let hash = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
    let mut cloud = request("bitbucket/push");
    let mut server = request("bitbucket-server/push");
    let mut body: Value = serde_json::from_slice(&cloud.body).unwrap();
    let state = |index: String| json!({"type": "branch", "name": index, "target": {"hash": hash}});
    let changes = (0..250).map(|index: u32| json!({"new": state(index.to_string()), "old": null}));
    body["push"]["changes"] = changes.collect();
    cloud.body = serde_json::to_vec(&body).unwrap();
    let mut body: Value = serde_json::from_slice(&server.body).unwrap();
    let changes = (0..250).map(|index: u32| {
        json!({"ref": {"id": format!("refs/heads/{index}")}, "toHash": hash, "type": "ADD"})
    });
    body["changes"] = changes.collect();
    server.body = serde_json::to_vec(&body).unwrap();
    for request in [cloud, server] {
        let refs = refs(report(&request).unwrap());
        assert_eq!(refs.len(), MOST_REFS);
        assert_eq!(refs.last().unwrap().name, format!("refs/heads/{}", MOST_REFS - 1));
    }
}

#[test]
fn errors_name_the_field_and_its_value() {
    for (name, pointer, value, field, problem) in [
        ("github/push", "/ref", json!("main"), "ref", "is `main`, and the full name"),
        ("github/push", "/after", Value::Null, "after", "is missing"),
        ("github/push", "/after", json!("HEAD"), "after", "is `HEAD`, and an object's id"),
        ("github/push", "/repository/id", json!("1"), "repository.id", "expected u64"),
        ("github/push", "/repository", Value::Null, "repository", "is missing"),
        ("gitlab/push", "/commits/0/id", json!(7), "commits[0].id", "expected a string"),
        ("gitlab/push", "/project/id", Value::Null, "project.id", "is missing"),
        (
            "bitbucket/push-three",
            "/push/changes/2/new/type",
            json!("bookmark"),
            "push.changes[2].new.type",
            "is `bookmark`, and must be",
        ),
        (
            "bitbucket/push-three",
            "/push/changes/1/old",
            Value::Null,
            "push.changes[1]",
            "has neither `new` nor `old`",
        ),
        (
            "bitbucket/push-three",
            "/push/changes/0/new/target",
            Value::Null,
            "push.changes[0].new.target.hash",
            "is missing",
        ),
        ("bitbucket-server/push", "/changes/0/ref", Value::Null, "changes[0].ref.id", "is missing"),
        ("gitea/delete-tag", "/ref_type", json!("wiki"), "ref_type", "is `wiki`, and must be"),
        ("gitea/pull-opened", "/number", json!(-1), "number", "expected u64"),
    ] {
        let mut request = request(name);
        let mut body: Value = serde_json::from_slice(&request.body).unwrap();
        *body.pointer_mut(pointer).unwrap() = value;
        request.body = serde_json::to_vec(&body).unwrap();
        let error = report(&request).unwrap_err();
        assert_eq!(error.field, field, "{name} {pointer}: {error}");
        assert!(error.problem.contains(problem), "{name} {pointer}: {error}");
    }
}

#[test]
fn a_pull_request_without_a_commit_is_no_error() {
    for (name, pointer) in [
        ("gitlab/merge-open", "/object_attributes/last_commit"),
        ("bitbucket/pull-fulfilled", "/pullrequest/source/commit"),
    ] {
        let mut request = request(name);
        let mut body: Value = serde_json::from_slice(&request.body).unwrap();
        *body.pointer_mut(pointer).unwrap() = Value::Null;
        request.body = serde_json::to_vec(&body).unwrap();
        match report(&request).unwrap().change {
            Change::Ignored(reason) => assert!(reason.contains("without a commit"), "{reason}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn events_of_no_interest_are_no_errors_whatever_they_have() {
    for (name, header, event) in [
        ("github/push", GITHUB_EVENT, "workflow_job"),
        ("gitlab/push", GITLAB_EVENT, "Wiki Page Hook"),
        ("bitbucket/push", "x-event-key", "repo:fork"),
        ("bitbucket-server/push", "x-event-key", "repo:forked"),
        ("gitea/push", "x-gitea-event", "release"),
        ("forgejo/push", "x-forgejo-event", "action_run_failure"),
    ] {
        let mut request = request(name);
        request.headers.insert(header, event.parse().unwrap());
        for body in [&b"{\"repository\": 7, \"project\": []}"[..], b"[", b""] {
            request.body = body.to_vec();
            let report = report(&request).unwrap();
            assert_eq!(report.event, event);
            match report.change {
                Change::Ignored(reason) => assert!(reason.contains(event), "{name}: {reason}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}
