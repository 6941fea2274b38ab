//! Claims: one daemon writes a job's journal.

use crate::{
    Place,
    data::{DAEMON, begin, cancelled, claim, claimed, submission},
};
use windlass_engine::{
    journal::{Journal, JournalLost},
    ports::store::{JobJournal, StoreError},
};
use windlass_model::{event::Event, job::Stage};

pub(crate) async fn one_daemon_has_a_job(place: Place) {
    let store = place.open().await;
    assert_eq!(store.claim("1", DAEMON).await.unwrap(), None, "no such job");
    let claim = begin(&*store, "1").await;
    assert_eq!((&*claim.job, &*claim.daemon), ("1", DAEMON));
    assert_eq!(store.claim("1", "other").await.unwrap(), None);
    store.append(&claim, claimed()).await.unwrap();
}

pub(crate) async fn of_many_daemons_one_gets_a_job(place: Place) {
    let store = place.open().await;
    store.submit(submission("1")).await.unwrap();
    let daemons: Vec<_> = (0..8)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.claim("1", &format!("d{number}")).await.unwrap() })
        })
        .collect();
    let mut claims = Vec::new();
    for daemon in daemons {
        claims.extend(daemon.await.unwrap());
    }
    assert_eq!(claims.len(), 1);
    store.append(&claims[0], claimed()).await.unwrap();
}

pub(crate) async fn a_later_claim_fences_those_before(place: Place) {
    let store = place.open().await;
    let old = begin(&*store, "1").await;
    let new = claim(&*store, "1").await;
    assert!(old.fence < new.fence);
    let fenced = store.append(&old, claimed()).await.unwrap_err();
    assert_eq!(fenced, StoreError::Fenced { job: "1".into(), by: DAEMON.into() });
    let lost = JobJournal::new(store.clone(), old).append(claimed()).await.unwrap_err();
    assert!(matches!(lost, JournalLost::Fenced(_)), "{lost}");
    store.append(&new, claimed()).await.unwrap();
}

pub(crate) async fn what_has_ended_is_not_claimed(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    store.append(&claim, Event::Ended(cancelled(Stage::Clone))).await.unwrap();
    assert_eq!(store.claim("1", DAEMON).await.unwrap(), None);
}

/// The daemon may have another name by then.
pub(crate) async fn a_new_life_ends_the_claims_of_the_one_before(place: Place) {
    let old = {
        let store = place.open().await;
        let claim = begin(&*store, "1").await;
        store.close().await;
        claim
    };
    let store = place.open().await;
    let new = store.claim("1", "renamed").await.unwrap().unwrap();
    assert!(old.fence < new.fence);
    store.append(&old, claimed()).await.unwrap_err();
    store.append(&new, claimed()).await.unwrap();
}
