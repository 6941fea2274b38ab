//! Costs of plugins: compiling, activating, one call, many calls, many jobs. Each is measured in the daemon's process
//! and in a process of its own, with a Rust guest of 60 KB and a Python guest of 18 MB.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench: what cannot go on should stop"
)]

mod detection;

use bench_history::Figures;
use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Instant,
};
use wasm_encoder::{CustomSection, Encode, Section};
use windlass_bed::{Layout, Report, build, process::run};
use windlass_engine::{
    ports::{DetectRequest, Detectors, TestRunners, Tree},
    recorder::Recorder,
};
use windlass_model::{error::GitError, testing::TestOutput};
use windlass_plugin_host::{Host, Isolation, Limits, PluginSet, Setup, Source};

/// Tool that builds the Python guest. It is no part of the bed.
const COMPONENTIZE: &str = "componentize-py==0.25.1";

/// Output of `go test -json`.
const REPORT: &str = "{\"Action\":\"run\",\"Package\":\"x\",\"Test\":\"TestOne\"}\n{\"Action\":\"fail\",\"Package\":\"x\",\"Test\":\"TestOne\",\"Elapsed\":0.1}\n{\"Action\":\"fail\",\"Package\":\"x\",\"Elapsed\":0.1}\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }
}

impl Tree for Folder {
    fn root(&self) -> &Path {
        self.0.path()
    }

    fn read(&self, _: &str, _: u64) -> Result<Option<String>, GitError> {
        Ok(None)
    }
}

fn main() {
    build::product(&Layout::main(), &Report::printed()).unwrap();
    // `-- rust` leaves out the guest that componentize-py has to make first.
    let python = (std::env::args().nth(1).as_deref() != Some("rust")).then(python);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    let mut figures = Figures::of("plugins");
    runtime.block_on(async {
        println!(
            "\n{:24}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "", "compile", "activate", "call p50", "p99", "calls/s"
        );
        println!("{:24}{:>10}{:>10}{:>10}{:>10}{:>10}", "", "ms", "ms", "µs", "µs", "2 threads");
        let own = |name: &str| build::plugins().unwrap().join(name);
        let mut guests = vec![
            ("Rust, reads a report", own("test-go.wasm"), Call::Read),
            ("Rust, detects", own("detect-go.wasm"), Call::Detect),
        ];
        guests.extend(python.map(|path| ("Python, detects", path, Call::Detect)));
        for (name, path, question) in guests {
            for isolation in [Isolation::Sandbox, Isolation::Process] {
                one(name, &path, question, isolation, &mut figures).await;
            }
        }
        println!();
        for isolation in [Isolation::Sandbox, Isolation::Process] {
            many(isolation, &mut figures).await;
        }
        for isolation in [Isolation::Sandbox, Isolation::Process] {
            detection::all(isolation, &mut figures).await;
        }
    });
    figures.keep().unwrap();
}

fn source(path: &Path, isolation: Isolation) -> Source {
    let limits = Limits { memory: 128 << 20, ..Limits::default() };
    Source { path: path.into(), isolation, limits, ..Source::default() }
}

/// Call of a guest. `Read` has the guest read a report from memory, in three calls of the host. `Detect` has the host
/// walk a tree for markers, and the guest read three files and a listing.
#[derive(Clone, Copy)]
enum Call {
    Read,
    Detect,
}

/// Measures one guest. A call is store, instantiate, call, drop: the host keeps no instance, so that there is no warm
/// call.
async fn one(name: &str, path: &Path, question: Call, isolation: Isolation, figures: &mut Figures) {
    let cache = tempfile::tempdir().unwrap();
    let host =
        Host::new(cache.path(), &build::programs().unwrap().join("windlassd"), None).unwrap();
    let setup = Setup { plugins: vec![source(path, isolation)], ..Setup::default() };
    let began = Instant::now();
    PluginSet::load(host.clone(), &setup).await.unwrap();
    let compiled = began.elapsed().as_secs_f64() * 1e3;
    let began = Instant::now();
    let set = Arc::new(PluginSet::load(host, &setup).await.unwrap());
    let activated = began.elapsed().as_secs_f64() * 1e3;
    let tree = Arc::new(Folder::new(&[
        ("go.mod", "module example.com/x\n"),
        ("main.go", "package main\n\nfunc main() {}\n"),
    ]));
    let ask = move |set: Arc<PluginSet>, tree: Arc<Folder>| async move {
        let recorder = Recorder::null();
        let job = set.for_job("bench");
        match question {
            Call::Read => {
                let output = TestOutput { exit: 1, output: REPORT.into(), ..TestOutput::default() };
                job.read("go", None, &output, &recorder).await.unwrap();
            }
            Call::Detect => {
                job.detect(&*tree, &DetectRequest::default(), &recorder).await.unwrap();
            }
        }
    };
    ask(set.clone(), tree.clone()).await;
    let mut times = Vec::new();
    for _ in 0..1_000 {
        let began = Instant::now();
        ask(set.clone(), tree.clone()).await;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let p50 = times[times.len() / 2];
    let p99 = times[times.len() * 99 / 100];
    let began = Instant::now();
    let calls = (0..8).map(|_| {
        let set = set.clone();
        let tree = tree.clone();
        tokio::spawn(async move {
            for _ in 0..250 {
                ask(set.clone(), tree.clone()).await;
            }
        })
    });
    futures::future::join_all(calls).await;
    let rate = 2_000.0 / began.elapsed().as_secs_f64();
    let isolation = if isolation == Isolation::Process { "process" } else { "sandbox" };
    for (what, value, unit) in [
        ("compile", compiled, "ms"),
        ("activate", activated, "ms"),
        ("call p50", p50, "µs"),
        ("call p99", p99, "µs"),
        ("calls", rate, "per second"),
    ] {
        figures.add(format!("{name}, {isolation}, {what}"), value, unit);
    }
    println!(
        "{:24}{compiled:10.1}{activated:10.2}{p50:10.1}{p99:10.1}{rate:10.0}",
        format!("{name}, {isolation}")
    );
}

/// Measures two hundred jobs at once, which ask three detectors and three test runners.
async fn many(isolation: Isolation, figures: &mut Figures) {
    let names =
        ["detect-go", "detect-node", "detect-python", "test-go", "test-node", "test-pytest"];
    let plugins = build::plugins().unwrap();
    let sources = names.map(|name| source(&plugins.join(format!("{name}.wasm")), isolation));
    let cache = tempfile::tempdir().unwrap();
    let host =
        Host::new(cache.path(), &build::programs().unwrap().join("windlassd"), None).unwrap();
    let setup = Setup { plugins: sources.into(), ..Setup::default() };
    let set = Arc::new(PluginSet::load(host, &setup).await.unwrap());
    let tree = Arc::new(Folder::new(&[
        ("go.mod", "module example.com/x\n"),
        ("main.go", "package main\n\nfunc main() {}\n"),
        ("main_test.go", "package main\n\nfunc TestOne(t *testing.T) {}\n"),
        (
            "package.json",
            "{ \"scripts\": { \"start\": \"node a.js\", \"test\": \"node --test\" } }",
        ),
        ("requirements.txt", "pytest\n"),
        ("main.py", "print()\n"),
        ("test_app.py", "def test_one(): pass\n"),
    ]));
    let began = Instant::now();
    let before = resident("VmRSS:");
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let jobs = (0..200).map(|_| {
        let set = set.clone();
        let tree = tree.clone();
        tokio::spawn(async move {
            let recorder = Recorder::null();
            let job = set.for_job("bench");
            let request = DetectRequest::default();
            let found = job.detect(&*tree, &request, &recorder).await.unwrap();
            for recipe in &found.recipes {
                job.plan(&*tree, recipe, "/app", &recorder).await.unwrap();
            }
        })
    });
    for job in futures::future::join_all(jobs).await {
        job.unwrap();
    }
    let isolation = if isolation == Isolation::Process { "process" } else { "sandbox" };
    let ms = began.elapsed().as_secs_f64() * 1e3;
    let more = resident("VmHWM:").saturating_sub(before);
    figures.add(format!("200 jobs, {isolation}"), ms, "ms");
    figures.add(format!("200 jobs, {isolation}, memory"), more as f64, "MiB");
    println!("200 jobs x 6 plugins, {isolation}: {ms:.0} ms, {more} MiB more at the most");
}

/// Returns a figure of this process's memory in MiB, by its line in `/proc/self/status`.
fn resident(line: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|own| own.strip_prefix(line)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

/// Builds the Python guest, a component with a manifest, and returns its path.
fn python() -> PathBuf {
    let cache = Layout::main().cache.join("bench");
    let tool = cache.join("componentize");
    let guest = cache.join("python.wasm");
    let own = build::root().join("tests/bench/plugins/guest");
    if !tool.exists() {
        let pip = ["-m", "pip", "install", "-q", "--target"];
        run(Command::new("python3").args(pip).arg(&tool).arg(COMPONENTIZE)).unwrap();
    }
    // The tool reads all files below a folder, and must not read the frozen WIT.
    let wit = cache.join("wit");
    fs::create_dir_all(&wit).unwrap();
    for entry in fs::read_dir(build::root().join("wit")).unwrap().flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), wit.join(entry.file_name())).unwrap();
        }
    }
    let mut command = Command::new(tool.join("bin/componentize-py"));
    command.env("PYTHONPATH", &tool).current_dir(own).arg("-d").arg(&wit);
    command.args(["-w", "detector-plugin", "componentize", "--stub-wasi", "app", "-o"]).arg(&guest);
    run(&mut command).unwrap();
    let mut component = fs::read(&guest).unwrap();
    let manifest = "name = \"python-guest\"\nversion = \"0.1.0\"\nworld = \"detector\"\nmarkers = [\"go.mod\"]\n";
    let data = Cow::Borrowed(manifest.as_bytes());
    let section = CustomSection { name: "windlass:manifest".into(), data };
    component.push(section.id());
    section.encode(&mut component);
    fs::write(&guest, component).unwrap();
    guest
}
