//! Makes the adapters, and joins them to the ports.

use crate::{
    config::{self, Config},
    error::Fault,
    registries::Registries,
};
use async_trait::async_trait;
use std::{collections::BTreeMap, fs, path::Path, sync::Arc};
use windlass_buildkit::{Address, BuildKit};
use windlass_engine::{
    failure::Failure,
    pipeline::{DryRun, DryRunRequest, dry_run, resolve_revision},
    ports::{
        Builder, Cluster, ClusterReader, Credential, Git, Inspect, Login, Logins, Ports, Secrets,
        store::Store,
    },
};
use windlass_git::Checkouts;
use windlass_kubernetes::{Client, Clusters, Kubernetes};
use windlass_model::{
    app::App, cluster::Targets, diagnosis::Diagnosis, hook, job::Commit, revision::Revision,
    secret::Secret,
};
use windlass_plugin_host::{HookSource, Host, Plugins, RegistrySource, Setup, Source};
use windlass_service::Planner;
use windlass_store::{Key, SqliteStore};

/// Path of the daemon's own program, which its children run too. Not `current_exe()`: after an upgrade in
/// place that names a deleted file.
const PROGRAM: &str = "/proc/self/exe";

/// Everything that jobs run on.
pub(crate) struct Wired {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) factory: PortsFactory,
}

/// The adapters that all jobs share, and the plugins, of which each job keeps its own set.
#[derive(Clone)]
pub(crate) struct PortsFactory {
    pub(crate) plugins: Arc<Plugins>,
    git: Arc<dyn Git>,
    builder: Arc<dyn Builder>,
    pub(crate) cluster: Arc<dyn Cluster>,
    reader: Arc<dyn ClusterReader>,
    pub(crate) inspect: Arc<dyn Inspect>,
    /// The rule which apps go to which clusters.
    pub(crate) targets: Arc<Targets>,
    pub(crate) secrets: Arc<dyn Secrets>,
    registry: String,
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
            targets: self.targets.clone(),
            secrets: self.secrets.clone(),
            registry: self.registry.clone(),
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
    ) -> Result<Commit, Failure> {
        resolve_revision(app, commit, revision, &self.for_job(&app.project)).await
    }

    async fn plan(&self, request: &DryRunRequest<'_>) -> Result<DryRun, Box<Diagnosis>> {
        dry_run(request, &self.for_job(&request.app.project)).await
    }
}

pub(crate) async fn wire(config: &Config) -> Result<Wired, Fault> {
    fs::create_dir_all(&config.data)
        .map_err(|error| format!("data: {}: {error}", config.data.display()))?;
    let reserve = config.journal.reserve_mib << 20;
    let folder = config.data.join("journal");
    let store = SqliteStore::open_with_reserve(&folder, key(config)?, reserve).await?;
    let store: Arc<dyn Store> = Arc::new(store);
    let secrets: Arc<dyn Secrets> = store.clone();
    let git =
        Checkouts::new(&config.data.join("workspaces"), Path::new(PROGRAM), config.egress.clone())?;
    let plugins = Arc::new(plugins(config, Some(secrets.clone())).await?);
    let registries = Arc::new(Registries::new(fixed_logins(config)?, plugins.clone()));
    let mut clusters = Vec::new();
    for cluster in config.clusters() {
        let client = client(&cluster).await;
        let client = client.map_err(|error| format!("cluster {}: {error}", cluster.name))?;
        let logins = registries.clone();
        let level = cluster.pod_security.label();
        clusters.push((cluster.name, Kubernetes::new(client, secrets.clone(), logins, level)));
    }
    let cluster = Arc::new(Clusters::new(clusters));
    let factory = PortsFactory {
        plugins,
        git: Arc::new(git),
        builder: Arc::new(builder(config, registries)?),
        cluster: cluster.clone(),
        reader: cluster.clone(),
        inspect: cluster,
        targets: Arc::new(config.targets()),
        secrets,
        registry: config.registry.clone(),
        forbid_root: config.forbid_root,
    };
    Ok(Wired { store, factory })
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
    Ok(BuildKit::new(address, logins, config.data.join("contexts")))
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
    let registry = |registry: &config::Registry| {
        let sources = registry.secrets.iter();
        let sources =
            sources.map(|(name, path)| (name.clone(), hook::SecretSource::File(path.clone())));
        Some(RegistrySource {
            host: registry.host.clone(),
            plugin: registry.plugin.clone()?,
            settings: registry.settings.clone(),
            secrets: sources.collect(),
        })
    };
    Setup {
        plugins: config.plugins.iter().map(source).collect(),
        policy: config.plugin_policy.clone(),
        registries: config.registries.iter().filter_map(registry).collect(),
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

/// Reads the logins that are configured with a user and a password file.
pub(crate) fn fixed_logins(config: &Config) -> Result<BTreeMap<String, Login>, Fault> {
    let mut logins = BTreeMap::new();
    for registry in &config.registries {
        let (Some(user), Some(path)) = (&registry.username, &registry.password_file) else {
            continue;
        };
        let password =
            fs::read(path).map_err(|error| format!("registries: {}: {error}", path.display()))?;
        let password = Secret::new(password.trim_ascii().to_vec());
        let credential = Credential::Basic(user.clone(), password);
        logins.insert(registry.host.clone(), Login { credential, renew_ms: None });
    }
    Ok(logins)
}
