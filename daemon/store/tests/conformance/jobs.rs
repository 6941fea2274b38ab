//! Jobs: accepted once, listed, stopped.

use crate::{
    Place,
    data::{app, begin, cancelled, claim, claimed, release, submission, succeeded},
};
use windlass_engine::ports::store::{
    Filter, StoreError, Submission, UnfinishedCount, UnfinishedJob, UnreadableJob,
};
use windlass_model::{
    app::App,
    event::Event,
    job::Stage,
    outcome::{Outcome, Stop},
    replay::JobState,
    spec::Spec,
};

pub(crate) async fn a_request_is_one_job_however_often_it_comes(place: Place) {
    let store = place.open().await;
    let first = store.submit(submission("1")).await.unwrap();
    let again = Submission { request_id: "r1".into(), ..submission("2") };
    let second = store.submit(again.clone()).await.unwrap();
    assert!(first.is_new && !second.is_new);
    assert_eq!(second.record.job.id, "1");
    assert_eq!(second.record.job, first.record.job);
    assert!(first.record.job.created_ms > 0);
    let known = |body: &'static [u8]| store.submitted("me", "r1", body);
    assert_eq!(known(b"body").await.unwrap().unwrap().job.id, "1");
    assert!(known(b"other").await.unwrap_err().to_string().contains("another request"));
    assert!(store.submitted("you", "r1", b"body").await.unwrap().is_none());
    // By the id alone, whatever the body was.
    let found = store.requested("me", "r1").await.unwrap().unwrap();
    assert_eq!(found.job, first.record.job);
    assert!(store.requested("you", "r1").await.unwrap().is_none());
    assert!(store.requested("me", "r2").await.unwrap().is_none());
    let other = Submission { body: b"other".to_vec(), ..again };
    let reused = store.submit(other).await.unwrap_err();
    assert_eq!(reused, StoreError::RequestReused("r1".into()));
    assert!(reused.to_string().contains("another request"));
}

pub(crate) async fn jobs_are_listed_newest_first_and_as_they_are_filtered(place: Place) {
    let store = place.open().await;
    for id in ["1", "2", "3"] {
        store.submit(submission(id)).await.unwrap();
    }
    let first = claim(&*store, "1").await;
    store.append(&first, succeeded(release("1"))).await.unwrap();
    let second = claim(&*store, "2").await;
    store.append(&second, claimed()).await.unwrap();
    let ids = async |filter: Filter| {
        let jobs = store.jobs(&Filter { limit: 9, ..filter }).await.unwrap();
        assert!(jobs.unreadable.is_empty());
        jobs.jobs.into_iter().map(|record| record.job.id).collect::<Vec<_>>()
    };
    let all = Filter::default;
    assert_eq!(ids(all()).await, ["3", "2", "1"]);
    assert_eq!(ids(Filter { before: Some("3".into()), ..all() }).await, ["2", "1"]);
    for (states, expected) in [
        (vec![JobState::Succeeded], vec!["1"]),
        (vec![JobState::Running], vec!["2"]),
        (vec![JobState::Waiting, JobState::Running], vec!["3", "2"]),
        (vec![JobState::Failed], Vec::new()),
    ] {
        assert_eq!(ids(Filter { states, ..all() }).await, expected);
    }
    let of = |environment: &str| Some(environment.to_owned());
    assert!(ids(Filter { environment: of("staging"), ..all() }).await.is_empty());
    assert_eq!(ids(Filter { environment: of("production"), ..all() }).await.len(), 3);
    assert!(ids(Filter { app: of("other"), ..all() }).await.is_empty());
    assert_eq!(ids(Filter { app: of("web"), ..all() }).await.len(), 3);
    assert!(ids(Filter { projects: Some(vec!["blog".into()]), ..all() }).await.is_empty());
    assert!(ids(Filter { projects: Some(Vec::new()), ..all() }).await.is_empty());
    let both = Some(vec!["blog".into(), "shop".into()]);
    assert_eq!(ids(Filter { projects: both, ..all() }).await.len(), 3);
    let two = store.jobs(&Filter { limit: 2, ..all() }).await.unwrap();
    assert_eq!((two.count(), two.oldest()), (2, Some("2")));
}

/// A page of jobs with large specs is small.
pub(crate) async fn a_list_has_no_specs(place: Place) {
    let store = place.open().await;
    let mut large = submission("1");
    large.job.spec.env.insert("LARGE".into(), "x".repeat(1 << 20));
    store.submit(large.clone()).await.unwrap();
    let listed = store.jobs(&Filter { limit: 9, ..Filter::default() }).await.unwrap();
    assert_eq!((&*listed.jobs[0].job.id, &listed.jobs[0].job.spec), ("1", &Spec::default()));
    assert_eq!(store.job("1").await.unwrap().unwrap().job.spec, large.job.spec);
}

/// A job that is set aside is listed with its reason, until it is cancelled. The next life of the daemon tries it again.
pub(crate) async fn what_is_set_aside_is_listed_as_unreadable(place: Place) {
    {
        let store = place.open().await;
        for id in ["1", "2"] {
            begin(&*store, id).await;
        }
        store.set_aside("1", "the first reason").await.unwrap();
        store.set_aside("1", "another").await.unwrap();
        store.set_aside("none", "no such job").await.unwrap();
        let cancelled_one = begin(&*store, "0").await;
        store.set_aside("0", "it is cancelled").await.unwrap();
        store.append(&cancelled_one, Event::Ended(cancelled(Stage::Clone))).await.unwrap();
        let listed = store.jobs(&Filter { limit: 9, ..Filter::default() }).await.unwrap();
        let ids: Vec<_> = listed.jobs.iter().map(|record| &*record.job.id).collect();
        assert_eq!((ids, listed.count(), listed.oldest()), (vec!["2", "0"], 3, Some("0")));
        let why = "the first reason".into();
        assert_eq!(listed.unreadable, [UnreadableJob { id: "1".into(), app: app(), why }]);
        store.close().await;
    }
    let store = place.open().await;
    let listed = store.jobs(&Filter { limit: 9, ..Filter::default() }).await.unwrap();
    assert_eq!((listed.jobs.len(), listed.unreadable.len()), (3, 0));
    assert_eq!(store.unfinished().await.unwrap().jobs.len(), 2);
}

pub(crate) async fn a_job_that_is_to_stop_keeps_the_first_reason(place: Place) {
    let store = place.open().await;
    let superseded = |by: &str| Stop::Superseded { by: by.into() };
    let first = Stop::Cancelled { by: "ann".into() };
    assert!(!store.stop("1", &first).await.unwrap(), "no such job");
    let claim = begin(&*store, "1").await;
    // A release that is switched ends for no newer job, and still for a person.
    assert!(store.stop("1", &superseded("2")).await.unwrap());
    assert!(store.stop("1", &superseded("3")).await.unwrap());
    assert_eq!(store.job("1").await.unwrap().unwrap().stop, Some(superseded("2")));
    assert!(store.stop("1", &first).await.unwrap());
    assert!(store.stop("1", &superseded("4")).await.unwrap());
    assert!(store.stop("1", &Stop::Cancelled { by: "x".into() }).await.unwrap());
    assert_eq!(store.job("1").await.unwrap().unwrap().stop, Some(first.clone()));
    assert_eq!(store.replay("1").await.unwrap().unwrap().record.stop, Some(first));
    store.append(&claim, Event::Ended(cancelled(Stage::Clone))).await.unwrap();
    assert!(!store.stop("1", &Stop::Cancelled { by: "x".into() }).await.unwrap());
}

/// A job that never began has no beginning.
pub(crate) async fn a_job_knows_when_it_began_and_ended(place: Place) {
    let store = place.open().await;
    let stopped = cancelled(Stage::Clone);
    for (id, begins) in [("1", true), ("2", false)] {
        let claim = begin(&*store, id).await;
        if begins {
            store.append(&claim, claimed()).await.unwrap();
        }
        let running = store.job(id).await.unwrap().unwrap();
        assert_eq!((running.started_ms.is_some(), running.ended_ms), (begins, None));
        store.append(&claim, Event::Ended(stopped.clone())).await.unwrap();
        let ended = store.job(id).await.unwrap().unwrap();
        assert_eq!((ended.started_ms, ended.ended_ms.is_some()), (running.started_ms, true));
        assert_eq!(ended.outcome.as_ref(), Some(&stopped));
    }
}

/// A restart takes a job up at its stage. An ended job has the stage of its outcome.
pub(crate) async fn a_restart_does_not_put_a_job_back_to_its_first_stage(place: Place) {
    let store = place.open().await;
    store.submit(submission("1")).await.unwrap();
    let stopped: Outcome = cancelled(Stage::Test);
    for (event, state, stage) in [
        (claimed(), JobState::Running, Stage::Clone),
        (Event::Started(Stage::Release), JobState::Running, Stage::Release),
        (claimed(), JobState::Running, Stage::Release),
        (Event::RollingBack(stopped.clone()), JobState::RollingBack, Stage::Release),
        (claimed(), JobState::RollingBack, Stage::Release),
        (Event::Ended(stopped), JobState::Stopped, Stage::Test),
    ] {
        let claim = claim(&*store, "1").await;
        store.append(&claim, event).await.unwrap();
        let record = store.job("1").await.unwrap().unwrap();
        assert_eq!((record.state, record.stage), (state, Some(stage)));
    }
}

pub(crate) async fn what_has_not_ended_is_unfinished_oldest_first(place: Place) {
    let store = place.open().await;
    for id in ["2", "1", "3"] {
        begin(&*store, id).await;
    }
    let third = claim(&*store, "3").await;
    store.append(&third, claimed()).await.unwrap();
    assert!(store.stop("3", &Stop::Cancelled { by: "x".into() }).await.unwrap());
    let ended = claim(&*store, "2").await;
    store.append(&ended, Event::Ended(cancelled(Stage::Clone))).await.unwrap();
    let unfinished = store.unfinished().await.unwrap();
    let job = |id: &str, begun| UnfinishedJob {
        id: id.into(),
        app: app(),
        clusters: submission(id).job.clusters.names,
        has_image: false,
        has_begun: begun,
        is_stopping: begun,
    };
    assert_eq!(unfinished.jobs, [job("1", false), job("3", true)]);
    assert!(unfinished.unreadable.is_empty());
    assert!(store.has_unfinished(&app()).await.unwrap());
    let other = App::new("shop", "web", "staging").unwrap();
    assert!(!store.has_unfinished(&other).await.unwrap());
    let project = &submission("1").job.app.project;
    let count = store.count_unfinished(project).await.unwrap();
    assert_eq!(count, UnfinishedCount { of_project: 2, total: 2 });
    let count = store.count_unfinished("other").await.unwrap();
    assert_eq!(count, UnfinishedCount { of_project: 0, total: 2 });
}
