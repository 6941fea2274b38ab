//! Where everything is: folders, addresses, names. The same for all users of a bed.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The host's address on the bed's bridge: what BuildKit and the node call the registries.
pub const HOST: &str = "10.200.0.1";
/// The cluster's services.
pub const SERVICES: &str = "10.96.0.0/16";
/// The bridge.
pub const BRIDGE: &str = "wlbed0";
/// The token of the private git server and the password of the private registry; the user is
/// `bed`. A known value in a test bed that nobody outside this machine reaches.
pub const PASSWORD: &str = "bed-only-password";

/// Ports, all above what Debian's own services take.
pub mod port {
    /// The open registry.
    pub const REGISTRY: u16 = 21050;
    /// The registry with htpasswd.
    pub const PRIVATE_REGISTRY: u16 = 21051;
    /// The API server.
    pub const API: u16 = 21643;
    /// etcd.
    pub const ETCD: u16 = 21379;
    /// Git over HTTP.
    pub const GIT_HTTP: u16 = 21080;
    /// Git's own protocol.
    pub const GIT: u16 = 21418;
    /// The gateway: requests.
    pub const GATEWAY: u16 = 21090;
    /// The gateway: its own pages.
    pub const GATEWAY_ADMIN: u16 = 21091;
    /// BuildKit over TCP.
    pub const BUILDKIT: u16 = 21234;
}

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

/// What was there already and is used instead of a part of our own.
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
    /// Whether cluster, builder and registry all are the user's: the bed then needs no root and starts
    /// git servers alone.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.kubeconfig.is_some() && self.buildkit.is_some() && self.registry.is_some()
    }
}

impl Layout {
    /// The bed with parts of its own, which tests and demo share.
    #[must_use]
    pub fn main() -> Self {
        Self::named("main", port::GIT_HTTP, port::GIT)
    }

    /// The bed beside a cluster, a builder and a registry of the user's: git servers alone.
    #[must_use]
    pub fn own() -> Self {
        Self::named("own", port::GIT_HTTP + 1000, port::GIT + 1000)
    }

    /// The bed that uses these parts.
    #[must_use]
    pub fn of(existing: &Existing) -> Self {
        if existing.is_whole() { Self::own() } else { Self::main() }
    }

    /// Whether it is [`Self::own`].
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.root.ends_with("own")
    }

    fn named(name: &str, git_http: u16, git: u16) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the bed is no part of the daemon")]
        let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
        let cache = home.join(".cache/windlass");
        Self { root: cache.join("beds").join(name), cache, git_http, git }
    }

    /// A folder or file of the bed.
    #[must_use]
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A program that the bed built.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.cache.join("bin").join(name)
    }

    /// The admin's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.at("kube/admin.kubeconfig")
    }

    /// BuildKit's socket.
    #[must_use]
    pub fn buildkit(&self) -> String {
        format!("unix://{}", self.at("buildkit.sock").display())
    }

    /// The open registry, as images name it.
    #[must_use]
    pub fn registry(&self) -> String {
        format!("{HOST}:{}", port::REGISTRY)
    }

    /// The registry with a login.
    #[must_use]
    pub fn private_registry(&self) -> String {
        format!("{HOST}:{}", port::PRIVATE_REGISTRY)
    }

    /// Where bare repositories are.
    #[must_use]
    pub fn repositories(&self) -> PathBuf {
        self.at("git")
    }

    /// A repository's URL, open to all.
    #[must_use]
    pub fn git_url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/open/{name}.git", self.git_http)
    }

    /// The same repository behind a token.
    #[must_use]
    pub fn private_git_url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/private/{name}.git", self.git_http)
    }

    /// The same repository over git's own protocol.
    #[must_use]
    pub fn git_protocol_url(&self, name: &str) -> String {
        format!("git://127.0.0.1:{}/{name}.git", self.git)
    }
}
