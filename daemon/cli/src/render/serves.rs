//! The releases that serve after one that did not succeed.

use super::section::short;
use crate::show::{app, place};
use windlass_proto::v1::{self, event::What};

/// Releases that serve if a job does not succeed, by its events.
#[derive(Debug, Default)]
pub(crate) struct Serves {
    /// The plan of the release. `None` means that there is none yet.
    planned: Option<v1::Planned>,
    rollback: Rollback,
}

/// State of a job's rollback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rollback {
    /// Nothing is rolled back: the operator's hook may want what failed left as it is, or another daemon works on the app.
    #[default]
    None,
    /// No step of the rollback has begun.
    Begun,
    /// The steps of the rollback are taken.
    Taken,
    /// A warning came in place of its first step: another daemon works on the app, or worked on it meanwhile.
    Refused,
}

impl Serves {
    /// Takes an event of the job.
    pub(crate) fn take(&mut self, what: &What) {
        match what {
            What::Planned(it) => self.planned = Some(it.clone()),
            What::RollingBack(_) => self.rollback = Rollback::Begun,
            What::Step(step) if step.rollback => self.rollback = Rollback::Taken,
            What::Warning(_) if self.rollback == Rollback::Begun => {
                self.rollback = Rollback::Refused;
            }
            _ => {}
        }
    }

    fn is_rolled_back(&self) -> bool {
        matches!(self.rollback, Rollback::Begun | Rollback::Taken)
    }

    /// Returns a line for each release that serves after a job that failed or was stopped. Empty means that nobody knows:
    /// the job had no plan yet, nothing was rolled back, or the rollback failed too.
    pub(crate) fn lines(&self, ended: &v1::Ended) -> Vec<String> {
        let is_stuck =
            ended.diagnosis.as_ref().is_some_and(|diagnosis| diagnosis.code == "way-back-failed");
        let is_back = self.is_rolled_back() && !is_stuck;
        let Some(planned) = self.planned.as_ref().filter(|_| is_back) else { return Vec::new() };
        // A removal has no rollback at all.
        if planned.previous.is_empty() && !planned.rollback.is_empty() {
            return vec!["nothing, as far as the journal knows".into()];
        }
        planned.previous.iter().map(line).collect()
    }
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
        let rolled_back = |planned: &v1::Planned| {
            let mut serves = Serves::default();
            serves.take(&What::Planned(planned.clone()));
            serves.take(&What::RollingBack(v1::Ended::default()));
            serves
        };
        let lines = rolled_back(&planned).lines(&ended("app-crashes"));
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with(" at 0a1b2c3d4e in eu, all requests  (release one)"));
        let first = v1::Planned { previous: Vec::new(), ..planned.clone() };
        let lines = rolled_back(&first).lines(&ended("app-crashes"));
        assert!(lines.len() == 1 && lines[0].starts_with("nothing, "), "{lines:?}");
        let removal = v1::Planned { rollback: Vec::new(), ..first };
        assert!(rolled_back(&removal).lines(&ended("removal-failed")).is_empty());
        assert!(rolled_back(&planned).lines(&ended("way-back-failed")).is_empty());
        assert!(Serves::default().lines(&ended("build-failed")).is_empty(), "it has no plan");
    }

    /// A hook of the operator's may leave what failed as it is, and a run that was overtaken touches nothing more.
    #[test]
    fn nobody_knows_where_nothing_is_rolled_back() {
        let planned = v1::Planned {
            rollback: vec!["apply".into()],
            previous: vec![v1::Release::default()],
            ..v1::Planned::default()
        };
        let mut serves = Serves::default();
        serves.take(&What::Planned(planned));
        let step = |rollback| What::Step(v1::Step { rollback, ..v1::Step::default() });
        serves.take(&step(false));
        assert!(serves.lines(&ended("hook-failed")).is_empty());
        serves.take(&What::RollingBack(v1::Ended::default()));
        assert_eq!(serves.lines(&ended("app-crashes")).len(), 1);
        // The lease was lost before the first step of the rollback.
        let warning = What::Warning(v1::Warning::default());
        serves.take(&warning);
        assert!(serves.lines(&ended("app-crashes")).is_empty());
        // It was a wait for the lease. Later warnings are of what is restored.
        serves.take(&step(true));
        serves.take(&warning);
        assert_eq!(serves.lines(&ended("app-crashes")).len(), 1);
    }
}
