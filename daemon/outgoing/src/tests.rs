//! Messages that are sent to a server on loopback.

mod ends;

use crate::{
    allow::Allow,
    fakes::{FakeStore, Reply, Seen, Server, message, project, status},
    health::UnwellEndpoints,
    pace::Pace,
    resolve::Resolver,
    sender::{Ports, Sender},
    settings::OutgoingSettings,
};
use async_trait::async_trait;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};
use windlass_engine::ports::{
    NotPublished, QueuePublisher,
    store::{JobRecord, Outbox},
};
use windlass_model::{
    clock::now_ms,
    outbox::{EndpointHealth, Message, MessageState, Moment, Receiver},
    project::{EndpointEvent, EndpointSpec},
};

/// Time after which a test fails.
const LONG: Duration = Duration::from_secs(30);

fn store_for(server: &Server) -> Arc<FakeStore> {
    let (endpoint, api) = (
        format!("http://{}/in?key=h1dden", server.address),
        format!("http://{}/api/v1", server.address),
    );
    Arc::new(FakeStore::new(project(&endpoint, &api)))
}

fn settings() -> OutgoingSettings {
    OutgoingSettings {
        public_url: Some("https://windlass.example/".into()),
        allow: Allow::parse(&["127.0.0.0/8"]).unwrap(),
        ca: None,
        // A busy machine may take its time over an attempt.
        timeout: LONG,
    }
}

/// Settings under which an attempt ends soon, and a message that was taken comes again soon.
fn impatient() -> OutgoingSettings {
    OutgoingSettings { timeout: Duration::from_secs(2), ..settings() }
}

/// Sends the messages of a store until all of them fulfil `is_enough`.
async fn sent(
    store: &Arc<FakeStore>,
    settings: OutgoingSettings,
    is_enough: impl Fn(&Message) -> bool,
) -> Vec<Message> {
    let sender = Sender::with_pace(ports(store), settings, Pace::quick(9));
    ended(sender, store, is_enough).await
}

fn ports(store: &Arc<FakeStore>) -> Ports {
    Ports {
        outbox: store.clone(),
        jobs: store.clone(),
        projects: store.clone(),
        secrets: store.clone(),
        queue: None,
    }
}

/// Runs a sender until all messages fulfil `is_enough`.
async fn ended(
    sender: Sender,
    store: &Arc<FakeStore>,
    is_enough: impl Fn(&Message) -> bool,
) -> Vec<Message> {
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(sender.run(async { stopped.await.unwrap_or_default() }));
    let waiting = timeout(LONG, async {
        while !store.all().iter().all(&is_enough) {
            sleep(Duration::from_millis(10)).await;
        }
    });
    let waited = waiting.await;
    let _ = stop.send(());
    timeout(LONG, running).await.unwrap().unwrap();
    assert!(waited.is_ok(), "{:?}", store.all());
    store.all()
}

/// A message that was stored now.
fn fresh(number: u32) -> Message {
    Message { created_ms: now_ms(), ..message(number) }
}

fn has_ended(message: &Message) -> bool {
    message.state != MessageState::Waiting
}

fn is_tried(message: &Message) -> bool {
    message.attempts > 0
}

#[tokio::test]
async fn a_message_is_sent_once_and_signed_by_both_keys() {
    let server = Server::start(|_, _| Reply::status(204)).await;
    let store = store_for(&server);
    store.add(fresh(1));
    let all = sent(&store, settings(), has_ended).await;
    assert_eq!((all[0].state, all[0].code, all[0].attempts), (MessageState::Done, Some(204), 1));
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].path, "/in?key=h1dden");
    assert_eq!(seen[0].headers["webhook-id"], "message-0001");
    assert_eq!(seen[0].headers["host"], server.address);
    assert_eq!(seen[0].headers["webhook-signature"].split(' ').count(), 2);
    let body: serde_json::Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(body["type"], "job.succeeded");
    assert_eq!(body["data"]["url"], "https://windlass.example/jobs/job-7");
}

/// The job may go on, or end, before the message is sent.
#[tokio::test]
async fn a_message_about_a_wait_names_what_waited_then() {
    let server = Server::start(|_, _| Reply::status(204)).await;
    let store = store_for(&server);
    store.add(Message { moment: Moment::Held, ..fresh(1) });
    let all = sent(&store, settings(), has_ended).await;
    assert_eq!(all[0].state, MessageState::Done);
    let body: serde_json::Value = serde_json::from_str(&server.seen()[0].body).unwrap();
    assert_eq!(body["type"], "job.held");
    let approval = &body["data"]["approval"];
    assert_eq!((&approval["gate"], &approval["digest"]), (&"release".into(), &"d1gest".into()));
    assert_eq!(approval["until"], "1970-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn a_message_that_failed_is_sent_again_with_the_same_id() {
    let server =
        Server::start(|number, _| Reply::status(if number == 0 { 500 } else { 200 })).await;
    let store = store_for(&server);
    store.add(fresh(1));
    let all = sent(&store, settings(), has_ended).await;
    assert_eq!((all[0].state, all[0].attempts), (MessageState::Done, 2));
    let ids: Vec<_> = server.seen().iter().map(|one| one.headers["webhook-id"].clone()).collect();
    assert_eq!(ids, ["message-0001", "message-0001"]);
}

#[tokio::test]
async fn the_other_endpoints_hear_once_that_one_fails_and_that_it_is_off() {
    const HOUR: u64 = 3_600_000;
    for (hours, kind) in [(13, "endpoint.failing"), (25, "endpoint.disabled")] {
        let server = Server::start(|_, seen| {
            Reply::status(if seen.path.starts_with("/in") { 500 } else { 204 })
        })
        .await;
        let at = |path: &str| format!("http://{}/{path}", server.address);
        let mut spec = project(&at("in"), &at("api/v1"));
        let hooks = spec.endpoints["hooks"].clone();
        let ops = EndpointSpec { url: at("ops"), ..hooks.clone() };
        let deaf =
            EndpointSpec { url: at("deaf"), events: vec![EndpointEvent::JobFailed], ..hooks };
        spec.endpoints.extend([("ops".to_owned(), ops), ("deaf".to_owned(), deaf)]);
        let store = Arc::new(FakeStore::new(spec));
        let unwell = UnwellEndpoints::default();
        // It fails on, five times more, and each of them shows it.
        store.add(Message { created_ms: now_ms() - hours * HOUR, attempts: 5, ..message(1) });
        let sender = Sender::with_pace(ports(&store), settings(), Pace::quick(9));
        let all = ended(sender.noting(unwell.clone()), &store, has_ended).await;
        assert_eq!(all.len(), 2, "{all:#?}");
        let receiver = &all[1].receiver;
        assert!(
            matches!(receiver, Receiver::Notice { name, endpoint, .. } if name == "ops" && endpoint == "hooks"),
            "{receiver:?}"
        );
        assert_eq!((all[0].state, all[1].state), (MessageState::Dead, MessageState::Done));
        let seen = server.seen();
        let heard: Vec<_> = seen.iter().filter(|one| one.path == "/ops").collect();
        assert_eq!(heard.len(), 1, "{kind}");
        let body: serde_json::Value = serde_json::from_str(&heard[0].body).unwrap();
        assert_eq!((&body["type"], &body["data"]["endpoint"]), (&kind.into(), &"hooks".into()));
        assert!(!seen.iter().any(|one| one.path == "/deaf"));
        let of = |health| unwell.count(health);
        let counts = (of(EndpointHealth::Failing), of(EndpointHealth::Disabled));
        assert_eq!(counts, if hours == 13 { (1, 0) } else { (0, 1) });
    }
}

/// Nothing is sent to them that would show it.
#[tokio::test]
async fn an_endpoint_that_is_well_again_or_is_no_more_does_not_count_as_unwell() {
    let spec = project("https://hooks.example/in", "https://git.example/api/v1");
    let store = Arc::new(FakeStore::new(spec));
    store.add(Message { state: MessageState::Done, next_ms: now_ms(), ..fresh(1) });
    let unwell = UnwellEndpoints::default();
    for (project, name) in [("shop", "hooks"), ("shop", "removed"), ("removed", "hooks")] {
        unwell.note(project, name, Some(EndpointHealth::Disabled));
    }
    assert_eq!(unwell.count(EndpointHealth::Disabled), 3);
    let resolver = Resolver {
        outbox: store.clone(),
        jobs: store.clone(),
        projects: store.clone(),
        unwell: unwell.clone(),
    };
    resolver.look_again().await.unwrap();
    assert_eq!(unwell.count(EndpointHealth::Disabled), 0);
    // One that is still off stays.
    store.add(Message {
        state: MessageState::Dead,
        code: Some(410),
        next_ms: now_ms(),
        ..fresh(2)
    });
    unwell.note("shop", "hooks", Some(EndpointHealth::Disabled));
    resolver.look_again().await.unwrap();
    assert_eq!(unwell.count(EndpointHealth::Disabled), 1);
}

#[tokio::test]
async fn an_attempt_that_was_not_recorded_is_made_again_with_the_same_id() {
    let server = Server::start(|_, _| Reply::status(200)).await;
    let store = store_for(&server);
    store.add(fresh(1));
    store.lose_one();
    let all = sent(&store, impatient(), has_ended).await;
    assert_eq!(all[0].state, MessageState::Done);
    let ids: Vec<_> = server.seen().iter().map(|one| one.headers["webhook-id"].clone()).collect();
    assert_eq!(ids, ["message-0001", "message-0001"]);
}

#[tokio::test]
async fn a_message_that_ended_is_deleted_after_a_month_and_one_that_waits_is_not() {
    let server = Server::start(|_, _| Reply::status(200)).await;
    let store = store_for(&server);
    let old = message(1).created_ms;
    store.add(Message { state: MessageState::Dead, ..message(1) });
    store.add(message(2));
    store.add(Message { state: MessageState::Dead, ..fresh(3) });
    let is_deleted = |one: &Message| has_ended(one) && (one.created_ms > old || one.seq == 2);
    let all = sent(&store, settings(), is_deleted).await;
    assert_eq!(all.iter().map(|one| one.seq).collect::<Vec<_>>(), [2, 3]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::start(|_, _| Reply::status(200)).await;
    let location = format!("location: http://{}/\r\n", other.address);
    let server = Server::start(move |_, _| Reply::Now(302, location.clone(), String::new())).await;
    let store = store_for(&server);
    store.add(fresh(1));
    let all = sent(&store, settings(), is_tried).await;
    assert_eq!((all[0].state, all[0].code), (MessageState::Waiting, Some(302)));
    assert!(all[0].error.contains("not followed"), "{}", all[0].error);
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn what_has_no_room_at_its_host_is_sent_when_there_is_room() {
    let server = Server::start(|_, _| Reply::status(200)).await;
    let store = store_for(&server);
    for number in 0..80 {
        store.add(fresh(number));
    }
    // What is taken comes again after two hours, and not while the test waits.
    let patient = OutgoingSettings { timeout: Duration::from_secs(3600), ..settings() };
    let all = sent(&store, patient, has_ended).await;
    assert!(all.iter().all(|one| one.state == MessageState::Done), "{all:?}");
    assert_eq!(server.seen().len(), 80);
}

#[tokio::test]
async fn an_answer_that_drips_is_none() {
    let server = Server::start(|_, _| Reply::Drip).await;
    let store = store_for(&server);
    store.add(fresh(1));
    let all = sent(&store, impatient(), is_tried).await;
    assert_eq!((all[0].state, all[0].code), (MessageState::Waiting, None));
    assert!(all[0].error.contains("no whole answer within 2 s"), "{}", all[0].error);
}

#[tokio::test]
async fn of_a_large_answer_the_beginning_counts() {
    let server = Server::start(|_, _| Reply::Now(200, String::new(), "x".repeat(1 << 20))).await;
    let store = store_for(&server);
    store.add(fresh(1));
    let all = sent(&store, settings(), has_ended).await;
    assert_eq!((all[0].state, all[0].code), (MessageState::Done, Some(200)));
}

#[tokio::test]
async fn an_error_is_masked_and_short() {
    let echo = |_: usize, one: &Seen| {
        let path = &one.path;
        Reply::Now(400, String::new(), format!("no such {path} {}", "y".repeat(5000)))
    };
    let server = Server::start(echo).await;
    let store = store_for(&server);
    store.add(fresh(1));
    let all = sent(&store, settings(), is_tried).await;
    let error = &all[0].error;
    assert!(error.starts_with("HTTP 400: no such ***") && !error.contains("h1dden"), "{error}");
    assert!(error.chars().count() <= 300, "{error}");
}

#[tokio::test]
async fn an_address_that_is_not_allowed_gets_no_request() {
    let server = Server::start(|_, _| Reply::status(200)).await;
    let store = store_for(&server);
    store.add(fresh(1));
    let strict = OutgoingSettings { allow: Allow::default(), ..settings() };
    let all = sent(&store, strict, is_tried).await;
    assert_eq!((all[0].state, all[0].code), (MessageState::Waiting, None));
    assert!(all[0].error.contains("the operator can allow `127.0.0.1`"), "{}", all[0].error);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_receiver_that_asks_for_an_hour_gets_it() {
    let hour = "retry-after: 3600\r\n".to_owned();
    let server = Server::start(move |_, _| Reply::Now(503, hour.clone(), String::new())).await;
    let store = store_for(&server);
    store.add(fresh(1));
    let before = now_ms();
    let all = sent(&store, settings(), is_tried).await;
    assert!(all[0].next_ms >= before + 3_600_000, "{:?}", all[0]);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_gets_nothing_until_a_message_is_replayed() {
    let server =
        Server::start(|number, _| Reply::status(if number == 0 { 410 } else { 200 })).await;
    let store = store_for(&server);
    store.add(fresh(1));
    let all = sent(&store, settings(), has_ended).await;
    assert_eq!((all[0].state, all[0].code), (MessageState::Dead, Some(410)));
    store.add(fresh(2));
    let all = sent(&store, settings(), has_ended).await;
    assert_eq!(all[1].state, MessageState::Dead);
    assert!(all[1].error.contains("is off"), "{}", all[1].error);
    assert_eq!(server.seen().len(), 1, "a message to an endpoint that is off was sent");
    store.replay_message("message-0002", now_ms()).await.unwrap();
    let all = sent(&store, settings(), has_ended).await;
    assert_eq!(all[1].state, MessageState::Done);
    store.add(fresh(3));
    let all = sent(&store, settings(), has_ended).await;
    assert_eq!(all[2].state, MessageState::Done, "it is on again");
}

#[tokio::test]
async fn a_login_whose_rate_is_limited_sends_nothing_and_others_do() {
    let limited = |_: usize, one: &Seen| {
        if one.headers["authorization"].contains("t0ken-of-web") {
            return Reply::Now(429, "retry-after: 600\r\n".into(), String::new());
        }
        Reply::status(201)
    };
    let server = Server::start(limited).await;
    let store = store_for(&server);
    store.add(Message { receiver: status("web"), ..fresh(1) });
    let first = sent(&store, settings(), is_tried).await;
    assert_eq!((first[0].state, first[0].code), (MessageState::Waiting, Some(429)));
    assert!(first[0].next_ms >= now_ms() + 590_000);
    store.add(Message { receiver: status("api"), ..fresh(2) });
    let all = sent(&store, settings(), |one| one.attempts > 0).await;
    assert_eq!(all[1].state, MessageState::Done);
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn messages_of_one_partition_are_in_order_and_those_of_two_at_once() {
    let server = Server::start(|_, _| Reply::Late(Duration::from_millis(300), 201)).await;
    let store = store_for(&server);
    for (number, moment) in
        [Moment::Queued, Moment::Running, Moment::Succeeded].into_iter().enumerate()
    {
        let number = u32::try_from(number).unwrap();
        for (repository, place) in [("web", 0), ("api", 1)] {
            let receiver = status(repository);
            store.add(Message { receiver, moment, ..fresh(2 * number + place) });
        }
    }
    let all = sent(&store, settings(), has_ended).await;
    assert!(all.iter().all(|one| one.state == MessageState::Done), "{all:?}");
    assert!(server.most_at_once() >= 2);
    for repository in ["web", "api"] {
        let path = format!("/api/v1/repos/shop/{repository}/statuses/{}", "a".repeat(40));
        let words: Vec<_> = server
            .seen()
            .into_iter()
            .filter(|one| one.path == path)
            .map(|one| serde_json::from_str::<serde_json::Value>(&one.body).unwrap())
            .map(|body| (body["state"].clone(), body["description"].clone()))
            .collect();
        assert_eq!(words.len(), 3, "{words:?}");
        assert_eq!(words[0].1, "Waits to be deployed to production");
        assert_eq!(words[1].1, "Is being deployed to production");
        assert_eq!(words[2].0, "success");
    }
}

#[tokio::test]
async fn a_job_that_cannot_be_read_holds_up_no_other_of_its_commit() {
    let server = Server::start(|_, _| Reply::status(201)).await;
    let store = store_for(&server);
    let torn = Message { receiver: status("web"), job: "torn".into(), ..fresh(1) };
    store.add(torn);
    store.add(Message { receiver: status("web"), ..fresh(2) });
    let all = sent(&store, settings(), has_ended).await;
    assert_eq!((all[0].state, all[1].state), (MessageState::Dead, MessageState::Done));
    assert!(all[0].error.contains("no JSON"), "{}", all[0].error);
}

#[tokio::test]
async fn a_forge_that_refuses_is_asked_three_times() {
    let server = Server::start(|_, _| Reply::status(404)).await;
    let store = store_for(&server);
    store.add(Message { receiver: status("web"), ..fresh(1) });
    let all = sent(&store, settings(), has_ended).await;
    assert_eq!((all[0].state, all[0].attempts), (MessageState::Dead, 3));
    assert_eq!(server.seen().len(), 3);
}

/// A queue whose broker is away for the first message.
#[derive(Default)]
struct Queue(Mutex<Vec<(String, String)>>);

#[async_trait]
impl QueuePublisher for Queue {
    async fn publish(&self, message: &Message, record: &JobRecord) -> Result<(), NotPublished> {
        let mut tried = self.0.lock().unwrap();
        tried.push((message.id.clone(), record.job.id.clone()));
        if tried.len() == 1 { Err(NotPublished("the broker is away".into())) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_result_goes_to_the_queue_until_the_broker_has_it() {
    let store = Arc::new(FakeStore::new(project("https://a.example", "https://b.example")));
    let receiver = Receiver::Queue { correlation: "c1".into() };
    store.add(Message { receiver, ..fresh(1) });
    let queue = Arc::new(Queue::default());
    let ports = Ports { queue: Some(queue.clone()), ..ports(&store) };
    let sender = Sender::with_pace(ports, settings(), Pace::quick(9));
    let all = ended(sender, &store, has_ended).await;
    assert_eq!((all[0].state, all[0].attempts), (MessageState::Done, 2));
    let once = ("message-0001".to_owned(), "job-7".to_owned());
    assert_eq!(*queue.0.lock().unwrap(), [once.clone(), once]);
}
