//! A plugin's own process, seen from outside: nothing to take, nowhere to go.

use crate::{
    component::{NOTHING, component, detector, manifest},
    harness::Bench,
};
use std::{fs, path::PathBuf};
use windlass_plugin_host::Isolation;

/// Finds this process's children that run plugins.
fn workers() -> Vec<PathBuf> {
    let own = std::process::id().to_string();
    let entries = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let is_worker = |path: &PathBuf| {
        let command = fs::read_to_string(path.join("cmdline")).unwrap_or_default();
        let status = fs::read_to_string(path.join("status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        command.contains("plugin-worker") && parent.is_some_and(|parent| parent.trim() == own)
    };
    entries.filter(is_worker).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugins_process_has_nothing_and_one_project_never_meets_another() {
    let bench = Bench::isolated(Isolation::Process);
    let set = component(&detector("", NOTHING), &manifest("healthy"));
    let set = bench.load("healthy", &set).await.unwrap();
    let before = workers();
    let fresh = || workers().into_iter().filter(|path| !before.contains(path)).collect::<Vec<_>>();
    let ask = async |project: &str| bench.detect(&set.for_job(project)).await.0.unwrap();
    ask("shop").await;
    ask("shop").await;
    let one = fresh();
    assert_eq!(one.len(), 1, "the same for the next call of the project");
    let worker = &one[0];
    let status = fs::read_to_string(worker.join("status")).unwrap();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().to_owned()
    };
    assert_eq!((&*of("Seccomp:"), &*of("NoNewPrivs:")), ("2", "1"), "{status}");
    assert_eq!(of("CapEff:"), "0000000000000000", "{status}");
    assert_eq!(of("Umask:"), "0077", "{status}");
    // Its clock started before the rest was taken. A thread that ends meanwhile has nothing.
    for thread in fs::read_dir(worker.join("task")).unwrap().flatten() {
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        let own = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap_or("0");
        let own = u64::from_str_radix(own.trim(), 16).unwrap();
        assert_eq!(own & !0b110, 0, "{status}");
    }
    assert_eq!(fs::read_to_string(worker.join("environ")).unwrap(), "");
    let network = |path: PathBuf| fs::read_link(path.join("ns/net")).unwrap();
    assert_ne!(network(worker.clone()), network("/proc/self".into()));
    // The socket twice, and two of nothing; the pair's code is in memory.
    let files = fs::read_dir(worker.join("fd")).unwrap().flatten();
    let files: Vec<_> = files.map(|file| fs::read_link(file.path()).unwrap()).collect();
    let known = |path: &PathBuf| {
        let path = path.to_string_lossy();
        ["socket:", "/dev/null", "/memfd:"].iter().any(|start| path.starts_with(start))
    };
    assert!(files.iter().all(known), "{files:?}");
    ask("other").await;
    assert_eq!(fresh().len(), 2, "another project, another process");
    // A process that is killed between two calls is replaced.
    let id: i32 = worker.file_name().unwrap().to_str().unwrap().parse().unwrap();
    windlass_bed::process::sh(&format!("kill -9 {id}")).unwrap();
    ask("shop").await;
    drop(set);
}
