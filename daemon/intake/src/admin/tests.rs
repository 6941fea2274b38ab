//! Tests of health and metrics on a store in memory.

use super::*;
use axum::http::Request;
use http_body_util::BodyExt;
use std::collections::BTreeMap;
use tower::ServiceExt;
use windlass_engine::ports::store::{Jobs, Runs, Submission};
use windlass_model::{
    app::App,
    cluster::{Clusters, RolloutOrder, Target},
    delivery::{Change, Delivery, Report, Verdict, VerdictOutcome},
    diagnosis::Diagnosis,
    event::Event,
    job::{Commit, Job, Source, Stage},
    outcome::Outcome,
    spec::Spec,
};
use windlass_store::MemoryStore;

struct Bed {
    store: Arc<MemoryStore>,
    metrics: Metrics,
    router: Router,
}

impl Bed {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::default());
        let metrics = Metrics::default();
        let target = |name: &str| Target {
            name: name.into(),
            projects: Vec::new(),
            environments: Vec::new(),
        };
        let all = vec![target("eu"), target("us")];
        let targets = Arc::new(Targets { all, order: RolloutOrder::Sequential });
        let admin = Admin { store: store.clone(), targets, metrics: metrics.clone() };
        Self { store, metrics, router: admin_router(admin) }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn submits(&self, id: &str) {
        let commit = Commit {
            repository: "https://git.example/web.git".into(),
            id: "a".repeat(40),
            branch: String::new(),
            directory: ".".into(),
            credential: None,
            revision: String::new(),
        };
        let job = Job {
            id: id.into(),
            app: App::new("shop", "web", "").unwrap(),
            source: Source::Commit(commit),
            clusters: Clusters { names: vec!["eu".into()], order: RolloutOrder::Sequential },
            spec: Spec::default(),
            preview: None,
            labels: BTreeMap::new(),
            timeout: Duration::from_secs(1),
            gates: Vec::new(),
            principal: "ann".into(),
            created_ms: 0,
        };
        let (request_id, body, receivers) = (id.into(), Vec::new(), Vec::new());
        let submission = Submission { request_id, body, job, receivers };
        self.store.submit(submission).await.unwrap();
    }
}

#[tokio::test]
async fn a_daemon_with_a_store_is_ready_and_counts_what_is_there() {
    let bed = Bed::new();
    assert_eq!(bed.get("/healthz").await, (StatusCode::OK, "ok\n".into()));
    let (status, body) = bed.get("/readyz").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.contains("\"store\":\"ok\"") && body.contains("\"unknown\""), "{body}");
    bed.submits("1").await;
    let (status, text) = bed.get("/metrics").await;
    assert_eq!(status, StatusCode::OK, "{text}");
    for line in [
        "cicd_pipeline_run_active{cicd_pipeline_run_state=\"pending\"} 1",
        "cicd_pipeline_run_active{cicd_pipeline_run_state=\"executing\"} 0",
        "windlass_deliveries_undecided 0",
        "windlass_outbox_messages{state=\"waiting\"} 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_ends_is_counted_once_with_its_stages() {
    let bed = Bed::new();
    let (metrics, store) = (bed.metrics.clone(), bed.store.clone());
    let following = tokio::spawn(async move { metrics.follow(store).await });
    tokio::task::yield_now().await;
    bed.submits("1").await;
    let claim = bed.store.claim("1", "bed").await.unwrap().unwrap();
    let failed = Diagnosis { code: "cluster-unreachable".into(), ..Diagnosis::default() };
    for event in [
        Event::Claimed { daemon: "bed".into() },
        Event::Started(Stage::Clone),
        Event::Finished(Stage::Clone),
        Event::Ended(Outcome::Failed(Box::new(failed))),
    ] {
        bed.store.append(&claim, event).await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let (_, text) = bed.get("/metrics").await;
    following.abort();
    for line in [
        "windlass_jobs_total{cicd_pipeline_result=\"error\"} 1",
        "cicd_pipeline_run_errors_total{error_type=\"cluster-unreachable\",whose=\"operator\"} 1",
        "windlass_stage_duration_seconds_count{stage=\"clone\"} 1",
        "cicd_pipeline_run_duration_seconds_count{cicd_pipeline_result=\"error\"} 1",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}: {text}");
    }
    let (_, body) = bed.get("/readyz").await;
    assert!(body.contains("not-reached"), "{body}");
}

/// Whoever brought a cluster mends it: the operator is not called, and has no list of such clusters.
#[tokio::test(start_paused = true)]
async fn a_cluster_of_a_projects_own_is_no_fault_of_the_operator() {
    let bed = Bed::new();
    bed.metrics.set_operators(["us".to_owned()].into());
    let (metrics, store) = (bed.metrics.clone(), bed.store.clone());
    let following = tokio::spawn(async move { metrics.follow(store).await });
    tokio::task::yield_now().await;
    // It goes to `eu`.
    bed.submits("1").await;
    let claim = bed.store.claim("1", "bed").await.unwrap().unwrap();
    let failed = Diagnosis { code: "cluster-unreachable".into(), ..Diagnosis::default() };
    for event in
        [Event::Claimed { daemon: "bed".into() }, Event::Ended(Outcome::Failed(Box::new(failed)))]
    {
        bed.store.append(&claim, event).await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let (_, text) = bed.get("/metrics").await;
    following.abort();
    let line = "cicd_pipeline_run_errors_total{error_type=\"cluster-unreachable\",whose=\"app\"} 1";
    assert!(text.lines().any(|own| own == line), "{text}");
    assert!(bed.metrics.reached().is_empty());
}

#[tokio::test]
async fn verdicts_are_counted_when_they_are_stored() {
    let bed = Bed::new();
    let deliveries = bed.metrics.counting(bed.store.clone());
    let verdict = Verdict {
        subject: String::new(),
        trigger: String::new(),
        outcome: VerdictOutcome::Nothing,
        sentence: "a ping".into(),
    };
    let report = Report {
        event: "ping".into(),
        forge_id: "g1".into(),
        repository_id: String::new(),
        repository_name: String::new(),
        sender: String::new(),
        change: Change::Ping,
    };
    let delivery = Delivery {
        id: "1".into(),
        hook: "h".into(),
        project: "shop".into(),
        repository: "web".into(),
        report,
        body_sha256: String::new(),
        at_ms: 1,
        verdicts: vec![verdict],
    };
    deliveries.add_delivery(&delivery).await.unwrap();
    let again = Delivery { id: "2".into(), ..delivery };
    deliveries.add_delivery(&again).await.unwrap();
    let (_, text) = bed.get("/metrics").await;
    for line in [
        "windlass_delivery_verdicts_total{outcome=\"nothing\"} 1",
        "windlass_delivery_repeats_total 1",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}: {text}");
    }
}
