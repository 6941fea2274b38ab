//! The app never answered its startup probe (kubernetes 23).

use super::{Diagnosis, of_rollout, rollout};
use crate::{rollout::Problem, run::Failure};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let parts = rollout(failure, Problem::StartupProbe)?;
    let (_, release, _) = parts;
    let probe = match &release.runtime.health {
        Some(path) => format!("GET {path} on port {}", release.runtime.port),
        None => format!("on TCP port {}", release.runtime.port),
    };
    let what = format!("the app did not answer {probe} in time after its start");
    let fixes = vec![format!("listen on 0.0.0.0:$PORT (PORT is {}), not on localhost and not on another port", release.runtime.port), "if the app serves another path or none, set `health` to what it serves, or leave it out for a TCP probe".into()];
    Some(of_rollout("startup-probe-failed", parts, what, fixes))
}
