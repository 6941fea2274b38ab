//! How a release is now, in one look.

use crate::{
    judge::{Judge, Verdict},
    problem::Finding,
    report::report,
    snapshot::Snapshot,
};
use std::time::Duration;
use windlass_model::{diagnosis::Diagnosis, job::Release, redact::Redactor};

/// A rollout gives signs time to pass; what is looked at once may have shown them for long, or not.
const LONG: Duration = Duration::from_secs(3600);

/// How a release is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// All that it wants is there.
    Healthy,
    /// Some pods are not ready; with what is wrong, should it last: one look does not tell since when.
    Progressing(Option<Box<Diagnosis>>),
    /// The cluster shows another release.
    OutOfSync,
    /// Something known is wrong.
    Degraded(Box<Diagnosis>),
}

impl Health {
    /// Masks what a diagnosis quotes: a container's last words may hold a secret.
    #[must_use]
    pub fn masked(self, redactor: &Redactor) -> Self {
        let mut mask = |text: String| redactor.mask(&text);
        match self {
            Self::Degraded(diagnosis) => Self::Degraded(Box::new(diagnosis.map_text(&mut mask))),
            Self::Progressing(Some(diagnosis)) => {
                Self::Progressing(Some(Box::new(diagnosis.map_text(&mut mask))))
            }
            kept @ (Self::Healthy | Self::Progressing(None) | Self::OutOfSync) => kept,
        }
    }
}

/// Judges what a cluster shows of a release that was brought out before.
#[must_use]
pub fn health(seen: &Snapshot, release: &Release) -> Health {
    if seen.workloads.is_empty() {
        return Health::Healthy;
    }
    if !seen.is_of(&release.id) {
        return Health::OutOfSync;
    }
    let mut judge = Judge::default();
    let now = judge.judge(seen, release, Duration::ZERO);
    let words = |finding: &Finding| Box::new(report(finding, release, Vec::new()));
    match (now, judge.judge(seen, release, LONG)) {
        (Verdict::Failed(finding), _) => Health::Degraded(words(&finding)),
        (_, Verdict::Failed(finding)) => Health::Progressing(Some(words(&finding))),
        (_, Verdict::Healthy(_)) => Health::Healthy,
        (_, Verdict::Progressing) => Health::Progressing(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Container, Pod, Terminated, Warning, Workload};
    use windlass_model::{samples::release, secret::Secret};

    fn seen(revision: &str, ready: u32, containers: Vec<Container>) -> Snapshot {
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
    fn one_look_tells_well_from_ill() {
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
        let of = |seen: Snapshot| health(&seen, &release());
        assert_eq!(of(seen("0197", 2, vec![])), Health::Healthy);
        assert_eq!(of(seen("0197", 1, vec![])), Health::Progressing(None));
        assert_eq!(of(seen("0200", 1, vec![])), Health::OutOfSync);
        let secret = Secret::new(b"no database".into());
        match of(seen("0197", 1, vec![crash])).masked(&Redactor::new([&secret])) {
            Health::Degraded(diagnosis) => {
                assert_eq!((&*diagnosis.code, &*diagnosis.why), ("app-crashes", "***"));
            }
            other => panic!("{other:?}"),
        }
        // A pod that started a second ago is refused as well, and is not ill for that.
        let mut starting = seen("0197", 1, vec![Container::default()]);
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
