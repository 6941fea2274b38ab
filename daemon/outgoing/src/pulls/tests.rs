//! Questions to a server on loopback that answers as Gitea does.

use super::*;
use crate::{
    allow::Allow,
    fakes::{FakeStore, Reply, Seen, Server, message, project, status},
    sender::{Ports, Sender},
};
use tokio::{sync::oneshot, time::sleep};
use windlass_model::outbox::Message;

fn settings() -> OutgoingSettings {
    let allow = Allow::parse(&["127.0.0.0/8"]).unwrap();
    OutgoingSettings { allow, ..OutgoingSettings::default() }
}

/// A reader, and the project with the repositories that it asks about.
struct Bed {
    server: Server,
    store: Arc<FakeStore>,
    reader: PullReader,
}

impl Bed {
    async fn new(
        settings: OutgoingSettings,
        answers: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let server = Server::start(move |_, seen| answers(seen)).await;
        let api = format!("http://{}/api/v1", server.address);
        let store = Arc::new(FakeStore::new(project("https://hooks.example/in", &api)));
        let reader = PullReader::new(store.clone(), &settings, RateLimits::default());
        Self { server, store, reader }
    }

    async fn asks(&self, name: &str, numbers: &[u64]) -> PullStates {
        let api = format!("http://{}/api/v1", self.server.address);
        let spec = project("https://hooks.example/in", &api);
        let numbers = numbers.iter().copied().collect();
        self.reader.pull_states("shop", &spec.repositories[name], &numbers).await
    }

    fn paths(&self) -> Vec<String> {
        self.server.seen().into_iter().map(|seen| seen.path).collect()
    }
}

fn json(body: &str) -> Reply {
    Reply::Now(200, String::new(), body.to_owned())
}

fn limited() -> Reply {
    Reply::Now(429, "retry-after: 60\r\n".into(), String::new())
}

fn set(numbers: &[u64]) -> BTreeSet<u64> {
    numbers.iter().copied().collect()
}

#[tokio::test]
async fn those_that_ended_are_known_by_the_forges_word() {
    let bed = Bed::new(settings(), |seen| match &*seen.path {
        "/api/v1/repos/shop/web/pulls?state=open&limit=30&page=1" => {
            json(r#"[{"number":9,"state":"open"}]"#)
        }
        "/api/v1/repos/shop/web/pulls/7" => json(r#"{"number":7,"state":"closed"}"#),
        _ => Reply::status(404),
    })
    .await;
    let states = bed.asks("web", &[7, 8, 9]).await;
    assert_eq!((states.ended, states.unknown), (set(&[7]), set(&[8])));
    assert!(states.why.contains("does not show them"), "{}", states.why);
    let seen = bed.server.seen();
    assert_eq!(seen.len(), 3, "{:?}", bed.paths());
    assert!(seen.iter().all(|one| one.headers["authorization"] == "token t0ken-of-web"));
}

#[tokio::test]
async fn a_login_that_is_limited_asks_nothing_until_the_end_of_that() {
    let bed = Bed::new(settings(), |_| limited()).await;
    let first = bed.asks("web", &[7]).await;
    assert_eq!((first.ended, first.unknown), (set(&[]), set(&[7])));
    assert!(first.why.contains("429"), "{}", first.why);
    let again = bed.asks("web", &[7]).await;
    assert!(again.unknown == set(&[7]) && again.why.contains("limits"), "{}", again.why);
    assert_eq!(bed.paths().len(), 1);
    // Another login is not held up.
    bed.asks("api", &[7]).await;
    assert_eq!(bed.paths().len(), 2);
}

/// A message has met the limit.
#[tokio::test]
async fn a_limit_that_messages_meet_holds_questions_too() {
    let bed = Bed::new(settings(), |_| limited()).await;
    bed.store.add(Message { receiver: status("web"), created_ms: now_ms(), ..message(1) });
    let ports = Ports {
        outbox: bed.store.clone(),
        jobs: bed.store.clone(),
        projects: bed.store.clone(),
        secrets: bed.store.clone(),
        queue: None,
    };
    let sender = Sender::new(ports, settings()).limiting(bed.reader.limits.clone());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(sender.run(async { stopped.await.unwrap_or_default() }));
    let tried = async {
        while bed.store.all()[0].attempts == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), tried).await.unwrap();
    let _ = stop.send(());
    running.await.unwrap();
    let sent = bed.paths().len();
    let states = bed.asks("web", &[7]).await;
    assert!(states.why.contains("limits"), "{}", states.why);
    assert_eq!(bed.paths().len(), sent);
}

#[tokio::test]
async fn a_forge_that_drips_and_an_address_that_is_not_allowed_say_nothing() {
    let mut bed = Bed::new(settings(), |seen| match &*seen.path {
        "/api/v1/repos/shop/web/pulls/7" => json(r#"{"number":7,"state":"closed"}"#),
        "/api/v1/repos/shop/web/pulls/8" => Reply::Drip,
        _ => json("[]"),
    })
    .await;
    bed.reader.within = Duration::from_secs(6);
    let states = bed.asks("web", &[7, 8]).await;
    assert_eq!((states.ended, states.unknown), (set(&[7]), set(&[8])), "what was said counts");
    assert!(states.why.contains("no whole answer within 6 s"), "{}", states.why);

    let bed = Bed::new(OutgoingSettings::default(), |_| json("[]")).await;
    let states = bed.asks("web", &[7]).await;
    assert!(states.why.contains("the operator can allow `127.0.0.1`"), "{}", states.why);
    assert!(states.unknown == set(&[7]) && bed.paths().is_empty());
}

#[tokio::test]
async fn an_answer_that_repeats_the_token_is_masked() {
    let refusal = r#"{"message":"t0ken-of-web is no token"}"#;
    let bed = Bed::new(settings(), move |_| Reply::Now(401, String::new(), refusal.into())).await;
    let states = bed.asks("web", &[7]).await;
    assert!(states.why.contains("*** is no token"), "{}", states.why);
}
