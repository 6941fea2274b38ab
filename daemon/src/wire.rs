//! Makes the adapters, and joins them to the ports.

use crate::{
    config::{self, Config},
    data,
    error::Fault,
    registries::{ImageDeletion, OperatorImages, Registries, Withheld},
};
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};
use windlass_buildkit::{Address, BuildKit, BuildPolicy};
use windlass_engine::{
    pipeline::{self, DryRun, DryRunRequest, dry_run, plan_folder, resolve_revision},
    ports::{
        Builder, Cluster, ClusterProbe, ClusterReader, ClusterTargets, Git, Inspect,
        InspectBuilder, Leases, Logins, Metrics, Ports, Remotes, Secrets, Tree, Uploads, WebCheck,
        store::{Releases, Store},
    },
    targets::JoinedTargets,
    underway::Underway,
};
use windlass_git::Checkouts;
use windlass_kubernetes::{Client, Clusters, Kubernetes, OwnConnections, OwnProbe};
use windlass_model::{
    app::App, diagnosis::Diagnosis, exposure::Exposure, hook, job::Commit, revision::Revision,
    spec::Spec,
};
use windlass_plugin_host::{HookSource, Host, Plugins, RegistrySource, Setup, Source};
use windlass_prometheus::Prometheus;
use windlass_service::{Planner, RemoteReader};
use windlass_store::{Key, SqliteStore};
use windlass_traces::Exporter;

/// Path of the daemon's own program, which its children run too. Not `current_exe()`: after an upgrade in
/// place that names a deleted file.
pub(crate) const PROGRAM: &str = "/proc/self/exe";

/// Everything that jobs run on.
pub(crate) struct Wired {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) factory: PortsFactory,
}

/// The adapters that all jobs share, and the plugins, of which each job keeps its own set.
#[derive(Clone)]
pub(crate) struct PortsFactory {
    pub(crate) plugins: Arc<Plugins>,
    pub(crate) registries: Arc<Registries>,
    git: Arc<dyn Git>,
    /// Questions to repositories that need no tree.
    remotes: Arc<dyn Remotes>,
    /// Folders that clients send.
    pub(crate) uploads: Arc<dyn Uploads>,
    builder: Arc<dyn Builder>,
    /// The same builder, as people look at it.
    pub(crate) inspect_builder: Arc<dyn InspectBuilder>,
    pub(crate) cluster: Arc<dyn Cluster>,
    reader: Arc<dyn ClusterReader>,
    pub(crate) inspect: Arc<dyn Inspect>,
    /// Leases of apps, by which one run at a time works on each.
    pub(crate) leases: Arc<dyn Leases>,
    /// Pages of new versions, before they get requests.
    web_check: Arc<dyn WebCheck>,
    /// The Prometheus of each cluster that has one.
    metrics: Arc<dyn Metrics>,
    /// The rule which apps go to which clusters.
    pub(crate) targets: Arc<dyn ClusterTargets>,
    /// The look at clusters that projects bring.
    pub(crate) probe: Arc<dyn ClusterProbe>,
    pub(crate) secrets: Arc<dyn Secrets>,
    releases: Arc<dyn Releases>,
    /// Releases of all jobs that have no outcome yet.
    pub(crate) underway: Arc<Underway>,
    /// Rules on what releases expose.
    exposure: Arc<Exposure>,
    forbid_root: bool,
}

impl PortsFactory {
    /// Returns the ports for one job of a project.
    pub(crate) fn for_job(&self, project: &str) -> Ports {
        let plugins = self.plugins.for_job(project);
        Ports {
            git: self.git.clone(),
            detectors: plugins.clone(),
            runners: plugins.clone(),
            hooks: plugins,
            builder: self.builder.clone(),
            cluster: self.cluster.clone(),
            reader: self.reader.clone(),
            inspect: self.inspect.clone(),
            leases: self.leases.clone(),
            web_check: self.web_check.clone(),
            metrics: self.metrics.clone(),
            targets: self.targets.clone(),
            secrets: self.secrets.clone(),
            releases: self.releases.clone(),
            underway: self.underway.clone(),
            exposure: self.exposure.clone(),
            images: self.registries.clone(),
            forbid_root: self.forbid_root,
        }
    }
}

#[async_trait]
impl Planner for PortsFactory {
    async fn resolve(
        &self,
        app: &App,
        commit: Commit,
        revision: &Revision,
    ) -> Result<Commit, Box<Diagnosis>> {
        resolve_revision(app, commit, revision, &self.for_job(&app.project)).await
    }

    async fn plan(&self, request: &DryRunRequest<'_>) -> Result<DryRun, Box<Diagnosis>> {
        dry_run(request, &self.for_job(&request.app.project)).await
    }

    async fn plan_folder(
        &self,
        app: &App,
        spec: &Spec,
        tree: &dyn Tree,
    ) -> Result<DryRun, Box<Diagnosis>> {
        plan_folder(app, spec, tree, &self.for_job(&app.project)).await
    }
}

#[async_trait]
impl RemoteReader for PortsFactory {
    async fn refs(
        &self,
        project: &str,
        commit: &Commit,
    ) -> Result<BTreeMap<String, String>, Box<Diagnosis>> {
        pipeline::refs(project, commit, &*self.remotes, &self.for_job(project)).await
    }

    async fn changed_paths(
        &self,
        project: &str,
        from: &str,
        commit: &Commit,
    ) -> Result<Vec<String>, Box<Diagnosis>> {
        let ports = self.for_job(project);
        pipeline::changed_paths(project, from, commit, &*self.remotes, &ports).await
    }
}

pub(crate) async fn wire(config: &Config) -> Result<Wired, Fault> {
    data::prepare(&config.data)?;
    let reserve = config.journal.reserve_mib << 20;
    let folder = config.data.join("journal");
    let store = SqliteStore::open_with_reserve(&folder, key(config)?, reserve).await?;
    let store: Arc<dyn Store> = Arc::new(store);
    let secrets: Arc<dyn Secrets> = store.clone();
    let workspaces = config.data.join("workspaces");
    let (egress, limits) = (config.egress.clone(), config.checkout.clone());
    let git = Arc::new(Checkouts::new(&workspaces, Path::new(PROGRAM), egress, limits)?);
    let plugins = Arc::new(plugins(config, Some(secrets.clone())).await?);
    let registries = Registries::new(config, plugins.clone());
    let registries = Arc::new(registries.with_own(store.clone(), config));
    registries.check().await?;
    let mut clusters = Vec::new();
    for cluster in config.clusters() {
        let client = client(&cluster).await;
        let client = client.map_err(|error| format!("cluster {}: {error}", cluster.name))?;
        let logins = registries.clone();
        let level = cluster.pod_security.label();
        clusters.push((cluster.name, Kubernetes::new(client, secrets.clone(), logins, level)));
    }
    let allowed = config.own_clusters.allowed();
    let allowed = Arc::new(allowed.map_err(|error| format!("configuration: {error}"))?);
    let logins: Arc<dyn Logins> = if config.own_clusters.pull_secrets {
        registries.clone()
    } else {
        Arc::new(Withheld(registries.clone()))
    };
    let own = OwnConnections::new(store.clone(), allowed.clone(), secrets.clone(), logins);
    let own = Arc::new(own);
    let cluster = Arc::new(Clusters::new(clusters, own.clone()));
    let builder = Arc::new(builder(config, registries.clone())?);
    let factory = PortsFactory {
        plugins,
        git: git.clone(),
        remotes: git.clone(),
        uploads: git,
        builder: builder.clone(),
        inspect_builder: builder,
        registries,
        cluster: cluster.clone(),
        reader: cluster.clone(),
        inspect: cluster.clone(),
        leases: cluster.clone(),
        web_check: cluster,
        metrics: Arc::new(metrics(config)?),
        targets: Arc::new(JoinedTargets::new(config.targets(), store.clone())),
        probe: Arc::new(OwnProbe::new(allowed).with_connections(own)),
        secrets,
        releases: store.clone(),
        underway: Arc::default(),
        exposure: Arc::new(config.exposure()),
        forbid_root: config.forbid_root,
    };
    Ok(Wired { store, factory })
}

/// Returns the Prometheus of each cluster that has one.
pub(crate) fn metrics(config: &Config) -> Result<Prometheus, Fault> {
    let mut all = BTreeMap::new();
    for config::Cluster { name, prometheus, .. } in config.clusters() {
        let Some(prometheus) = prometheus else { continue };
        let settings = prometheus.settings();
        let settings =
            settings.map_err(|error| format!("configuration: cluster {name}: {error}"))?;
        all.insert(name, settings);
    }
    Ok(Prometheus::new(all).map_err(|error| format!("configuration: {error}"))?)
}

/// Returns the sender of traces. `None` means that the configuration names no collector.
pub(crate) fn traces(config: &Config) -> Result<Option<Exporter>, Fault> {
    let Some(traces) = &config.traces else { return Ok(None) };
    let settings = traces.settings().map_err(|error| format!("configuration: {error}"))?;
    let exporter = Exporter::new(settings);
    Ok(Some(exporter.map_err(|error| format!("configuration: traces.ca: {error}"))?))
}

/// Returns what deletes images of old releases. `None` means that all images stay.
pub(crate) fn images(
    config: &Config,
    factory: &PortsFactory,
) -> Result<Option<Arc<dyn ImageDeletion>>, Fault> {
    if !config.delete_images {
        return Ok(None);
    }
    let images = OperatorImages::new(factory.registries.clone(), config);
    let images = images.map_err(|error| format!("configuration: own-registries.{error}"))?;
    Ok(Some(Arc::new(images)))
}

pub(crate) async fn client(cluster: &config::Cluster) -> Result<Client, Fault> {
    Client::new(cluster.kubeconfig.as_deref()).await
}

fn key(config: &Config) -> Result<Key, Fault> {
    Ok(Key::file(&config.data.join("key"))?)
}

pub(crate) fn builder(config: &Config, logins: Arc<dyn Logins>) -> Result<BuildKit, Fault> {
    let address: Address = config
        .builder
        .address
        .parse()
        .map_err(|error| format!("configuration: builder.address: {error}"))?;
    let policy = BuildPolicy {
        registry: config.registry.clone(),
        shared_images: config.builder.shared_images.clone(),
        frontends: config.builder.frontends.clone(),
    };
    Ok(BuildKit::new(address, logins, config.data.join("contexts"), policy))
}

/// Loads the plugins. `secrets` has the projects' secrets, for hooks that are configured with one.
pub(crate) async fn plugins(
    config: &Config,
    secrets: Option<Arc<dyn Secrets>>,
) -> Result<Plugins, Fault> {
    let host = Host::new(&config.data.join("plugins"), Path::new(PROGRAM), secrets)?;
    Ok(Plugins::load(host, &setup(config)).await?)
}

/// Returns the plugins and their uses, as the operator configured them.
pub(crate) fn setup(config: &Config) -> Setup {
    let source = |plugin: &config::Plugin| Source {
        path: plugin.path.clone(),
        digest: plugin.digest.clone(),
        isolation: plugin.isolation,
        grant: plugin.grant.clone(),
        limits: plugin.limits.clone(),
        settings: plugin.settings.clone(),
    };
    let files = |secrets: &BTreeMap<String, PathBuf>| -> BTreeMap<String, hook::SecretSource> {
        let file = |path: &PathBuf| hook::SecretSource::File(path.clone());
        secrets.iter().map(|(name, path)| (name.clone(), file(path))).collect()
    };
    let registry = |registry: &config::Registry| {
        Some(RegistrySource {
            host: registry.host.clone(),
            plugin: registry.plugin.clone()?,
            settings: registry.settings.clone(),
            secrets: files(&registry.secrets),
        })
    };
    let pull = |registry: &config::Registry| {
        let pull = registry.pull.as_ref()?;
        Some(RegistrySource {
            host: registry.host.clone(),
            plugin: pull.plugin.clone()?,
            settings: pull.settings.clone(),
            secrets: files(&pull.secrets),
        })
    };
    Setup {
        plugins: config.plugins.iter().map(source).collect(),
        policy: config.plugin_policy.clone(),
        registries: config.registries.iter().filter_map(registry).collect(),
        pulls: config.registries.iter().filter_map(pull).collect(),
        hooks: config.hooks.iter().map(hook_source).collect(),
    }
}

fn hook_source(configured: &config::Hook) -> HookSource {
    let config::Hook { name, plugin, phase, policy, .. } = configured.clone();
    HookSource {
        hook: hook::Hook {
            name,
            plugin,
            phase,
            policy,
            settings: configured.settings.to_string(),
            app_settings: "{}".into(),
            secrets: configured.secrets.clone(),
        },
        projects: configured.projects.clone(),
        environments: configured.environments.clone(),
    }
}
