//! Health of a release, judged by one snapshot.

use crate::{
    judge::{Judge, Verdict},
    problem::Finding,
    report::report,
    snapshot::Snapshot,
};
use std::time::Duration;
use windlass_model::{diagnosis::Diagnosis, job::Release, redact::Redactor};

/// Time that a symptom is taken to have lasted. A rollout gives symptoms time to pass; one snapshot does not
/// show since when they last.
const LONG: Duration = Duration::from_secs(3600);

/// Health of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// All pods, routes and services that the release wants are there.
    Healthy,
    /// Some pods are not ready. The diagnosis is what is wrong, should it last: one snapshot does not show
    /// since when. `None` means that no symptom is shown.
    Progressing(Option<Box<Diagnosis>>),
    /// The cluster shows another release.
    OutOfSync,
    /// The cluster shows a known problem.
    Degraded(Box<Diagnosis>),
}

impl Health {
    /// Masks what a diagnosis quotes: a container's termination message may hold a secret.
    #[must_use]
    pub fn masked(self, redactor: &Redactor) -> Self {
        let mut mask = |text: String| redactor.shown(&text);
        match self {
            Self::Degraded(diagnosis) => Self::Degraded(Box::new(diagnosis.map_text(&mut mask))),
            Self::Progressing(Some(diagnosis)) => {
                Self::Progressing(Some(Box::new(diagnosis.map_text(&mut mask))))
            }
            kept @ (Self::Healthy | Self::Progressing(None) | Self::OutOfSync) => kept,
        }
    }
}

/// Judges what a cluster shows of a release that was rolled out before.
#[must_use]
pub fn health(snapshot: &Snapshot, release: &Release) -> Health {
    if snapshot.workloads.is_empty() {
        return Health::Healthy;
    }
    if !snapshot.is_of(&release.id) {
        return Health::OutOfSync;
    }
    let mut judge = Judge::default();
    let now = judge.judge(snapshot, release, Duration::ZERO);
    let diagnose = |finding: &Finding| Box::new(report(finding, release, Vec::new()));
    match (now, judge.judge(snapshot, release, LONG)) {
        (Verdict::Failed(finding), _) => Health::Degraded(diagnose(&finding)),
        (_, Verdict::Failed(finding)) => Health::Progressing(Some(diagnose(&finding))),
        (_, Verdict::Healthy(_)) => Health::Healthy,
        (_, Verdict::Progressing) => Health::Progressing(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Container, Pod, Terminated, Warning, Workload};
    use windlass_model::{samples::release, secret::Secret};

    fn snapshot(revision: &str, ready: u32, containers: Vec<Container>) -> Snapshot {
        let workload = Workload {
            kind: "Deployment".into(),
            name: "web".into(),
            process: "web".into(),
            revision: revision.into(),
            observed: true,
            wanted: 2,
            total: 2,
            updated: 2,
            ready,
            available: ready,
            is_complete: true,
            ..Workload::default()
        };
        let pod = Pod { name: "web-1".into(), process: "web".into(), containers, ..Pod::default() };
        Snapshot { workloads: vec![workload], pods: vec![pod], ..Snapshot::default() }
    }

    #[test]
    fn one_snapshot_distinguishes_well_from_ill() {
        let crash = Container {
            restarts: 3,
            waiting: Some(("CrashLoopBackOff".into(), "back-off".into())),
            last: Some(Terminated {
                reason: "Error".into(),
                exit: 3,
                message: "no database".into(),
                ..Terminated::default()
            }),
            ..Container::default()
        };
        let of = |snapshot: Snapshot| health(&snapshot, &release());
        assert_eq!(of(snapshot("0197", 2, vec![])), Health::Healthy);
        assert_eq!(of(snapshot("0197", 1, vec![])), Health::Progressing(None));
        assert_eq!(of(snapshot("0200", 1, vec![])), Health::OutOfSync);
        let secret = Secret::new(b"no database".into());
        match of(snapshot("0197", 1, vec![crash])).masked(&Redactor::new([&secret])) {
            Health::Degraded(diagnosis) => {
                assert_eq!((&*diagnosis.code, &*diagnosis.why), ("app-crashes", "***"));
            }
            other => panic!("{other:?}"),
        }
        // A pod that started a second ago is refused too, and is not ill for that.
        let mut starting = snapshot("0197", 1, vec![Container::default()]);
        starting.warnings = vec![Warning {
            pod: "web-1".into(),
            reason: "Unhealthy".into(),
            message: "Readiness probe failed: dial tcp 10.1.1.7:8080: connect: connection refused"
                .into(),
            count: 1,
        }];
        match of(starting) {
            Health::Progressing(Some(diagnosis)) => assert_eq!(diagnosis.code, "not-listening"),
            other => panic!("{other:?}"),
        }
    }
}
