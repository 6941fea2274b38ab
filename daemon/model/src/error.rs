//! Errors of the ports. Each variant keeps what a diagnosis reads.

use crate::redact::Redactor;
use thiserror::Error;

/// Why a commit cannot be had.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum GitError {
    /// The host does not answer: may pass.
    #[error("cannot reach {repository}: {message}")]
    Unreachable {
        /// The repository's URL.
        repository: String,
        /// What the network said.
        message: String,
    },
    /// The server wants other credentials, or hides the repository.
    #[error("{repository} refused the credentials: {message}")]
    Denied {
        /// The repository's URL.
        repository: String,
        /// What the server said.
        message: String,
        /// The secret that was used.
        credential: Option<String>,
    },
    /// No such repository.
    #[error("there is no repository at {repository}")]
    NoRepository {
        /// The repository's URL.
        repository: String,
    },
    /// The repository lacks the commit.
    #[error("{repository} has no commit {commit}: {message}")]
    NoCommit {
        /// The repository's URL.
        repository: String,
        /// What was looked for.
        commit: String,
        /// How it was looked for.
        message: String,
    },
    /// The repository has no ref of this name.
    #[error("`source.revision`: {repository} has no branch or tag `{revision}`: {message}")]
    NoRevision {
        /// The repository's URL.
        repository: String,
        /// What was looked for.
        revision: String,
        /// Names that it has.
        message: String,
    },
    /// A branch and a tag of the repository have this name, and lead to different commits.
    #[error("`source.revision`: `{revision}` is a branch and a tag of {repository}: {message}")]
    AmbiguousRevision {
        /// The repository's URL.
        repository: String,
        /// What was looked for.
        revision: String,
        /// Both full names, and where they lead.
        message: String,
    },
    /// The repository's address has a form that is refused.
    #[error("`{url}` {message}")]
    Address {
        /// The address, without a login.
        url: String,
        /// What is wrong, and what to do.
        message: String,
    },
    /// The operator's egress policy says no.
    #[error("{url} is not allowed: {message}")]
    Egress {
        /// What was asked for.
        url: String,
        /// Which rule.
        message: String,
    },
    /// The tree holds something that it must not, or lacks something that it must hold.
    #[error("{path}: {message}")]
    Tree {
        /// Within the tree.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// Files of the app are Git LFS pointers.
    #[error("{count} of the app's files are Git LFS pointers, and LFS is not in this version: {}{}", files.join(", "), if files.len() < *count { " …" } else { "" })]
    Pointers {
        /// By path; of many, the first.
        files: Vec<String>,
        /// How many there are.
        count: usize,
    },
    /// A submodule cannot be had.
    #[error("submodule `{path}`{}: {message}", if url.is_empty() { String::new() } else { format!(" of {url}") })]
    Submodule {
        /// Its folder, from the repository's root.
        path: String,
        /// Where it would come from. Empty where nothing says so.
        url: String,
        /// Why not.
        message: String,
    },
    /// The workspace's disk is full, or the tree is over its limit.
    #[error("the workspace takes no more: {message}")]
    Full {
        /// What the system said.
        message: String,
    },
    /// Anything else.
    #[error("{message}")]
    Other {
        /// What happened.
        message: String,
    },
}

impl GitError {
    /// Returns the same with each secret as `***`: a server may repeat what it was sent.
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
            | Self::Other { message } => *message = redactor.mask(message),
            Self::NoRepository { .. } | Self::Pointers { .. } => {}
        }
        self
    }
}

/// Why an image cannot be had.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BuildError {
    /// The builder does not answer, or went away: may pass.
    #[error("the builder at {address} does not answer: {message}")]
    Unreachable {
        /// Its address.
        address: String,
        /// What the network said.
        message: String,
    },
    /// The Dockerfile cannot be read.
    #[error("{file}:{line}: {message}")]
    Dockerfile {
        /// Its name.
        file: String,
        /// Where, from 1; 0 where nobody knows.
        line: u32,
        /// That line.
        source_line: String,
        /// What is wrong.
        message: String,
    },
    /// A step failed.
    #[error("{file}:{line}: `{source_line}` exited with {exit}")]
    Step {
        /// The Dockerfile's name.
        file: String,
        /// Where, from 1.
        line: u32,
        /// That line.
        source_line: String,
        /// The command's exit code.
        exit: u32,
        /// Its last lines.
        tail: Vec<String>,
    },
    /// A base image is not there.
    #[error("there is no image {image}: {message}")]
    NoBaseImage {
        /// As the Dockerfile names it.
        image: String,
        /// What the registry said.
        message: String,
    },
    /// A registry wants a login, or another one.
    #[error("the registry {host} refused the login: {message}")]
    Denied {
        /// Which registry.
        host: String,
        /// What it said.
        message: String,
    },
    /// A plugin could not log in at a registry.
    #[error("no login at {host}: {error}")]
    Login {
        /// Which registry.
        host: String,
        /// Why.
        error: PluginError,
    },
    /// The builder's disk is full.
    #[error("the builder's disk is full: {message}")]
    Full {
        /// What it said.
        message: String,
    },
    /// Anything else that the builder says.
    #[error("{message}")]
    Other {
        /// What it said.
        message: String,
    },
}

/// Why the cluster did not do it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ClusterError {
    /// The API server does not answer, or says that it will: may pass.
    #[error("the cluster does not answer: {message}")]
    Unreachable {
        /// What was said.
        message: String,
    },
    /// Our credentials or its certificate are not believed, or it is no Kubernetes: passes once
    /// somebody replaces them.
    #[error("the cluster and this daemon do not trust each other: {message}")]
    NotTrusted {
        /// What was said.
        message: String,
    },
    /// This daemon's account lacks a right.
    #[error("the cluster forbids it: {message}")]
    Forbidden {
        /// What was being done, and to what.
        object: String,
        /// Names verb, kind and namespace.
        message: String,
    },
    /// The API server, or a webhook in it, refused an object.
    #[error("the cluster refused {object}: {message}")]
    Rejected {
        /// Kind and name.
        object: String,
        /// What it said.
        message: String,
    },
    /// Somebody else's object, or somebody else's field.
    #[error("{object} belongs to somebody else: {message}")]
    Conflict {
        /// Kind and name.
        object: String,
        /// Fields and owners.
        message: String,
    },
    /// The daemon's configuration names no such cluster any more.
    #[error("the daemon has no cluster `{name}`; its configuration has: {}", known.join(", "))]
    Unknown {
        /// What the release names.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The cluster does not know this kind of object.
    #[error("the cluster does not know {object}: {message}")]
    NoKind {
        /// Kind and API version.
        object: String,
        /// What discovery lists instead.
        message: String,
    },
    /// A secret that the release needs.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A plugin could not log in at the registry that nodes pull from.
    #[error("no login at {host}: {error}")]
    Login {
        /// Which registry.
        host: String,
        /// Why.
        error: PluginError,
    },
}

/// Why a secret cannot be had.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SecretError {
    /// Nobody put it.
    #[error("project {project} has no secret `{name}`{}", version.map(|v| format!(" of version {v}")).unwrap_or_default())]
    Missing {
        /// Whose.
        project: String,
        /// Its name.
        name: String,
        /// None: any version.
        version: Option<u32>,
    },
    /// Its seal does not open.
    #[error("secret `{name}` of project {project} does not open: {message}")]
    Sealed {
        /// Whose.
        project: String,
        /// Its name.
        name: String,
        /// Why.
        message: String,
    },
}

/// Why a plugin gave no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("plugin `{plugin}`, call `{call}`: {message}")]
pub struct PluginError {
    /// Its name.
    pub plugin: String,
    /// The exported function.
    pub call: String,
    /// What happened; names limit and value where one was reached.
    pub message: String,
    /// What the plugin itself suggests.
    pub hint: Option<String>,
}
