//! Places for images that a project brings itself.

use crate::{dry_run::planned, failed, job, live, run, world::World};
use windlass_engine::journal::JournalLost;
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
    assert_eq!((diagnosis.stage, &*diagnosis.code), (Stage::Detect, "own-registry-failed"));
    assert_eq!((&*diagnosis.subject, &*diagnosis.fixes[0]), ("own.example", "ask the operator"));
    assert!(diagnosis.why.contains("does not allow"), "{diagnosis:?}");
    assert!(world.registry.pushed().is_empty());
    assert_eq!(world.serves().as_deref(), Some("old"));
    let Err(planned) = planned(&world, &job()).await else { panic!("a plan") };
    assert_eq!(planned.code, "own-registry-failed");
}

/// A store that is away for a moment is no verdict: the job goes on where it stood.
#[tokio::test(start_paused = true)]
async fn a_store_of_registries_that_cannot_be_read_ends_the_run_and_not_the_job() {
    let world = World::new().running("old");
    world.registry.cannot_be_read();
    let lost = live(&world, &job()).await.unwrap_err();
    assert!(matches!(lost, JournalLost::Unavailable(_)), "{lost}");
    assert!(world.registry.pushed().is_empty());
    let Err(planned) = planned(&world, &job()).await else { panic!("a plan") };
    assert_eq!(planned.what, "the daemon's store cannot be read now");
    world.registry.brings(Ok("own.example/acme"));
    let ended = live(&world, &job()).await.unwrap();
    assert!(matches!(ended, Outcome::Succeeded(_)), "{ended:?}");
    assert_eq!(world.serves().as_deref(), Some("new"));
}
