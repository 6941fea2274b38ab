//! The node is not allowed to pull (kubernetes 2).

use super::{Diagnosis, of_rollout, rollout};
use crate::{rollout::Problem, run::Failure};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let parts = rollout(failure, Problem::PullUnauthorized)?;
    let (_, release, _) = parts;
    let what = format!("the cluster may not pull {}", release.image.by_digest());
    let fixes = vec!["set `username` and `password` for this host under `[[registries]]` in the daemon's configuration: the pull secret is made from it".into(), "or give the nodes a credential of their own for this registry".into()];
    Some(of_rollout("pull-unauthorized", parts, what, fixes))
}
