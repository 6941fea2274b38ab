//! The daemon's configuration: a file, then the environment. No other module reads either.

mod changes;
mod check;
mod cluster;
mod environment;
mod explain;
mod expose;
mod form;
mod journal;
mod listen;
mod outgoing;
mod own_registries;
mod prometheus;
#[cfg(test)]
mod reference;
mod registry;
mod slots;
#[cfg(test)]
mod tests;
mod traces;

pub(crate) use cluster::Cluster;
use cluster::OwnClusters;
use expose::{ExposeRules, HostOwner};
use form::{object, word};
use journal::{Journal, Logs};
pub(crate) use listen::Listen;
use outgoing::Outgoing;
use own_registries::OwnRegistries;
pub(crate) use registry::Registry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use slots::Slots;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
};
pub(crate) use traces::Traces;
use windlass_amqp::Amqp;
use windlass_engine::queue;
use windlass_git::{CheckoutLimits, Egress};
use windlass_listen::Principal;
use windlass_model::{
    cluster::{DEFAULT, RolloutOrder, Target, Targets},
    exposure::{Exposure, HostRule},
    hook::{HookPhase, Policy, SecretSource},
};
use windlass_plugin_host::{Grant, Isolation, Limits, SitePolicy};

/// Path of the file that is read when no other is named. It need not exist.
const DEFAULT_PATH: &str = "/etc/windlass/windlassd.toml";

/// All that an operator decides. `deploy/reference/windlassd.md` is made from the comments here.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "windlassd.toml")]
pub(crate) struct Config {
    /// Folder of the journal, the key, caches and workspaces.
    #[serde(default = "data")]
    pub(crate) data: PathBuf,
    // The default is this machine's own: no schema holds it.
    /// Name of this daemon in events. Default: the name of the host.
    #[serde(default = "name")]
    #[schemars(skip_serializing)]
    pub(crate) name: String,
    /// Former name of `limits.builds`. It is read as that.
    pub(crate) jobs: Option<usize>,
    /// Number of jobs of one project that wait or run, at most. One more is refused.
    #[serde(default = "max_waiting_jobs")]
    pub(crate) max_waiting_jobs: u64,
    /// Number of jobs of all projects that wait or run, at most. One more is refused.
    #[serde(default = "max_waiting_jobs_total")]
    pub(crate) max_waiting_jobs_total: u64,
    /// Number of repositories that are read at once for `windlass plan`, and for revisions that `Submit` names
    /// without a commit. One project has at most half of them.
    #[serde(default = "plans")]
    pub(crate) plans: usize,
    /// Seconds that one of `plans` may take. A request waits as long for its place.
    #[serde(default = "plan_seconds")]
    pub(crate) plan_seconds: u64,
    /// Host, perhaps with a path, to which images are pushed: `<registry>/<project>/<app>`.
    pub(crate) registry: String,
    /// Number of releases of an app that are kept for a rollback, from 2 to 1000: those that run something else. What serves
    /// in a cluster, and the release before it there, are kept beyond that.
    #[serde(default = "keep_releases")]
    pub(crate) keep_releases: usize,
    /// Deletes images of releases that are kept no more from `registry`, an hour after they went: by digest, with the login
    /// for pushes, which needs the right. A registry without TLS is named in `own-registries.plain-http`. By default no image is
    /// deleted.
    #[serde(default)]
    pub(crate) delete_images: bool,
    /// Refuses images that run as root. By default they run, with a warning.
    #[serde(default)]
    pub(crate) forbid_root: bool,
    /// Seconds that running jobs have after SIGTERM. A job that has not ended by then goes on at the next
    /// start.
    #[serde(default = "drain")]
    pub(crate) drain_seconds: u64,
    /// Work that jobs do at once. A job waits for a place before each of them, and `windlass jobs` shows for which.
    /// Among projects, the one with the fewest places of the kind goes first.
    #[serde(default)]
    pub(crate) limits: Slots,
    #[serde(default)]
    pub(crate) log: Log,
    #[serde(default)]
    pub(crate) journal: Journal,
    #[serde(default)]
    pub(crate) logs: Logs,
    #[serde(default)]
    pub(crate) listen: Listen,
    /// Traces of jobs. Without it none are sent.
    pub(crate) traces: Option<Traces>,
    pub(crate) builder: Builder,
    /// The only cluster. Without it and without `[[clusters]]`, the daemon deploys to the cluster that it
    /// runs in.
    pub(crate) cluster: Option<Cluster>,
    /// Several clusters, in the order in which a release comes to them. They stand instead of `[cluster]`.
    #[serde(default)]
    pub(crate) clusters: Vec<Cluster>,
    /// Order among several clusters where a job does not name one.
    #[serde(default, deserialize_with = "word")]
    pub(crate) cluster_order: RolloutOrder,
    #[serde(default)]
    pub(crate) own_clusters: OwnClusters,
    #[serde(default)]
    pub(crate) registries: Vec<Registry>,
    #[serde(default)]
    pub(crate) own_registries: OwnRegistries,
    /// Owners of hosts. With any, a route needs a host that one of them gives to its project.
    #[serde(default)]
    pub(crate) hosts: Vec<HostOwner>,
    #[serde(default)]
    pub(crate) expose: ExposeRules,
    #[serde(default)]
    pub(crate) egress: Egress,
    #[serde(default)]
    pub(crate) checkout: CheckoutLimits,
    /// Plugins, in the order in which they are asked.
    #[serde(default)]
    pub(crate) plugins: Vec<Plugin>,
    #[serde(default)]
    pub(crate) plugin_policy: SitePolicy,
    /// Hooks, in the order in which they run.
    #[serde(default)]
    pub(crate) hooks: Vec<Hook>,
    #[serde(default)]
    pub(crate) outgoing: Outgoing,
    #[serde(default)]
    pub(crate) principals: Vec<Principal>,
    pub(crate) amqp: Option<Amqp>,
    /// All keys as they were read.
    #[serde(skip)]
    #[schemars(skip)]
    read: serde_json::Map<String, serde_json::Value>,
}

/// The daemon's log, on standard error.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Log {
    /// Targets and levels, as in `RUST_LOG`: `info,windlass_buildkit=debug`.
    pub(crate) filter: String,
    /// Form of each line.
    #[serde(deserialize_with = "word")]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    #[default]
    Human,
    Json,
}

/// The BuildKit that builds all images.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Builder {
    /// `unix:///run/buildkit/buildkitd.sock`; `tcp://host:port` without TLS, for networks of your own; or
    /// `docker://`, `docker:///path/to.sock`, for the BuildKit of a Docker engine with the containerd image
    /// store.
    pub(crate) address: String,
    /// Frontends that `# syntax=` of a Dockerfile may name: images, with or without a tag. `*` at the end of a tag
    /// stands for any rest; an image without a tag, for all of its tags. A frontend decides which caches a
    /// build uses: allow only those that you trust.
    #[serde(default = "frontends")]
    pub(crate) frontends: Vec<String>,
    /// Paths below `registry` whose images every project may build from, such as
    /// `registry.example.com/base`. Other images below `registry` are for their own project alone.
    #[serde(default)]
    pub(crate) shared_images: Vec<String>,
}

/// A hook: a step of releases that a plugin decides.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Hook {
    /// Name by which apps configure the hook in `windlass.toml`: `[hooks.NAME]`.
    pub(crate) name: String,
    /// Name of a deploy-hook plugin.
    pub(crate) plugin: String,
    /// Phase of a job in which the hook runs.
    #[serde(deserialize_with = "word")]
    pub(crate) phase: HookPhase,
    /// Consequence of the hook's failure. Hooks after a failure or a rollback always warn.
    #[serde(default, deserialize_with = "word")]
    pub(crate) policy: Policy,
    /// Projects that the hook runs for. An empty list means all.
    #[serde(default)]
    pub(crate) projects: Vec<String>,
    /// Environments that the hook runs for. An empty list means all.
    #[serde(default)]
    pub(crate) environments: Vec<String>,
    /// Settings that override those of the plugin.
    #[serde(default = "object")]
    pub(crate) settings: serde_json::Value,
    /// The plugin's secrets, by the names in its manifest. Each is a file, or `{ project = "NAME" }` for a
    /// secret of the project that is deployed.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, SecretSource>,
}

/// A plugin and the operator's decisions about it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Plugin {
    /// File of the component.
    pub(crate) path: PathBuf,
    /// Digest of the component, `sha256:…`. A grant requires it.
    pub(crate) digest: Option<String>,
    /// Place where the plugin runs.
    #[serde(default, deserialize_with = "word")]
    pub(crate) isolation: Isolation,
    #[serde(default)]
    pub(crate) grant: Grant,
    #[serde(default)]
    pub(crate) limits: Limits,
    /// Settings, by the schema in the plugin's manifest.
    #[serde(default)]
    pub(crate) settings: Option<serde_json::Value>,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".into(), format: Format::Human }
    }
}

fn data() -> PathBuf {
    "/var/lib/windlass".into()
}

fn name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn frontends() -> Vec<String> {
    vec!["docker/dockerfile".into()]
}

fn max_waiting_jobs() -> u64 {
    1000
}

fn max_waiting_jobs_total() -> u64 {
    5000
}

fn plans() -> usize {
    4
}

fn plan_seconds() -> u64 {
    300
}

fn keep_releases() -> usize {
    10
}

fn drain() -> u64 {
    10
}

/// A mistake in the configuration.
#[derive(Debug)]
pub(crate) struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "configuration: {}", self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the file and the environment. `path` must exist if it is given.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_with(path, std::env::vars_os())
    }

    fn load_with(
        path: Option<&Path>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let default = Some(Path::new(DEFAULT_PATH)).filter(|path| path.exists());
        let path = path.or(default);
        let mut builder = config::Config::builder();
        if let Some(path) = path {
            let text = fs::read_to_string(path)
                .map_err(|error| ConfigError(format!("{}: {error}", path.display())))?;
            builder = builder.add_source(config::File::from_str(&text, config::FileFormat::Toml));
        }
        let environment = config::Environment::with_prefix(environment::PREFIX)
            .prefix_separator("_")
            .separator("__")
            .convert_case(config::Case::Kebab)
            .try_parsing(true)
            .source(Some(environment::own(variables, &Self::schema()).map_err(ConfigError)?));
        let built = builder.add_source(environment).build();
        let read = built.and_then(|built| {
            let read = built.clone().try_deserialize()?;
            Ok(Self { read, ..built.try_deserialize::<Self>()? })
        });
        let place = path.map_or("the environment".to_owned(), |path| path.display().to_string());
        let config = read.map_err(|error| {
            ConfigError(format!("{place}: {}", explain::explain(&error.to_string())))
        })?;
        config.check()?;
        Ok(config)
    }

    /// Returns the JSON schema of the file, for editors.
    pub(crate) fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    /// Returns all clusters. The one of `[cluster]` is named `default`.
    pub(crate) fn clusters(&self) -> Vec<Cluster> {
        if self.clusters.is_empty() {
            let only = self.cluster.clone().unwrap_or_default();
            return vec![Cluster { name: DEFAULT.into(), ..only }];
        }
        self.clusters.clone()
    }

    /// Returns the rule which apps go to which clusters.
    pub(crate) fn targets(&self) -> Targets {
        let target = |cluster: Cluster| {
            let Cluster { name, projects, environments, .. } = cluster;
            Target { name, projects, environments }
        };
        let all = self.clusters().into_iter().map(target).collect();
        Targets { all, order: self.cluster_order }
    }

    /// Returns the rules on what releases expose.
    pub(crate) fn exposure(&self) -> Exposure {
        let rule = |owner: &HostOwner| HostRule {
            pattern: owner.pattern.to_ascii_lowercase(),
            projects: owner.projects.clone(),
        };
        Exposure {
            hosts: self.hosts.iter().map(rule).collect(),
            annotations: self.expose.annotations.clone(),
            kinds: self.expose.kinds.clone(),
            shared: self.clusters().into_iter().map(|cluster| cluster.name).collect(),
        }
    }

    /// Returns the keys that differ in a later configuration, and that a reload does not read.
    pub(crate) fn for_next_start(&self, later: &Self) -> Vec<String> {
        changes::for_next_start(&self.read, &later.read)
    }

    /// Returns the numbers of slots for jobs.
    pub(crate) fn slots(&self) -> queue::Limits {
        let Slots { checkouts, builds, releases, running } = self.limits;
        queue::Limits { running, checkouts, builds: self.jobs.unwrap_or(builds), releases }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.listen.unix.clone().unwrap_or_else(|| self.data.join("windlass.sock"))
    }
}
