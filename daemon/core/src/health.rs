//! How a release is now, in one look.

use crate::{
    diagnose::{Diagnosis, in_words},
    job::Release,
    rollout::{Judge, Verdict},
    snapshot::Snapshot,
};
use std::time::Duration;

/// A rollout gives signs time to pass; what is looked at once may have shown them for long.
const LONG: Duration = Duration::from_secs(3600);

/// How a release is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// All that it wants is there.
    Well,
    /// Some pods are not ready, and nothing known is wrong.
    Coming,
    /// The cluster shows another release.
    Other,
    /// Something known is wrong.
    Ill(Box<Diagnosis>),
}

/// Judges what a cluster shows of a release that was brought out before.
#[must_use]
pub fn health(seen: &Snapshot, release: &Release) -> Health {
    if seen.workloads.is_empty() {
        return Health::Well;
    }
    if !seen.is_of(&release.id) {
        return Health::Other;
    }
    let mut judge = Judge::default();
    let _ = judge.judge(seen, release, Duration::ZERO);
    match judge.judge(seen, release, LONG) {
        Verdict::Healthy(_) => Health::Well,
        Verdict::Progressing => Health::Coming,
        Verdict::Failed(finding) => Health::Ill(Box::new(in_words(&finding, release, Vec::new()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::App,
        cluster::Clusters,
        job::Image,
        runtime::Runtime,
        snapshot::{Container, Pod, Terminated, Workload},
        spec::web,
    };

    fn release() -> Release {
        Release {
            id: "0197".into(),
            app: App::new("shop", "web", "").unwrap(),
            clusters: Clusters::default().names,
            commit: "c0ffee".into(),
            image: Image { reference: "r/x:1".into(), digest: "sha256:1".into(), bytes: None },
            runtime: Runtime { processes: vec![web(8080, None)], ..Runtime::default() },
            hooks: Default::default(),
        }
    }

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
            }),
            ..Container::default()
        };
        let of = |seen: Snapshot| health(&seen, &release());
        assert_eq!(of(seen("0197", 2, vec![])), Health::Well);
        assert_eq!(of(seen("0197", 1, vec![])), Health::Coming);
        assert_eq!(of(seen("0200", 1, vec![])), Health::Other);
        match of(seen("0197", 1, vec![crash])) {
            Health::Ill(diagnosis) => assert_eq!(diagnosis.code, "app-crashes"),
            other => panic!("{other:?}"),
        }
    }
}
