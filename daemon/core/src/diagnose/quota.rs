//! A quota refuses the pods (kubernetes 38).

use super::{Diagnosis, of_rollout, rollout};
use crate::{rollout::Problem, run::Failure};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let parts = rollout(failure, Problem::Quota)?;
    let (_, release, _) = parts;
    let what = format!("the quota of namespace {} refuses new pods", release.app.namespace());
    let fixes = vec![
        "raise the ResourceQuota that is named above, or lower `replicas` or `resources`".into(),
        "a rolling update needs room for one pod more than `replicas`".into(),
    ];
    Some(of_rollout("quota-exceeded", parts, what, fixes))
}
