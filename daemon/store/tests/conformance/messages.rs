//! Messages as people and metrics see them: lists, counts, and their deletion.

use crate::{
    Place,
    data::{app, cancelled, claimed, heard, release, succeeded},
    outbox::{LONG_MS, all, attempt, begin_heard, endpoint, soon, state, status, take},
};
use windlass_engine::ports::store::{LONGEST_TAKEN_MS, Notice, OutboxFilter};
use windlass_model::{
    clock::now_ms,
    event::Event,
    job::Stage,
    outbox::{EndpointHealth, Message, MessageState, Moment, PreviewChange, PullRequest, Receiver},
    outcome::{Outcome, Removed},
};

pub(crate) async fn messages_are_listed_newest_first_and_as_they_are_filtered(place: Place) {
    let store = place.open().await;
    begin_heard(&*store, "1", &[status(), endpoint("chat")]).await;
    begin_heard(&*store, "2", &[endpoint("chat")]).await;
    let mut other = heard("3", &[endpoint("chat")]);
    other.job.app.project = "blog".into();
    store.submit(other).await.unwrap();
    let ids: Vec<_> = all(&*store).await.into_iter().map(|message| message.id).collect();
    assert_eq!(ids.len(), 3);
    store.drop_message(&ids[0]).await.unwrap();
    let all = OutboxFilter { project: "shop".into(), limit: 9, ..OutboxFilter::default() };
    for (filter, expected) in [
        (all.clone(), vec![2, 1, 0]),
        (OutboxFilter { states: vec![MessageState::Waiting], ..all.clone() }, vec![2, 1]),
        (OutboxFilter { states: MessageState::ALL.into(), ..all.clone() }, vec![2, 1, 0]),
        (OutboxFilter { job: Some("1".into()), ..all.clone() }, vec![1, 0]),
        (OutboxFilter { receiver: Some("chat".into()), ..all.clone() }, vec![2, 1]),
        (OutboxFilter { receiver: Some("code".into()), ..all.clone() }, vec![0]),
        (OutboxFilter { before: Some(ids[2].clone()), ..all.clone() }, vec![1, 0]),
        (OutboxFilter { limit: 1, ..all.clone() }, vec![2]),
    ] {
        let found = store.messages(&filter).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|message| message.id).collect();
        let expected: Vec<_> =
            expected.into_iter().map(|place: usize| ids[place].clone()).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let blog = OutboxFilter { project: "blog".into(), ..all };
    assert_eq!(store.messages(&blog).await.unwrap().len(), 1);
}

fn preview(change: PreviewChange) -> Receiver {
    let pull = PullRequest { repository: "code".into(), number: 7, page: None };
    let (name, environment) = ("chat".to_owned(), "pr-7".to_owned());
    Receiver::Preview { name, change, environment, pull: Some(pull) }
}

fn deployment() -> Receiver {
    let (repository, commit) = ("code".to_owned(), "abc".to_owned());
    Receiver::Deployment { repository, commit, environment: "web/production".into() }
}

fn removed(id: &str) -> Event {
    let clusters = vec!["default".to_owned()];
    Event::Ended(Outcome::Removed(Removed { job: id.into(), app: app(), clusters }))
}

pub(crate) async fn ends_of_deployments_and_previews_come_with_success_alone(place: Place) {
    let store = place.open().await;
    let ready = preview(PreviewChange::Ready);
    let end = deployment().into_end().unwrap();
    let stopped = begin_heard(&*store, "1", &[ready.clone(), end.clone()]).await;
    store.append(&stopped, claimed()).await.unwrap();
    store.append(&stopped, Event::Ended(cancelled(Stage::Build))).await.unwrap();
    assert!(all(&*store).await.is_empty());
    let deployed = begin_heard(&*store, "2", std::slice::from_ref(&ready)).await;
    store.append(&deployed, claimed()).await.unwrap();
    store.append(&deployed, succeeded(release("2"))).await.unwrap();
    let gone = preview(PreviewChange::Removed);
    let removal = begin_heard(&*store, "3", &[gone.clone(), end.clone()]).await;
    store.append(&removal, claimed()).await.unwrap();
    store.append(&removal, removed("3")).await.unwrap();
    let found = all(&*store).await;
    let found: Vec<_> = found.iter().map(|one| (&*one.job, &one.receiver, one.moment)).collect();
    let success = Moment::Succeeded;
    assert_eq!(found, [("2", &ready, success), ("3", &gone, success), ("3", &end, success)]);
    // The endpoint's own list has them.
    let filter = OutboxFilter {
        project: "shop".into(),
        receiver: Some("chat".into()),
        limit: 9,
        ..OutboxFilter::default()
    };
    assert_eq!(store.messages(&filter).await.unwrap().len(), 2);
}

pub(crate) async fn the_end_of_a_deployment_takes_the_place_of_its_earlier_states(place: Place) {
    let store = place.open().await;
    let deployed = begin_heard(&*store, "1", &[deployment()]).await;
    store.append(&deployed, claimed()).await.unwrap();
    store.append(&deployed, succeeded(release("1"))).await.unwrap();
    let end = deployment().into_end().unwrap();
    let removal = begin_heard(&*store, "2", std::slice::from_ref(&end)).await;
    let waiting = |all: &[Message]| -> Vec<Receiver> {
        let waits = all.iter().filter(|one| one.state == MessageState::Waiting);
        waits.map(|one| one.receiver.clone()).collect()
    };
    assert_eq!(waiting(&all(&*store).await), [deployment()], "a removal that waits ends nothing");
    store.append(&removal, removed("2")).await.unwrap();
    assert_eq!(waiting(&all(&*store).await), [end], "the success is told no more");
    // Whoever deploys the commit again owns its state from then on.
    store.submit(heard("3", &[deployment()])).await.unwrap();
    assert_eq!(waiting(&all(&*store).await), [deployment()]);
}

pub(crate) async fn a_notice_is_added_once_for_its_receiver(place: Place) {
    let store = place.open().await;
    begin_heard(&*store, "1", &[endpoint("chat")]).await;
    let cause = all(&*store).await.remove(0);
    let receiver = |name: &str, since: &str| Receiver::Notice {
        name: name.into(),
        endpoint: "chat".into(),
        health: EndpointHealth::Failing,
        since: since.into(),
    };
    let notice = |receiver: Receiver| Notice {
        project: "shop".into(),
        receiver,
        cause: cause.clone(),
        now_ms: cause.created_ms,
    };
    let mut news = store.new_messages();
    let first = notice(receiver("ops", "m1"));
    assert!(store.add_notice(&first).await.unwrap());
    news.try_recv().unwrap();
    assert!(!store.add_notice(&first).await.unwrap());
    assert!(news.try_recv().is_err());
    // To another one, of another silence, and of another project's job.
    assert!(store.add_notice(&notice(receiver("mail", "m1"))).await.unwrap());
    assert!(store.add_notice(&notice(receiver("ops", "m2"))).await.unwrap());
    let job = "2".to_owned();
    let other = Message { job, project: "blog".into(), ..cause.clone() };
    let other = Notice { project: "blog".into(), cause: other, ..first.clone() };
    assert!(store.add_notice(&other).await.unwrap());
    let taken = take(&*store, soon(), LONG_MS).await;
    let found = taken.iter().find(|one| one.receiver == first.receiver && one.project == "shop");
    let found = found.unwrap().clone();
    assert_eq!((&found.job, found.moment, found.seq), (&cause.job, cause.moment, cause.seq));
    // One that has ended counts too.
    store.attempted(&found.id, &attempt(MessageState::Done, 0)).await.unwrap();
    assert!(!store.add_notice(&first).await.unwrap());
    let filter = OutboxFilter {
        project: "shop".into(),
        receiver: Some("ops".into()),
        limit: 9,
        ..OutboxFilter::default()
    };
    assert_eq!(store.messages(&filter).await.unwrap().len(), 2);
}

pub(crate) async fn messages_are_counted_by_state_in_all_projects(place: Place) {
    let store = place.open().await;
    assert!(store.message_counts().await.unwrap().iter().all(|counted| counted.count == 0));
    begin_heard(&*store, "1", &[endpoint("chat")]).await;
    let mut other = heard("2", &[endpoint("chat")]);
    other.job.app.project = "blog".into();
    store.submit(other).await.unwrap();
    let first = all(&*store).await.remove(0);
    store.drop_message(&first.id).await.unwrap();
    let counts = store.message_counts().await.unwrap();
    let of = |state: MessageState| counts.iter().find(|counted| counted.state == state);
    assert_eq!(of(MessageState::Waiting).map(|counted| counted.count), Some(1));
    let void = of(MessageState::Void).map(|counted| (counted.count, counted.oldest_ms));
    assert_eq!(void, Some((1, first.created_ms)));
    assert_eq!(of(MessageState::Dead).map_or(0, |counted| counted.count), 0);
}

pub(crate) async fn messages_outlive_their_job_and_waiting_ones_their_time(place: Place) {
    let store = place.open().await;
    let claim = begin_heard(&*store, "1", &[endpoint("chat")]).await;
    store.append(&claim, succeeded(release("1"))).await.unwrap();
    store.forget_job("1").await.unwrap();
    let all = all(&*store).await;
    let [queued, ended] = &all[..] else { panic!("{all:?}") };
    take(&*store, soon(), LONG_MS).await;
    store.attempted(&queued.id, &attempt(MessageState::Done, 0)).await.unwrap();
    store.forget_messages(queued.created_ms).await.unwrap();
    assert!(store.message(&queued.id).await.unwrap().is_some(), "it was not stored before");
    store.forget_messages(soon()).await.unwrap();
    assert!(store.message(&queued.id).await.unwrap().is_none());
    assert_eq!(state(&*store, &ended.id).await, MessageState::Waiting);
}

/// The clock was two hours ahead.
pub(crate) async fn what_waits_for_a_time_of_another_clock_is_sent(place: Place) {
    let store = place.open().await;
    store.submit(heard("1", &[endpoint("chat")])).await.unwrap();
    let now = now_ms() - 2 * 3_600_000;
    assert!(take(&*store, now, LONG_MS).await.is_empty());
    let mut new = store.new_messages();
    assert_eq!(store.hasten_messages(now).await.unwrap(), 1);
    assert!(new.try_recv().is_ok(), "the sender is woken");
    assert_eq!(store.hasten_messages(now).await.unwrap(), 0, "it is ready");
    let message = take(&*store, now, LONG_MS).await.remove(0);
    // It is being sent, and nobody else gets it.
    assert_eq!(store.hasten_messages(now).await.unwrap(), 0);
    assert!(take(&*store, now, LONG_MS).await.is_empty());
    // What is tried again waits for its time by the clock of now.
    let later = now + 24 * 3_600_000;
    store.attempted(&message.id, &attempt(MessageState::Waiting, later)).await.unwrap();
    assert_eq!(store.hasten_messages(now).await.unwrap(), 0);
    assert!(take(&*store, later - 1, LONG_MS).await.is_empty());
    // That clock was days ahead, too, and no wait is as long as that.
    let long_ago = now - 3 * 24 * 3_600_000;
    assert_eq!(store.hasten_messages(long_ago).await.unwrap(), 1);
    let again = take(&*store, long_ago, 2 * LONGEST_TAKEN_MS).await;
    assert_eq!(again.len(), 1);
    // So was the one by which it was taken.
    assert_eq!(store.hasten_messages(long_ago).await.unwrap(), 1);
    assert_eq!(take(&*store, long_ago, LONG_MS).await.len(), 1);
    store.attempted(&message.id, &attempt(MessageState::Done, 0)).await.unwrap();
    assert_eq!(store.hasten_messages(0).await.unwrap(), 0, "it waits no more");
    // It was replayed while the clock was ahead.
    let after = message.created_ms + 1;
    assert!(store.replay_message(&message.id, after + 2 * 3_600_000).await.unwrap());
    assert_eq!(store.hasten_messages(after).await.unwrap(), 1);
    assert_eq!(take(&*store, after, LONG_MS).await.len(), 1);
}
