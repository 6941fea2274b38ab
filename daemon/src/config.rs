//! The one configuration: a file, then the environment. The only reader of either.

use serde::{Deserialize, Deserializer, de::IntoDeserializer};
use std::{
    collections::BTreeMap,
    fmt, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use windlass_api::Principal;
use windlass_core::{
    app::label,
    cluster::{self, Order, Target, Targets},
    hook::{Moment, Policy, SecretSource},
};
use windlass_git::Egress;
use windlass_plugin_host::{Grant, Isolation, Limits, SitePolicy};

/// Read when no other is named, if it exists.
const DEFAULT_PATH: &str = "/etc/windlass/windlassd.toml";

/// All that an operator decides. Every key can be set as `WINDLASS_…`, levels parted by `__`:
/// `WINDLASS_BUILDER__ADDRESS`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// Journal, keys, caches, workspaces. Default `/var/lib/windlass`.
    #[serde(default = "data")]
    pub(crate) data: PathBuf,
    /// This daemon's name in events. Default: the host's name.
    #[serde(default = "name")]
    pub(crate) name: String,
    /// Jobs that run at once. Default 4.
    #[serde(default = "jobs")]
    pub(crate) jobs: usize,
    /// Images go to `<registry>/<project>/<app>`.
    pub(crate) registry: String,
    /// Refuse images that run as root. Default false: they run, with a warning.
    #[serde(default)]
    pub(crate) forbid_root: bool,
    /// Seconds that running jobs are given when the daemon is told to end; what has not ended by
    /// then goes on at the next start. Default 10.
    #[serde(default = "drain")]
    pub(crate) drain_seconds: u64,
    #[serde(default)]
    pub(crate) log: Log,
    #[serde(default)]
    pub(crate) listen: Listen,
    pub(crate) builder: Builder,
    /// The only one. Default: the cluster that the daemon runs in.
    pub(crate) cluster: Option<Cluster>,
    /// Several, in the order in which releases come to them.
    #[serde(default)]
    pub(crate) clusters: Vec<Cluster>,
    /// Of several clusters, where a job does not say it: `sequential` (the default), each healthy
    /// before the next is touched; or `parallel`.
    #[serde(default, deserialize_with = "word")]
    pub(crate) cluster_order: Order,
    #[serde(default)]
    pub(crate) registries: Vec<Registry>,
    #[serde(default)]
    pub(crate) egress: Egress,
    #[serde(default)]
    pub(crate) plugins: Vec<Plugin>,
    /// What no plugin may do, whatever it is granted.
    #[serde(default)]
    pub(crate) plugin_policy: SitePolicy,
    #[serde(default)]
    pub(crate) hooks: Vec<Hook>,
    #[serde(default)]
    pub(crate) principals: Vec<Principal>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Log {
    /// As in `RUST_LOG`. Default `info`.
    pub(crate) filter: String,
    /// `human` or `json`.
    #[serde(deserialize_with = "word")]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    #[default]
    Human,
    Json,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Listen {
    /// Default `<data>/windlass.sock`.
    pub(crate) unix: Option<PathBuf>,
    /// User ids that may use it, beside root and the daemon's own.
    pub(crate) uids: Vec<u32>,
    /// TCP address; off by default. Callers need a token or a certificate of `principals`.
    pub(crate) tcp: Option<SocketAddr>,
    /// PEM files for TLS.
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    /// Clients must show a certificate of this CA.
    pub(crate) client_ca: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Builder {
    /// `unix:///run/buildkit/buildkitd.sock`, `tcp://host:port`, or `docker://` for the BuildKit of a
    /// Docker engine, at /var/run/docker.sock or `docker:///path/to.sock`.
    pub(crate) address: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Cluster {
    /// As jobs name it; of `clusters` only. One called `default` has what was released before there
    /// were several.
    pub(crate) name: String,
    /// Default: the cluster that the daemon runs in.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Only for these projects. Default: all.
    pub(crate) projects: Vec<String>,
    /// Only for these environments. Default: all.
    pub(crate) environments: Vec<String>,
    /// What the namespaces enforce of their pods. Default `baseline`: no pod reaches its node.
    #[serde(deserialize_with = "word")]
    pub(crate) pod_security: PodSecurity,
}

/// A level of Kubernetes' Pod Security Standards, set on the namespaces that Windlass makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PodSecurity {
    Privileged,
    #[default]
    Baseline,
    Restricted,
    /// No label: somebody else decides.
    Off,
}

impl PodSecurity {
    pub(crate) fn label(self) -> Option<String> {
        let label = match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
            Self::Off => return None,
        };
        Some(label.into())
    }
}

/// A login, for BuildKit's pulls and pushes and for the cluster's pulls: user and password, or a
/// plugin that gets one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Registry {
    /// As images name it: `registry.example.com`, with its port where it has one.
    pub(crate) host: String,
    pub(crate) username: Option<String>,
    /// A file that holds the password or token.
    pub(crate) password_file: Option<PathBuf>,
    /// A registry-auth plugin.
    pub(crate) plugin: Option<String>,
    /// Over the plugin's own.
    #[serde(default = "object")]
    pub(crate) settings: serde_json::Value,
    /// Where the plugin's secrets are: a file, by the name that its manifest gives it.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, PathBuf>,
}

/// What is done around releases, in this order.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Hook {
    /// As apps name it in `windlass.toml`, `[hooks.NAME]`.
    pub(crate) name: String,
    /// A deploy-hook plugin.
    pub(crate) plugin: String,
    /// `before-traffic`, `after-release`, `after-failure`, `after-rollback`.
    #[serde(deserialize_with = "word")]
    pub(crate) moment: Moment,
    /// Where it fails: `roll-back` (the default), `stop`, `warn`.
    #[serde(default, deserialize_with = "word")]
    pub(crate) policy: Policy,
    /// Only for these projects. Default: all.
    #[serde(default)]
    pub(crate) projects: Vec<String>,
    /// Only for these environments. Default: all.
    #[serde(default)]
    pub(crate) environments: Vec<String>,
    /// Over the plugin's own.
    #[serde(default = "object")]
    pub(crate) settings: serde_json::Value,
    /// Where the plugin's secrets are: a file, or `{ project = "NAME" }` for the project's own.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, SecretSource>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Plugin {
    /// The component.
    pub(crate) path: PathBuf,
    /// Of the component: `sha256:…`. Needed where anything is granted.
    pub(crate) digest: Option<String>,
    /// `sandbox`, or `process`: in a process without credentials, network or most system calls.
    #[serde(default, deserialize_with = "word")]
    pub(crate) isolation: Isolation,
    /// What it may do beyond its log, its settings and its tree. Default: nothing.
    #[serde(default)]
    pub(crate) grant: Grant,
    #[serde(default)]
    pub(crate) limits: Limits,
    /// Checked against the schema in its manifest.
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

fn jobs() -> usize {
    4
}

fn object() -> serde_json::Value {
    serde_json::json!({})
}

fn drain() -> u64 {
    10
}

/// One word of several. The reader's own error names neither the field nor what there is.
fn word<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(String::deserialize(from)?.into_deserializer())
}

/// What is wrong with the configuration.
#[derive(Debug)]
pub(crate) struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "configuration: {}", self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// `path`: must exist if it is given.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let default = Some(Path::new(DEFAULT_PATH)).filter(|path| path.exists());
        let path = path.or(default);
        let mut builder = config::Config::builder();
        if let Some(path) = path {
            let text = fs::read_to_string(path)
                .map_err(|error| ConfigError(format!("{}: {error}", path.display())))?;
            builder = builder.add_source(config::File::from_str(&text, config::FileFormat::Toml));
        }
        let environment = config::Environment::with_prefix("WINDLASS")
            .prefix_separator("_")
            .separator("__")
            .convert_case(config::Case::Kebab)
            .try_parsing(true);
        let read = builder.add_source(environment).build();
        let read = read.and_then(config::Config::try_deserialize::<Self>);
        let place = path.map_or("the environment".to_owned(), |path| path.display().to_string());
        let config =
            read.map_err(|error| ConfigError(format!("{place}: {}", explain(&error.to_string()))))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let fail = |message: &str| Err(ConfigError(message.into()));
        if self.registry.is_empty() || self.registry.ends_with('/') || self.registry.contains("://")
        {
            return fail(
                "registry: a host, perhaps with a path, such as `registry.example.com/apps`",
            );
        }
        if self.cluster.is_some() && !self.clusters.is_empty() {
            return fail("cluster: cannot stand beside `clusters`; make it one of them");
        }
        if self.cluster.as_ref().is_some_and(|cluster| !cluster.name.is_empty()) {
            return fail(
                "cluster.name: the only cluster is called `default`; others go into `clusters`",
            );
        }
        for (index, cluster) in self.clusters.iter().enumerate() {
            label(&format!("clusters[{index}].name"), &cluster.name, 30)
                .map_err(|error| ConfigError(error.to_string()))?;
            if self.clusters.iter().take(index).any(|before| before.name == cluster.name) {
                return fail(&format!("clusters[{index}].name: `{}` is said twice", cluster.name));
            }
            let mut before = self.clusters.iter().take(index);
            if let Some(same) = before.find(|before| before.kubeconfig == cluster.kubeconfig) {
                // A failure in the one would put back, or scale to nothing, what serves in the other.
                return fail(&format!(
                    "clusters[{index}].kubeconfig: is that of `{}`; each cluster has its own",
                    same.name
                ));
            }
        }
        if self.jobs == 0 {
            return fail("jobs: must be at least 1");
        }
        for Registry { host, username, password_file, plugin, .. } in &self.registries {
            let is_fixed = username.is_some() && password_file.is_some();
            let is_half = username.is_some() != password_file.is_some();
            if is_half || is_fixed == plugin.is_some() {
                return fail(&format!(
                    "registries: {host}: needs either `username` and `password-file`, or `plugin`"
                ));
            }
        }
        if self.listen.certificate.is_some() != self.listen.key.is_some() {
            return fail("listen: `certificate` and `key` belong together");
        }
        if self.listen.client_ca.is_some() && self.listen.certificate.is_none() {
            return fail("listen.client-ca: needs `certificate` and `key`");
        }
        if let (Some(address), None) = (self.listen.tcp, &self.listen.certificate)
            && !address.ip().is_loopback()
        {
            return fail(
                "listen.tcp: an address that others reach needs `certificate` and `key`, or tokens would travel in clear",
            );
        }
        Ok(())
    }

    /// All, the only one by its name.
    pub(crate) fn clusters(&self) -> Vec<Cluster> {
        match self.clusters.is_empty() {
            true => {
                let only = self.cluster.clone().unwrap_or_default();
                vec![Cluster { name: cluster::DEFAULT.into(), ..only }]
            }
            false => self.clusters.clone(),
        }
    }

    /// Which apps go where.
    pub(crate) fn targets(&self) -> Targets {
        let target = |cluster: Cluster| {
            let Cluster { name, projects, environments, .. } = cluster;
            Target { name, projects, environments }
        };
        let all = self.clusters().into_iter().map(target).collect();
        Targets { all, order: self.cluster_order }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.listen.unix.clone().unwrap_or_else(|| self.data.join("windlass.sock"))
    }
}

/// Adds the nearest known key to serde's words on an unknown one.
fn explain(message: &str) -> String {
    let Some((_, rest)) = message.split_once("unknown field `") else { return message.to_owned() };
    let Some((unknown, rest)) = rest.split_once('`') else { return message.to_owned() };
    let known = rest.split('`').skip(1).step_by(2);
    let nearest = known.min_by_key(|key| strsim::damerau_levenshtein(key, unknown));
    match nearest.filter(|key| strsim::damerau_levenshtein(key, unknown) <= 3) {
        Some(nearest) => format!("unknown key `{unknown}`: did you mean `{nearest}`?"),
        None => message.replace("unknown field", "unknown key"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        Config::load(Some(file.path()))
    }

    const LEAST: &str = "registry = \"r.example\"\n[builder]\naddress = \"unix:///b\"\n";

    #[test]
    fn a_little_is_enough_and_the_rest_has_defaults() {
        let config = load(LEAST).unwrap();
        assert_eq!((config.jobs, config.drain_seconds), (4, 10));
        assert_eq!(config.socket(), Path::new("/var/lib/windlass/windlass.sock"));
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest() {
        let error = load(&format!("job = 3\n{LEAST}")).unwrap_err().to_string();
        assert!(error.contains("unknown key `job`: did you mean `jobs`?"), "{error}");
        let error = load(&format!("{LEAST}adress = \"x\"\n")).unwrap_err().to_string();
        assert!(error.contains("did you mean `address`?"), "{error}");
    }

    #[test]
    fn a_grant_with_an_unknown_key_is_refused() {
        let grant = "[[plugins]]\npath = \"p\"\n[plugins.grant]\nhtpp = []\n";
        let error = load(&format!("{LEAST}{grant}")).unwrap_err().to_string();
        assert!(error.contains("unknown key `htpp`: did you mean `http`?"), "{error}");
        let both = "[[registries]]\nhost = \"r\"\nusername = \"u\"\nplugin = \"p\"\n";
        let error = load(&format!("{LEAST}{both}")).unwrap_err().to_string();
        assert!(error.contains("either `username` and `password-file`, or `plugin`"), "{error}");
    }

    #[test]
    fn several_clusters_have_names_and_no_two_the_same() {
        let cluster =
            |name: &str| format!("[[clusters]]\nname = \"{name}\"\nkubeconfig = \"{name}\"\n");
        let config = load(&format!("{LEAST}{}{}", cluster("eu"), cluster("us"))).unwrap();
        assert_eq!(config.targets().all.len(), 2);
        assert_eq!(load(LEAST).unwrap().clusters()[0].name, "default");
        for (text, words) in [
            (cluster("eu") + &cluster("eu"), "clusters[1].name: `eu` is said twice"),
            (
                cluster("eu")
                    + &cluster("us").replace("kubeconfig = \"us\"", "kubeconfig = \"eu\""),
                "clusters[1].kubeconfig: is that of `eu`",
            ),
            (cluster("EU"), "clusters[0].name: `EU` must start with a letter a-z"),
            (cluster("eu") + "[cluster]\n", "cannot stand beside `clusters`"),
            ("[cluster]\nname = \"eu\"\n".into(), "the only cluster is called `default`"),
        ] {
            let error = load(&format!("{LEAST}{text}")).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_wrong_word_is_told_with_those_that_there_are() {
        let error = load(&format!("cluster-order = \"both\"\n{LEAST}")).unwrap_err().to_string();
        let words = "unknown variant `both`, expected `sequential` or `parallel`";
        assert!(error.contains(words) && error.contains("cluster-order"), "{error}");
        let error = load(&format!("{LEAST}[cluster]\npod-security = \"strict\"\n"));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("`strict`, expected one of `privileged`, `baseline`"), "{error}");
    }

    #[test]
    fn a_token_never_travels_in_clear() {
        let error = load(&format!("{LEAST}[listen]\ntcp = \"0.0.0.0:1\"\n")).unwrap_err();
        assert!(error.to_string().contains("needs `certificate`"), "{error}");
        load(&format!("{LEAST}[listen]\ntcp = \"127.0.0.1:1\"\n")).unwrap();
    }
}
