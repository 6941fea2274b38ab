//! Errors of the ports. Each variant keeps the facts that a diagnosis reads.

use crate::{
    cluster::NoCluster,
    redact::{LARGEST_SUM, Redactor},
};
use thiserror::Error;

/// The reason why a commit cannot be fetched.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum GitError {
    /// The host does not answer. This may pass.
    #[error("cannot reach {repository}: {message}")]
    Unreachable {
        repository: String,
        /// Error of the network.
        message: String,
    },
    /// The server wants other credentials, or hides the repository.
    #[error("{repository} refused the credentials: {message}")]
    Denied {
        repository: String,
        /// Answer of the server.
        message: String,
        /// Name of the secret that was used. `None` means that no login was sent.
        credential: Option<String>,
    },
    /// The server has no such repository.
    #[error("there is no repository at {repository}")]
    NoRepository { repository: String },
    /// The repository lacks the commit.
    #[error("{repository} has no commit {commit}: {message}")]
    NoCommit {
        repository: String,
        commit: String,
        /// The way in which the commit was searched.
        message: String,
    },
    /// The repository has no ref of this name.
    #[error("`source.revision`: {repository} has no branch or tag `{revision}`: {message}")]
    NoRevision {
        repository: String,
        revision: String,
        /// Names that the repository has.
        message: String,
    },
    /// A branch and a tag of the repository have this name, and lead to different commits.
    #[error("`source.revision`: `{revision}` is a branch and a tag of {repository}: {message}")]
    AmbiguousRevision {
        repository: String,
        revision: String,
        /// Both full names with their commits.
        message: String,
    },
    /// The repository's address has a form that is refused.
    #[error("`{url}` {message}")]
    Address {
        /// The address, without a login.
        url: String,
        /// The fault of the address, and what to do.
        message: String,
    },
    /// The operator's egress policy forbids it.
    #[error("{url} is not allowed: {message}")]
    Egress {
        url: String,
        /// The rule that forbids it.
        message: String,
    },
    /// The tree holds something that it must not, or lacks something that it must hold.
    #[error("{path}: {message}")]
    Tree {
        /// Path within the tree.
        path: String,
        /// The fault of the file.
        message: String,
    },
    /// Files of the app are Git LFS pointers.
    #[error("{count} of the app's files are Git LFS pointers, and LFS is not in this version: {}{}", files.join(", "), if files.len() < *count { " …" } else { "" })]
    Pointers {
        /// Paths of the files. Of many, the first.
        files: Vec<String>,
        /// Number of all such files.
        count: usize,
    },
    /// A submodule cannot be fetched.
    #[error("submodule `{path}`{}: {message}", if url.is_empty() { String::new() } else { format!(" of {url}") })]
    Submodule {
        /// Folder of the submodule, from the repository's root.
        path: String,
        /// URL of the submodule. Empty means that it is not known.
        url: String,
        /// The reason.
        message: String,
    },
    /// The workspace's disk is full, or the tree exceeds its limit.
    #[error("the workspace takes no more: {message}")]
    Full {
        /// Error of the system.
        message: String,
    },
    /// The daemon's machine lacks something, such as descriptors or memory. This may pass.
    #[error("{message}")]
    Local {
        /// The deed that failed, and the error of the system.
        message: String,
    },
    /// Anything else.
    #[error("{message}")]
    Other { message: String },
}

impl GitError {
    /// Returns the same with each secret as `***`, and with nothing that a terminal obeys: a server may repeat
    /// what it was sent, and write what it likes.
    #[must_use]
    pub fn masked(mut self, redactor: &Redactor) -> Self {
        match &mut self {
            Self::Unreachable { message, .. }
            | Self::Denied { message, .. }
            | Self::NoCommit { message, .. }
            | Self::NoRevision { message, .. }
            | Self::AmbiguousRevision { message, .. }
            | Self::Address { message, .. }
            | Self::Egress { message, .. }
            | Self::Tree { message, .. }
            | Self::Submodule { message, .. }
            | Self::Full { message }
            | Self::Local { message }
            | Self::Other { message } => *message = redactor.shown(message),
            Self::NoRepository { .. } | Self::Pointers { .. } => {}
        }
        self
    }
}

/// The reason why an image cannot be built or pushed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BuildError {
    /// The builder does not answer, or ended. This may pass.
    #[error("the builder at {address} does not answer: {message}")]
    Unreachable {
        /// Address of the builder.
        address: String,
        /// Error of the network.
        message: String,
    },
    /// The Dockerfile cannot be read.
    #[error("{file}:{line}: {message}")]
    Dockerfile {
        /// Name of the Dockerfile.
        file: String,
        /// Line number, from 1. 0 means that it is not known.
        line: u32,
        /// Text of the line.
        source_line: String,
        /// The fault of the line.
        message: String,
    },
    /// A step failed.
    #[error("{file}:{line}: `{source_line}` exited with {exit}")]
    Step {
        /// Name of the Dockerfile.
        file: String,
        /// Line number, from 1.
        line: u32,
        /// Text of the line.
        source_line: String,
        /// Exit code of the step's command.
        exit: u32,
        /// Last lines that the step printed.
        tail: Vec<String>,
    },
    /// A base image is not there.
    #[error("there is no image {image}: {message}")]
    NoBaseImage {
        /// Reference in the Dockerfile.
        image: String,
        /// Answer of the registry.
        message: String,
    },
    /// The build asks for something that the operator allows to nobody, or not to this project.
    #[error("{at}: {message}")]
    Forbidden {
        /// Place of the request: `Dockerfile:1`.
        at: String,
        /// The request, the rule that forbids it, and what to do.
        message: String,
    },
    /// A registry wants a login, or another one.
    #[error("the registry {host} refused the login: {message}")]
    Denied {
        /// Host of the registry.
        host: String,
        /// Answer of the registry.
        message: String,
    },
    /// A registry does not answer the builder, or answers that it cannot serve now. This may pass.
    #[error("the registry {host} does not answer the builder: {message}")]
    Registry {
        /// Host of the registry.
        host: String,
        /// Error of the network, or answer of the registry.
        message: String,
        /// The project brought the registry.
        is_own: bool,
    },
    /// There is no login at a registry.
    #[error("no login at {host}: {error}")]
    Login {
        /// Host of the registry.
        host: String,
        error: LoginError,
    },
    /// The builder's disk is full.
    #[error("the builder's disk is full: {message}")]
    Full {
        /// Error of the builder.
        message: String,
    },
    /// Any other error of the builder.
    #[error("{message}")]
    Other { message: String },
}

/// The reason why a cluster that answers cannot take a request yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotYet {
    /// The namespace is being deleted: `Terminating`. It can be made again once it is deleted.
    Terminating,
    /// An admission webhook does not answer the API server.
    Webhook,
}

/// The reason why a cluster did not do what it was asked for.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ClusterError {
    /// The API server does not answer, or answers that it cannot serve yet. This may pass.
    #[error("the cluster does not answer: {message}")]
    Unreachable { message: String },
    /// The API server answers, and something in the cluster keeps it from the request. This may pass.
    #[error("the cluster does not answer: {message}")]
    NotYet { why: NotYet, message: String },
    /// The daemon's credentials or the server's certificate are not accepted, or the server is no
    /// Kubernetes. This passes once somebody replaces them.
    #[error("the cluster and this daemon do not trust each other: {message}")]
    NotTrusted { message: String },
    /// This daemon's account lacks a right.
    #[error("the cluster forbids it: {message}")]
    Forbidden {
        /// The request and its object.
        object: String,
        /// Answer of the API server. It names verb, kind and namespace.
        message: String,
    },
    /// The API server, or a webhook in it, refused an object.
    #[error("the cluster refused {object}: {message}")]
    Rejected {
        /// Kind and name of the object.
        object: String,
        /// Answer of the API server.
        message: String,
    },
    /// The API server, or a webhook in it, refused to delete objects that a release no longer has. No request comes to them,
    /// and all others are deleted.
    #[error("the cluster does not delete {object}: {message}")]
    NotDeleted {
        /// Kinds and names of the objects.
        object: String,
        /// Answer of the API server on the first one.
        message: String,
    },
    /// The object, or one of its fields, has another owner.
    #[error("{object} belongs to somebody else: {message}")]
    Conflict {
        /// Kind and name of the object.
        object: String,
        /// Fields and their owners.
        message: String,
    },
    /// The daemon's configuration names no such cluster any more.
    #[error("the daemon has no cluster `{name}`; its configuration has: {}", known.join(", "))]
    Unknown {
        /// Name that the release has.
        name: String,
        /// Names in the configuration.
        known: Vec<String>,
    },
    /// A cluster of a project's own is gone, or has the name of one of the operator's.
    #[error(transparent)]
    NoCluster(#[from] NoCluster),
    /// The cluster does not know this kind of object.
    #[error("the cluster does not know {object}: {message}")]
    NoKind {
        /// Kind and API version of the object.
        object: String,
        /// Kinds that discovery lists instead.
        message: String,
    },
    /// A secret that the release needs cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// There is no login at the registry that nodes pull from.
    #[error("no login at {host}: {error}")]
    Login {
        /// Host of the registry.
        host: String,
        error: LoginError,
    },
}

impl ClusterError {
    /// Returns the error for nodes that get no login at a host. A store that cannot be read is no verdict on the login.
    #[must_use]
    pub fn login(host: &str, error: LoginError) -> Self {
        match error {
            LoginError::Unavailable { message } => SecretError::Unavailable { message }.into(),
            error => Self::Login { host: host.to_owned(), error },
        }
    }
}

/// The reason why there is no login at a registry.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LoginError {
    /// The operator's login, of a plugin or of a file, cannot be obtained.
    #[error(transparent)]
    Operator(Box<PluginError>),
    /// The registry is the project's own: its login is not there or is refused, or the operator does not allow it.
    #[error(transparent)]
    Own(Box<PluginError>),
    /// The store cannot be read now. This is no verdict on the login, and none on a job.
    #[error("the store of registries cannot be read: {message}")]
    Unavailable { message: String },
}

impl From<PluginError> for LoginError {
    fn from(error: PluginError) -> Self {
        Self::Operator(Box::new(error))
    }
}

/// The reason why a secret cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SecretError {
    /// The project has no such secret.
    #[error("project {project} has no secret `{name}`{}", version.map(|v| format!(" of version {v}")).unwrap_or_default())]
    Missing {
        project: String,
        name: String,
        /// `None` means any version.
        version: Option<u32>,
    },
    /// The seal of the secret does not open.
    #[error("secret `{name}` of project {project} does not open: {message}")]
    Sealed { project: String, name: String, message: String },
    /// All secrets of a job, or of a project that is looked at, together are too large to be masked.
    #[error(
        "the {count} secrets of {app} have {bytes} bytes together; at most {} can be masked",
        LARGEST_SUM
    )]
    TooLarge {
        /// The app: `project/app/environment`; or the words `project` and its name.
        app: String,
        /// Number of different values.
        count: usize,
        bytes: usize,
    },
    /// The store cannot be read now. This is no verdict on the secret, and none on a job.
    #[error("the store of secrets cannot be read: {message}")]
    Unavailable { message: String },
}

/// The reason why a metric could not be measured.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MetricsError {
    /// The operator named no Prometheus for the cluster.
    #[error("no Prometheus is configured for the cluster `{cluster}`")]
    NotConfigured { cluster: String },
    /// Prometheus does not answer. This may pass.
    #[error("the Prometheus at {address} does not answer: {message}")]
    Unreachable {
        /// Address of the operator's configuration.
        address: String,
        /// Error of the network.
        message: String,
    },
    /// Prometheus answers, and the answer has no single value.
    #[error("Prometheus refused the expression: {message}")]
    Refused {
        /// Answer of Prometheus.
        message: String,
    },
}

/// The reason why a plugin gave no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}{message}", origin(.plugin, .call))]
pub struct PluginError {
    /// Name of the plugin. Empty means that the daemon itself answers for it, such as for a login from a file.
    pub plugin: String,
    /// The exported function.
    pub call: String,
    /// The failure. It names limit and value if a limit was reached.
    pub message: String,
    /// Remedy that the plugin suggests. `None` means that it suggests none.
    pub hint: Option<String>,
}

fn origin(plugin: &str, call: &str) -> String {
    if plugin.is_empty() { String::new() } else { format!("plugin `{plugin}`, call `{call}`: ") }
}
