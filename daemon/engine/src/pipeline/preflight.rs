//! Looks at the clusters before anything is built.

use super::build::{reference, release};
use super::detect::Found;
use crate::{
    deploy::Deploy,
    failure::{Cause, Failure},
    ports::ImageConfig,
};
use windlass_model::{
    error::ClusterError,
    event::Event,
    job::{Commit, Image, Stage},
};

impl Deploy<'_> {
    /// Checks that each cluster knows the kinds of the release's objects and lets the daemon make them.
    /// A cluster that does not answer now may answer when the image is there: that is a warning.
    pub(super) async fn preflight(&self, commit: &Commit, found: &Found) -> Result<(), Failure> {
        let image = Image {
            reference: reference(&self.ports.registry, &self.job.app, commit),
            digest: format!("sha256:{}", "0".repeat(64)),
            bytes: None,
        };
        let config = ImageConfig::default();
        let env = found.env.clone();
        let release =
            release(&self.job.id, &self.job.app, commit, &found.decision, env, &config, image);
        for release in release.at(&self.job.clusters.names).each() {
            match self.ports.preview.check(&release).await {
                Err(
                    error @ (ClusterError::NoKind { .. }
                    | ClusterError::Forbidden { .. }
                    | ClusterError::NotTrusted { .. }
                    | ClusterError::Rejected { .. }
                    | ClusterError::Unknown { .. }),
                ) => {
                    let cause = Cause::applying(error, &release);
                    return Err(Failure { at: Stage::Release, cause });
                }
                Err(error @ ClusterError::Unreachable { .. }) => {
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
