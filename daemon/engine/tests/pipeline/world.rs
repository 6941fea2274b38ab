//! Fake world: fakes that behave, not mocks that expect. The world is state, and the faults that a test puts
//! into it; each port has its file.

use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;
use windlass_engine::{
    ports::{DetectRequest, Detections, Ports},
    run::Run,
    underway::Underway,
};
use windlass_model::{
    app::App,
    approval::Approvals,
    cluster::{Clusters, DEFAULT, RolloutOrder, Target, Targets},
    event::Event,
    exposure::Exposure,
    hook::Hook,
    job::{Image, Release},
    runtime::Runtime,
    spec::web,
};

mod builder;
mod cluster;
mod fault;
mod journal;
mod leases;
mod place;
mod plugins;
mod preview;
mod registry;
mod releases;
mod secrets;
mod source;

pub(crate) use fault::{ANY, Fault};
pub(crate) use plugins::{hook, recipe, refusal};
pub(crate) use source::Files;

use builder::FakeBuilder;
use cluster::FakeCluster;
use fault::Faults;
use journal::FakeJournal;
use leases::FakeLeases;
use plugins::FakePlugins;
use preview::FakePreview;
use registry::FakeRegistry;
use releases::FakeReleases;
use secrets::FakeSecrets;
use source::FakeSource;

/// Function that makes a world out of the one that every case begins with.
pub(crate) type Made = fn(World) -> World;

/// World of a job. It outlives the daemon.
pub(crate) struct World {
    pub(crate) faults: Faults,
    pub(crate) journal: Arc<FakeJournal>,
    pub(crate) registry: Arc<FakeRegistry>,
    pub(crate) builder: Arc<FakeBuilder>,
    pub(crate) cluster: Arc<FakeCluster>,
    pub(crate) preview: Arc<FakePreview>,
    pub(crate) leases: Arc<FakeLeases>,
    source: Arc<FakeSource>,
    plugins: Arc<FakePlugins>,
    releases: Arc<FakeReleases>,
    underway: Arc<Underway>,
    exposure: Exposure,
}

pub(crate) fn app() -> App {
    App::new("shop", "web", "").unwrap()
}

pub(crate) fn release(id: &str, digest: &str) -> Release {
    Release {
        id: id.into(),
        app: app(),
        clusters: Clusters::default().names,
        commit: "abc".into(),
        image: Image { reference: "r/shop/web:abc".into(), digest: digest.into(), bytes: None },
        runtime: Runtime { user: Some(1), processes: vec![web(8080, None)], ..Runtime::default() },
        hooks: BTreeMap::new(),
    }
}

/// The beginning of a story.
impl World {
    /// Returns a world without faults, where nothing serves.
    pub(crate) fn new() -> Self {
        let faults = Faults::default();
        let registry = Arc::new(FakeRegistry::default());
        Self {
            journal: Arc::new(FakeJournal::new(&faults)),
            builder: Arc::new(FakeBuilder::new(&faults, &registry)),
            cluster: Arc::new(FakeCluster::new(&faults)),
            preview: Arc::new(FakePreview::new(&faults)),
            leases: Arc::default(),
            source: Arc::new(FakeSource::new(&faults)),
            plugins: Arc::new(FakePlugins::new(&faults)),
            releases: Arc::default(),
            underway: Arc::default(),
            exposure: Exposure::default(),
            registry,
            faults,
        }
    }

    /// Makes an image of this digest serve, as an earlier job released it.
    pub(crate) fn running(self, digest: &str) -> Self {
        self.running_in(&[DEFAULT], digest)
    }

    /// Makes an image of this digest serve in several clusters.
    pub(crate) fn running_in(self, clusters: &[&str], digest: &str) -> Self {
        let clusters: Vec<_> = clusters.iter().map(ToString::to_string).collect();
        self.running_release(&release("job-0", digest).at(&clusters))
    }

    /// Makes a release serve in all its clusters.
    pub(crate) fn running_release(self, release: &Release) -> Self {
        self.cluster.run(release);
        self.journal.record(release);
        self
    }

    /// Makes an image of this digest serve, of which the journal knows nothing.
    pub(crate) fn running_unknown(self, digest: &str) -> Self {
        self.running_unknown_in(DEFAULT, digest)
    }

    /// Makes an image of this digest serve in a cluster, of which the journal knows nothing.
    pub(crate) fn running_unknown_in(self, cluster: &str, digest: &str) -> Self {
        self.cluster.run(&release("job-0", digest).at(&[cluster.to_owned()]));
        self
    }

    /// Returns the world of the app's next job, in which this release serves.
    pub(crate) fn after(self, serving: &Release) -> Self {
        let journal = Arc::new(FakeJournal::new(&self.faults));
        journal.record(serving);
        Self { journal, ..self }
    }

    /// Makes a release of another app serve beside the job's own.
    pub(crate) fn beside(self, release: &Release) -> Self {
        self.releases.add(release);
        self
    }

    /// Makes the world's jobs be of the same daemon as those of another world.
    pub(crate) fn sharing(self, other: &Self) -> Self {
        Self { underway: other.underway.clone(), ..self }
    }

    /// Gives these rules on hosts and annotations to the operator.
    pub(crate) fn exposing(self, exposure: Exposure) -> Self {
        Self { exposure, ..self }
    }

    /// Gives these hooks to the operator.
    pub(crate) fn with_hooks(self, hooks: Vec<Hook>) -> Self {
        self.plugins.set_hooks(hooks);
        self
    }

    /// Has the detectors answer so.
    pub(crate) fn detecting(self, answers: Detections) -> Self {
        self.plugins.set_answers(answers);
        self
    }

    /// Puts a fault into the world.
    pub(crate) fn with(self, fault: Fault) -> Self {
        self.faults.add(fault);
        self
    }
}

/// The rest of the story, and questions about its end.
impl World {
    /// Returns a run of the daemon, with no limit. It knows what the journal has, and hears what people say.
    pub(crate) fn run(&self) -> Run {
        let past = self.past();
        Run::new(self.journal.clone(), self.journal.stop(), None)
            .with_holder("bed", "job-1")
            .with_past(&past)
            .with_approvals(Approvals::new(self.journal.given(), &past))
            .with_news(self.journal.news())
    }

    /// Returns a run of the daemon in which the plan must be made within `limit`.
    pub(crate) fn run_within(&self, limit: Duration) -> Run {
        let deadline = Instant::now() + limit;
        let run = Run::new(self.journal.clone(), self.journal.stop(), Some((deadline, limit)));
        run.with_holder("bed", "job-1")
    }

    /// Starts the daemon again after it was killed, with a store that answers.
    pub(crate) fn restart(&self) {
        let ends = |fault: &Fault| matches!(fault, Fault::KilledAfter(_) | Fault::SecretsAway(_));
        self.faults.remove(ends);
    }

    /// Returns the digest that users get. `None` means that nothing serves.
    pub(crate) fn serves(&self) -> Option<String> {
        self.serves_in_each().remove(DEFAULT)
    }

    /// Returns the digests that users get, by cluster.
    pub(crate) fn serves_in_each(&self) -> BTreeMap<String, String> {
        self.cluster.digests()
    }

    /// Returns the questions to the detectors.
    pub(crate) fn asked(&self) -> Vec<DetectRequest> {
        self.plugins.asked()
    }

    /// Returns the number of questions to the Git server.
    pub(crate) fn asked_source(&self) -> u32 {
        self.source.asked()
    }

    /// Returns all that the journal has of the job.
    pub(crate) fn past(&self) -> Vec<Event> {
        self.journal.events()
    }

    /// Returns the number of events that the journal has of the job, without reading them.
    pub(crate) fn recorded(&self) -> usize {
        self.journal.count()
    }

    pub(crate) fn ports(&self) -> Ports {
        Ports {
            git: self.source.clone(),
            detectors: self.plugins.clone(),
            runners: self.plugins.clone(),
            hooks: self.plugins.clone(),
            builder: self.builder.clone(),
            cluster: self.cluster.clone(),
            reader: self.cluster.clone(),
            inspect: self.cluster.clone(),
            leases: self.leases.clone(),
            web_check: self.preview.clone(),
            metrics: self.preview.clone(),
            targets: Arc::new(self.targets()),
            secrets: Arc::new(FakeSecrets { faults: self.faults.clone() }),
            releases: self.releases.clone(),
            underway: self.underway.clone(),
            exposure: Arc::new(self.exposure.clone()),
            images: self.registry.clone(),
            forbid_root: false,
        }
    }

    fn targets(&self) -> Targets {
        let is_open = |name: &&str| !self.faults.has_in(name, &Fault::Withdrawn);
        let target =
            |name: &str| Target { name: name.into(), projects: vec![], environments: vec![] };
        let open = [DEFAULT, "eu", "us"].into_iter().filter(is_open);
        Targets { all: open.map(target).collect(), order: RolloutOrder::default() }
    }
}
