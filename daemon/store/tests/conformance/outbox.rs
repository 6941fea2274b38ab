//! Messages: who adds them, in which order they are sent, and what comes of each.

use crate::{
    Place,
    data::{begin, cancelled, claim, claimed, heard, log, release, submission, succeeded},
};
use std::{slice, time::Duration};
use tokio::sync::broadcast::error::TryRecvError;
use windlass_engine::ports::store::{Attempt, Claim, OutboxFilter, Store};
use windlass_model::{
    clock::now_ms,
    event::Event,
    job::Stage,
    outbox::{Message, MessageState, Moment, Receiver},
};

/// Time for which a sender takes messages where a test adds others meanwhile.
pub(crate) const LONG_MS: u64 = 600_000;

/// The status of one commit: all jobs of it share the partition.
pub(crate) fn status() -> Receiver {
    Receiver::Status {
        repository: "code".into(),
        commit: "abc".into(),
        context: "windlass/web/production".into(),
    }
}

pub(crate) fn endpoint(name: &str) -> Receiver {
    Receiver::Endpoint { name: name.into() }
}

/// A time at which all that was added before can be taken.
pub(crate) fn soon() -> u64 {
    now_ms() + 1000
}

pub(crate) fn attempt(state: MessageState, next_ms: u64) -> Attempt {
    Attempt { state, next_ms, code: Some(200), error: String::new() }
}

/// Returns all messages, the oldest first.
pub(crate) async fn all(store: &dyn Store) -> Vec<Message> {
    let filter = OutboxFilter { project: "shop".into(), limit: 999, ..OutboxFilter::default() };
    let mut all = store.messages(&filter).await.unwrap();
    all.reverse();
    all
}

/// Returns the moments of a receiver's messages with their states, the oldest first.
async fn moments(store: &dyn Store, receiver: &Receiver) -> Vec<(Moment, MessageState)> {
    let of_receiver = all(store).await.into_iter().filter(|message| message.receiver == *receiver);
    of_receiver.map(|message| (message.moment, message.state)).collect()
}

/// Takes what can be taken at a time, for so long.
pub(crate) async fn take(store: &dyn Store, at_ms: u64, for_ms: u64) -> Vec<Message> {
    store.take_messages(at_ms, at_ms + for_ms, 99).await.unwrap()
}

/// Takes the only message that can be taken.
async fn take_one(store: &dyn Store) -> Message {
    let mut taken = take(store, soon(), LONG_MS).await;
    assert_eq!(taken.len(), 1, "{taken:?}");
    taken.remove(0)
}

pub(crate) async fn state(store: &dyn Store, id: &str) -> MessageState {
    store.message(id).await.unwrap().unwrap().state
}

/// Stores a job of which these hear, and claims it.
pub(crate) async fn begin_heard(store: &dyn Store, id: &str, receivers: &[Receiver]) -> Claim {
    store.submit(heard(id, receivers)).await.unwrap();
    claim(store, id).await
}

pub(crate) async fn acceptance_and_events_add_a_message_for_each_receiver(place: Place) {
    let began = now_ms();
    let receivers = [status(), endpoint("chat")];
    {
        let store = place.open().await;
        let claim = begin_heard(&*store, "1", &receivers).await;
        for event in [claimed(), Event::Started(Stage::Clone), succeeded(release("1"))] {
            store.append(&claim, event).await.unwrap();
        }
        store.close().await;
    }
    let store = place.open().await;
    let all = all(&*store).await;
    let expected = [(Moment::Queued, 0), (Moment::Running, 1), (Moment::Succeeded, 3)];
    let expected: Vec<_> =
        expected.iter().flat_map(|one| receivers.iter().map(move |of| (of, *one))).collect();
    let found: Vec<_> = all.iter().map(|one| (&one.receiver, (one.moment, one.seq))).collect();
    assert_eq!(found, expected);
    for message in &all {
        assert_eq!((&*message.project, &*message.job, message.attempts), ("shop", "1", 0));
        assert_eq!((message.code, &*message.error), (None, ""));
        assert!((began..=now_ms()).contains(&message.created_ms));
        assert_eq!(message.next_ms, message.created_ms);
        assert_eq!(store.message(&message.id).await.unwrap().as_ref(), Some(message));
    }
    assert_eq!(store.message("unknown").await.unwrap(), None);
}

pub(crate) async fn a_repeated_request_and_a_refused_event_add_none(place: Place) {
    let store = place.open().await;
    let old = begin_heard(&*store, "1", &[status()]).await;
    assert!(!store.submit(heard("1", &[status()])).await.unwrap().is_new);
    claim(&*store, "1").await;
    store.append(&old, claimed()).await.unwrap_err();
    assert_eq!(moments(&*store, &status()).await, [(Moment::Queued, MessageState::Waiting)]);
}

pub(crate) async fn a_job_that_nobody_hears_of_adds_none(place: Place) {
    let store = place.open().await;
    let mut new = store.new_messages();
    let claim = begin(&*store, "1").await;
    for event in [claimed(), succeeded(release("1"))] {
        store.append(&claim, event).await.unwrap();
    }
    assert!(all(&*store).await.is_empty());
    assert_eq!(store.next_message().await.unwrap(), None);
    assert_eq!(new.try_recv(), Err(TryRecvError::Empty));
}

/// A restart claims the job again. A receiver that is named twice is one.
pub(crate) async fn a_job_begins_once_for_its_receivers(place: Place) {
    let receivers = [endpoint("chat"), endpoint("chat")];
    {
        let store = place.open().await;
        let claim = begin_heard(&*store, "1", &receivers).await;
        store.append(&claim, claimed()).await.unwrap();
        store.close().await;
    }
    let store = place.open().await;
    let claim = claim(&*store, "1").await;
    store.append(&claim, claimed()).await.unwrap();
    let expected = [Moment::Queued, Moment::Running].map(|one| (one, MessageState::Waiting));
    assert_eq!(moments(&*store, &endpoint("chat")).await, expected);
}

/// A job that is superseded before it began has a final message too: nothing waits for ever.
pub(crate) async fn nothing_follows_a_final_message(place: Place) {
    let store = place.open().await;
    let claim = begin_heard(&*store, "1", &[status()]).await;
    store.append(&claim, Event::Ended(cancelled(Stage::Clone))).await.unwrap();
    store.append(&claim, claimed()).await.unwrap_err();
    store.append(&claim, succeeded(release("1"))).await.unwrap_err();
    let expected = [(Moment::Queued, MessageState::Void), (Moment::Stopped, MessageState::Waiting)];
    assert_eq!(moments(&*store, &status()).await, expected);
}

pub(crate) async fn a_newer_message_voids_older_ones_of_its_partition(place: Place) {
    let store = place.open().await;
    let elsewhere = Receiver::Deployment {
        repository: "code".into(),
        commit: "abc".into(),
        environment: "production".into(),
    };
    let other = begin_heard(&*store, "0", slice::from_ref(&elsewhere)).await;
    let claim = begin_heard(&*store, "1", &[status(), endpoint("chat")]).await;
    store.append(&claim, claimed()).await.unwrap();
    store.append(&claim, succeeded(release("1"))).await.unwrap();
    let of_status = [
        (Moment::Queued, MessageState::Void),
        (Moment::Running, MessageState::Void),
        (Moment::Succeeded, MessageState::Waiting),
    ];
    assert_eq!(moments(&*store, &status()).await, of_status);
    let in_any_order = of_status.map(|(moment, _)| (moment, MessageState::Waiting));
    assert_eq!(moments(&*store, &endpoint("chat")).await, in_any_order);
    assert_eq!(moments(&*store, &elsewhere).await, [(Moment::Queued, MessageState::Waiting)]);
    store.append(&other, claimed()).await.unwrap();
    let taken = take(&*store, soon(), LONG_MS).await;
    assert_eq!(taken.len(), 5, "{taken:?}");
}

pub(crate) async fn what_is_taken_is_answered_before_the_next(place: Place) {
    let store = place.open().await;
    let claim = begin_heard(&*store, "1", &[status()]).await;
    let queued = take_one(&*store).await;
    for event in [claimed(), log("a line"), succeeded(release("1"))] {
        store.append(&claim, event).await.unwrap();
    }
    let expected = [
        (Moment::Queued, MessageState::Waiting),
        (Moment::Running, MessageState::Void),
        (Moment::Succeeded, MessageState::Waiting),
    ];
    assert_eq!(moments(&*store, &status()).await, expected);
    assert!(take(&*store, soon(), LONG_MS).await.is_empty());
    assert!(store.next_message().await.unwrap().unwrap() > soon(), "nobody asks in vain till then");
    store.attempted(&queued.id, &attempt(MessageState::Done, 0)).await.unwrap();
    assert!(store.next_message().await.unwrap().unwrap() < soon());
    assert_eq!(take_one(&*store).await.moment, Moment::Succeeded);
}

/// A late "running" must not come after "succeeded".
pub(crate) async fn what_would_be_tried_again_gives_way_to_a_newer_one(place: Place) {
    let store = place.open().await;
    let claim = begin_heard(&*store, "1", &[status()]).await;
    let queued = take_one(&*store).await;
    store.append(&claim, claimed()).await.unwrap();
    store.attempted(&queued.id, &attempt(MessageState::Waiting, 0)).await.unwrap();
    assert_eq!(state(&*store, &queued.id).await, MessageState::Void);
    let running = take_one(&*store).await;
    assert_eq!(running.moment, Moment::Running);
    // Nothing is newer: it is tried again.
    store.attempted(&running.id, &attempt(MessageState::Waiting, soon())).await.unwrap();
    assert_eq!(state(&*store, &running.id).await, MessageState::Waiting);
    // Somebody waits between two attempts: it is not on its way.
    store.append(&claim, succeeded(release("1"))).await.unwrap();
    assert_eq!(state(&*store, &running.id).await, MessageState::Void);
    assert_eq!(take_one(&*store).await.moment, Moment::Succeeded);
}

/// The same commit was deployed twice, and the first job ends late.
pub(crate) async fn the_newer_job_owns_the_partition(place: Place) {
    let store = place.open().await;
    let old = begin_heard(&*store, "1", &[status(), endpoint("chat")]).await;
    store.submit(heard("2", &[status()])).await.unwrap();
    store.append(&old, claimed()).await.unwrap();
    store.append(&old, Event::Ended(cancelled(Stage::Build))).await.unwrap();
    // Accepted earlier by its id, and stored later.
    store.submit(heard("0", &[status()])).await.unwrap();
    let found: Vec<_> = all(&*store)
        .await
        .into_iter()
        .filter(|message| message.receiver == status() && message.state == MessageState::Waiting)
        .map(|message| (message.job, message.moment))
        .collect();
    assert_eq!(found, [("2".to_owned(), Moment::Queued)]);
    assert_eq!(moments(&*store, &status()).await.len(), 5);
    let of_endpoint = moments(&*store, &endpoint("chat")).await;
    assert!(of_endpoint.iter().all(|(_, state)| *state == MessageState::Waiting));
    assert_eq!(of_endpoint.len(), 3);
}

pub(crate) async fn what_a_killed_sender_took_comes_again(place: Place) {
    let store = place.open().await;
    begin_heard(&*store, "1", &[status()]).await;
    let now = soon();
    let taken = take(&*store, now, 10).await;
    assert_eq!(taken.len(), 1);
    assert!(take(&*store, now + 9, 10).await.is_empty());
    assert_eq!(store.next_message().await.unwrap(), Some(now + 10));
    assert_eq!(take(&*store, now + 10, 10).await, taken, "as it was, and under the same id");
}

pub(crate) async fn a_new_life_sends_what_the_one_before_had_taken(place: Place) {
    let taken = {
        let store = place.open().await;
        begin_heard(&*store, "1", &[status()]).await;
        let taken = take_one(&*store).await;
        assert!(take(&*store, soon(), LONG_MS).await.is_empty());
        store.close().await;
        taken
    };
    let store = place.open().await;
    assert_eq!(take_one(&*store).await, taken);
}

pub(crate) async fn the_earliest_message_is_taken_first_and_no_more_than_asked_for(place: Place) {
    let store = place.open().await;
    begin_heard(&*store, "1", &[endpoint("a"), endpoint("b"), endpoint("c")]).await;
    let now = soon();
    let taken = take(&*store, now, LONG_MS).await;
    for (message, next_ms) in taken.iter().zip([now + 30, now + 10, now + 20]) {
        store.attempted(&message.id, &attempt(MessageState::Waiting, next_ms)).await.unwrap();
    }
    assert_eq!(store.next_message().await.unwrap(), Some(now + 10));
    let names = async |at_ms: u64, limit: u32| {
        let taken = store.take_messages(at_ms, at_ms + LONG_MS, limit).await.unwrap();
        taken.into_iter().map(|message| message.receiver).collect::<Vec<_>>()
    };
    assert!(names(now + 9, 9).await.is_empty());
    assert_eq!(names(now + 100, 2).await, [endpoint("b"), endpoint("c")]);
    assert_eq!(names(now + 100, 2).await, [endpoint("a")]);
    assert!(names(now + 100, 2).await.is_empty());
}

pub(crate) async fn of_many_senders_one_gets_a_message(place: Place) {
    let store = place.open().await;
    begin_heard(&*store, "1", &[status(), endpoint("chat")]).await;
    let senders: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { take(&*store, soon(), LONG_MS).await.len() })
        })
        .collect();
    let mut taken = 0;
    for sender in senders {
        taken += sender.await.unwrap();
    }
    assert_eq!(taken, 2);
}

pub(crate) async fn an_attempt_is_recorded(place: Place) {
    let store = place.open().await;
    begin_heard(&*store, "1", &[endpoint("chat")]).await;
    let id = take_one(&*store).await.id;
    let next_ms = soon();
    let refused = Attempt {
        state: MessageState::Waiting,
        next_ms,
        code: Some(503),
        error: "busy: it's \"later\"".into(),
    };
    store.attempted(&id, &refused).await.unwrap();
    let message = store.message(&id).await.unwrap().unwrap();
    assert_eq!((message.attempts, message.state, message.next_ms), (1, refused.state, next_ms));
    assert_eq!((message.code, &message.error), (Some(503), &refused.error));
    assert_eq!(take(&*store, next_ms, LONG_MS).await, [message]);
    store.attempted(&id, &attempt(MessageState::Done, 0)).await.unwrap();
    let done = store.message(&id).await.unwrap().unwrap();
    assert_eq!((done.attempts, done.state), (2, MessageState::Done));
    assert_eq!((done.code, &*done.error), (Some(200), ""));
    // A sender that took too long answers after another one.
    for id in [&*id, "unknown"] {
        store.attempted(id, &attempt(MessageState::Dead, 0)).await.unwrap();
    }
    assert_eq!(store.message(&id).await.unwrap(), Some(done));
    assert_eq!(store.next_message().await.unwrap(), None);
}

pub(crate) async fn a_message_is_replayed_under_its_id(place: Place) {
    let store = place.open().await;
    begin_heard(&*store, "1", &[endpoint("chat")]).await;
    let id = all(&*store).await[0].id.clone();
    let now = soon();
    assert!(!store.replay_message(&id, now).await.unwrap(), "it waits");
    assert!(!store.replay_message("unknown", now).await.unwrap());
    for state in [MessageState::Dead, MessageState::Done] {
        assert_eq!(take_one(&*store).await.id, id);
        let failed = Attempt { error: "no".into(), ..attempt(state, 0) };
        store.attempted(&id, &failed).await.unwrap();
        let mut new = store.new_messages();
        assert!(store.replay_message(&id, now).await.unwrap(), "{state:?}");
        new.try_recv().unwrap();
        let message = store.message(&id).await.unwrap().unwrap();
        assert_eq!((message.state, message.attempts), (MessageState::Waiting, 0));
        assert_eq!((message.next_ms, message.code, &*message.error), (now, None, ""));
    }
    assert!(store.drop_message(&id).await.unwrap());
    assert!(!store.replay_message(&id, now).await.unwrap(), "it was dropped");
}

pub(crate) async fn an_older_state_is_never_replayed_after_a_newer_one(place: Place) {
    let store = place.open().await;
    let claim = begin_heard(&*store, "1", &[status()]).await;
    let send = async || {
        let id = take_one(&*store).await.id;
        store.attempted(&id, &attempt(MessageState::Done, 0)).await.unwrap();
        id
    };
    let queued = send().await;
    store.append(&claim, claimed()).await.unwrap();
    let running = send().await;
    assert!(!store.replay_message(&queued, now_ms()).await.unwrap());
    assert!(store.replay_message(&running, now_ms()).await.unwrap(), "the newest of its partition");
    assert_eq!(send().await, running);
    store.submit(heard("2", &[status()])).await.unwrap();
    let of_newer = send().await;
    assert!(!store.replay_message(&running, now_ms()).await.unwrap(), "a newer job owns it");
    // The end of the older job is added later, and is no newer state.
    store.append(&claim, succeeded(release("1"))).await.unwrap();
    assert!(store.replay_message(&of_newer, now_ms()).await.unwrap());
    assert_eq!(send().await, of_newer);
}

pub(crate) async fn what_is_dropped_is_sent_no_more(place: Place) {
    let store = place.open().await;
    begin_heard(&*store, "1", &[endpoint("a"), endpoint("b"), endpoint("c")]).await;
    let ids: Vec<_> = all(&*store).await.into_iter().map(|message| message.id).collect();
    assert!(store.drop_message(&ids[0]).await.unwrap());
    assert!(!store.drop_message(&ids[0]).await.unwrap(), "it is void");
    assert!(!store.drop_message("unknown").await.unwrap());
    let taken = take(&*store, soon(), LONG_MS).await;
    assert_eq!(taken.iter().map(|message| &message.id).collect::<Vec<_>>(), [&ids[1], &ids[2]]);
    store.attempted(&ids[1], &attempt(MessageState::Dead, 0)).await.unwrap();
    store.attempted(&ids[2], &attempt(MessageState::Done, 0)).await.unwrap();
    assert!(store.drop_message(&ids[1]).await.unwrap(), "it was dead");
    assert!(!store.drop_message(&ids[2]).await.unwrap(), "it was sent");
    assert_eq!(store.next_message().await.unwrap(), None);
}

/// The sender does not know that the message was dropped.
pub(crate) async fn what_is_dropped_on_its_way_is_not_overtaken(place: Place) {
    for is_added_before in [true, false] {
        let store = place.open().await;
        let id = if is_added_before { "1" } else { "2" };
        let claim = begin_heard(&*store, id, &[status()]).await;
        let now = soon();
        let queued = take(&*store, now, LONG_MS).await.remove(0);
        if is_added_before {
            store.append(&claim, claimed()).await.unwrap();
        }
        assert!(store.drop_message(&queued.id).await.unwrap());
        if !is_added_before {
            store.append(&claim, claimed()).await.unwrap();
        }
        assert!(take(&*store, now + LONG_MS - 1, 10).await.is_empty());
        assert_eq!(store.next_message().await.unwrap(), Some(now + LONG_MS));
        store.attempted(&queued.id, &attempt(MessageState::Done, 0)).await.unwrap();
        assert_eq!(state(&*store, &queued.id).await, MessageState::Void);
        let taken = take(&*store, now + LONG_MS, 10).await;
        assert_eq!(taken.iter().map(|one| one.moment).collect::<Vec<_>>(), [Moment::Running]);
        store.attempted(&taken[0].id, &attempt(MessageState::Done, 0)).await.unwrap();
        store.close().await;
    }
}

pub(crate) async fn what_is_put_off_comes_again_at_its_time(place: Place) {
    let store = place.open().await;
    store.submit(heard("1", &[endpoint("chat")])).await.unwrap();
    let message = take_one(&*store).await;
    let at = soon() + 5000;
    store.put_off(&message.id, at).await.unwrap();
    assert_eq!(store.next_message().await.unwrap(), Some(at));
    assert!(take(&*store, at - 1, LONG_MS).await.is_empty());
    let again = take(&*store, at, LONG_MS).await;
    assert_eq!(again, slice::from_ref(&message), "it was not tried");
    store.attempted(&message.id, &attempt(MessageState::Done, 0)).await.unwrap();
    store.put_off(&message.id, at).await.unwrap();
    assert_eq!(state(&*store, &message.id).await, MessageState::Done);
}

pub(crate) async fn whoever_listens_hears_of_new_messages(place: Place) {
    let store = place.open().await;
    let mut new = store.new_messages();
    let mut heard_of = async || {
        tokio::time::timeout(Duration::from_secs(10), new.recv()).await.unwrap().unwrap();
    };
    store.submit(heard("1", &[endpoint("chat")])).await.unwrap();
    heard_of().await;
    let claim = claim(&*store, "1").await;
    store.append(&claim, claimed()).await.unwrap();
    heard_of().await;
    store.append(&claim, log("a line")).await.unwrap();
    store.submit(submission("2")).await.unwrap();
    assert_eq!(new.try_recv(), Err(TryRecvError::Empty));
}
