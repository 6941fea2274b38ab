//! `windlass cluster` on the command line.

use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

const PUT: &str = "Examples:
  windlass cluster put shop us --kubeconfig ./us.kubeconfig
  windlass cluster put shop us --kubeconfig - --environment production   # from standard input
  kubectl config view --raw --minify --flatten | windlass cluster put shop us --kubeconfig -

Jobs of an environment that has clusters of the project's own go there, and not to the operator's, unless they name
others by --cluster. Put it again to rotate: the next job uses the new version.

Exit code 2: the cluster does not answer, or the account lacks rights. The answer has the Role to apply.";

const TEST: &str = "Exit code 1: the account lacks rights. The Roles to apply are printed.";

#[derive(Subcommand)]
pub(crate) enum Cluster {
    /// Store a cluster of the project's own, or a new version of one. The cluster is asked for its version and for the
    /// rights of the kubeconfig's account first.
    #[command(after_long_help = PUT)]
    Put {
        /// Project of the cluster.
        project: String,
        /// Name by which jobs choose the cluster. No cluster of the operator has it.
        name: String,
        /// File of the kubeconfig; `-` reads standard input. It has credentials in itself: a token, or a certificate and
        /// a key, and names no program and no file.
        #[arg(long, value_name = "FILE")]
        kubeconfig: PathBuf,
        /// An environment that is deployed there; may be repeated. Default: all.
        #[arg(long, value_name = "NAME")]
        environment: Vec<String>,
        /// Pod Security Standard of the namespaces that Windlass makes there.
        #[arg(long, value_enum, default_value_t = Level::Baseline)]
        pod_security: Level,
        /// Store it though the cluster does not answer or lacks rights.
        #[arg(long)]
        no_check: bool,
    },
    /// List the clusters of a project's own.
    List {
        /// Project of the clusters.
        project: String,
    },
    /// List the versions of one cluster, the newest first: who put or removed it, and when. At most 100.
    History {
        /// Project of the cluster.
        project: String,
        /// Name of the cluster.
        name: String,
    },
    /// Ask a stored cluster for its version, and for the rights of the kubeconfig's account. Changes nothing.
    #[command(after_long_help = TEST)]
    Test {
        /// Project of the cluster.
        project: String,
        /// Name of the cluster.
        name: String,
    },
    /// Remove a cluster of the project's own. What serves there goes on to serve, and is out of reach. Jobs that wait or
    /// run there are named.
    Remove {
        /// Project of the cluster.
        project: String,
        /// Name of the cluster.
        name: String,
    },
}

/// A level of Kubernetes' Pod Security Standards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// No rule.
    Privileged,
    /// No pod reaches its node.
    Baseline,
    /// Pods are hardened too: no root, no capabilities.
    Restricted,
    /// Namespaces get no label. Somebody else decides.
    Off,
}

impl Level {
    /// Returns the word of the API.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
            Self::Off => "off",
        }
    }
}
