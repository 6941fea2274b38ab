//! Killed for memory (kubernetes 17).

use super::{Diagnosis, of_rollout, rollout};
use crate::{rollout::Problem, run::Failure};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let parts = rollout(failure, Problem::OutOfMemory)?;
    let (_, release, _) = parts;
    let limit = &release.runtime.resources.memory_limit;
    let what = format!("the app used more than its memory limit of {limit} and was killed");
    let fixes = vec![format!("raise `resources.memory-limit` above {limit}"), "or make the app use less: cap its runtime's heap below the limit, such as NODE_OPTIONS=--max-old-space-size".into()];
    Some(of_rollout("out-of-memory", parts, what, fixes))
}
