//! Approvals: a job waits, and goes on with an approval of exactly that.

use crate::{
    Place,
    data::{begin, cancelled, claim, claimed, release, submission, succeeded},
    outbox::{all, begin_heard, endpoint, status},
};
use windlass_engine::ports::store::{Approve, Filter, Lapse, Store};
use windlass_model::{
    approval::Hold,
    clock::now_ms,
    due::{Due, DueKind},
    event::Event,
    job::{Gate, Stage},
    outbox::{MessageState, Moment},
    outcome::Stop,
    replay::JobState,
};

/// End of waits that are not over: the year 2100.
const LATER: u64 = 4_102_444_800_000;

fn held(digest: &str, until_ms: u64) -> Event {
    Event::Held { gate: Gate::Release, digest: digest.into(), until_ms }
}

fn hold(digest: &str, until_ms: u64) -> Hold {
    Hold { gate: Gate::Release, digest: digest.into(), until_ms }
}

fn approved(digest: &str) -> Event {
    let (by, note) = ("ann".to_owned(), String::new());
    Event::Approved { gate: Gate::Release, digest: digest.into(), by, note }
}

/// Returns the state of a job, with what it waits for.
async fn state(store: &dyn Store, id: &str) -> (JobState, Option<Stage>, Option<Hold>) {
    let record = store.job(id).await.unwrap().unwrap();
    (record.state, record.stage, record.held)
}

/// Returns who approved what of a job.
async fn approvals(store: &dyn Store, id: &str) -> Vec<(String, String, String)> {
    let replay = store.replay(id).await.unwrap().unwrap();
    assert!(replay.approvals.iter().all(|one| one.gate == Gate::Release && one.at_ms > 0));
    let mut all: Vec<_> =
        replay.approvals.into_iter().map(|one| (one.digest, one.by, one.note)).collect();
    all.sort();
    all
}

pub(crate) async fn a_job_waits_until_an_event_says_that_it_goes_on(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    store.append(&claim, claimed()).await.unwrap();
    assert_eq!(state(&*store, "1").await, (JobState::Running, Some(Stage::Clone), None));
    store.append(&claim, held("a", 100)).await.unwrap();
    let waits = (JobState::Held, Some(Stage::Release), Some(hold("a", 100)));
    assert_eq!(state(&*store, "1").await, waits);
    let filter = Filter { states: vec![JobState::Held], limit: 9, ..Filter::default() };
    let listed = store.jobs(&filter).await.unwrap();
    assert_eq!(listed.jobs[0].held, Some(hold("a", 100)));
    store.append(&claim, claimed()).await.unwrap();
    assert_eq!(state(&*store, "1").await, waits, "the next run has not asked yet");
    store.append(&claim, held("b", 200)).await.unwrap();
    assert_eq!(state(&*store, "1").await.2, Some(hold("b", 200)));
    store.append(&claim, approved("b")).await.unwrap();
    assert_eq!(state(&*store, "1").await, (JobState::Running, Some(Stage::Release), None));
    store.append(&claim, held("c", 300)).await.unwrap();
    store.append(&claim, Event::Ended(cancelled(Stage::Release))).await.unwrap();
    assert_eq!(state(&*store, "1").await, (JobState::Stopped, Some(Stage::Release), None));
    let due = store.take_due(100, 200, 9).await.unwrap();
    assert_eq!(due, [Due { kind: DueKind::HoldEnds, key: "1".into(), at_ms: 100 }]);
}

pub(crate) async fn an_approval_is_of_exactly_what_waits(place: Place) {
    let store = place.open().await;
    let approve =
        async |digest: &str, by: &str| store.approve("1", digest, by, "ok").await.unwrap();
    assert_eq!(approve("a", "ann").await, Approve::NotHeld, "no such job");
    let claim = begin(&*store, "1").await;
    assert_eq!(approve("a", "ann").await, Approve::NotHeld);
    store.append(&claim, held("a", LATER)).await.unwrap();
    assert_eq!(approve("b", "ann").await, Approve::Other(hold("a", LATER)));
    assert!(approvals(&*store, "1").await.is_empty());
    assert_eq!(approve("a", "ann").await, Approve::Stored);
    let of_ann = |digest: &str| (digest.to_owned(), "ann".to_owned(), "ok".to_owned());
    assert_eq!(approvals(&*store, "1").await, [of_ann("a")]);
    assert_eq!(approve("a", "bob").await, Approve::Stored, "a repeat");
    store.append(&claim, approved("a")).await.unwrap();
    assert_eq!(approve("a", "ann").await, Approve::Stored, "a late repeat");
    assert_eq!(approvals(&*store, "1").await, [of_ann("a")], "the first stays");
    assert_eq!(approve("b", "ann").await, Approve::NotHeld);
    store.append(&claim, held("b", LATER)).await.unwrap();
    assert_eq!(
        approve("a", "ann").await,
        Approve::Other(hold("b", LATER)),
        "it went on from there"
    );
    assert!(store.stop("1", &Stop::Cancelled { by: "x".into() }).await.unwrap());
    assert_eq!(approve("b", "ann").await, Approve::NotHeld, "it is to stop");
    assert_eq!(approvals(&*store, "1").await, [of_ann("a")]);
    store.submit(submission("2")).await.unwrap();
    assert!(approvals(&*store, "2").await.is_empty(), "the approval is of one job");
}

pub(crate) async fn a_wait_ends_at_its_time_unless_somebody_approved(place: Place) {
    let store = place.open().await;
    let lapse = async |id: &str, now_ms| store.lapse(id, now_ms).await.unwrap();
    assert_eq!(lapse("none", 1).await, Lapse::Over);
    for id in ["1", "2", "3"] {
        let claim = begin(&*store, id).await;
        assert_eq!(lapse(id, 1).await, Lapse::Over, "it does not wait");
        store.append(&claim, held("a", LATER)).await.unwrap();
        assert_eq!(lapse(id, LATER - 1).await, Lapse::Later(LATER));
    }
    assert_eq!(store.approve("1", "a", "ann", "").await.unwrap(), Approve::Stored);
    let cancelled = Stop::Cancelled { by: "x".into() };
    assert!(store.stop("2", &cancelled).await.unwrap());
    let stop = async |id: &str| store.job(id).await.unwrap().unwrap().stop;
    for (id, answer) in [("1", Lapse::Over), ("2", Lapse::Over), ("3", Lapse::Stopped)] {
        assert_eq!(lapse(id, LATER).await, answer, "{id}");
        assert_eq!(lapse(id, LATER).await, Lapse::Over, "{id} again");
    }
    let late = Stop::NotApproved { seconds: 7 * 24 * 3600 };
    assert_eq!((stop("1").await, stop("2").await), (None, Some(cancelled)));
    assert_eq!(stop("3").await, Some(late));
    assert_eq!(store.approve("3", "a", "ann", "").await.unwrap(), Approve::NotHeld, "too late");
}

pub(crate) async fn nobody_approves_after_the_end_of_the_wait(place: Place) {
    let store = place.open().await;
    let claim = begin(&*store, "1").await;
    store.append(&claim, held("a", 100)).await.unwrap();
    let approve = async |digest: &str| store.approve("1", digest, "ann", "").await.unwrap();
    assert_eq!(approve("a").await, Approve::Over { until_ms: 100 });
    assert_eq!(approve("b").await, Approve::Other(hold("a", 100)));
    assert!(approvals(&*store, "1").await.is_empty());
    assert_eq!(store.lapse("1", 100).await.unwrap(), Lapse::Stopped);
    assert_eq!(approve("a").await, Approve::NotHeld);
}

pub(crate) async fn a_repeat_after_the_end_of_the_job_is_answered_as_the_first(place: Place) {
    let store = place.open().await;
    for id in ["1", "2"] {
        let claim = begin(&*store, id).await;
        store.append(&claim, held("a", LATER)).await.unwrap();
        if id == "1" {
            assert_eq!(store.approve(id, "a", "ann", "").await.unwrap(), Approve::Stored);
            store.append(&claim, approved("a")).await.unwrap();
        }
        store.append(&claim, Event::Ended(cancelled(Stage::Release))).await.unwrap();
    }
    for (id, digest, answer) in
        [("1", "a", Approve::Stored), ("1", "b", Approve::NotHeld), ("2", "a", Approve::NotHeld)]
    {
        let found = store.approve(id, digest, "ann", "").await.unwrap();
        assert_eq!(found, answer, "{digest} of {id}");
    }
    assert!(approvals(&*store, "2").await.is_empty());
}

pub(crate) async fn a_job_is_rejected_only_while_it_waits(place: Place) {
    let store = place.open().await;
    let reject = async |id: &str| store.reject(id, "bob", "no").await.unwrap();
    assert!(!reject("none").await);
    for id in ["1", "2", "3"] {
        let claim = begin(&*store, id).await;
        assert!(!reject(id).await, "it does not wait");
        store.append(&claim, held("a", LATER)).await.unwrap();
    }
    assert_eq!(store.approve("1", "a", "ann", "").await.unwrap(), Approve::Stored);
    let cancelled = Stop::Cancelled { by: "x".into() };
    assert!(store.stop("2", &cancelled).await.unwrap());
    assert!(!reject("1").await, "it is approved");
    assert!(!reject("2").await, "it is to stop");
    assert!(reject("3").await);
    assert!(!reject("3").await, "a repeat");
    let stop = async |id: &str| store.job(id).await.unwrap().unwrap().stop;
    let rejected = Stop::Rejected { by: "bob".into(), note: "no".into() };
    assert_eq!((stop("1").await, stop("2").await), (None, Some(cancelled)));
    assert_eq!(stop("3").await, Some(rejected));
    assert_eq!(store.approve("3", "a", "ann", "").await.unwrap(), Approve::NotHeld, "too late");
}

pub(crate) async fn an_approval_outlives_the_daemon_and_ends_with_its_job(place: Place) {
    {
        let store = place.open().await;
        let claim = begin(&*store, "1").await;
        store.append(&claim, held("a", LATER)).await.unwrap();
        assert_eq!(store.approve("1", "a", "ann", "").await.unwrap(), Approve::Stored);
        store.close().await;
    }
    let store = place.open().await;
    let waits = (JobState::Held, Some(Stage::Release), Some(hold("a", LATER)));
    assert_eq!(state(&*store, "1").await, waits);
    assert_eq!(approvals(&*store, "1").await.len(), 1);
    let unfinished = store.unfinished().await.unwrap().jobs;
    assert!(unfinished.len() == 1 && unfinished[0].has_begun, "{unfinished:?}");
    let claim = claim(&*store, "1").await;
    store.append(&claim, Event::Ended(cancelled(Stage::Release))).await.unwrap();
    store.forget_job("1").await.unwrap();
    begin(&*store, "1").await;
    assert!(approvals(&*store, "1").await.is_empty(), "of a job before it");
}

/// A restart holds the job again. Another thing that waits is another message, and so is what a person approved.
pub(crate) async fn each_wait_for_an_approval_is_heard_of_once(place: Place) {
    let held = |gate, digest: &str| Event::Held { gate, digest: digest.into(), until_ms: 9 };
    let approved = |gate, digest: &str| {
        let (by, note) = ("ann".to_owned(), String::new());
        Event::Approved { gate, digest: digest.into(), by, note }
    };
    let (fork, whole) = (Gate::Clone, Gate::Release);
    let receivers = [status(), endpoint("chat")];
    {
        let store = place.open().await;
        let claim = begin_heard(&*store, "1", &receivers).await;
        for event in [claimed(), held(fork, "a")] {
            store.append(&claim, event).await.unwrap();
        }
        store.close().await;
    }
    let store = place.open().await;
    let claim = claim(&*store, "1").await;
    for event in [
        claimed(),
        held(fork, "a"),
        approved(fork, "a"),
        held(whole, "a"),
        held(whole, "b"),
        held(whole, "b"),
        approved(whole, "b"),
        succeeded(release("1")),
    ] {
        store.append(&claim, event).await.unwrap();
    }
    let found: Vec<_> = all(&*store)
        .await
        .into_iter()
        .filter(|message| message.receiver == endpoint("chat"))
        .map(|message| (message.moment, message.seq))
        .collect();
    let expected = [
        (Moment::Queued, 0),
        (Moment::Running, 1),
        (Moment::Held, 2),
        (Moment::Approved, 5),
        (Moment::Held, 6),
        (Moment::Held, 7),
        (Moment::Approved, 9),
        (Moment::Succeeded, 10),
    ];
    assert_eq!(found, expected);
    // Of a status only the newest is sent, and nothing lower comes after it.
    let waits = all(&*store)
        .await
        .into_iter()
        .filter(|message| message.receiver == status() && message.state == MessageState::Waiting);
    assert_eq!(waits.map(|message| message.moment).collect::<Vec<_>>(), [Moment::Succeeded]);
}

/// The job's run is at work: it records on, and hears of what people do.
pub(crate) async fn a_release_under_way_is_approved_and_rejected_while_it_waits(place: Place) {
    let store = place.open().await;
    let held = || Event::Held { gate: Gate::Traffic, digest: "a".into(), until_ms: LATER };
    let wait = Hold { gate: Gate::Traffic, digest: "a".into(), until_ms: LATER };
    let (by, note) = ("ann".to_owned(), String::new());
    let approved = Event::Approved { gate: Gate::Traffic, digest: "a".into(), by, note };
    for id in ["1", "2", "3"] {
        let claim = begin(&*store, id).await;
        for event in [claimed(), Event::Started(Stage::Release), held()] {
            store.append(&claim, event).await.unwrap();
        }
        // What does not change the job's state leaves the wait.
        let ready = Event::Rollout { cluster: "eu".into(), ready: 1, wanted: 2 };
        store.append(&claim, ready).await.unwrap();
        let waits = (JobState::Held, Some(Stage::Release), Some(wait.clone()));
        assert_eq!(state(&*store, id).await, waits);
        match id {
            "1" => {
                assert_eq!(store.approve(id, "a", "ann", "").await.unwrap(), Approve::Stored);
                let given = store.interventions(id).await.unwrap().approvals;
                assert_eq!((given.len(), given[0].gate, &*given[0].by), (1, Gate::Traffic, "ann"));
                assert!(!store.reject(id, "bob", "").await.unwrap(), "it is approved");
                assert_eq!(store.lapse(id, LATER).await.unwrap(), Lapse::Over);
                store.append(&claim, approved.clone()).await.unwrap();
                let runs = (JobState::Running, Some(Stage::Release), None);
                assert_eq!(state(&*store, id).await, runs);
            }
            "2" => {
                assert!(store.reject(id, "bob", "no").await.unwrap());
                let stop = store.job(id).await.unwrap().unwrap().stop;
                let rejected = Stop::Rejected { by: "bob".into(), note: "no".into() };
                assert_eq!(stop, Some(rejected));
                assert_eq!(store.approve(id, "a", "ann", "").await.unwrap(), Approve::NotHeld);
                store.append(&claim, Event::RollingBack(cancelled(Stage::Release))).await.unwrap();
                let back = (JobState::RollingBack, Some(Stage::Release), None);
                assert_eq!(state(&*store, id).await, back);
            }
            // A newer job voids it.
            _ => {
                assert!(store.supersede(id, "4").await.unwrap());
                assert_eq!(store.approve(id, "a", "ann", "").await.unwrap(), Approve::NotHeld);
                assert!(!store.reject(id, "bob", "").await.unwrap());
                assert_eq!(store.lapse(id, LATER).await.unwrap(), Lapse::Over);
            }
        }
    }
}

/// Also where a restart recorded the wait once more.
pub(crate) async fn a_wait_in_the_middle_of_a_release_ends_after_its_own_time(place: Place) {
    let store = place.open().await;
    let until_ms = now_ms() + 90_000;
    let held = |digest: &str, until_ms| Event::Held {
        gate: Gate::Traffic,
        digest: digest.into(),
        until_ms,
    };
    let claim = begin(&*store, "1").await;
    for event in [held("5", until_ms - 80_000), approved("5"), held("25", until_ms)] {
        store.append(&claim, event).await.unwrap();
    }
    for event in [claimed(), held("25", until_ms)] {
        store.append(&claim, event).await.unwrap();
    }
    assert_eq!(store.lapse("1", until_ms - 1).await.unwrap(), Lapse::Later(until_ms));
    assert_eq!(store.lapse("1", until_ms).await.unwrap(), Lapse::Stopped);
    let Some(Stop::NotApproved { seconds }) = store.job("1").await.unwrap().unwrap().stop else {
        panic!("it is not to stop")
    };
    assert!((60..=90).contains(&seconds), "{seconds}");
}
