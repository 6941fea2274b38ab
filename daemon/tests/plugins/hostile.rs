//! Detectors that mean harm, each a real component that is loaded as any other. Each has its expected outcome,
//! disturbs no plugin beside it, and leaves nothing behind.

use crate::{
    component::{NOTHING, component, detector, manifest, reaching, with_section},
    guests::{Outcome, bomb, guests},
    harness::{Bench, is_alone, of, resident},
};
use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};
use windlass_engine::ports::Detectors;
use windlass_model::event::Event;
use windlass_plugin_host::{Isolation, Limits, Plugins, Source};

/// Builds a component with more instances than one may have: number 8 of `daemon/design/hostile-plugins.md`.
fn nested() -> Vec<u8> {
    let instances = "(core instance (instantiate $m))".repeat(1_200);
    wat::parse_str(format!("(component (core module $m (memory 1)) {instances})")).unwrap()
}

/// Builds a component whose bytes name another version of the WIT.
fn component_of(ours: &str, other: &str) -> Vec<u8> {
    let mut bytes = component(&detector("", NOTHING), &manifest("track"));
    let from = format!("@{ours}");
    let to = format!("@{other}");
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_comes_to_what_it_must_and_disturbs_nobody() {
    if is_alone("hostile::each_comes_to_what_it_must_and_disturbs_nobody") {
        each(Isolation::Sandbox).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn and_so_does_each_in_a_process_of_its_own() {
    if is_alone("hostile::and_so_does_each_in_a_process_of_its_own") {
        each(Isolation::Process).await;
    }
}

async fn each(isolation: Isolation) {
    let bench = Arc::new(Bench::isolated(isolation));
    let healthy = component(&detector("", NOTHING), &manifest("healthy"));
    let healthy = bench.load("healthy", &healthy).await.unwrap();
    let before = resident();
    for (name, module, outcome) in guests() {
        let component = component(&module, &manifest(name));
        let loaded = bench.load(name, &component).await;
        let set = match (loaded, &outcome) {
            (Err(error), Outcome::Refused(expected)) => {
                assert!(error.to_string().contains(expected), "{name}: {error}");
                println!("{name}: refused: {error}");
                continue;
            }
            (Err(error), _) => panic!("{name}: {error}"),
            (Ok(_), Outcome::Refused(_)) => panic!("{name} was loaded"),
            (Ok(set), _) => set,
        };
        let hostile = tokio::spawn({
            let bench = bench.clone();
            let set = set.clone();
            async move { bench.ask(&set).await }
        });
        // Beside it another plugin is asked, and answers as ever.
        let mut slowest = Duration::ZERO;
        for _ in 0..50 {
            let began = Instant::now();
            let (answer, _) = bench.ask(&healthy).await;
            assert!(answer.unwrap().is_empty(), "{name} disturbs");
            slowest = slowest.max(began.elapsed());
        }
        let (answer, events) = hostile.await.unwrap();
        match (answer, outcome) {
            (Ok(found), Outcome::Harmless) => assert!(found.is_empty()),
            (Err(error), Outcome::Fails(expected)) => {
                let text = error.to_string();
                // Through a socket, 20,000 calls may reach the limit of time before that of calls.
                let is_slow = isolation == Isolation::Process && expected == "limit `host-calls`";
                let expected =
                    if is_slow && text.contains("cpu-ms") { "limit `cpu-ms`" } else { expected };
                assert!(text.contains(expected) && text.contains(name), "{name}: {text}");
                println!("{name}: {text} (beside it at most {slowest:?})");
            }
            (answer, _) => panic!("{name}: {answer:?}"),
        }
        let lines: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::Log { line, .. } => Some(line),
                Event::PluginCalled(call) => {
                    assert!(call.plugin == name && call.memory <= 64 << 20, "{call:?}");
                    None
                }
                other => panic!("{name} recorded {other:?}"),
            })
            .collect();
        assert!(lines.len() <= 2_001, "{name}: {} lines", lines.len());
        let controls = lines.iter().any(|line| line.chars().any(char::is_control));
        assert!(!controls, "{name}: a terminal would obey {lines:?}");
    }
    let after = resident();
    println!("resident: {before} MiB before, {after} MiB after");
    assert!(after < before + 64, "{before} MiB before, {after} MiB after");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_no_plugin() {
    let bench = Bench::new();
    let good = component(&detector("", NOTHING), &manifest("good"));
    let bare = {
        let section = with_section(Vec::new(), &manifest("good")).len();
        good[..good.len() - section].to_vec()
    };
    let with = |text: &str| with_section(bare.clone(), text);
    let track = component_of("0.1.0", "0.3.0");
    for (name, bytes, expected) in [
        ("empty", Vec::new(), "no component"),
        ("text", b"#!/bin/sh\necho no\n".to_vec(), "no component"),
        ("core-module", wat::parse_str("(module)").unwrap(), "core module"),
        ("cut-short", good[..good.len() / 2].to_vec(), "no component"),
        ("no-manifest", bare.clone(), "no section `windlass:manifest`"),
        ("two-manifests", with_section(good.clone(), &manifest("other")), "two sections"),
        ("manifest-too-long", with(&"#".repeat(70_000)), "65536 are allowed"),
        ("unknown-key", with(&format!("{}color = \"red\"\n", manifest("x"))), "color"),
        ("bad-name", with(&manifest("Not/A/Name")), "Not/A/Name"),
        ("no-markers", with(&manifest("x").replace("[\"**\"]", "[]")), "markers"),
        ("bad-marker", with(&manifest("x").replace("**", "a{b")), "markers"),
        ("other-world", with(&manifest("x").replace("detector", "sorcerer")), "sorcerer"),
        (
            "wrong-world",
            with(&manifest("x").replace("\"detector\"", "\"test-runner\"\nlanguages = [\"go\"]")),
            "test-runner",
        ),
        ("another-track", track, "windlass:plugin 0.3.0, and this daemon runs 0.1.x and 0.2.x"),
        (
            "of-another-world",
            reaching(&manifest("x")),
            "imports `secrets`, which a detector has no use for",
        ),
        (
            "asks-for-too-much",
            with(&format!(
                "{}[[asks.http]]\nhost = \"a.example\"\nmethods = [\"GET\"]\nreason = \"x\"\n",
                manifest("x")
            )),
            "cannot be given",
        ),
        ("nested-instances-8", with_section(nested(), &manifest("x")), "does not compile"),
        ("too-large", vec![0; 40 << 20], "33554432 are allowed"),
    ] {
        let error = bench.load(name, &bytes).await.err().unwrap_or_else(|| panic!("{name} loads"));
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert!(error.to_string().contains(&format!("{name}.wasm")), "{error}");
    }
    bench.load("good", &good).await.unwrap();
}

/// Compiling is where an engine promises least. It happens in a child with limits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_that_takes_long_to_compile_harms_nobody() {
    if !is_alone("hostile::a_component_that_takes_long_to_compile_harms_nobody") {
        return;
    }
    let bench = Bench::new();
    let bomb = component(&bomb(), &manifest("bomb"));
    let before = resident();
    let began = Instant::now();
    let limits = Limits { compile_ms: 3_000, ..Limits::default() };
    let error = bench.load_within("bomb", &bomb, limits).await.err().unwrap().to_string();
    println!("{} KiB, {:.1} s: {error}", bomb.len() >> 10, began.elapsed().as_secs_f32());
    assert!(
        error.contains("limit `compile-ms`") && began.elapsed() < Duration::from_secs(10),
        "{error}"
    );
    assert!(resident() < before + 128, "the daemon's own memory is spared");
}

/// The error and the list give the reason, until the plugin is loaded again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_fails_again_and_again_is_disabled_until_it_is_loaded_again() {
    let bench = Bench::new();
    let path = bench.folder.path().join("traps.wasm");
    fs::write(&path, component(&detector("", "unreachable"), &manifest("traps"))).unwrap();
    let source = Source { path, ..Source::default() };
    let setup = of(&[source]);
    let plugins = Plugins::load(bench.host.clone(), &setup).await.unwrap();
    let ask = || async { bench.detect(&plugins.for_job("shop")).await.0.unwrap_err().to_string() };
    for _ in 0..5 {
        assert!(ask().await.contains("gave up"));
    }
    let why = ask().await;
    assert!(why.contains("not asked any more: it failed 5 times in a row"), "{why}");
    // Failures in one project disable the plugin for no other.
    let other = bench.detect(&plugins.for_job("other")).await.0.unwrap_err();
    assert!(other.to_string().contains("gave up"), "{other}");
    let record = plugins.list().remove(0);
    assert_eq!((record.calls, record.failures), (6, 6));
    assert!(record.disabled.unwrap().contains("in `shop`: it failed 5 times"));
    assert_eq!(plugins.reload(&setup).await.unwrap(), ["`traps` is asked again"]);
    assert!(ask().await.contains("gave up"));
}

/// Jobs keep the set that they began with. A set of which one part cannot be loaded never goes live.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_in_the_middle_of_fifty_jobs() {
    let bench = Bench::new();
    let file = |name: &str, bytes: &[u8]| {
        let path = bench.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        Source { path, ..Source::default() }
    };
    let old = file("old.wasm", &component(&detector("", NOTHING), &manifest("old")));
    let new = file("new.wasm", &component(&detector("", NOTHING), &manifest("new")));
    let bad = file("bad.wasm", b"bad");
    let plugins = Plugins::load(bench.host.clone(), &of(&[old])).await.unwrap();
    let jobs: Vec<_> = (0..50).map(|_| plugins.for_job("shop")).collect();
    let error = plugins.reload(&of(&[new.clone(), bad])).await.unwrap_err().to_string();
    assert!(error.contains("bad.wasm") && plugins.for_job("shop").names() == ["old"], "{error}");
    let changes = plugins.reload(&of(&[new])).await.unwrap();
    assert_eq!(changes, ["`new` 0.1.0 is new", "`old` is removed"]);
    let asked = jobs.iter().map(|job| bench.detect(job));
    for (answer, _) in futures::future::join_all(asked).await {
        assert!(answer.unwrap().is_empty());
    }
    assert!(jobs.iter().all(|job| job.names() == ["old"]));
    assert_eq!(plugins.for_job("shop").names(), ["new"]);
}

/// Compiled code is run only as it was written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cache_that_was_changed_is_not_run() {
    let bench = Bench::new();
    let good = component(&detector("", NOTHING), &manifest("good"));
    let set = bench.load("good", &good).await.unwrap();
    assert!(bench.ask(&set).await.0.unwrap().is_empty());
    let cache = bench.folder.path().join("cache");
    let cached = || {
        let mut entries = fs::read_dir(&cache).unwrap().flatten().map(|entry| entry.path());
        entries.find(|path| path.extension().is_some_and(|end| end == "cwasm")).unwrap()
    };
    let bytes = fs::read(cached()).unwrap();
    for position in [0, 31, 32, bytes.len() / 2, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        fs::write(cached(), &changed).unwrap();
        let set = bench.load("good", &good).await.unwrap();
        assert!(bench.ask(&set).await.0.unwrap().is_empty());
        assert_eq!(fs::read(cached()).unwrap(), bytes, "compiled again");
    }
    fs::write(cached(), b"").unwrap();
    bench.load("good", &good).await.unwrap();
}
