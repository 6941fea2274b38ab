//! A ConfigMap or Secret lacks a key (kubernetes 11).

use super::{Diagnosis, of_rollout, rollout};
use crate::{rollout::Problem, run::Failure};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let parts = rollout(failure, Problem::KeyMissing)?;
    let (_, release, _) = parts;
    let what = format!("a pod of {} needs a key that its object lacks", release.app);
    let fixes = vec!["somebody changed the object after it was applied: submit or roll back again, which puts it back".into()];
    Some(of_rollout("config-key-missing", parts, what, fixes))
}
