//! Work that is due later.

use crate::{
    Place,
    data::{app, begin, log, pull_secret, release, succeeded},
};
use windlass_engine::ports::store::Store;
use windlass_model::{
    clock::now_ms,
    due::{Due, DueKind},
};

const DAY_MS: u64 = 24 * 3600 * 1000;

fn renewal(at_ms: u64) -> Due {
    Due::on_app(DueKind::RenewPull, &app(), at_ms)
}

/// Takes what is due at `now_ms`, for 10 milliseconds.
async fn take(store: &dyn Store, now_ms: u64) -> Vec<Due> {
    store.take_due(now_ms, now_ms + 10, 9).await.unwrap()
}

pub(crate) async fn what_is_due_comes_once(place: Place) {
    let store = place.open().await;
    assert_eq!(store.next_due().await.unwrap(), None);
    let claim = begin(&*store, "1").await;
    store.append(&claim, pull_secret(100)).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(100));
    assert!(take(&*store, 99).await.is_empty());
    let taken = take(&*store, 100).await;
    assert_eq!(taken, [renewal(100)]);
    assert!(take(&*store, 100).await.is_empty());
    store.finish_due(&taken[0], Some(500)).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(500));
    assert!(take(&*store, 499).await.is_empty());
    let taken = take(&*store, 500).await;
    assert_eq!(taken, [renewal(500)]);
    store.finish_due(&taken[0], None).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), None);
    assert!(take(&*store, 10_000).await.is_empty());
}

pub(crate) async fn what_is_taken_and_not_finished_comes_again(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    store.append(&claim, pull_secret(100)).await.unwrap();
    assert_eq!(take(&*store, 200).await, [renewal(100)]);
    assert_eq!(store.next_due().await.unwrap(), Some(210));
    assert!(take(&*store, 209).await.is_empty());
    assert_eq!(take(&*store, 210).await, [renewal(100)]);
}

pub(crate) async fn the_earliest_is_taken_first_and_no_more_than_asked_for(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    store.append(&claim, succeeded(release("1"))).await.unwrap();
    let now = now_ms() + 400 * DAY_MS;
    let one = async || {
        let taken = store.take_due(now, now + 10, 1).await.unwrap();
        taken.into_iter().map(|due| due.kind).collect::<Vec<_>>()
    };
    assert_eq!(one().await, [DueKind::SendTrace]);
    assert_eq!(one().await, [DueKind::Collect]);
    assert_eq!(one().await, [DueKind::ForgetLogs]);
    assert_eq!(one().await, [DueKind::ForgetJob]);
    assert!(one().await.is_empty());
}

/// The later work may be for another cluster of the same app.
pub(crate) async fn of_two_times_the_earlier_stays(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    for at_ms in [300, 100, 200] {
        store.append(&claim, pull_secret(at_ms)).await.unwrap();
    }
    assert_eq!(take(&*store, 1000).await, [renewal(100)]);
}

/// A release that is made meanwhile is not lost when the earlier work ends.
pub(crate) async fn what_is_scheduled_while_it_is_taken_comes_again(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    for next_ms in [None, Some(9000)] {
        store.append(&claim, pull_secret(100)).await.unwrap();
        let taken = take(&*store, 200).await;
        assert_eq!(taken, [renewal(100)]);
        store.append(&claim, pull_secret(700)).await.unwrap();
        store.finish_due(&taken[0], next_ms).await.unwrap();
        let again = take(&*store, 200).await;
        assert_eq!(again, [renewal(100)]);
        store.finish_due(&again[0], None).await.unwrap();
        assert_eq!(store.next_due().await.unwrap(), None);
    }
}

pub(crate) async fn a_new_life_takes_what_the_one_before_had_taken(place: Place) {
    {
        let store = place.open().await;
        let claim = begin(&*store, "1").await;
        store.append(&claim, pull_secret(100)).await.unwrap();
        assert_eq!(take(&*store, 200).await.len(), 1);
        store.close().await;
    }
    let store = place.open().await;
    assert_eq!(take(&*store, 200).await, [renewal(100)]);
}

/// Does the work that is due after `days`, and counts it.
async fn in_days(store: &dyn Store, days: u64) -> usize {
    let now = now_ms() + days * DAY_MS;
    let taken = take(store, now).await;
    for due in &taken {
        match due.kind {
            DueKind::ForgetLogs => store.forget_logs(&due.key).await.unwrap(),
            DueKind::ForgetJob => store.forget_job(&due.key).await.unwrap(),
            DueKind::SendTrace | DueKind::Collect => {}
            DueKind::RenewPull
            | DueKind::HoldEnds
            | DueKind::PreviewEnds
            | DueKind::KeepEnds
            | DueKind::Contract => panic!("{due:?}"),
        }
        store.finish_due(due, None).await.unwrap();
    }
    taken.len()
}

pub(crate) async fn what_is_old_is_forgotten_when_it_is_due(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    store.append(&claim, log("a line")).await.unwrap();
    store.append(&claim, succeeded(release("1"))).await.unwrap();
    assert_eq!(in_days(&*store, 0).await, 1, "the trace");
    assert_eq!(in_days(&*store, 1).await, 1, "the look at older releases");
    assert_eq!(in_days(&*store, 29).await, 0);
    assert_eq!(in_days(&*store, 31).await, 1);
    let left = store.events("1", 0, 9).await.unwrap();
    assert_eq!(left.len(), 1, "the line is deleted, the end is not");
    assert!(store.job("1").await.unwrap().unwrap().outcome.is_some());
    assert_eq!(in_days(&*store, 366).await, 1);
    assert!(store.job("1").await.unwrap().is_none());
    assert!(store.events("1", 0, 9).await.unwrap().is_empty());
    assert_eq!(store.releases(&app(), None, 9).await.unwrap().len(), 1);
}

/// Logins were read again: all pull secrets are looked at, and nothing is forgotten before its time.
pub(crate) async fn what_is_hastened_is_due_now(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    store.append(&claim, pull_secret(9000)).await.unwrap();
    store.append(&claim, succeeded(release("1"))).await.unwrap();
    store.hasten(DueKind::RenewPull, None, 500).await.unwrap();
    assert_eq!(take(&*store, 500).await, [renewal(500)]);
    // Its worker may have read the login of before. It is taken once more, and the end of the first changes nothing.
    store.hasten(DueKind::RenewPull, None, 505).await.unwrap();
    store.finish_due(&renewal(500), Some(9000)).await.unwrap();
    assert_eq!(take(&*store, 505).await, [renewal(505)]);
    store.finish_due(&renewal(500), Some(9000)).await.unwrap();
    assert!(take(&*store, 510).await.is_empty(), "it is taken");
    store.finish_due(&renewal(505), Some(9000)).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(9000));
}

/// A project's own login was put: the pull secrets of others are not looked at.
pub(crate) async fn what_is_hastened_may_be_of_one_project(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    store.append(&claim, pull_secret(9000)).await.unwrap();
    store.append(&claim, succeeded(release("1"))).await.unwrap();
    let project = app().project;
    for other in [format!("{project}x"), project[..1].to_owned()] {
        store.hasten(DueKind::RenewPull, Some(&other), 500).await.unwrap();
        assert!(take(&*store, 500).await.is_empty(), "{other}");
    }
    store.hasten(DueKind::RenewPull, Some(&project), 500).await.unwrap();
    assert_eq!(take(&*store, 500).await, [renewal(500)]);
}

/// More lines than are deleted at once. Another job goes on meanwhile.
pub(crate) async fn a_long_log_is_forgotten_while_others_are_written(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    for piece in 0..5 {
        let lines = (0..500).map(|line| {
            let line = log(&format!("{piece} {line}"));
            store.append(&claim, line)
        });
        for stored in futures::future::join_all(lines).await {
            stored.unwrap();
        }
    }
    let other = begin(&*store, "2").await;
    let written = async {
        for line in 0..20 {
            store.append(&other, log(&line.to_string())).await.unwrap();
        }
    };
    let (forgotten, ()) = tokio::join!(store.forget_logs("1"), written);
    forgotten.unwrap();
    assert!(store.events("1", 0, 9).await.unwrap().is_empty());
    assert_eq!(store.events("2", 0, 99).await.unwrap().len(), 20);
    store.append(&claim, succeeded(release("1"))).await.unwrap();
    let events = store.events("1", 0, 9).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [2501]);
    store.forget_job("1").await.unwrap();
    assert!(store.job("1").await.unwrap().is_none());
}
