//! Tests of the JSON routes, from the request to the answer, on a store in memory.

mod brought;
mod endpoints;
mod fakes;
mod pauses;

use crate::{Dashboard, LoginCodes, Settings};
use axum::{Router, body::Body, body::to_bytes, http::Request};
use fakes::{Brought, Nothing, Parts};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use windlass_engine::{
    pipeline::release_digest,
    ports::store::{Jobs, PreviewPush, Previews, Runs, Submission},
    queue::Limits,
    shared_queue::SharedQueue,
    targets::JoinedTargets,
};
use windlass_listen::{Access, Callers, Principal, token_sha256};
use windlass_model::{
    app::App,
    cluster::{Clusters, RolloutOrder, Target, Targets},
    event::Event,
    job::{Commit, Gate, Image, Job, Release, Removal, Source, Stage},
    preview::{PreviewRecord, PreviewState},
    runtime::Runtime,
    spec::Spec,
};
use windlass_service::{Inspection, JobQuota, LoginLinks, PlanSlots, Services, Verb};
use windlass_store::MemoryStore;

/// Bytes of the largest answer.
const LARGEST: usize = 1 << 20;

/// Token of a caller who may do everything, and of one who may look into one project.
const OWNER: &str = "owner";
const READER: &str = "reader";

/// End of the waits for an approval: the year 2100.
const UNTIL_MS: u64 = 4_102_444_800_000;

struct World {
    store: Arc<MemoryStore>,
    router: Router,
    codes: LoginCodes,
    _inbox: mpsc::UnboundedReceiver<windlass_engine::queue::Message>,
}

impl World {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::default());
        let (queue, inbox) = mpsc::unbounded_channel();
        let target = Target { name: "eu".into(), projects: Vec::new(), environments: Vec::new() };
        let targets = Targets { all: vec![target], order: RolloutOrder::Sequential };
        let limits = Limits { running: 10, checkouts: 1, builds: 2, releases: 3 };
        let services = Services {
            jobs: store.clone(),
            updates: store.clone(),
            runs: store.clone(),
            releases: store.clone(),
            secrets: store.clone(),
            plugins: Arc::new(Nothing),
            targets: Arc::new(JoinedTargets::new(targets, store.clone())),
            own_clusters: store.clone(),
            probe: Arc::new(Brought),
            own_registries: store.clone(),
            registry_admin: Arc::new(Brought),
            planner: Arc::new(Nothing),
            uploads: Arc::new(Nothing),
            plan_slots: PlanSlots::new(1, Duration::from_secs(60)),
            quota: JobQuota::new(1000, 5000),
            inspection: Inspection::new(
                Arc::new(Parts),
                store.clone(),
                store.clone(),
                store.clone(),
                store.clone(),
            ),
            builder: Arc::new(Parts),
            projects: store.clone(),
            hooks: store.clone(),
            deliveries: store.clone(),
            outbox: store.clone(),
            previews: store.clone(),
            sessions: store.clone(),
            remotes: Arc::new(Nothing),
            pulls: Arc::new(Nothing),
            intake: Arc::default(),
            hooks_url: None,
            login_links: None,
            page_url: None,
            dead: None,
            queue,
            waits: SharedQueue::new(limits),
        };
        let principal = |name: &str, projects: &str, verbs: &[Verb]| Principal {
            name: name.into(),
            token_sha256: Some(token_sha256(name)),
            certificate_sha256: None,
            projects: vec![projects.into()],
            verbs: verbs.to_vec(),
        };
        let principals =
            vec![principal(OWNER, "*", &Verb::ALL), principal(READER, "shop", &[Verb::Read])];
        let callers = Arc::new(Callers::new(Access { uids: Vec::new(), principals }));
        let (stop, codes) = (CancellationToken::new(), LoginCodes::default());
        let router =
            Dashboard::new(services, callers, codes.clone(), Settings::default(), stop).router();
        Self { store, router, codes, _inbox: inbox }
    }

    async fn ask(&self, caller: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = Request::builder()
            .uri(path)
            .method(if body.is_some() { "POST" } else { "GET" })
            .header("host", "127.0.0.1")
            .header("authorization", format!("Bearer {caller}"))
            .header("content-type", "application/json");
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), LARGEST).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Opens a login path as a browser with this cookie does, and returns the status with the cookie that it gets.
    async fn open(&self, path: &str, cookie: &str) -> (u16, String) {
        let code = path.strip_prefix("/login?code=").unwrap();
        let request = Request::post("/login")
            .header("host", "127.0.0.1")
            .header("origin", "http://127.0.0.1")
            .header("content-type", "application/json")
            .header("cookie", cookie);
        let request = request.body(Body::from(json!({ "code": code }).to_string())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let set = response.headers().get("set-cookie").map(|set| set.to_str().unwrap());
        let pair = set.and_then(|set| set.split(';').next()).unwrap_or_default();
        (response.status().as_u16(), pair.to_owned())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask(OWNER, path, None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Posts, and returns the status with the code of the error. The code of an answer without an error is null.
    async fn post(&self, caller: &str, path: &str, body: Value) -> (u16, Value) {
        let (status, answer) = self.ask(caller, path, Some(body)).await;
        (status, answer["error"]["reason"].clone())
    }

    async fn submitted(&self, id: &str, source: Source) {
        let job = Job {
            id: id.into(),
            app: app("production"),
            source,
            clusters: Clusters { names: vec!["eu".into()], order: RolloutOrder::Sequential },
            spec: Spec::default(),
            preview: None,
            labels: BTreeMap::new(),
            timeout: Duration::from_secs(60),
            gates: vec![Gate::Release],
            principal: "ci".into(),
            created_ms: 1,
        };
        let submission =
            Submission { request_id: id.into(), body: Vec::new(), job, receivers: Vec::new() };
        self.store.submit(submission).await.unwrap();
    }

    async fn append(&self, id: &str, event: Event) {
        let claim = self.store.claim(id, "bed").await.unwrap().unwrap();
        self.store.append(&claim, event).await.unwrap();
    }

    /// Makes a job that waits for an approval, and returns the digest of its release.
    async fn held(&self, id: &str) -> String {
        self.submitted(id, commit()).await;
        let release = Release {
            image: Image { reference: "r/web:1".into(), digest: "sha256:1".into(), bytes: None },
            runtime: Runtime::default(),
            ..Release::bare(id, &app("production"), &["eu".into()])
        };
        let digest = release_digest(&release).unwrap();
        self.append(id, Event::Pushed(Box::new(release))).await;
        let held = Event::Held { gate: Gate::Release, digest: digest.clone(), until_ms: UNTIL_MS };
        self.append(id, held).await;
        digest
    }
}

fn app(environment: &str) -> App {
    App::new("shop", "web", environment).unwrap()
}

fn commit() -> Source {
    Source::Commit(Commit {
        repository: "https://git.example/web".into(),
        id: "a".repeat(40),
        branch: "main".into(),
        directory: ".".into(),
        credential: None,
        revision: "main".into(),
    })
}

#[tokio::test]
async fn a_link_of_somebody_else_takes_no_session_over() {
    let world = World::new();
    let link = |of: &str| world.codes.login_link(&token_sha256(of)).path;
    let (status, owner) = world.open(&link(OWNER), "").await;
    assert_eq!((status, owner.starts_with("windlass=")), (200, true), "{owner}");
    let of_reader = link(READER);
    assert_eq!(world.open(&of_reader, &owner).await, (409, String::new()));
    assert_eq!(world.open(&link(OWNER), &owner).await.0, 200, "the same principal's");
    assert_eq!(world.open(&of_reader, "windlass=over").await.0, 200, "nobody is logged in");
}

#[tokio::test]
async fn an_approval_is_of_the_digest_that_the_person_saw() {
    let world = World::new();
    let digest = world.held("0001").await;
    let job = world.get("/api/jobs/0001").await;
    assert_eq!((&job["state"], &job["held"]["digest"]), (&json!("held"), &json!(digest)));
    let until = json!(4_102_444_800.0);
    assert_eq!((&job["held"]["gate"], &job["held"]["until"]), (&json!("release"), &until));
    let listed = world.get("/api/jobs?state=held").await;
    assert_eq!(listed["items"][0]["held"]["gate"], "release");

    let path = "/api/jobs/0001/approve";
    let of = |digest: &str| json!({ "digest": digest, "note": "looks good" });
    let refused = world.post(READER, path, of(&digest)).await;
    assert_eq!(refused, (403, json!("permission-denied")));
    let (status, answer) = world.ask(OWNER, path, Some(of("seen before"))).await;
    assert_eq!((status, &answer["error"]["reason"]), (409, &json!("digest-changed")));
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains(&digest), "it names the new one: {message}");
    assert_eq!(world.post(OWNER, path, json!({})).await.0, 422, "a digest is needed");
    assert_eq!(world.post(OWNER, path, of(&digest)).await, (200, Value::Null));
    let refused = world.post(OWNER, "/api/jobs/0001/reject", of(&digest)).await;
    assert_eq!(refused, (409, json!("not-held")), "somebody approved it");
}

#[tokio::test]
async fn a_rejection_is_of_the_digest_that_the_person_saw() {
    let world = World::new();
    let digest = world.held("0001").await;
    let path = "/api/jobs/0001/reject";
    for (body, status, reason) in [
        (json!({ "digest": "" }), 400, "field-invalid"),
        (json!({ "digest": "seen before" }), 409, "digest-changed"),
        (json!({ "digest": digest, "note": "x".repeat(501) }), 400, "field-invalid"),
    ] {
        assert_eq!(world.post(OWNER, path, body).await, (status, json!(reason)));
    }
    let refused = world.post(READER, path, json!({ "digest": digest })).await;
    assert_eq!(refused, (403, json!("permission-denied")));
    assert_eq!(world.post(OWNER, path, json!({ "digest": digest })).await, (200, Value::Null));
}

#[tokio::test]
async fn changes_are_shown_with_their_digest_to_those_who_decide() {
    let world = World::new();
    let digest = world.held("0001").await;
    let changes = world.get("/api/jobs/0001/changes").await;
    assert_eq!(changes["digest"], json!(digest));
    let expected = json!([{
        "cluster": "eu",
        "before": null,
        "changes": [{
            "object": "Deployment web",
            "verb": "update",
            "lines": ["+ image: sha256:1"],
            "cluster": "eu",
        }],
        "kept": 0,
        "left_out": 0,
        "why": null,
    }]);
    assert_eq!(changes["clusters"], expected);
    assert_eq!(world.ask(READER, "/api/jobs/0001/changes", None).await.0, 403);
}

#[tokio::test]
async fn a_removal_lists_what_goes_and_needs_the_name() {
    let world = World::new();
    let path = "/api/apps/shop/web/production";
    let found = world.get(&format!("{path}/removal")).await;
    assert_eq!(found["objects"][0]["object"], "Deployment web");
    assert_eq!(
        (&found["objects"][0]["stays"], &found["objects"][1]["stays"]),
        (&json!(""), &json!("it holds data"))
    );
    let found = world.get(&format!("{path}/removal?data=true")).await;
    assert_eq!(found["objects"][1]["stays"], "");
    let body = |name: &str| json!({ "request_id": "1", "data": false, "name": name });
    let remove = format!("{path}/remove");
    for name in ["", "Web", "shop/web"] {
        let refused = world.post(OWNER, &remove, body(name)).await;
        assert_eq!(refused, (400, json!("field-invalid")), "{name}");
    }
    assert!(world.get("/api/jobs").await["items"].as_array().unwrap().is_empty());
    let refused = world.post(READER, &remove, body("web")).await;
    assert_eq!(refused, (403, json!("permission-denied")));
    let (status, job) = world.ask(OWNER, &remove, Some(body("web"))).await;
    assert_eq!((status, &job["removal"]), (200, &json!({ "data": false })));
    let (_, repeat) = world.ask(OWNER, &remove, Some(body("web"))).await;
    assert_eq!(repeat["id"], job["id"], "a double click is one job");
}

#[tokio::test]
async fn a_removal_is_never_submitted_again_without_a_question() {
    let world = World::new();
    world.submitted("0001", Source::Removal(Removal { data: true })).await;
    let body = json!({ "request_id": "again" });
    let refused = world.post(OWNER, "/api/jobs/0001/again", body).await;
    assert_eq!(refused, (409, json!("removal-needs-name")));
    assert_eq!(world.get("/api/jobs").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_log_is_searched_in_parts_with_numbers_of_lines() {
    let world = World::new();
    world.submitted("0001", commit()).await;
    for line in ["one", "Two <b>", "three"] {
        let log = Event::Log { stage: Stage::Build, source: "s".into(), line: line.into() };
        world.append("0001", log).await;
    }
    let found = world.get("/api/jobs/0001/search?text=two+%3Cb").await;
    let hit = &found["hits"][0];
    assert_eq!((&hit["text"], &hit["stage"]), (&json!("Two <b>"), &json!("build")));
    assert_eq!((found["hits"].as_array().unwrap().len(), &found["next"]), (1, &Value::Null));
    let seq = hit["seq"].as_u64().unwrap();
    let events = world.get(&format!("/api/jobs/0001/events?after={}&limit=1", seq - 1)).await;
    assert_eq!(events["events"][0]["log"]["line"], "Two <b>");
    let later = world.get(&format!("/api/jobs/0001/search?text=two&after={seq}")).await;
    assert_eq!(later["hits"], json!([]));
    assert_eq!(world.ask(OWNER, "/api/jobs/0001/search?text=", None).await.0, 400);
}

#[tokio::test]
async fn previews_are_listed_with_their_end() {
    let world = World::new();
    let record = PreviewRecord {
        app: app("pr-7"),
        state: PreviewState::Open,
        repository: "web".into(),
        number: Some(7),
        head: "abc".into(),
        last_push_ms: 1000,
        until_ms: 9000,
        removal: String::new(),
    };
    world.store.push_preview(&PreviewPush { record, reopens: false, limit: 10 }).await.unwrap();
    let (status, listed) = world.ask(READER, "/api/projects/shop/previews", None).await;
    assert_eq!(status, 200);
    let preview = &listed[0]["preview"];
    assert_eq!((&preview["app"]["environment"], &preview["number"]), (&json!("pr-7"), &json!(7)));
    assert_eq!((&preview["state"], &preview["until"]), (&json!("open"), &json!(9.0)));
    assert_eq!(listed[0]["pull_page"], Value::Null, "the project has no file");
    assert_eq!(listed[0]["endpoints"], json!([]));
    assert_eq!(world.ask(READER, "/api/projects/other/previews", None).await.0, 403);
}

#[tokio::test]
async fn operators_see_the_builder_the_clusters_and_the_slots() {
    let world = World::new();
    let parts = world.get("/api/infrastructure").await;
    let builder =
        json!({ "address": "tcp://builder.example:1234", "version": "v0.25.0", "why": null });
    assert_eq!(parts["builder"], builder);
    let cluster = &parts["clusters"][0];
    assert_eq!((&cluster["name"], &cluster["version"]), (&json!("eu"), &json!("")));
    assert!(cluster["why"].as_str().unwrap().contains("connection refused"), "{cluster}");
    let jobs = json!({ "running": 0, "limit": 10, "waiting": 0, "held": 0 });
    assert_eq!(parts["jobs"], jobs);
    let slot = |kind: &str, cluster: Value, limit: u32| {
        let (taken, waiting) = (0, 0);
        json!({
            "kind": kind,
            "cluster": cluster,
            "limit": limit,
            "taken": taken,
            "waiting": waiting,
        })
    };
    let expected = json!([
        slot("checkout", Value::Null, 1),
        slot("build", Value::Null, 2),
        slot("release", json!("eu"), 3),
    ]);
    assert_eq!(parts["slots"], expected);
    assert_eq!(world.ask(READER, "/api/infrastructure", None).await.0, 403);
}
