//! Plan of a folder: the decisions for files that no repository has yet. No cluster is asked.

use super::{
    detect::decide,
    dry_run::{DryRun, at, masked, text_of, unrecorded},
};
use crate::{
    diagnose::diagnose,
    failure::{Cause, Failure},
    ports::{Ports, Tree},
};
use windlass_model::{
    app::App,
    diagnosis::Diagnosis,
    error::GitError,
    job::{Commit, Stage},
    spec::Spec,
};

/// Decides how a folder is built. Manifests, changes, strategies and steps are empty.
///
/// # Errors
/// The diagnosis that a job of these files would end with, as far as it shows before the build.
pub async fn plan_folder(
    app: &App,
    spec: &Spec,
    tree: &dyn Tree,
    ports: &Ports,
) -> Result<DryRun, Box<Diagnosis>> {
    let run = unrecorded();
    let commit = Commit {
        repository: String::new(),
        id: "0".repeat(40),
        branch: String::new(),
        directory: String::new(),
        credential: None,
        revision: String::new(),
    };
    let planned = async {
        let decision = decide(app, spec, &commit, tree, ports, run.recorder()).await?;
        let dockerfile = text_of(&decision.dockerfile, tree)?;
        Ok::<_, Cause>(DryRun {
            decision,
            dockerfile,
            manifests: Vec::new(),
            changes: Vec::new(),
            strategies: Vec::new(),
            steps: Vec::new(),
            rollback: Vec::new(),
        })
    };
    planned.await.map_err(at(Stage::Detect)).map_err(|failure| masked(&failure, &run))
}

/// Returns the diagnosis of a folder that cannot be kept or opened.
#[must_use]
pub fn refused_upload(error: GitError) -> Box<Diagnosis> {
    let is_of_files = matches!(error, GitError::Tree { .. });
    let mut diagnosis = diagnose(&Failure { at: Stage::Clone, cause: error.into() });
    if is_of_files {
        // Nothing was committed.
        diagnosis.fixes = vec!["change it in the folder, and plan again".into()];
    }
    Box::new(diagnosis)
}
