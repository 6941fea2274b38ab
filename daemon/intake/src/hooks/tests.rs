//! Tests of the router, with a fake of the use cases.

use super::*;
use axum::http::Method;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::BodyExt;
use std::sync::Mutex;
use tower::ServiceExt;
use windlass_engine::ports::store::StoreError;
use windlass_model::delivery::{Verdict, VerdictOutcome};

const HOOK: &str = "abcdefghijklmnopqrstuvwxyz";
const SECRET: &[u8] = b"It's a Secret to Everybody";
const OLD: &[u8] = b"the one before";

const PUSH: &str = r#"{"ref":"refs/heads/main","before":"1111111111111111111111111111111111111111","after":"2222222222222222222222222222222222222222","created":false,"deleted":false,"forced":false,"head_commit":{"id":"2222222222222222222222222222222222222222","message":"mend \u00e9 \ud83d\ude00"},"commits":[],"pusher":{"name":"ann"},"sender":{"login":"ann"},"repository":{"id":7,"full_name":"acme/web"}}"#;

/// One hook, which accepts each id of a forge once.
#[derive(Default)]
struct FakeHooks {
    reports: Mutex<Vec<Report>>,
    is_broken: Mutex<bool>,
    /// The hook is GitLab's, and not GitHub's.
    is_gitlabs: Mutex<bool>,
}

impl FakeHooks {
    fn check(&self) -> Result<(), ServiceError> {
        if *self.is_broken.lock().unwrap() {
            return Err(StoreError::Other("no disk".into()).into());
        }
        Ok(())
    }
}

#[async_trait]
impl Hooks for FakeHooks {
    async fn open(&self, id: &str) -> Result<Option<(OpenedHook, ForgeKind)>, ServiceError> {
        let record = HookRecord {
            id: HOOK.into(),
            project: "shop".into(),
            repository: "web".into(),
            created_ms: 1,
            by: "owner".into(),
            previous_until_ms: None,
            seen_ms: None,
            repository_id: None,
        };
        let secret = Secret::new(SECRET.into());
        let previous = Some(Secret::new(OLD.into()));
        let opened = OpenedHook { record, secret, previous };
        let is_gitlabs = *self.is_gitlabs.lock().unwrap();
        let kind = if is_gitlabs { ForgeKind::Gitlab } else { ForgeKind::Github };
        Ok((id == HOOK).then_some((opened, kind)))
    }

    async fn accept(
        &self,
        _: &HookRecord,
        report: Report,
        _: String,
    ) -> Result<Arrived, ServiceError> {
        self.check()?;
        let mut reports = self.reports.lock().unwrap();
        let known = |before: &Report| before.forge_id == report.forge_id;
        let is_new = report.forge_id.is_empty() || !reports.iter().any(known);
        let is_decided = !is_new || !matches!(report.change, Change::Refs(_));
        let sentence = match &report.change {
            Change::Ignored(why) => why.clone(),
            _ => "decided".to_owned(),
        };
        reports.push(report);
        let outcome = VerdictOutcome::Nothing;
        let (subject, trigger) = (String::new(), String::new());
        let verdict = Verdict { subject, trigger, outcome, sentence };
        let verdicts = is_decided.then_some(verdict).into_iter().collect();
        Ok(Arrived { id: "d1".into(), is_new, verdicts })
    }
}

struct Bed {
    hooks: Arc<FakeHooks>,
    router: Router,
}

impl Bed {
    fn new(limits: HookLimits) -> Self {
        let hooks = Arc::new(FakeHooks::default());
        Self { router: routes(hooks.clone(), limits), hooks }
    }

    async fn send(&self, request: Request) -> (StatusCode, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

fn signature(secret: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn signed(secret: &[u8], event: &str, id: &str, body: &str) -> Request {
    Request::builder()
        .method(Method::POST)
        .uri(format!("/hooks/{HOOK}"))
        .header("content-type", "application/json")
        .header("x-github-event", event)
        .header("x-github-delivery", id)
        .header("x-hub-signature-256", signature(secret, body.as_bytes()))
        .body(Body::from(body.to_owned()))
        .unwrap()
}

#[tokio::test]
async fn a_push_is_accepted_once_and_a_repeat_has_the_first_verdict() {
    let bed = Bed::new(HookLimits::default());
    let (status, body) = bed.send(signed(SECRET, "push", "g1", PUSH)).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    assert!(body.contains("\"delivery\":\"d1\"") && body.contains("\"repeat\":false"), "{body}");
    let (status, body) = bed.send(signed(OLD, "push", "g1", PUSH)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.contains("\"repeat\":true") && body.contains("decided"), "{body}");
    let (status, body) = bed.send(signed(SECRET, "ping", "g2", r#"{"zen":"z"}"#)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let (status, body) = bed.send(signed(SECRET, "star", "g3", "{}")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let change = bed.hooks.reports.lock().unwrap()[0].change.clone();
    let Change::Refs(moves) = &change else { panic!("{change:?}") };
    assert_eq!(moves[0].name, "refs/heads/main");
}

/// GitLab switches a hook off after four failures in a row.
#[tokio::test]
async fn events_of_gitlab_that_are_of_no_interest_are_no_failures() {
    let bed = Bed::new(HookLimits::default());
    *bed.hooks.is_gitlabs.lock().unwrap() = true;
    let send = |number: usize, event: &str, body: &'static str| {
        Request::builder()
            .method(Method::POST)
            .uri(format!("/hooks/{HOOK}"))
            .header("content-type", "application/json")
            .header("x-gitlab-event", event)
            .header("x-gitlab-token", "It's a Secret to Everybody")
            .header("x-gitlab-event-uuid", format!("13792a34-cac6-4fda-95a8-c58e00a395{number:02}"))
            .body(Body::from(body))
            .unwrap()
    };
    let events = [
        ("Note Hook", include_str!("../../../forge/fixtures/gitlab/note.json")),
        ("System Hook", include_str!("../../../forge/fixtures/gitlab/system-repository.json")),
        ("Merge Request Hook", include_str!("../../../forge/fixtures/gitlab/merge-approved.json")),
        ("Pipeline Hook", r#"{"object_kind":"pipeline","object_attributes":{"status":"failed"}}"#),
        // A kind that nobody knows yet, and a body of another form.
        ("Milestone Hook", "[]"),
    ];
    for (number, (event, body)) in events.into_iter().enumerate() {
        let (status, answer) = bed.send(send(number, event, body)).await;
        assert!(status.is_success(), "{event}: {status} {answer}");
        assert!(answer.contains("\"outcome\":\"nothing\""), "it has a verdict: {event}: {answer}");
    }
    let ignored = bed.hooks.reports.lock().unwrap().clone();
    assert_eq!(ignored.len(), 5);
    assert!(ignored.iter().all(|one| matches!(one.change, Change::Ignored(_))), "{ignored:?}");
    let push = include_str!("../../../forge/fixtures/gitlab/push.json");
    let (status, answer) = bed.send(send(9, "Push Hook", push)).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
}

/// Who asks without the secret learns nothing of whether the hook is there.
#[tokio::test]
async fn an_unknown_hook_and_a_bad_signature_get_the_same_answer() {
    let bed = Bed::new(HookLimits::default());
    let mut unknown = signed(SECRET, "push", "g1", PUSH);
    *unknown.uri_mut() = "/hooks/zyxwvutsrqponmlkjihgfedcba".parse().unwrap();
    let expected = bed.send(unknown).await;
    assert_eq!(expected.0, StatusCode::NOT_FOUND);
    let mut unsigned = signed(SECRET, "push", "g1", PUSH);
    unsigned.headers_mut().remove("x-hub-signature-256");
    let mut changed = signed(SECRET, "push", "g1", PUSH);
    *changed.body_mut() = Body::from(PUSH.replace("main", "other"));
    let mut elsewhere = signed(SECRET, "push", "g1", PUSH);
    *elsewhere.uri_mut() = "/elsewhere".parse().unwrap();
    for request in [unsigned, changed, elsewhere, signed(b"wrong", "push", "g1", PUSH)] {
        assert_eq!(bed.send(request).await, expected);
    }
    assert!(bed.hooks.reports.lock().unwrap().is_empty());
    let mut get = signed(SECRET, "push", "g1", PUSH);
    *get.method_mut() = Method::GET;
    assert_eq!(bed.send(get).await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_and_one_of_an_unknown_hook_is_not_read() {
    let bed = Bed::new(HookLimits { longest: 100, ..HookLimits::default() });
    let (status, body) = bed.send(signed(SECRET, "push", "g1", PUSH)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(body.contains("more than 100 bytes"), "{body}");
    let mut unknown = signed(SECRET, "push", "g1", PUSH);
    *unknown.uri_mut() = "/hooks/x".parse().unwrap();
    assert_eq!(bed.send(unknown).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_large_body_is_verified_as_a_small_one_is() {
    let bed = Bed::new(HookLimits { large: 10, ..HookLimits::default() });
    assert_eq!(bed.send(signed(SECRET, "push", "g1", PUSH)).await.0, StatusCode::ACCEPTED);
    assert_eq!(bed.send(signed(b"wrong", "push", "g1", PUSH)).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn floods_are_slowed_before_and_after_the_signature() {
    let slow = Rate { per_second: 0.1, burst: 2.0 };
    let bed = Bed::new(HookLimits { per_hook: slow, ..HookLimits::default() });
    for id in ["g1", "g2"] {
        assert_eq!(bed.send(signed(SECRET, "push", id, PUSH)).await.0, StatusCode::ACCEPTED);
    }
    let response = bed.router.clone().oneshot(signed(SECRET, "push", "g3", PUSH)).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((9..=10).contains(&wait), "{wait}");
    let bed = Bed::new(HookLimits { per_address: slow, ..HookLimits::default() });
    for _ in 0..2 {
        let status = bed.send(signed(b"wrong", "push", "g1", PUSH)).await.0;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    // Nor is anything read for it any more.
    *bed.hooks.is_broken.lock().unwrap() = true;
    let status = bed.send(signed(SECRET, "push", "g1", PUSH)).await.0;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
}

/// Behind a proxy all of them have its address.
#[tokio::test]
async fn a_flood_for_unknown_hooks_takes_nothing_from_known_ones() {
    let slow = Rate { per_second: 0.1, burst: 2.0 };
    let bed = Bed::new(HookLimits { per_address: slow, ..HookLimits::default() });
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let mut unknown = signed(SECRET, "push", "g1", PUSH);
        *unknown.uri_mut() = "/hooks/zyxwvutsrqponmlkjihgfedcba".parse().unwrap();
        statuses.push(bed.send(unknown).await.0.as_u16());
    }
    assert_eq!(statuses, [404, 404, 429]);
    assert_eq!(bed.send(signed(SECRET, "push", "g1", PUSH)).await.0, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_forge_sees_that_nothing_could_be_stored_or_read() {
    let bed = Bed::new(HookLimits::default());
    let (status, _) = bed.send(signed(SECRET, "push", "g1", "{}")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let stored = bed.hooks.reports.lock().unwrap()[0].change.clone();
    assert!(matches!(stored, Change::Ignored(why) if why.contains("cannot be read")));
    *bed.hooks.is_broken.lock().unwrap() = true;
    let (status, body) = bed.send(signed(SECRET, "push", "g1", PUSH)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
}

#[test]
fn one_sender_has_a_network() {
    for (address, expected) in [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
    ] {
        let expected: IpAddr = expected.parse().unwrap();
        assert_eq!(network(address.parse().unwrap()), expected);
    }
}
