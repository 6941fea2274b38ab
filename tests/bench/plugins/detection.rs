//! Detection by all of the project's plugins: trees of several sizes, activation of the whole set, and its size.

use bench_history::Figures;
use std::{fs, path::Path, sync::Arc, time::Instant};
use windlass_bed::build;
use windlass_engine::{
    ports::{DetectRequest, Detectors, Tree},
    recorder::Recorder,
};
use windlass_model::error::GitError;
use windlass_plugin_host::{Host, Isolation, PluginSet, Setup, Source};

/// Files of the trees, with the number of detections that are measured.
const TREES: [(usize, usize); 3] = [(50, 200), (5_000, 100), (100_000, 20)];

/// Files in a folder of a tree.
const WIDTH: usize = 50;

struct Generated(tempfile::TempDir);

impl Generated {
    /// Makes a Node app of so many files, in folders three deep.
    fn new(files: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let package = "{ \"name\": \"a\", \"scripts\": { \"start\": \"node server.js\" } }";
        fs::write(root.join("package.json"), package).unwrap();
        fs::write(root.join("server.js"), "").unwrap();
        for file in 2..files {
            let number = file / WIDTH;
            let below = root.join(format!("src/part-{}/module-{number}", number / WIDTH));
            if file == 2 || file % WIDTH == 0 {
                fs::create_dir_all(&below).unwrap();
            }
            fs::write(below.join(format!("file-{file}.js")), "export {};\n").unwrap();
        }
        Self(folder)
    }
}

impl Tree for Generated {
    fn root(&self) -> &Path {
        self.0.path()
    }

    fn read(&self, _: &str, _: u64) -> Result<Option<String>, GitError> {
        Ok(None)
    }
}

/// Measures activation of all plugins from the cache, and detection in each tree.
pub(crate) async fn all(isolation: Isolation, figures: &mut Figures) {
    let names = names();
    let plugins = build::plugins().unwrap();
    let paths = names.iter().map(|name| plugins.join(name));
    let bytes: u64 = paths.clone().map(|path| fs::metadata(path).unwrap().len()).sum();
    let sources = paths.map(|path| Source { path, isolation, ..Source::default() }).collect();
    let cache = tempfile::tempdir().unwrap();
    let host =
        Host::new(cache.path(), &build::programs().unwrap().join("windlassd"), None).unwrap();
    let setup = Setup { plugins: sources, ..Setup::default() };
    let began = Instant::now();
    PluginSet::load(host.clone(), &setup).await.unwrap();
    let compiled = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let set = Arc::new(PluginSet::load(host, &setup).await.unwrap());
    let activated = began.elapsed().as_secs_f64() * 1e3;
    let place = if isolation == Isolation::Process { "process" } else { "sandbox" };
    figures.add(format!("all plugins, {place}, compile"), compiled, "s");
    figures.add(format!("all plugins, {place}, activate"), activated, "ms");
    figures.add("all plugins, size", bytes as f64 / 1024.0, "KiB");
    println!(
        "\n{} plugins of {} KiB, {place}: compiled in {compiled:.1} s, active from the cache after {activated:.0} ms",
        names.len(),
        bytes >> 10
    );
    for (files, times) in TREES {
        let tree = Generated::new(files);
        let (p50, p99) = detect(&set, &tree, times).await;
        figures.add(format!("detect in {files} files, {place}, p50"), p50, "ms");
        figures.add(format!("detect in {files} files, {place}, p99"), p99, "ms");
        println!("detect in {files} files, {place}: p50 {p50:.1} ms, p99 {p99:.1} ms");
    }
}

/// Returns median and 99th percentile in milliseconds.
async fn detect(set: &Arc<PluginSet>, tree: &Generated, times: usize) -> (f64, f64) {
    let request = DetectRequest::default();
    let mut taken = Vec::new();
    // The first detection has the kernel read the folders.
    for time in 0..=times {
        let recorder = Recorder::null();
        let job = set.for_job("bench");
        let began = Instant::now();
        let found = job.detect(tree, &request, &recorder).await.unwrap();
        let ms = began.elapsed().as_secs_f64() * 1e3;
        assert!(!found.recipes.is_empty(), "a Node app: {found:?}");
        if time > 0 {
            taken.push(ms);
        }
    }
    taken.sort_by(f64::total_cmp);
    (taken[taken.len() / 2], taken[taken.len() * 99 / 100])
}

/// Returns the file names of all detectors and test runners that were built, sorted.
fn names() -> Vec<String> {
    let entries = fs::read_dir(build::plugins().unwrap()).unwrap().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_asked = |name: &String| {
        name.ends_with(".wasm") && (name.starts_with("detect-") || name.starts_with("test-"))
    };
    let mut names: Vec<_> = names.filter(is_asked).collect();
    names.sort();
    names
}
