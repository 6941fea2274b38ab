//! Folders, addresses and names, the same for all users of a bed.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Address of the host on the bed's bridge, at which BuildKit and the node reach the registries.
pub const HOST: &str = "10.200.0.1";
/// Addresses of the cluster's Services (`--service-cluster-ip-range`).
pub const SERVICES: &str = "10.96.0.0/16";
/// Name of the bridge.
pub const BRIDGE: &str = "wlbed0";
/// Token of the private git server, and password of the private registry. The user is `bed`. The value is public,
/// since nobody outside of this machine reaches the bed.
pub const PASSWORD: &str = "bed-only-password";

/// Ports, all above what Debian's own services take.
pub mod port {
    /// The open registry.
    pub const REGISTRY: u16 = 21050;
    /// The registry with htpasswd.
    pub const PRIVATE_REGISTRY: u16 = 21051;
    /// The registry of `cargo soak`, which is stopped and started.
    pub const SOAK_REGISTRY: u16 = 21052;
    /// The API server.
    pub const API: u16 = 21643;
    /// Etcd, for clients.
    pub const ETCD: u16 = 21379;
    /// Git over HTTP.
    pub const GIT_HTTP: u16 = 21080;
    /// Git's own protocol.
    pub const GIT: u16 = 21418;
    /// The gateway, for requests.
    pub const GATEWAY: u16 = 21090;
    /// The gateway's own pages.
    pub const GATEWAY_ADMIN: u16 = 21091;
    /// The forge.
    pub const GITEA: u16 = 21030;
    /// The forge of the demo, which may be up beside that of the tests.
    pub const DEMO_FORGE: u16 = 21031;
    /// The page of the demo's daemon.
    pub const PAGE: u16 = 21070;
    /// Webhooks for the demo's daemon.
    pub const HOOKS: u16 = 21071;
    /// The message broker of one test; its other parts have the two ports after it.
    pub const AMQP: u16 = 21670;
    /// That of another test.
    pub const AMQP_DEAD: u16 = 21674;
    /// That of a test that kills it.
    pub const AMQP_KILLED: u16 = 21678;
    /// That of a test that replays dead messages.
    pub const AMQP_REPLAY: u16 = 21682;
    /// Prometheus.
    pub const PROMETHEUS: u16 = 21093;
    /// Metrics of the daemon that Prometheus reads.
    pub const METRICS: u16 = 21094;
    /// The Prometheus that reads the gateway.
    pub const GATEWAY_PROMETHEUS: u16 = 21096;
    /// The Prometheus that reads pods in the demo.
    pub const PODS_PROMETHEUS: u16 = 21097;
    /// A test's own collector of traces.
    pub const COLLECTOR: u16 = 21095;
    /// The database of a test.
    pub const POSTGRES: u16 = 21432;
    /// The database of a test of locks.
    pub const POSTGRES_LOCKS: u16 = 21433;
    /// The database of a test of contractions.
    pub const POSTGRES_CONTRACT: u16 = 21434;
    /// BuildKit over TCP.
    pub const BUILDKIT: u16 = 21234;
}

/// Distance of the ports of [`Layout::own`] from those of [`Layout::main`].
const OWN: u16 = 1000;

/// One bed's folders.
#[derive(Clone, Debug)]
pub struct Layout {
    /// `~/.cache/windlass/beds/<name>`.
    pub root: PathBuf,
    /// `~/.cache/windlass`.
    pub cache: PathBuf,
    /// Port of git over HTTP.
    pub git_http: u16,
    /// Port of git's own protocol.
    pub git: u16,
}

/// Parts of the user's that a bed uses instead of its own. `None` means the bed's own part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Existing {
    /// A kubeconfig file.
    pub kubeconfig: Option<PathBuf>,
    /// A BuildKit address: `unix:///…`, `tcp://…`, or `docker://` for a Docker engine's.
    pub buildkit: Option<String>,
    /// A registry that needs no login: `host:port`.
    pub registry: Option<String>,
}

impl std::fmt::Display for Existing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kubeconfig = self.kubeconfig.as_ref().map(|file| file.display().to_string());
        let given = [
            ("--kubeconfig", kubeconfig),
            ("--buildkit", self.buildkit.clone()),
            ("--registry", self.registry.clone()),
        ];
        let given =
            given.into_iter().filter_map(|(flag, value)| Some(format!("{flag} {}", value?)));
        let given: Vec<_> = given.collect();
        if given.is_empty() { f.write_str("its own parts") } else { f.write_str(&given.join(" ")) }
    }
}

impl Existing {
    /// Returns whether cluster, builder and registry are all the user's. Such a bed needs no root, and starts git
    /// servers alone.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.kubeconfig.is_some() && self.buildkit.is_some() && self.registry.is_some()
    }
}

impl Layout {
    /// Returns the bed with parts of its own, which tests and demo share.
    #[must_use]
    pub fn main() -> Self {
        Self::named("main", port::GIT_HTTP, port::GIT)
    }

    /// Returns the bed beside a cluster, a builder and a registry of the user's: git servers alone.
    #[must_use]
    pub fn own() -> Self {
        Self::named("own", port::GIT_HTTP + OWN, port::GIT + OWN)
    }

    /// Returns the bed that uses these parts.
    #[must_use]
    pub fn of(existing: &Existing) -> Self {
        if existing.is_whole() { Self::own() } else { Self::main() }
    }

    /// Returns whether this layout is [`Self::own`].
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.root.ends_with("own")
    }

    /// Returns the port of a part that each bed has for itself, by its port in [`Self::main`].
    #[must_use]
    pub fn port(&self, of_main: u16) -> u16 {
        if self.is_own() { of_main + OWN } else { of_main }
    }

    fn named(name: &str, git_http: u16, git: u16) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the bed is no part of the daemon")]
        let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
        let cache = home.join(".cache/windlass");
        Self { root: cache.join("beds").join(name), cache, git_http, git }
    }

    /// Returns the path of a folder or file of the bed.
    #[must_use]
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Returns the path of a program that the bed built.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.cache.join("bin").join(name)
    }

    /// Returns the path of the admin's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.at("kube/admin.kubeconfig")
    }

    /// Returns the address of BuildKit's socket.
    #[must_use]
    pub fn buildkit(&self) -> String {
        format!("unix://{}", self.at("buildkit.sock").display())
    }

    /// Returns the open registry, as images name it.
    #[must_use]
    pub fn registry(&self) -> String {
        format!("{HOST}:{}", port::REGISTRY)
    }

    /// Returns the registry that requires a login.
    #[must_use]
    pub fn private_registry(&self) -> String {
        format!("{HOST}:{}", port::PRIVATE_REGISTRY)
    }

    /// Returns the registry of `cargo soak`, which only that command starts.
    #[must_use]
    pub fn soak_registry(&self) -> String {
        format!("{HOST}:{}", port::SOAK_REGISTRY)
    }

    /// Returns the folder of the bare repositories.
    #[must_use]
    pub fn repositories(&self) -> PathBuf {
        self.at("git")
    }

    /// Returns a repository's URL that is open to all.
    #[must_use]
    pub fn git_url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/open/{name}.git", self.git_http)
    }

    /// Returns a repository's URL at a server that speaks no version 2 of git's protocol.
    #[must_use]
    pub fn old_git_url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/old/{name}.git", self.git_http)
    }

    /// Returns a repository's URL that requires a token.
    #[must_use]
    pub fn private_git_url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/private/{name}.git", self.git_http)
    }

    /// Returns a repository's URL in git's own protocol.
    #[must_use]
    pub fn git_protocol_url(&self, name: &str) -> String {
        format!("git://127.0.0.1:{}/{name}.git", self.git)
    }
}
