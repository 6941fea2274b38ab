//! The registry does not have the image (kubernetes 1).

use super::{Diagnosis, of_rollout, rollout};
use crate::{rollout::Problem, run::Failure};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let parts = rollout(failure, Problem::ImageNotFound)?;
    let (_, release, _) = parts;
    let what = format!("the registry has no image {}", release.image.by_digest());
    let fixes = vec!["check that the registry was not emptied since the push; submit the commit again to push anew".into(), "for a rollback: choose a release whose image is still kept".into()];
    Some(of_rollout("image-not-found", parts, what, fixes))
}
