//! Rollouts that fail in ways that have no file of their own yet.

use super::{Diagnosis, of_rollout, rollout};
use crate::{rollout::Problem, run::Failure};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let find = |problem| rollout(failure, problem);
    if let Some(parts) = find(Problem::PullFailed) {
        let what = format!("the node cannot pull {}", parts.1.image.by_digest());
        let fix = "check that the nodes reach the registry, trust its certificate, and have room";
        return Some(of_rollout("pull-failed", parts, what, vec![fix.into()]));
    }
    if let Some(parts) = find(Problem::RootRefused) {
        let what = "the kubelet refuses to run the image as its user".into();
        let fix = "end the Dockerfile with a numeric `USER`, such as `USER 10001`";
        return Some(of_rollout("user-refused", parts, what, vec![fix.into()]));
    }
    if let Some(parts) = find(Problem::PodsRefused) {
        let what = "the cluster refuses to make the pods".into();
        let fix = "change what the message names, or ask the cluster's owner";
        return Some(of_rollout("pods-refused", parts, what, vec![fix.into()]));
    }
    let parts = find(Problem::Stalled)?;
    let what = "the new version did not become ready in time".into();
    let fixes = vec![
        format!("the app must answer on 0.0.0.0:{}, for all probes", parts.1.runtime.port),
        "look at the warnings and log lines above".into(),
    ];
    Some(of_rollout("not-ready-in-time", parts, what, fixes))
}
