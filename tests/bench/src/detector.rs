//! What asking a detector costs.

use crate::{median, title};
use async_trait::async_trait;
use std::{fs, path::Path, sync::Arc, time::Instant};
use tokio::sync::watch;
use windlass_bed::build;
use windlass_core::{
    app::App,
    event::Event,
    job::Release,
    ports::{Detectors, GitError, Journal, Tree},
    run::{Lost, Run},
};
use windlass_plugin_host::{Host, PluginSet, Setup, Source};

struct Nowhere;

#[async_trait]
impl Journal for Nowhere {
    async fn append(&self, _: Event) -> Result<(), Lost> {
        Ok(())
    }

    async fn last_release(&self, _: &App) -> Result<Option<Release>, Lost> {
        Ok(None)
    }
}

struct Folder(tempfile::TempDir);

impl Tree for Folder {
    fn root(&self) -> &Path {
        self.0.path()
    }

    fn read(&self, _: &str, _: u64) -> Result<Option<String>, GitError> {
        Ok(None)
    }
}

pub(crate) fn calls() {
    title("Asking one detector, microseconds (store, instantiate, call, drop; 2,000 times)");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let cache = tempfile::tempdir().unwrap();
        let program = build::programs().unwrap().join("windlassd");
        let host = Host::new(cache.path(), &program, None).unwrap();
        let source =
            Source { path: build::plugins().unwrap().join("detect-go.wasm"), ..Source::default() };
        let setup = Setup { plugins: vec![source], ..Setup::default() };
        let began = Instant::now();
        PluginSet::load(host.clone(), &setup).await.unwrap();
        println!("compiled in a child:    {:9.1}", began.elapsed().as_secs_f64() * 1e6);
        let began = Instant::now();
        let set = Arc::new(PluginSet::load(host, &setup).await.unwrap());
        println!("activated from cache:   {:9.1}", began.elapsed().as_secs_f64() * 1e6);
        let folder = Folder(tempfile::tempdir().unwrap());
        fs::write(folder.root().join("go.mod"), "module example.com/x\n\ngo 1.24\n").unwrap();
        fs::write(folder.root().join("main.go"), "package main\n\nfunc main() {}\n").unwrap();
        let (_stop, stop) = watch::channel(None);
        let run = Run::new(Arc::new(Nowhere), stop, None);
        let mut times = Vec::new();
        for _ in 0..2_000 {
            let began = Instant::now();
            set.for_job("bench").detect(&folder, run.voice()).await.unwrap();
            times.push(began.elapsed().as_secs_f64() * 1e6);
        }
        times.sort_by(f64::total_cmp);
        let p99 = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
        println!("a module of two files:  p50 {:9.1}   p99 {p99:.1}", median(times));
    });
}
