//! Pauses, aborts, and jobs that end for a newer one.

use crate::{
    Place,
    data::{begin, cancelled, claim, claimed, release, submission},
};
use windlass_engine::ports::store::{Approve, Store};
use windlass_model::{
    clock::now_ms,
    event::Event,
    job::{Gate, Stage},
    outcome::Stop,
    pause::{Pause, Resume},
    plan::{Change, Cursor, Plan, Step},
};

fn planned(id: &str) -> Event {
    let release = release(id);
    Event::Planned(Box::new(Plan { forward: Vec::new(), rollback: Vec::new(), release }))
}

fn held(gate: Gate) -> Event {
    Event::Held { gate, digest: "a".into(), until_ms: now_ms() + 3_600_000 }
}

/// Returns who paused a job, with the note, as its record has it.
async fn paused(store: &dyn Store, id: &str) -> Option<(String, String)> {
    let pause = store.job(id).await.unwrap().unwrap().paused?;
    Some((pause.by, pause.note))
}

async fn stop(store: &dyn Store, id: &str) -> Option<Stop> {
    store.job(id).await.unwrap().unwrap().stop
}

pub(crate) async fn a_pause_lasts_until_somebody_resumes(place: Place) {
    let store = place.open().await;
    let before = now_ms();
    let claim = begin(&*store, "1").await;
    store.append(&claim, claimed()).await.unwrap();
    assert!(!store.resume("1", "ann", "").await.unwrap(), "nobody paused it");
    assert!(store.pause("1", "ann", "a look").await.unwrap());
    assert!(store.pause("1", "bob", "too").await.unwrap(), "a repeat");
    let of_ann = Some(("ann".to_owned(), "a look".to_owned()));
    assert_eq!(paused(&*store, "1").await, of_ann, "the first stays");
    let now = store.interventions("1").await.unwrap();
    let pause = now.pause.unwrap();
    assert_eq!((&*pause.by, &*pause.note, now.resumed), ("ann", "a look", None));
    assert!((before..=now_ms()).contains(&pause.at_ms), "{}", pause.at_ms);
    assert!(store.resume("1", "bob", "all is well").await.unwrap());
    assert!(!store.resume("1", "ann", "again").await.unwrap(), "it is not paused any more");
    assert_eq!(paused(&*store, "1").await, None);
    let now = store.interventions("1").await.unwrap();
    let resumed = Resume { by: "bob".into(), note: "all is well".into() };
    assert_eq!((now.pause, now.resumed), (None, Some(resumed)));
    // Another pause has not been ended by anybody.
    assert!(store.pause("1", "eve", "").await.unwrap());
    let now = store.interventions("1").await.unwrap();
    assert_eq!((now.pause.map(|pause| pause.by), now.resumed), (Some("eve".into()), None));
    assert_eq!(paused(&*store, "1").await, Some(("eve".into(), String::new())));
    assert_eq!(store.replay("1").await.unwrap().unwrap().record.paused.unwrap().by, "eve");
}

pub(crate) async fn what_goes_on_is_paused_and_a_release_under_way_is_aborted(place: Place) {
    let store = place.open().await;
    assert!(!store.pause("none", "ann", "").await.unwrap());
    assert!(!store.resume("none", "ann", "").await.unwrap());
    assert!(!store.abort("none", "ann", "").await.unwrap());
    let back = || Event::RollingBack(cancelled(Stage::Release));
    let decided =
        || Event::OutcomeDecided { outcome: cancelled(Stage::Release), hooks: Vec::new() };
    let ended = || Event::Ended(cancelled(Stage::Release));
    for (number, (events, can_be_paused, can_be_aborted)) in [
        (vec![], true, false),
        (vec![Event::Started(Stage::Build)], true, false),
        (vec![held(Gate::Clone)], false, false),
        (vec![held(Gate::Release)], false, false),
        (vec![planned("1")], true, true),
        (vec![planned("1"), held(Gate::Traffic)], true, true),
        (vec![planned("1"), back()], false, false),
        (vec![planned("1"), back(), decided()], false, false),
        (vec![planned("1"), ended()], false, false),
    ]
    .into_iter()
    .enumerate()
    {
        for aborts in [false, true] {
            let id = format!("{number}-{aborts}");
            let claim = begin(&*store, &id).await;
            for event in events.clone() {
                store.append(&claim, event).await.unwrap();
            }
            if aborts {
                assert_eq!(store.abort(&id, "ann", "no").await.unwrap(), can_be_aborted, "{id}");
                let why = Stop::Aborted { by: "ann".into(), note: "no".into() };
                let why = Some(why).filter(|_| can_be_aborted);
                assert_eq!(stop(&*store, &id).await, why, "{id}");
            } else {
                assert_eq!(store.pause(&id, "ann", "").await.unwrap(), can_be_paused, "{id}");
                assert_eq!(paused(&*store, &id).await.is_some(), can_be_paused, "{id}");
            }
        }
    }
}

/// Pods of before may be gone by then. Whoever comes in time is heard, and whoever comes later learns of it.
pub(crate) async fn nobody_aborts_a_release_that_takes_its_last_step(place: Place) {
    let store = place.open().await;
    let prune = || {
        let Event::Planned(mut plan) = planned("1") else { panic!("no plan") };
        let release = Box::new(plan.release.clone());
        plan.forward = vec![
            Step::Change(Change::Apply(release.clone())),
            Step::Change(Change::Prune(release)),
        ];
        Event::Planned(plan)
    };
    let begun = |index| Event::StepStarted(Cursor::Forward(index), "a step".into());
    let done = |index| Event::StepFinished(Cursor::Forward(index));
    let decided =
        || Event::OutcomeDecided { outcome: cancelled(Stage::Release), hooks: Vec::new() };
    for (number, (events, is_last, stage)) in [
        (vec![prune(), begun(0)], false, Stage::Release),
        (vec![prune(), begun(0), done(0)], false, Stage::Release),
        (vec![prune(), begun(0), done(0), begun(1)], true, Stage::Release),
        (vec![prune(), begun(0), done(0), begun(1), done(1)], true, Stage::Release),
        // After a restart.
        (vec![prune(), begun(0), done(0), begun(1), claimed(), begun(1)], true, Stage::Release),
        (vec![prune(), begun(0), done(0), begun(1), done(1), decided()], false, Stage::Hooks),
    ]
    .into_iter()
    .enumerate()
    {
        for verb in ["pause", "abort", "cancel"] {
            let id = format!("{number}-{verb}");
            let claim = begin(&*store, &id).await;
            for event in events.clone() {
                store.append(&claim, event).await.unwrap();
            }
            let is_open = !is_last && stage == Stage::Release;
            let (taken, expected) = match verb {
                "pause" => (store.pause(&id, "ann", "").await.unwrap(), is_open),
                "abort" => (store.abort(&id, "ann", "").await.unwrap(), is_open),
                // It ends a job that no daemon can run, too, wherever that stands.
                _ => {
                    let why = Stop::Cancelled { by: "ann".into() };
                    (store.stop(&id, &why).await.unwrap(), true)
                }
            };
            assert_eq!(taken, expected, "{id}");
            let said = store.interventions(&id).await.unwrap();
            assert_eq!(said.pause.is_some() || said.stop.is_some(), expected, "{id}");
            assert_eq!(said.stop, stop(&*store, &id).await, "{id}");
        }
    }
}

/// Whoever looks at a job that rolls back does not read that it stands still.
pub(crate) async fn a_job_that_is_to_stop_is_paused_no_more(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    store.append(&claim, planned("1")).await.unwrap();
    assert!(store.pause("1", "ann", "").await.unwrap());
    assert!(store.abort("1", "bob", "too many errors").await.unwrap());
    assert!(!store.abort("1", "eve", "").await.unwrap(), "it is to stop already");
    let aborted = Stop::Aborted { by: "bob".into(), note: "too many errors".into() };
    assert_eq!(stop(&*store, "1").await, Some(aborted));
    assert_eq!(paused(&*store, "1").await, None);
    assert!(!store.resume("1", "ann", "").await.unwrap());
    assert!(!store.pause("1", "ann", "").await.unwrap());
    // A release that fails by itself rolls back, too.
    let claim = begin(&*store, "2").await;
    store.append(&claim, planned("2")).await.unwrap();
    assert!(store.pause("2", "ann", "").await.unwrap());
    store.append(&claim, Event::RollingBack(cancelled(Stage::Release))).await.unwrap();
    assert_eq!(paused(&*store, "2").await, None);
}

/// It was paused while it was built: the approval does not end the pause.
pub(crate) async fn a_pause_outlasts_a_gate_before_the_plan(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    store.append(&claim, claimed()).await.unwrap();
    assert!(store.pause("1", "ann", "").await.unwrap());
    store.append(&claim, held(Gate::Release)).await.unwrap();
    assert!(paused(&*store, "1").await.is_some());
    assert!(store.resume("1", "ann", "").await.unwrap());
    assert!(!store.pause("1", "ann", "").await.unwrap(), "it goes nowhere as it is");
}

pub(crate) async fn a_pause_outlives_the_daemon_and_ends_with_its_job(place: Place) {
    {
        let store = place.open().await;
        let claim = begin(&*store, "1").await;
        store.append(&claim, planned("1")).await.unwrap();
        assert!(store.pause("1", "ann", "").await.unwrap());
        store.append(&claim, held(Gate::Traffic)).await.unwrap();
        assert_eq!(store.approve("1", "a", "bob", "").await.unwrap(), Approve::Stored);
        store.close().await;
    }
    let store = place.open().await;
    let now = store.interventions("1").await.unwrap();
    let Some(Pause { by, .. }) = now.pause else { panic!("it is not paused") };
    assert_eq!((&*by, &*now.approvals[0].by, now.approvals[0].gate), ("ann", "bob", Gate::Traffic));
    let claim = claim(&*store, "1").await;
    store.append(&claim, Event::Ended(cancelled(Stage::Release))).await.unwrap();
    store.forget_job("1").await.unwrap();
    let nothing = store.interventions("1").await.unwrap();
    assert!(nothing.pause.is_none() && nothing.approvals.is_empty());
    begin(&*store, "1").await;
    assert_eq!(paused(&*store, "1").await, None, "of a job before it");
}

pub(crate) async fn a_job_ends_for_a_newer_one_unless_it_is_to_stop_already(place: Place) {
    let store = place.open().await;
    assert!(!store.supersede("1", "2").await.unwrap(), "no such job");
    let claim = begin(&*store, "1").await;
    store.append(&claim, planned("1")).await.unwrap();
    store.submit(submission("2")).await.unwrap();
    assert!(store.supersede("1", "2").await.unwrap());
    assert!(!store.supersede("1", "3").await.unwrap());
    assert_eq!(stop(&*store, "1").await, Some(Stop::Superseded { by: "2".into() }));
    assert!(!store.abort("1", "ann", "").await.unwrap());
    store.append(&claim, Event::Ended(cancelled(Stage::Release))).await.unwrap();
    let claim = begin(&*store, "3").await;
    store.append(&claim, Event::Ended(cancelled(Stage::Release))).await.unwrap();
    assert!(!store.supersede("3", "4").await.unwrap(), "it has ended");
    assert_eq!(stop(&*store, "3").await, None);
}
