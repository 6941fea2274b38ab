//! The dispatcher over a store in memory, with runs that end in ways which no test of the pipeline has.

use super::*;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
};
use windlass_engine::{
    logs::LogLimits,
    ports::{
        Ports,
        store::{JobRecord, Jobs, Runs, Submission},
    },
    queue::{Limits, Wait},
};
use windlass_model::{
    app::App,
    clock::now_ms,
    cluster::Clusters,
    event::Event,
    job::{Commit, Gate, Job, Source},
    outcome::Outcome,
    plan::Cursor,
    spec::Spec,
};
use windlass_store::MemoryStore;

const LIMITS: Limits = Limits { running: 10, checkouts: 1, builds: 1, releases: 1 };

fn job(id: &str) -> Job {
    Job {
        id: id.into(),
        app: App::new("shop", "web", "").unwrap(),
        clusters: Clusters::default(),
        source: Source::Commit(Commit {
            repository: "https://git.example/web".into(),
            id: "abc".into(),
            branch: String::new(),
            directory: ".".into(),
            credential: None,
            revision: String::new(),
        }),
        spec: Spec::default(),
        preview: None,
        labels: BTreeMap::new(),
        timeout: Duration::from_secs(3600),
        gates: Vec::new(),
        principal: "someone".into(),
        created_ms: now_ms(),
    }
}

/// Daemon over a store, whose runs panic before their first stage.
struct Daemon {
    store: MemoryStore,
    queue: SharedQueue,
    messages: mpsc::UnboundedSender<Message>,
    /// Number of runs that came so far.
    runs: Arc<AtomicU32>,
}

impl Daemon {
    fn start(store: MemoryStore) -> Self {
        let queue = SharedQueue::new(LIMITS);
        let (messages, inbox) = mpsc::unbounded_channel();
        let runs = Arc::new(AtomicU32::new(0));
        let counted = runs.clone();
        let ports: PortsOf = Arc::new(move |_: &str| -> Ports {
            counted.fetch_add(1, Ordering::Relaxed);
            panic!("a defect outside of any stage")
        });
        let bounds = Bounds { logs: LogLimits::default(), min_free: 0 };
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        let dispatcher = Dispatcher::new(
            "bed".into(),
            bounds,
            queue.clone(),
            shared,
            ports,
            inbox,
            messages.clone(),
        );
        tokio::spawn(dispatcher.run(std::future::pending(), Duration::ZERO));
        Self { store, queue, messages, runs }
    }

    /// Submits a job as the service does.
    async fn submit(&self, id: &str) {
        stored(&self.store, id).await;
        self.messages.send(Message::submitted(&job(id), false)).unwrap();
    }

    async fn ended(&self, id: &str) -> Outcome {
        loop {
            if let Some(JobRecord { outcome: Some(outcome), .. }) =
                self.store.job(id).await.unwrap()
            {
                return outcome;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn left_alone(&self, id: &str) -> String {
        loop {
            if let Some(Wait::LeftAlone(why)) = self.queue.waits(&[id]).remove(id) {
                return why;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

async fn stored(store: &MemoryStore, id: &str) {
    let submission =
        Submission { request_id: id.into(), body: Vec::new(), job: job(id), receivers: Vec::new() };
    store.submit(submission).await.unwrap();
}

/// A job that once stayed "running" for good: its run panicked where nothing caught it.
#[tokio::test(start_paused = true)]
async fn a_defect_outside_of_a_stage_ends_its_job_after_a_few_runs() {
    let daemon = Daemon::start(MemoryStore::default());
    daemon.submit("1").await;
    let Outcome::Failed(diagnosis) = daemon.ended("1").await else { panic!("it did not fail") };
    assert_eq!(diagnosis.code, "internal-error");
    assert_eq!(daemon.runs.load(Ordering::Relaxed), 3);
    daemon.submit("2").await;
    assert!(matches!(daemon.ended("2").await, Outcome::Failed(_)), "the app's next job runs");
}

/// A job with a journal that no run could have written is not run, and says why. It can be cancelled, and keeps
/// no other job from running.
#[tokio::test(start_paused = true)]
async fn a_journal_that_makes_no_sense_is_left_alone_with_a_reason() {
    let store = MemoryStore::default();
    stored(&store, "1").await;
    let claim = store.claim("1", "bed").await.unwrap().unwrap();
    store.append(&claim, Event::StepFinished(Cursor::Forward(7))).await.unwrap();
    let daemon = Daemon::start(store.reopened());
    let why = daemon.left_alone("1").await;
    assert!(why.contains("makes no sense") && why.contains("cancel the job"), "{why}");
    daemon.submit("2").await;
    assert!(matches!(daemon.ended("2").await, Outcome::Failed(_)));
    assert_eq!(daemon.store.job("1").await.unwrap().unwrap().outcome, None);
    let stop = Stop::Cancelled { by: "someone".into() };
    assert!(daemon.store.stop("1", &stop).await.unwrap());
    daemon.messages.send(Message::Cancelled { id: "1".into() }).unwrap();
    let Outcome::Stopped { why, .. } = daemon.ended("1").await else { panic!("not stopped") };
    assert_eq!(why, stop);
}

/// Between two runs a job shows the reason.
#[tokio::test(start_paused = true)]
async fn a_pause_between_runs_is_shown() {
    let daemon = Daemon::start(MemoryStore::default());
    daemon.submit("1").await;
    let why = loop {
        if let Some(Wait::Paused(why)) = daemon.queue.waits(&["1"]).remove("1") {
            break why;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(why.contains("a defect of Windlass"), "{why}");
}

/// The job's run has ended and the next one waits: the job is stopped all the same, and the newer job begins after its end.
#[tokio::test(start_paused = true)]
async fn a_job_that_gives_way_is_stopped_for_a_newer_one() {
    let daemon = Daemon::start(MemoryStore::default());
    daemon.submit("1").await;
    while !daemon.queue.waits(&["1"]).contains_key("1") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    daemon.messages.send(Message::GivesWay { id: "1".into(), gives_way: true }).unwrap();
    daemon.submit("2").await;
    daemon.ended("1").await;
    daemon.ended("2").await;
    let record = async |id: &str| daemon.store.job(id).await.unwrap().unwrap();
    let (older, newer) = (record("1").await, record("2").await);
    assert_eq!(older.stop, Some(Stop::Superseded { by: "2".into() }));
    assert_eq!(newer.stop, None);
    assert!(newer.started_ms >= older.ended_ms, "{:?} {:?}", newer.started_ms, older.ended_ms);
}

/// A run that waits looks at the store then. That of another job is left in peace.
#[tokio::test]
async fn approvals_and_pauses_are_news_to_the_run_of_their_job() {
    let (messages, inbox) = mpsc::unbounded_channel();
    let ports: PortsOf = Arc::new(|_: &str| -> Ports { panic!("nothing runs") });
    let bounds = Bounds { logs: LogLimits::default(), min_free: 0 };
    let (queue, store) = (SharedQueue::new(LIMITS), Arc::new(MemoryStore::default()));
    let mut dispatcher =
        Dispatcher::new("bed".into(), bounds, queue, store, ports, inbox, messages);
    let mut heard = Vec::new();
    for id in ["1", "2"] {
        let (news, receiver) = watch::channel(0);
        let work = tokio::spawn(std::future::pending::<()>()).abort_handle();
        let (stop, grants) = (watch::Sender::new(None), watch::Sender::new(0));
        dispatcher.running.insert(id.into(), Running { stop, grants, news, work });
        heard.push(receiver);
    }
    let mut news = || {
        let heard = heard.iter_mut();
        heard
            .map(|news| (news.has_changed().unwrap(), *news.borrow_and_update()))
            .collect::<Vec<_>>()
    };
    assert_eq!(news(), [(false, 0), (false, 0)]);
    dispatcher.take(Message::Approved { id: "1".into() });
    assert_eq!(news(), [(true, 1), (false, 0)]);
    dispatcher.take(Message::News { id: "2".into() });
    dispatcher.take(Message::News { id: "2".into() });
    assert_eq!(news(), [(false, 1), (true, 2)]);
    dispatcher.take(Message::News { id: "unknown".into() });
    assert_eq!(news(), [(false, 1), (false, 2)]);
}

/// Such a release goes on where the disk has no room for another job.
#[tokio::test]
async fn what_waits_in_the_middle_of_its_release_may_be_half_made() {
    let store = MemoryStore::default();
    for (id, gate, is_half_made) in
        [("1", Gate::Clone, false), ("2", Gate::Release, false), ("3", Gate::Traffic, true)]
    {
        stored(&store, id).await;
        let claim = store.claim(id, "bed").await.unwrap().unwrap();
        let held = Event::Held { gate, digest: "a".into(), until_ms: 1 };
        store.append(&claim, held).await.unwrap();
        let record = store.job(id).await.unwrap().unwrap();
        assert_eq!(may_be_half_made(&record), is_half_made, "{gate}");
    }
}
