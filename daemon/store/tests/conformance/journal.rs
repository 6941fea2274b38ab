//! The journal: what is appended, and what is read of it.

use crate::{
    Place,
    data::{app, begin, cancelled, claim, claimed, log, release, submission, succeeded},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::broadcast::error::TryRecvError;
use windlass_engine::{
    journal::Journal,
    logs::Logged,
    ports::store::{Filter, JobJournal, StoreError},
};
use windlass_model::{
    event::Event,
    job::Stage,
    outcome::Stop,
    plan::{Cursor, Plan},
    replay::{JobState, replay},
};

/// Many writers at once: no gap, no number twice, and all there after the store is opened again.
pub(crate) async fn numbers_have_no_gap_across_lives(place: Place) {
    {
        let store = place.open().await;
        let claim = begin(&*store, "1").await;
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (store, claim) = (store.clone(), claim.clone());
                tokio::spawn(async move {
                    for line in 0..50 {
                        let line = log(&format!("{writer} {line}"));
                        store.append(&claim, line).await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        store.close().await;
    }
    let store = place.open().await;
    let claim = claim(&*store, "1").await;
    store.append(&claim, Event::Started(Stage::Clone)).await.unwrap();
    let events = store.events("1", 0, 1000).await.unwrap();
    let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=401).collect::<Vec<_>>());
    for writer in 0..8 {
        let lines: Vec<_> = events
            .iter()
            .filter_map(|event| match &event.event {
                Event::Log { line, .. } => line.strip_prefix(&format!("{writer} ")),
                _ => None,
            })
            .collect();
        let in_order: Vec<_> = (0..50).map(|line: u32| line.to_string()).collect();
        assert_eq!(lines, in_order, "of one writer, in its order");
    }
    assert_eq!(store.replay("1").await.unwrap().unwrap().events.len(), 1, "without the lines");
    let record = store.job("1").await.unwrap().unwrap();
    assert_eq!((record.state, record.stage), (JobState::Running, Some(Stage::Clone)));
}

/// Lines that a store took are there, in order, before the next other event is; a job that takes none says so at the
/// next of either.
pub(crate) async fn lines_are_stored_before_the_next_event(place: Place) {
    let store = place.open().await;
    let (first, second) = (begin(&*store, "1").await, begin(&*store, "2").await);
    let journal = JobJournal::new(store.clone(), first);
    let other = JobJournal::new(store.clone(), second);
    for line in 0..600 {
        journal.append(log(&line.to_string())).await.unwrap();
        if line % 7 == 0 {
            other.append(log(&line.to_string())).await.unwrap();
        }
        if line == 300 {
            journal.append(Event::Started(Stage::Build)).await.unwrap();
            let stored = store.events("1", 0, 1000).await.unwrap();
            assert_eq!(stored.len(), 302, "301 lines and the event behind them");
        }
    }
    journal.append(Event::Started(Stage::Test)).await.unwrap();
    let events = store.events("1", 0, 1000).await.unwrap();
    assert!(events.iter().map(|one| one.seq).eq(1..=602));
    let lines = events.iter().filter_map(|one| match &one.event {
        Event::Log { line, .. } => Some(line.parse::<u32>().unwrap()),
        _ => None,
    });
    assert!(lines.eq(0..600));
    assert!(matches!(events[301].event, Event::Started(Stage::Build)));
    other.append(Event::Started(Stage::Build)).await.unwrap();
    assert_eq!(store.job("2").await.unwrap().unwrap().last_seq, 87);
    // Claimed by somebody else: the loss comes at the next event at the latest, and stays.
    claim(&*store, "1").await;
    let _ = journal.append(log("lost")).await;
    assert!(journal.append(Event::Started(Stage::Push)).await.is_err());
    assert!(journal.append(log("lost")).await.is_err());
    assert_eq!(store.events("1", 0, 1000).await.unwrap().len(), 602);
}

pub(crate) async fn events_come_in_pieces(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    for line in ["a", "b", "c", "d"] {
        store.append(&claim, log(line)).await.unwrap();
    }
    let numbers = async |after, limit| {
        let events = store.events("1", after, limit).await.unwrap();
        events.iter().map(|event| event.seq).collect::<Vec<_>>()
    };
    assert_eq!(numbers(0, 3).await, [1, 2, 3]);
    assert_eq!(numbers(3, 3).await, [4]);
    assert!(numbers(4, 3).await.is_empty());
    assert!(numbers(u64::MAX, 3).await.is_empty());
    assert!(store.events("2", 0, 3).await.unwrap().is_empty(), "no such job");
}

pub(crate) async fn nothing_follows_the_end(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    let ended = succeeded(release("1"));
    store.append(&claim, ended.clone()).await.unwrap();
    let late = store.append(&claim, log("late")).await.unwrap_err();
    assert_eq!(late, StoreError::Ended("1".into()));
    assert!(!store.stop("1", &Stop::Cancelled { by: "x".into() }).await.unwrap());
    let record = store.job("1").await.unwrap().unwrap();
    assert_eq!(record.state, JobState::Succeeded);
    assert_eq!(record.outcome.map(Event::Ended), Some(ended));
    assert!(store.unfinished().await.unwrap().jobs.is_empty());
    assert!(!store.has_unfinished(&app()).await.unwrap());
    let journal = JobJournal::new(store.clone(), claim);
    let last = journal.last_release(&app(), "default").await.unwrap();
    assert_eq!(last, Some(release("1")));
    let filter = Filter { states: vec![JobState::Succeeded], limit: 9, ..Filter::default() };
    assert_eq!(store.jobs(&filter).await.unwrap().count(), 1);
}

/// No event, no number, no state, no update, and no harm to events that are appended at the same time.
pub(crate) async fn a_refused_append_leaves_nothing(place: Place) {
    let store = place.open().await;
    let old = begin(&*store, "1").await;
    let new = claim(&*store, "1").await;
    let other = begin(&*store, "2").await;
    let mut unknown = other.clone();
    unknown.job = "3".into();
    let mut updates = store.updates();
    for claim in [&old, &unknown] {
        let ended = Event::Ended(cancelled(Stage::Clone));
        let (refused, stored) =
            tokio::join!(store.append(claim, ended), store.append(&other, log("a line")));
        refused.unwrap_err();
        stored.unwrap();
        assert_eq!(updates.try_recv(), Ok("2".into()));
    }
    assert_eq!(updates.try_recv(), Err(TryRecvError::Empty));
    assert!(store.events("1", 0, 9).await.unwrap().is_empty());
    assert!(store.events("3", 0, 9).await.unwrap().is_empty());
    assert_eq!(store.next_due().await.unwrap(), None);
    let record = store.job("1").await.unwrap().unwrap();
    assert_eq!((record.state, record.last_seq), (JobState::Waiting, 0));
    store.append(&new, claimed()).await.unwrap();
    assert_eq!(store.job("1").await.unwrap().unwrap().last_seq, 1);
    assert_eq!(store.events("2", 0, 9).await.unwrap().len(), 2);
}

pub(crate) async fn what_is_replayed_is_without_lines(place: Place) {
    let store = place.open().await;
    assert!(store.replay("1").await.unwrap().is_none());
    store.submit(submission("1")).await.unwrap();
    assert!(store.replay("1").await.unwrap().unwrap().events.is_empty());
    let claim = claim(&*store, "1").await;
    for event in [claimed(), log("a line"), Event::Started(Stage::Clone), log("a line")] {
        store.append(&claim, event).await.unwrap();
    }
    let replay = store.replay("1").await.unwrap().unwrap();
    let numbers: Vec<_> = replay.events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, [1, 3], "each keeps its number");
    let logged = Logged { lines: 2, bytes: 14 };
    assert_eq!(replay.logged, BTreeMap::from([(Stage::Build, logged)]));
    assert_eq!(replay.events[1].event, Event::Started(Stage::Clone));
    assert_eq!(replay.record.last_seq, 4);
}

/// However early a daemon is killed, the next one reads what the journal then has.
pub(crate) async fn any_prefix_of_a_journal_can_be_replayed(place: Place) {
    let released = Box::new(release("1"));
    let plan = Plan { forward: Vec::new(), rollback: Vec::new(), release: *released.clone() };
    let events = [
        claimed(),
        Event::Started(Stage::Build),
        Event::Finished(Stage::Build),
        Event::Pushed(released.clone()),
        Event::Planned(Box::new(plan)),
        Event::StepStarted(Cursor::Forward(0), "apply web".into()),
        Event::StepFinished(Cursor::Forward(0)),
        succeeded(*released),
    ];
    let store = place.open().await;
    store.submit(submission("1")).await.unwrap();
    for (index, event) in events.iter().enumerate() {
        let past = store.replay("1").await.unwrap().unwrap();
        let stored: Vec<_> = past.events.into_iter().map(|event| event.event).collect();
        assert_eq!(stored, events[..index]);
        assert_eq!(replay(&stored), replay(&events[..index]));
        let claim = claim(&*store, "1").await;
        store.append(&claim, event.clone()).await.unwrap();
    }
    let replay = store.replay("1").await.unwrap().unwrap();
    assert_eq!(replay.events.len(), events.len());
    assert_eq!(replay.record.state, JobState::Succeeded);
}

pub(crate) async fn whoever_listens_hears_of_each_stored_event(place: Place) {
    let store = place.open().await;
    let mut updates = store.updates();
    for id in ["1", "2"] {
        let claim = begin(&*store, id).await;
        store.append(&claim, claimed()).await.unwrap();
        let heard = tokio::time::timeout(Duration::from_secs(10), updates.recv()).await;
        assert_eq!(heard.unwrap().unwrap(), id);
    }
}
