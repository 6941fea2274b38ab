//! The only file that names ports and adapters together.

use crate::{
    config::{self, Config},
    serve::Fault,
};
use std::{collections::BTreeMap, fs, path::Path, sync::Arc};
use windlass_buildkit::{Address, BuildKit, Login, Logins};
use windlass_core::{
    ports::{Builder, Cluster, Git, Ports, Secrets},
    secret::Secret,
};
use windlass_git::Checkouts;
use windlass_kubernetes::{Client, Kubernetes, PullLogin};
use windlass_plugin_host::{Plugins, Source};
use windlass_store::{Key, Store};

/// The daemon's own program: its children are the same one. Not `current_exe()`, which names a file
/// that is gone after an upgrade in place.
const PROGRAM: &str = "/proc/self/exe";

/// Everything that jobs run on.
pub(crate) struct Wired {
    pub(crate) store: Store,
    pub(crate) supplies: Supplies,
    pub(crate) pull: Option<PullLogin>,
}

/// What all jobs share, and the plugins of which each takes its own.
#[derive(Clone)]
pub(crate) struct Supplies {
    pub(crate) plugins: Arc<Plugins>,
    git: Arc<dyn Git>,
    builder: Arc<dyn Builder>,
    cluster: Arc<dyn Cluster>,
    secrets: Arc<dyn Secrets>,
    registry: String,
    forbid_root: bool,
}

impl Supplies {
    /// Ports for one job of a project, to its end.
    pub(crate) fn for_job(&self, project: &str) -> Ports {
        let plugins = self.plugins.for_job(project);
        Ports {
            git: self.git.clone(),
            detectors: plugins.clone(),
            runners: plugins,
            builder: self.builder.clone(),
            cluster: self.cluster.clone(),
            secrets: self.secrets.clone(),
            registry: self.registry.clone(),
            forbid_root: self.forbid_root,
        }
    }
}

pub(crate) async fn wire(config: &Config) -> Result<Wired, Fault> {
    fs::create_dir_all(&config.data)
        .map_err(|error| format!("data: {}: {error}", config.data.display()))?;
    let store = Store::open(&config.data.join("journal"), key(config)?).await?;
    let logins = logins(config)?;
    let pull = pull(config, &logins);
    let client = Client::new(config.cluster.kubeconfig.as_deref())
        .await
        .map_err(|error| format!("cluster: {error}"))?;
    let secrets = Arc::new(store.clone());
    let git =
        Checkouts::new(&config.data.join("workspaces"), Path::new(PROGRAM), config.egress.clone())?;
    let supplies = Supplies {
        plugins: Arc::new(plugins(config).await?),
        git: Arc::new(git),
        builder: Arc::new(builder(config, logins)?),
        cluster: Arc::new(Kubernetes::new(client, secrets.clone(), pull.clone())),
        secrets,
        registry: config.registry.clone(),
        forbid_root: config.forbid_root,
    };
    Ok(Wired { store, supplies, pull })
}

fn key(config: &Config) -> Result<Key, Fault> {
    Ok(Key::file(&config.data.join("key"))?)
}

pub(crate) fn builder(config: &Config, logins: Logins) -> Result<BuildKit, Fault> {
    let address: Address = config
        .builder
        .address
        .parse()
        .map_err(|error| format!("configuration: builder.address: {error}"))?;
    Ok(BuildKit::new(address, logins, config.data.join("contexts")))
}

pub(crate) async fn plugins(config: &Config) -> Result<Plugins, Fault> {
    let cache = config.data.join("plugins");
    Plugins::load(&cache, Path::new(PROGRAM), &sources(config)).await
}

/// The plugins as the operator configured them.
pub(crate) fn sources(config: &Config) -> Vec<Source> {
    let source = |plugin: &config::Plugin| Source {
        path: plugin.path.clone(),
        limits: plugin.limits.clone(),
        settings: plugin.settings.as_ref().map(ToString::to_string),
    };
    config.plugins.iter().map(source).collect()
}

pub(crate) fn logins(config: &Config) -> Result<Logins, Fault> {
    let mut logins = BTreeMap::new();
    for registry in &config.registries {
        let path = &registry.password_file;
        let password =
            fs::read(path).map_err(|error| format!("registries: {}: {error}", path.display()))?;
        let password = Secret::new(password.trim_ascii().to_vec());
        let login = Login { user: registry.username.clone(), password };
        // What images call docker.io answers under this name.
        let host = match &*registry.host {
            "docker.io" => "registry-1.docker.io".to_owned(),
            host => host.to_owned(),
        };
        logins.insert(host, login);
    }
    Ok(Arc::new(logins))
}

/// The login of the registry that releases are pulled from.
fn pull(config: &Config, logins: &Logins) -> Option<PullLogin> {
    let host = config.registry.split('/').next()?;
    let login = logins.get(host)?;
    Some(PullLogin {
        host: host.into(),
        user: login.user.clone(),
        password: login.password.clone(),
    })
}
