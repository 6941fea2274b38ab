//! Commands of `bed`, one file each.

pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod env;
pub(crate) mod logs;
pub(crate) mod page;
pub(crate) mod status;
pub(crate) mod suite;
pub(crate) mod up;

use clap::Args;
use std::path::PathBuf;
use windlass_bed::layout::Existing;

/// Parts of the user's own. With all three nothing of Kubernetes or BuildKit is compiled, and no root is
/// needed.
#[derive(Args)]
pub(crate) struct Own {
    /// Use this cluster instead of one of our own.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Use this BuildKit: unix:///PATH, tcp://HOST:PORT, or docker:// for the Docker engine's.
    #[arg(long, value_name = "ADDRESS")]
    buildkit: Option<String>,
    /// Use this registry, without a login: `registry.example.com:5000/try`. Builder and nodes must reach it.
    #[arg(long, value_name = "HOST")]
    registry: Option<String>,
}

impl From<Own> for Existing {
    fn from(own: Own) -> Self {
        // The demo prints it for use in another folder, too.
        let kubeconfig = own.kubeconfig.map(|file| std::path::absolute(&file).unwrap_or(file));
        Self { kubeconfig, buildkit: own.buildkit, registry: own.registry }
    }
}
