//! No node has room (kubernetes 28).

use super::{Diagnosis, of_rollout, rollout};
use crate::{rollout::Problem, run::Failure};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let parts = rollout(failure, Problem::Unschedulable)?;
    let (_, release, _) = parts;
    let asks = &release.runtime.resources;
    let what = format!(
        "no node has room for a pod that asks for {} CPU and {} memory",
        asks.cpu, asks.memory
    );
    let fixes = vec![
        "lower `resources.cpu` and `resources.memory`, or `replicas`".into(),
        "or add nodes".into(),
    ];
    Some(of_rollout("no-room-on-nodes", parts, what, fixes))
}
