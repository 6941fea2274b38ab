//! Checks the clusters before anything is built.

use super::{
    build::{Placeholders, provisional_release},
    detect::Detection,
    metrics, wall,
};
use crate::{
    deploy::Deploy,
    failure::{Cause, Failure},
};
use windlass_model::{
    error::ClusterError,
    event::Event,
    exposure::check_preview,
    job::{Commit, Stage},
};

impl Deploy<'_> {
    /// Checks that the release stays within its project, that its metrics can be measured, and that each cluster knows the
    /// kinds of the release's objects and lets the daemon make them. A cluster that does not answer now may answer when the image is there: that is a warning.
    pub(super) async fn preflight(
        &self,
        commit: &Commit,
        detection: &Detection,
    ) -> Result<(), Failure> {
        let digest = format!("sha256:{}", "0".repeat(64));
        let (id, place) = (&*self.job.id, &*detection.place);
        let placeholders = Placeholders { id, place, digest: &digest, user: None };
        let env = detection.env.clone();
        let app = &self.job.app;
        let release = provisional_release(&placeholders, app, commit, &detection.decision, env);
        let release = release.at(&self.job.clusters.names);
        let checked = wall::check(&release, self.ports).await;
        checked.map_err(|cause| Failure { at: Stage::Detect, cause })?;
        if let Some(preview) = &self.job.preview {
            let checked = check_preview(&release, preview.host.as_deref());
            checked.map_err(|error| Failure { at: Stage::Detect, cause: error.into() })?;
        }
        let measurable = metrics::check(&release, self.ports);
        measurable.map_err(|cause| Failure { at: Stage::Release, cause })?;
        for release in release.each() {
            match self.ports.reader.check(&release).await {
                Err(
                    error @ (ClusterError::NoKind { .. }
                    | ClusterError::Forbidden { .. }
                    | ClusterError::NotTrusted { .. }
                    | ClusterError::Rejected { .. }
                    | ClusterError::Conflict { .. }
                    | ClusterError::Unknown { .. }
                    | ClusterError::NoCluster(_)),
                ) => {
                    let cause = Cause::applying(error, &release);
                    return Err(Failure { at: Stage::Release, cause });
                }
                Err(error @ (ClusterError::Unreachable { .. } | ClusterError::NotYet { .. })) => {
                    let message =
                        format!("{error}{}; the image is built all the same", release.place());
                    let fix = "see that the API server runs, or cancel the job".into();
                    let warning = Event::Warning { stage: Stage::Release, message, fix };
                    let recorded = self.run.record(warning).await;
                    recorded.map_err(|lost| Failure { at: Stage::Release, cause: lost.into() })?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
