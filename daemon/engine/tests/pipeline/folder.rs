//! Tests of plans of folders: they decide as a job does, and ask no repository and no cluster.

use crate::{
    app,
    world::{Fault, Files, World},
};
use windlass_engine::pipeline::{plan_folder, refused_upload};
use windlass_model::{error::GitError, spec::Spec};

#[tokio::test(start_paused = true)]
async fn a_folder_is_planned_without_a_cluster() {
    let world = World::new().with(Fault::Unreachable);
    let (spec, files) = (Spec::default(), Files::default());
    let plan = plan_folder(&app(), &spec, &files, &world.ports()).await.unwrap();
    assert!(plan.dockerfile.contains("found by `go`"), "{}", plan.dockerfile);
    assert!(plan.manifests.is_empty() && plan.changes.is_empty());
    assert!(world.past().is_empty(), "nothing is recorded");
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_nobody_plans_fails_with_the_reasons_of_all() {
    let world = World::new().with(Fault::DetectorRefuses("go"));
    let world = world.with(Fault::DetectorRefuses("other"));
    let (spec, files) = (Spec::default(), Files::default());
    let diagnosis = plan_folder(&app(), &spec, &files, &world.ports()).await.unwrap_err();
    for reason in ["nothing to start for go", "nothing to start for other"] {
        assert!(diagnosis.why.contains(reason), "{diagnosis}");
    }
}

#[test]
fn a_folder_that_cannot_be_opened_is_no_commit() {
    let message = "there are no files here".into();
    let diagnosis = refused_upload(GitError::Tree { path: "apps/web".into(), message });
    assert!(!diagnosis.fixes.join("\n").contains("commit"), "{diagnosis}");
}
