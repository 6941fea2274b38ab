//! A ConfigMap or Secret that a pod names is not there (kubernetes 10).

use super::{Diagnosis, of_rollout, rollout};
use crate::{rollout::Problem, run::Failure};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let parts = rollout(failure, Problem::ConfigMissing)?;
    let (_, release, _) = parts;
    let what = format!("a pod of {} needs an object that is not there", release.app);
    let fixes = vec![
        "somebody deleted it after it was applied: submit or roll back again, which puts it back"
            .into(),
    ];
    Some(of_rollout("config-missing", parts, what, fixes))
}
