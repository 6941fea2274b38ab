//! The releases that serve after one that did not succeed.

use super::section::short;
use crate::show::{app, place};
use windlass_proto::v1;

/// Returns a line for each release that serves after a job that failed or was stopped. Empty means that nobody knows: the
/// job had no plan yet, or its rollback failed too.
pub(crate) fn serves(planned: Option<&v1::Planned>, ended: &v1::Ended) -> Vec<String> {
    let is_stuck =
        ended.diagnosis.as_ref().is_some_and(|diagnosis| diagnosis.code == "way-back-failed");
    let Some(planned) = planned.filter(|_| !is_stuck) else { return Vec::new() };
    // A removal has no rollback at all.
    if planned.previous.is_empty() && !planned.rollback.is_empty() {
        return vec!["nothing: no release served before, and this one has no pods now".into()];
    }
    planned.previous.iter().map(line).collect()
}

fn line(release: &v1::Release) -> String {
    let (commit, place) = (short(&release.commit), place(&release.clusters));
    let name = app(release.app.as_ref());
    format!("{name} at {commit}{place}, all requests  (release {})", release.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: &str) -> v1::Ended {
        let diagnosis = v1::Diagnosis { code: code.into(), ..v1::Diagnosis::default() };
        v1::Ended { diagnosis: Some(diagnosis), ..v1::Ended::default() }
    }

    #[test]
    fn it_is_what_the_rollback_leads_to() {
        let release = |id: &str, cluster: &str| v1::Release {
            id: id.into(),
            commit: "0a1b2c3d4e5f6071".into(),
            clusters: vec![cluster.into()],
            ..v1::Release::default()
        };
        let planned = v1::Planned {
            rollback: vec!["apply".into()],
            previous: vec![release("one", "eu"), release("two", "us")],
            ..v1::Planned::default()
        };
        let lines = serves(Some(&planned), &ended("app-crashes"));
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with(" at 0a1b2c3d4e in eu, all requests  (release one)"));
        let first = v1::Planned { previous: Vec::new(), ..planned.clone() };
        let lines = serves(Some(&first), &ended("app-crashes"));
        assert!(lines.len() == 1 && lines[0].starts_with("nothing: "), "{lines:?}");
        let removal = v1::Planned { rollback: Vec::new(), ..first };
        assert!(serves(Some(&removal), &ended("removal-failed")).is_empty());
    }

    #[test]
    fn nobody_knows_before_a_plan_and_after_a_rollback_that_failed() {
        let planned = v1::Planned { rollback: vec!["apply".into()], ..v1::Planned::default() };
        assert!(serves(Some(&planned), &ended("way-back-failed")).is_empty());
        assert!(serves(None, &ended("build-failed")).is_empty());
    }
}
