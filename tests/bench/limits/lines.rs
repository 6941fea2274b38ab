//! Lines of logs, through mask and store, and back.

use crate::title;
use bench_history::Figures;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{runtime::Runtime, sync::watch, task::JoinSet};
use windlass_engine::{
    ports::store::{JobJournal, Store, Submission},
    run::Run,
};
use windlass_model::{
    app::App,
    event::Event,
    job::{Commit, Job, Source, Stage},
    secret::Secret,
    spec::Spec,
};
use windlass_store::{Key, SqliteStore};

/// Lines of each job: below the limit of a stage.
const LINES: usize = 50_000;
/// Jobs that write at once.
const JOBS: usize = 4;

pub(crate) fn masked_stored_and_read(figures: &mut Figures) {
    title("Lines of logs a second");
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let all = (LINES * JOBS) as f64;
    runtime.block_on(async {
        let key = Key::file(&folder.path().join("key")).unwrap();
        let store = SqliteStore::open(&folder.path().join("journal"), key).await.unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let began = Instant::now();
        let mut writing = JoinSet::new();
        for number in 0..JOBS {
            let store = store.clone();
            writing.spawn(async move {
                let id = format!("job{number}");
                store.submit(submission(&id)).await.unwrap();
                let claim = store.claim(&id, "bench").await.unwrap().unwrap();
                let (_stop, stop) = watch::channel(None);
                let run = Run::new(Arc::new(JobJournal::new(store, claim)), stop, None);
                run.mask([Secret::new(b"correct horse battery staple".to_vec())]);
                run.record(Event::Claimed { daemon: "bench".into() }).await.unwrap();
                for line in 0..LINES {
                    let line = format!("#12 4.{line} compiling src/module{line}.rs with horse");
                    run.recorder().log_line(Stage::Build, "build", &line).await;
                }
            });
        }
        while let Some(ended) = writing.join_next().await {
            ended.unwrap();
        }
        let stored = all / began.elapsed().as_secs_f64();
        figures.add("lines masked and stored", stored, "/s");
        println!("masked and stored, of {JOBS} jobs at once: {stored:9.0}");
        let began = Instant::now();
        let mut read = 0;
        for number in 0..JOBS {
            let mut after = 0;
            loop {
                let events = store.events(&format!("job{number}"), after, 1000).await.unwrap();
                let Some(last) = events.last() else { break };
                after = last.seq;
                read += events.len();
            }
        }
        let streamed = read as f64 / began.elapsed().as_secs_f64();
        figures.add("lines read back", streamed, "/s");
        println!("read back, as a watcher gets them:    {streamed:9.0}");
        store.close().await;
    });
}

fn submission(id: &str) -> Submission {
    let commit = Commit {
        repository: "https://git.example/web".into(),
        id: "abc".into(),
        branch: String::new(),
        directory: ".".into(),
        credential: None,
        revision: String::new(),
    };
    let job = Job {
        clusters: windlass_model::cluster::Clusters::default(),
        id: id.into(),
        app: App::new("shop", id, "").unwrap(),
        source: Source::Commit(commit),
        spec: Spec::default(),
        preview: None,
        labels: BTreeMap::new(),
        timeout: Duration::from_secs(3600),
        gates: Vec::new(),
        principal: "bench".into(),
        created_ms: 0,
    };
    Submission { request_id: id.into(), body: Vec::new(), job, receivers: Vec::new() }
}
