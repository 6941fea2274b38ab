//! Places for images that a project brings itself.

use crate::{dry_run::planned, failed, job, run, world::World};
use windlass_model::{job::Stage, outcome::Outcome};

#[tokio::test(start_paused = true)]
async fn images_go_to_the_place_that_the_project_brings() {
    for (own, reference) in
        [(None, "r/shop/web:abc"), (Some("own.example/acme"), "own.example/acme/web:abc")]
    {
        let world = World::new().running("old");
        if let Some(own) = own {
            world.registry.brings(Ok(own));
        }
        let Outcome::Succeeded(release) = run(&world, &job()).await else { panic!("{own:?}") };
        assert_eq!(release.image.reference, reference);
        assert_eq!(world.registry.pushed().into_keys().collect::<Vec<_>>(), [reference]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_not_allowed_is_reported_before_anything_is_built() {
    let world = World::new().running("old");
    world.registry.brings(Err("the operator does not allow `own.example`"));
    let diagnosis = failed(run(&world, &job()).await);
    assert_eq!((diagnosis.stage, &*diagnosis.code), (Stage::Detect, "registry-login-failed"));
    assert_eq!((&*diagnosis.subject, &*diagnosis.fixes[0]), ("own.example", "ask the operator"));
    assert!(diagnosis.why.contains("does not allow"), "{diagnosis:?}");
    assert!(world.registry.pushed().is_empty());
    assert_eq!(world.serves().as_deref(), Some("old"));
    let Err(planned) = planned(&world, &job()).await else { panic!("a plan") };
    assert_eq!(planned.code, "registry-login-failed");
}
