//! A daemon in memory, for the tests of use cases: a store that keeps the promises of its port, and fakes.

use crate::{
    caller::Caller,
    inspection::Inspection,
    plan_slots::PlanSlots,
    ports::{Planner, PluginRecords},
    projects::ApplyProject,
    quota::JobQuota,
    services::Services,
    source::SourceRequest,
    submit::SubmitRequest,
    verb::Verb,
};
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::mpsc;
use windlass_engine::{
    pipeline::{Decision, DryRun, DryRunRequest},
    ports::{
        ChangeVerb, Dockerfile, Inspect, InspectBuilder, LogLine, LogRequest, MadeObject,
        ObjectChange, PluginStatus, Tree, Upload, UploadedFile, Uploads,
        store::{JobRecord, Jobs, Runs, SecretRecords, Submission},
    },
    queue::{Limits, Message},
    shared_queue::SharedQueue,
    targets::JoinedTargets,
};
use windlass_model::{
    app::App,
    cluster::{Clusters, RolloutOrder, Target, Targets},
    diagnosis::Diagnosis,
    endpoint::Endpoint,
    error::{BuildError, ClusterError, GitError},
    event::Event,
    job::{Commit, Image, Job, Release, Source},
    outcome::Outcome,
    revision::Revision,
    runtime::Runtime,
    secret::Secret,
    spec::Spec,
};
use windlass_rollout::snapshot::Snapshot;
use windlass_store::MemoryStore;

const LIMITS: Limits = Limits { running: 10, checkouts: 1, builds: 1, releases: 1 };

mod probe;
mod pulls;
mod registries;
mod remotes;

pub(crate) use probe::FakeProbe;
pub(crate) use pulls::FakePulls;
pub(crate) use registries::FakeRegistries;
pub(crate) use remotes::FakeRemotes;

/// All use cases, on a store in memory and on fakes.
pub(crate) struct World {
    pub(crate) services: Services,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) planner: Arc<FakePlanner>,
    pub(crate) plugins: Arc<FakePlugins>,
    pub(crate) inspect: Arc<FakeCluster>,
    pub(crate) remotes: Arc<FakeRemotes>,
    pub(crate) pulls: Arc<FakePulls>,
    pub(crate) registries: Arc<FakeRegistries>,
    pub(crate) probe: Arc<FakeProbe>,
    inbox: Mutex<mpsc::UnboundedReceiver<Message>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let (queue, inbox) = mpsc::unbounded_channel();
        let store = Arc::new(MemoryStore::default());
        let planner = Arc::new(FakePlanner::default());
        let plugins = Arc::new(FakePlugins::default());
        let inspect = Arc::new(FakeCluster::default());
        let remotes = Arc::new(FakeRemotes::default());
        let pulls = Arc::new(FakePulls::default());
        let registries = Arc::new(FakeRegistries::default());
        let probe = Arc::new(FakeProbe::default());
        let services = Services {
            jobs: store.clone(),
            updates: store.clone(),
            runs: store.clone(),
            releases: store.clone(),
            secrets: store.clone(),
            plugins: plugins.clone(),
            targets: Arc::new(JoinedTargets::new(targets(), store.clone())),
            own_clusters: store.clone(),
            probe: probe.clone(),
            planner: planner.clone(),
            uploads: Arc::new(FakeUploads),
            plan_slots: PlanSlots::new(2, Duration::from_secs(300)),
            quota: JobQuota::new(1000, 5000),
            inspection: Inspection::new(
                inspect.clone(),
                store.clone(),
                store.clone(),
                store.clone(),
                store.clone(),
            ),
            builder: Arc::new(FakeBuilder),
            projects: store.clone(),
            hooks: store.clone(),
            deliveries: store.clone(),
            outbox: store.clone(),
            previews: store.clone(),
            own_registries: store.clone(),
            registry_admin: registries.clone(),
            sessions: store.clone(),
            login_links: None,
            page_url: None,
            remotes: remotes.clone(),
            pulls: pulls.clone(),
            dead: None,
            intake: Arc::default(),
            hooks_url: Some("https://hooks.example".into()),
            queue,
            waits: SharedQueue::new(LIMITS),
        };
        let inbox = Mutex::new(inbox);
        Self {
            services,
            store,
            planner,
            plugins,
            inspect,
            remotes,
            pulls,
            registries,
            probe,
            inbox,
        }
    }

    /// Returns the messages that the dispatcher has got since the last call.
    pub(crate) fn queued(&self) -> Vec<Message> {
        let mut inbox = self.inbox.lock().unwrap();
        std::iter::from_fn(|| inbox.try_recv().ok()).collect()
    }

    /// Applies a project's file, as a caller who may do everything.
    pub(crate) async fn apply(&self, toml: &str) {
        let all = Caller::with_all_rights("uid:0".into());
        let request = ApplyProject { toml: toml.into(), expected: None, dry_run: false };
        self.services.apply_project(&all, request).await.unwrap();
    }

    /// Returns the jobs that were accepted and have not ended, the oldest first.
    pub(crate) async fn accepted(&self) -> Vec<JobRecord> {
        let mut records = Vec::new();
        for job in self.store.unfinished().await.unwrap().jobs {
            records.extend(self.store.job(&job.id).await.unwrap());
        }
        records
    }

    /// Records an event of a job.
    pub(crate) async fn append(&self, id: &str, event: Event) {
        let claim = self.store.claim(id, "bed").await.unwrap().unwrap();
        self.store.append(&claim, event).await.unwrap();
    }

    /// Ends an accepted job with its release.
    pub(crate) async fn succeeds(&self, release: Release) {
        let id = release.id.clone();
        self.append(&id, Event::Ended(Outcome::Succeeded(Box::new(release)))).await;
    }

    /// Stores a job that has ended with a release.
    pub(crate) async fn released(&self, release: Release) {
        let job = Job {
            id: release.id.clone(),
            app: release.app.clone(),
            source: Source::Release(Box::new(release.clone())),
            clusters: Clusters { names: release.clusters.clone(), order: RolloutOrder::Sequential },
            spec: Spec::default(),
            preview: None,
            labels: BTreeMap::new(),
            timeout: Duration::from_secs(1),
            gates: Vec::new(),
            principal: "someone".into(),
            created_ms: 0,
        };
        let request_id = release.id.clone();
        let receivers = Vec::new();
        let submission = Submission { request_id, body: Vec::new(), job, receivers };
        self.store.submit(submission).await.unwrap();
        self.succeeds(release).await;
    }

    /// Seals a new version of a secret.
    pub(crate) async fn sealed(&self, project: &str, name: &str, value: &str) {
        self.store.put(project, name, &Secret::new(value.into())).await.unwrap();
    }
}

pub(crate) fn app(project: &str) -> App {
    App::new(project, "web", "").unwrap()
}

pub(crate) fn caller(name: &str, projects: &[&str], verbs: &[Verb]) -> Caller {
    let projects = projects.iter().map(ToString::to_string).collect();
    Caller { name: name.into(), projects, verbs: verbs.to_vec() }
}

/// Returns two clusters for production, and none for other environments.
pub(crate) fn targets() -> Targets {
    let target = |name: &str| Target {
        name: name.into(),
        projects: Vec::new(),
        environments: vec!["production".into()],
    };
    Targets { all: vec![target("eu"), target("us")], order: RolloutOrder::Sequential }
}

/// Returns a request for the branch `main`.
pub(crate) fn submit(request_id: &str) -> SubmitRequest {
    SubmitRequest {
        request_id: request_id.into(),
        body: request_id.into(),
        app: app("shop"),
        clusters: Vec::new(),
        order: None,
        source: SourceRequest {
            repository: "https://git.example/web.git".into(),
            revision: "main".into(),
            ..SourceRequest::default()
        },
        spec: Spec::default(),
        labels: BTreeMap::new(),
        timeout_seconds: None,
        preview: None,
    }
}

pub(crate) fn release(id: &str, digest: &str, clusters: &[&str]) -> Release {
    Release {
        id: id.into(),
        app: app("shop"),
        clusters: clusters.iter().map(ToString::to_string).collect(),
        commit: "abc".into(),
        image: Image { reference: "r/shop/web:abc".into(), digest: digest.into(), bytes: None },
        runtime: Runtime::default(),
        hooks: BTreeMap::new(),
    }
}

/// Returns the id of a commit with this name.
pub(crate) fn id_of(name: &str) -> String {
    let number: u32 = name.bytes().map(u32::from).sum();
    format!("{number:040x}")
}

/// Pipeline with a repository of one branch. It decides nothing.
#[derive(Default)]
pub(crate) struct FakePlanner {
    head: Mutex<String>,
    planned: Mutex<Vec<String>>,
}

impl FakePlanner {
    /// Lets the branch lead to the commit with this name.
    pub(crate) fn moves_to(&self, name: &str) {
        *self.head.lock().unwrap() = name.into();
    }

    /// Returns a line for each plan.
    pub(crate) fn planned(&self) -> Vec<String> {
        self.planned.lock().unwrap().clone()
    }
}

#[async_trait]
impl Planner for FakePlanner {
    async fn resolve(
        &self,
        _: &App,
        commit: Commit,
        revision: &Revision,
    ) -> Result<Commit, Box<Diagnosis>> {
        let id = id_of(&self.head.lock().unwrap());
        Ok(Commit { id, revision: revision.to_string(), ..commit })
    }

    async fn plan(&self, request: &DryRunRequest<'_>) -> Result<DryRun, Box<Diagnosis>> {
        let clusters = request.clusters.names.join(", ");
        let serving = request.serving.map(|release| format!(" beside {}", release.id));
        let line = format!("{} in {clusters}{}", request.app, serving.unwrap_or_default());
        self.planned.lock().unwrap().push(line);
        Ok(undecided(request.spec))
    }

    async fn plan_folder(
        &self,
        app: &App,
        spec: &Spec,
        _: &dyn Tree,
    ) -> Result<DryRun, Box<Diagnosis>> {
        self.planned.lock().unwrap().push(format!("{} of {}", app.name, app.project));
        Ok(undecided(spec))
    }
}

/// Returns a dry run that decides nothing.
fn undecided(spec: &Spec) -> DryRun {
    let decision = Decision {
        spec: spec.clone(),
        recipe: None,
        languages: Vec::new(),
        answers: Vec::new(),
        dockerfile: Dockerfile::Text(String::new()),
        manifests: Vec::new(),
        deciders: BTreeMap::new(),
        version: String::new(),
    };
    DryRun {
        decision,
        dockerfile: String::new(),
        manifests: Vec::new(),
        changes: Vec::new(),
        strategies: Vec::new(),
        steps: Vec::new(),
        rollback: Vec::new(),
    }
}

/// Folders that clients send, of which nothing is kept.
struct FakeUploads;

struct Dropped;

impl Uploads for FakeUploads {
    fn begin(&self) -> Result<Box<dyn Upload>, GitError> {
        Ok(Box::new(Dropped))
    }
}

#[async_trait]
impl Upload for Dropped {
    async fn write(&mut self, _: UploadedFile) -> Result<(), GitError> {
        Ok(())
    }

    fn finish(self: Box<Self>, _: &str) -> Result<Box<dyn Tree>, GitError> {
        Ok(self)
    }
}

impl Tree for Dropped {
    fn root(&self) -> &Path {
        Path::new("/nowhere")
    }

    fn read(&self, _: &str, _: u64) -> Result<Option<String>, GitError> {
        Ok(None)
    }
}

/// Empty set of plugins, which counts how often it is loaded again.
#[derive(Default)]
pub(crate) struct FakePlugins {
    reloads: Mutex<u32>,
    is_broken: Mutex<bool>,
}

impl FakePlugins {
    /// Returns how often the plugins were loaded again.
    pub(crate) fn reloads(&self) -> u32 {
        *self.reloads.lock().unwrap()
    }

    /// Lets the next reload fail.
    pub(crate) fn breaks(&self) {
        *self.is_broken.lock().unwrap() = true;
    }
}

#[async_trait]
impl PluginRecords for FakePlugins {
    fn list(&self) -> Vec<PluginStatus> {
        Vec::new()
    }

    async fn reload(&self) -> Result<Vec<String>, String> {
        if *self.is_broken.lock().unwrap() {
            return Err("it is broken".into());
        }
        *self.reloads.lock().unwrap() += 1;
        Ok(Vec::new())
    }
}

/// Cluster without a problem, where one pod prints.
#[derive(Default)]
pub(crate) struct FakeCluster {
    printed: Mutex<Vec<String>>,
    made: Mutex<Vec<MadeObject>>,
}

impl FakeCluster {
    /// Adds an object that was made for an app.
    pub(crate) fn has(&self, object: &str, stays: Option<&str>) {
        let (object, stays) = (object.to_owned(), stays.map(str::to_owned));
        self.made.lock().unwrap().push(MadeObject { object, stays });
    }

    /// Adds a line to the log of the pod.
    pub(crate) fn prints(&self, line: &str) {
        self.printed.lock().unwrap().push(line.into());
    }
}

#[async_trait]
impl Inspect for FakeCluster {
    async fn endpoints(&self, _: &Release) -> Result<Vec<Endpoint>, ClusterError> {
        Ok(Vec::new())
    }

    async fn look(&self, _: &Release) -> Result<Snapshot, ClusterError> {
        Ok(Snapshot::default())
    }

    async fn made(&self, _: &Release, _: bool) -> Result<Vec<MadeObject>, ClusterError> {
        Ok(self.made.lock().unwrap().clone())
    }

    async fn logs(
        &self,
        _: &App,
        cluster: &str,
        _: &LogRequest,
    ) -> Result<mpsc::Receiver<LogLine>, ClusterError> {
        let (send, receive) = mpsc::channel(16);
        for line in self.printed.lock().unwrap().iter() {
            let (cluster, pod) = (cluster.to_owned(), "web-1".to_owned());
            let line = LogLine { cluster, pod, line: line.clone(), ..LogLine::default() };
            send.try_send(line).unwrap();
        }
        Ok(receive)
    }

    async fn compare(
        &self,
        before: Option<&Release>,
        after: &Release,
    ) -> Result<Vec<ObjectChange>, ClusterError> {
        let image = |release: &Release| release.image.digest.clone();
        let lines = before.map(|release| format!("- image: {}", image(release))).into_iter();
        let lines = lines.chain([format!("+ image: {}", image(after))]).collect();
        let verb = if before.is_some() { ChangeVerb::Update } else { ChangeVerb::Create };
        let kept = ObjectChange {
            object: "Service web".into(),
            verb: ChangeVerb::Keep,
            lines: Vec::new(),
        };
        Ok(vec![ObjectChange { object: "Deployment web".into(), verb, lines }, kept])
    }

    async fn version(&self, cluster: &str) -> Result<String, ClusterError> {
        if cluster == "us" {
            return Err(ClusterError::Unreachable { message: "connection refused".into() });
        }
        Ok("v1.34.1".into())
    }
}

/// Builder that answers.
struct FakeBuilder;

#[async_trait]
impl InspectBuilder for FakeBuilder {
    fn address(&self) -> String {
        "unix:///run/buildkit.sock".into()
    }

    async fn version(&self) -> Result<String, BuildError> {
        Ok("v0.25.0".into())
    }
}
