//! The project's own detectors, as components in the host. What each says of its language is tested natively, beside it.

use crate::harness::{Bench, Monorepo, of};
use std::sync::Arc;
use windlass_bed::build;
use windlass_engine::ports::{DetectRequest, Detections, Detectors};
use windlass_plugin_host::{PluginSet, Source};

/// Three detectors, in the order of a daemon's configuration.
struct Ours {
    bench: Bench,
    set: Arc<PluginSet>,
}

impl Ours {
    async fn load() -> Self {
        let bench = Bench::new();
        let sources = ["detect-node", "detect-python", "detect-go"].map(|name| {
            let path = build::plugins().unwrap().join(format!("{name}.wasm"));
            Source { path, ..Source::default() }
        });
        let set = PluginSet::load(bench.host.clone(), &of(&sources)).await.unwrap();
        Self { bench, set: Arc::new(set) }
    }

    /// Asks the detectors about an app in a folder.
    async fn asked(&self, app: &str, files: &[(&str, &str)], named: Option<&str>) -> Detections {
        let tree = Monorepo::new(app, files);
        let request = DetectRequest { named: named.map(str::to_owned), ..DetectRequest::default() };
        let job = self.set.for_job("shop");
        let ask =
            self.bench.listening(async |recorder| job.detect(&tree, &request, recorder).await);
        ask.await.0.unwrap()
    }
}

/// Returns the detector of the best score.
fn best(detected: &Detections) -> Option<&str> {
    let best = detected.recipes.iter().max_by_key(|recipe| recipe.score)?;
    Some(&best.detector)
}

const GO: [(&str, &str); 2] = [
    ("go.mod", "module example.com/shop\n\ngo 1.24\n"),
    ("main.go", "package main\n\nfunc main() {}\n"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_tools_make_no_app_of_their_language() {
    let ours = Ours::load().await;
    let tools =
        ("package.json", "{ \"private\": true, \"devDependencies\": { \"husky\": \"9\" } }");
    let detected = ours.asked("", &[&GO[..], &[tools]].concat(), None).await;
    assert_eq!(best(&detected), Some("go"), "{detected:?}");
    assert!(detected.failures.is_empty(), "{detected:?}");
}

/// A file that cannot be read is the refusal of one detector, and the end of no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_that_is_cut_short_is_a_refusal_and_no_failure() {
    let ours = Ours::load().await;
    let cut = ("package.json", "{ \"scripts\": { \"start\": ");
    let detected = ours.asked("", &[&GO[..], &[cut]].concat(), None).await;
    assert_eq!(best(&detected), Some("go"), "{detected:?}");
    assert!(detected.failures.is_empty(), "{detected:?}");
    let [refusal] = &*detected.refusals else { panic!("{detected:?}") };
    assert_eq!((&*refusal.detector, &*refusal.language), ("node", "node"));
    assert!(refusal.reason.contains("package.json") && !refusal.hint.is_empty(), "{refusal:?}");
}

/// Markers of the app's neighbours and of what is above it wake no detector. One that is named needs none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_files_of_the_app_wake_a_detector_unless_it_is_named() {
    let ours = Ours::load().await;
    let files = [
        ("package.json", "{ \"scripts\": { \"start\": \"node server.js\" } }"),
        ("apps/web/go.mod", GO[0].1),
        ("apps/web/main.go", GO[1].1),
        ("apps/web2/requirements.txt", "flask\n"),
    ];
    let detected = ours.asked("apps/web", &files, None).await;
    assert_eq!(best(&detected), Some("go"), "{detected:?}");
    assert_eq!((detected.recipes.len(), detected.refusals.len()), (1, 0), "{detected:?}");
    let context = &detected.recipes[0].context;
    assert!("apps/web".starts_with(&**context), "{context}");
    let named = ours.asked("apps/web", &files, Some("python")).await;
    assert!(named.recipes.is_empty() && named.failures.is_empty(), "{named:?}");
}
