//! Contractions of a daemon in memory.

use super::*;
use crate::{
    fakes::{World, app, caller, release, submit},
    rollback::RollbackRequest,
};
use windlass_model::{
    event::Event,
    job::Stage,
    outcome::Contracted,
    runtime::{Migrate, MigrationPhase, StrategyKind},
};

/// Returns a release with a contraction after so many seconds.
fn with_contract(id: &str, digest: &str, clusters: &[&str], seconds: u32) -> Release {
    let mut release = release(id, digest, clusters);
    release.runtime.migrate = Some(Migrate {
        contract: vec!["drop".into()],
        contract_after_seconds: seconds,
        ..Migrate::default()
    });
    release
}

fn request(request_id: &str, clusters: &[&str]) -> ContractRequest {
    ContractRequest {
        request_id: request_id.into(),
        body: request_id.into(),
        app: app("shop"),
        clusters: clusters.iter().map(ToString::to_string).collect(),
    }
}

fn stopped(why: Stop) -> Event {
    Event::Ended(Outcome::Stopped { at: Stage::Release, why })
}

fn migrated(release: &Release, cluster: &str) -> Event {
    Event::Migrated {
        cluster: cluster.into(),
        release: release.id.clone(),
        digest: release.image.digest.clone(),
        phase: MigrationPhase::Contract,
        key: "k".into(),
        at_ms: 7,
    }
}

/// Ends the job that waits as one that contracted a release's data.
async fn contracts(world: &World, release: &Release) {
    let id = world.accepted().await[0].job.id.clone();
    for cluster in &release.clusters {
        world.append(&id, migrated(release, cluster)).await;
    }
    let Release { id: of, app, clusters, .. } = release.clone();
    let done = Outcome::Contracted(Contracted { release: of, app, clusters });
    world.append(&id, Event::Ended(done)).await;
}

#[tokio::test]
async fn somebody_is_asked_once_the_release_has_served_for_its_time() {
    let world = World::new();
    let app = app("shop");
    world.released(with_contract("job-1", "one", &["eu", "us"], 3600)).await;
    let before = now_ms();
    let next = world.services.contract_due(&app).await.unwrap().unwrap();
    assert!(next > before + 3_500_000 && next <= now_ms() + 3_600_000, "{next}");
    assert!(world.accepted().await.is_empty());
    let over = with_contract("job-2", "two", &["eu", "us"], 0);
    world.released(over.clone()).await;
    assert!(world.services.contract_due(&app).await.unwrap().is_some());
    let job = world.accepted().await[0].job.clone();
    assert_eq!((&*job.principal, &*job.gates), (PRINCIPAL, &[Gate::Release][..]));
    assert_eq!(
        (job.source, job.clusters.names),
        (Source::Contract(Box::new(over)), vec!["eu".into(), "us".into()])
    );
    // It is asked once.
    assert!(world.services.contract_due(&app).await.unwrap().is_some());
    assert_eq!(world.accepted().await.len(), 1);
}

#[tokio::test]
async fn nobody_is_asked_for_what_is_contracted_or_has_nothing_to_contract() {
    let world = World::new();
    let app = app("shop");
    assert_eq!(world.services.contract_due(&app).await.unwrap(), None);
    let serving = with_contract("job-1", "one", &["eu"], 0);
    world.released(serving.clone()).await;
    world.services.contract_due(&app).await.unwrap();
    contracts(&world, &serving).await;
    assert_eq!(world.services.contract_due(&app).await.unwrap(), None);
    // The same image serves again.
    world.released(with_contract("job-2", "one", &["eu"], 0)).await;
    assert_eq!(world.services.contract_due(&app).await.unwrap(), None);
    world.released(release("job-3", "plain", &["eu"])).await;
    assert_eq!(world.services.contract_due(&app).await.unwrap(), None);
    assert!(world.accepted().await.is_empty());
}

/// A newer job that does not succeed leaves the release as it is, and so its contraction.
#[tokio::test]
async fn somebody_is_asked_again_only_where_a_newer_job_ended_the_question() {
    let decided = [
        stopped(Stop::Rejected { by: "ann".into(), note: String::new() }),
        stopped(Stop::Cancelled { by: "ann".into() }),
        stopped(Stop::NotApproved { seconds: 60 }),
        Event::Ended(Outcome::Failed(Box::default())),
    ];
    for end in decided {
        let world = World::new();
        let app = app("shop");
        world.released(with_contract("job-1", "one", &["eu"], 0)).await;
        for again in 0..3 {
            assert!(world.services.contract_due(&app).await.unwrap().is_some(), "{again}");
            let id = world.accepted().await[0].job.id.clone();
            world.append(&id, stopped(Stop::Superseded { by: "job-9".into() })).await;
        }
        world.services.contract_due(&app).await.unwrap();
        let id = world.accepted().await[0].job.id.clone();
        world.append(&id, end.clone()).await;
        assert_eq!(world.services.contract_due(&app).await.unwrap(), None, "{end:?}");
        assert!(world.accepted().await.is_empty());
        // Whoever wants it all the same asks.
        let ci = caller("ci", &["shop"], &[Verb::Deploy]);
        world.services.contract(&ci, request("all-the-same", &[])).await.unwrap();
    }
}

/// Each cluster has data of its own.
#[tokio::test]
async fn releases_that_differ_by_cluster_are_asked_about_one_after_the_other() {
    let world = World::new();
    let app = app("shop");
    let older = with_contract("job-1", "one", &["eu", "us"], 0);
    world.released(older.clone()).await;
    let newer = with_contract("job-2", "two", &["us"], 3600);
    world.released(newer).await;
    // The newer release has its own time, and the older one does not wait for that.
    world.services.contract_due(&app).await.unwrap();
    let waits = world.accepted().await[0].job.clone();
    let expected = older.at(&["eu".into()]);
    assert_eq!(
        (waits.source, waits.clusters.names),
        (Source::Contract(Box::new(expected)), vec!["eu".to_owned()])
    );
    let rejected = Stop::Rejected { by: "ann".into(), note: String::new() };
    world.append(&waits.id, stopped(rejected)).await;
    let next = world.services.contract_due(&app).await.unwrap().unwrap();
    assert!(next > now_ms() + 3_500_000, "{next}");
    assert!(world.accepted().await.is_empty());
    // Both times are over, and somebody decided about the older one.
    world.released(with_contract("job-3", "three", &["us"], 0)).await;
    world.services.contract_due(&app).await.unwrap();
    assert_eq!(world.accepted().await[0].job.clusters.names, ["us"]);
}

/// The data of each cluster is a question of its own.
#[tokio::test]
async fn a_decision_on_one_release_keeps_nobody_from_the_one_in_another_cluster() {
    let world = World::new();
    let app = app("shop");
    world.released(with_contract("job-1", "one", &["eu", "us"], 0)).await;
    world.released(with_contract("job-2", "two", &["us"], 0)).await;
    world.services.contract_due(&app).await.unwrap();
    let first = world.accepted().await[0].job.clone();
    assert_eq!(first.clusters.names, ["us"]);
    let why = Stop::Rejected { by: "ann".into(), note: String::new() };
    world.append(&first.id, stopped(why)).await;
    assert!(world.services.contract_due(&app).await.unwrap().is_some());
    let all = world.accepted().await;
    let [second] = &*all else { panic!("{all:?}") };
    let Source::Contract(release) = &second.job.source else { panic!("{second:?}") };
    assert_eq!((&*release.id, &*second.job.clusters.names), ("job-1", &["eu".to_owned()][..]));
}

/// The job would keep them as long as it waits, and they would run while the data is contracted.
#[tokio::test]
async fn nobody_is_asked_while_pods_of_the_version_before_are_kept() {
    let world = World::new();
    let mut serving = with_contract("job-1", "one", &["eu"], 0);
    serving.runtime.strategy.kind = StrategyKind::BlueGreen;
    serving.runtime.strategy.keep_seconds = 3600;
    world.released(serving).await;
    let before = now_ms();
    let next = world.services.contract_due(&app("shop")).await.unwrap().unwrap();
    assert!(next > before + 3_600_000, "{next}");
    assert!(world.accepted().await.is_empty());
}

#[tokio::test]
async fn a_cluster_that_nobody_knows_now_is_looked_at_later() {
    let world = World::new();
    world.released(with_contract("job-1", "one", &["mars"], 0)).await;
    let before = now_ms();
    let next = world.services.contract_due(&app("shop")).await.unwrap().unwrap();
    assert!(next >= before + UNKNOWN_MS, "{next}");
    assert!(world.accepted().await.is_empty());
}

#[tokio::test]
async fn no_job_is_ended_for_a_contraction() {
    let world = World::new();
    let ci = caller("ci", &["shop"], &[Verb::Deploy]);
    world.released(with_contract("job-1", "one", &["eu", "us"], 0)).await;
    let waits = world.services.submit(&ci, submit("one")).await.unwrap().job.id;
    let before = now_ms();
    let next = world.services.contract_due(&app("shop")).await.unwrap().unwrap();
    assert!(next >= before + BUSY_MS, "{next}");
    let error = world.services.contract(&ci, request("early", &[])).await.unwrap_err();
    assert_eq!(error.reason(), "app-busy");
    let all: Vec<_> = world.accepted().await.into_iter().map(|record| record.job.id).collect();
    assert_eq!(all, [waits]);
}

#[tokio::test]
async fn whoever_may_deploy_asks_before_the_time_and_approves_nothing_by_that() {
    let world = World::new();
    let ci = caller("ci", &["shop"], &[Verb::Deploy]);
    let reader = caller("reader", &["shop"], &[Verb::Read]);
    let error = world.services.contract(&reader, request("early", &[])).await.unwrap_err();
    assert_eq!(error.reason(), "permission-denied");
    let error = world.services.contract(&ci, request("early", &[])).await.unwrap_err();
    assert_eq!(error.reason(), "no-release");
    world.released(release("job-1", "one", &["eu", "us"])).await;
    let error = world.services.contract(&ci, request("early", &[])).await.unwrap_err();
    assert_eq!(error.reason(), "no-contract");
    world.released(with_contract("job-2", "two", &["eu"], 3600)).await;
    let error = world.services.contract(&ci, request("early", &[])).await.unwrap_err();
    assert_eq!(error.reason(), "clusters-differ");
    let job = world.services.contract(&ci, request("early", &["eu"])).await.unwrap().job;
    assert_eq!((job.gates, job.clusters.names), (vec![Gate::Release], vec!["eu".to_owned()]));
    let repeat = world.services.contract(&ci, request("early", &["eu"])).await.unwrap().job;
    assert_eq!(repeat.id, job.id);
}

#[tokio::test]
async fn no_rollback_leads_to_before_a_contraction_where_it_was() {
    let world = World::new();
    let ci = caller("ci", &["shop"], &[Verb::Deploy]);
    for (id, digest) in [("job-001", "old"), ("job-002", "new")] {
        world.released(release(id, digest, &["eu", "us"])).await;
    }
    let serving = with_contract("job-003", "new", &["eu"], 0);
    world.released(serving.clone()).await;
    world.services.contract_due(&app("shop")).await.unwrap();
    contracts(&world, &serving).await;
    let back = |to: &str, cluster: &str| RollbackRequest {
        request_id: format!("{to}-{cluster}"),
        body: Vec::new(),
        app: app("shop"),
        to: Some(to.into()),
        clusters: vec![cluster.into()],
        order: None,
    };
    let error = world.services.rollback(&ci, back("job-001", "eu")).await.unwrap_err();
    assert_eq!(error.reason(), "contracted");
    assert!(error.to_string().contains("job-003"), "{error}");
    // The same image works with it, and the other cluster has data of its own.
    world.services.rollback(&ci, back("job-002", "eu")).await.unwrap();
    world.services.rollback(&ci, back("job-001", "us")).await.unwrap();
}
