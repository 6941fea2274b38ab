//! A host as the daemon has it, a journal in memory, and a tree of a few files.

use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};
use tokio::sync::watch;
use windlass_engine::{
    journal::{Journal, JournalLost},
    ports::{DetectRequest, Detections, Detectors, Tree},
    recorder::Recorder,
    run::Run,
};
use windlass_model::{
    app::App,
    error::{GitError, PluginError},
    event::Event,
    job::Release,
    recipe::{Recipe, Refusal},
};
use windlass_plugin_host::{
    Host, HostError, Isolation, JobPlugins, Limits, PluginSet, Setup, Source,
};

/// A journal in memory.
#[derive(Default)]
pub(crate) struct MemoryJournal(pub(crate) Mutex<Vec<Event>>);

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, event: Event) -> Result<(), JournalLost> {
        self.0.lock().unwrap().push(event);
        Ok(())
    }

    async fn last_release(&self, _: &App, _: &str) -> Result<Option<Release>, JournalLost> {
        Ok(None)
    }
}

pub(crate) struct Folder(pub(crate) PathBuf);

impl Tree for Folder {
    fn root(&self) -> &Path {
        &self.0
    }

    fn read(&self, _: &str, _: u64) -> Result<Option<String>, GitError> {
        Ok(None)
    }
}

/// A repository whose app is in a folder.
pub(crate) struct Monorepo {
    repository: tempfile::TempDir,
    root: PathBuf,
    directory: String,
}

impl Monorepo {
    pub(crate) fn new(directory: &str, files: &[(&str, &str)]) -> Self {
        let repository = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = repository.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let root = repository.path().join(directory);
        Self { repository, root, directory: directory.into() }
    }
}

impl Tree for Monorepo {
    fn root(&self) -> &Path {
        &self.root
    }

    fn repository(&self) -> &Path {
        self.repository.path()
    }

    fn directory(&self) -> &str {
        &self.directory
    }

    fn read(&self, _: &str, _: u64) -> Result<Option<String>, GitError> {
        Ok(None)
    }
}

/// A host, a tree of a few files, and a place for components.
pub(crate) struct Bench {
    pub(crate) host: Arc<Host>,
    tree: Folder,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) isolation: Isolation,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::isolated(Isolation::Sandbox)
    }

    pub(crate) fn isolated(isolation: Isolation) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_windlassd"));
        let host = Host::new(&folder.path().join("cache"), program, None).unwrap();
        let tree = folder.path().join("tree");
        for n in 0..200 {
            let path = tree.join(format!("a{}/b{n}", n % 10));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        Self { host, tree: Folder(tree), folder, isolation }
    }

    pub(crate) async fn load(&self, name: &str, bytes: &[u8]) -> Result<Arc<PluginSet>, HostError> {
        self.load_within(name, bytes, Limits::default()).await
    }

    pub(crate) async fn load_within(
        &self,
        name: &str,
        bytes: &[u8],
        limits: Limits,
    ) -> Result<Arc<PluginSet>, HostError> {
        let path = self.folder.path().join(format!("{name}.wasm"));
        fs::write(&path, bytes).unwrap();
        let isolation = self.isolation;
        let source = Source { path, limits, isolation, ..Source::default() };
        PluginSet::load(self.host.clone(), &of(&[source])).await.map(Arc::new)
    }

    pub(crate) async fn ask(
        &self,
        set: &Arc<PluginSet>,
    ) -> (Result<Vec<Recipe>, PluginError>, Vec<Event>) {
        self.detect(&set.for_job("shop")).await
    }

    /// Asks the detectors of a job, and returns the answer with all recorded events. A refusal is the answer.
    pub(crate) async fn detect(
        &self,
        job: &JobPlugins,
    ) -> (Result<Vec<Recipe>, PluginError>, Vec<Event>) {
        let (answer, events) =
            self.listening(async |recorder| job.detect(&self.tree, &ALL, recorder).await).await;
        let alone = |detected: Detections| {
            let refusals = detected.refusals.into_iter().map(as_error);
            let mut errors = detected.failures.into_iter().chain(refusals);
            errors.next().map_or(Ok(detected.recipes), Err)
        };
        (answer.and_then(alone), events)
    }

    /// Runs `ask`, and returns its result with all events that were recorded meanwhile.
    pub(crate) async fn listening<T>(
        &self,
        ask: impl AsyncFnOnce(&Recorder) -> T,
    ) -> (T, Vec<Event>) {
        let journal = Arc::new(MemoryJournal::default());
        let (_stop, stop) = watch::channel(None);
        let run = Run::new(journal.clone(), stop, None);
        let answer = ask(run.recorder()).await;
        let events = journal.0.lock().unwrap().clone();
        (answer, events)
    }
}

/// Question to all detectors.
pub(crate) const ALL: DetectRequest = DetectRequest { versions: BTreeMap::new(), named: None };

fn as_error(refusal: Refusal) -> PluginError {
    let Refusal { detector, reason, hint, .. } = refusal;
    let hint = Some(hint).filter(|hint| !hint.is_empty());
    PluginError { plugin: detector, call: "detect".into(), message: reason, hint }
}

/// Returns a setup of these plugins and nothing else.
pub(crate) fn of(plugins: &[Source]) -> Setup {
    Setup { plugins: plugins.to_vec(), ..Setup::default() }
}

/// Runs `test` in a process of its own, unless this is that process. Returns whether it is.
///
/// Tests run side by side in one process, so what one of them takes of memory shows in the figures of another.
pub(crate) fn is_alone(test: &str) -> bool {
    let alone = [test, "--exact", "--nocapture"];
    if env::args().skip(1).eq(alone) {
        return true;
    }
    let output = Command::new(env::current_exe().unwrap()).args(alone).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    println!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.contains("1 passed"), "{test}: {}", output.status);
    false
}

/// Returns the resident memory of this process, in MiB. Ask [`is_alone`] first.
pub(crate) fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}
