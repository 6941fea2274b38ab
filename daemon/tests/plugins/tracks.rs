//! The tracks of the WIT: what was built for a release of a track loads for as long as the track lives, and components
//! of both tracks answer beside each other.

use crate::{
    component::{REALLOC, component, detector, manifest, next_component},
    harness::{ALL, Bench, Monorepo, of},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use windlass_bed::build;
use windlass_engine::ports::{Detections, Detectors, TestRunners};
use windlass_model::{event::Event, recipe::Recipe};
use windlass_plugin_host::{Isolation, PluginSet, Source};
use wit_component::semver_check;
use wit_parser::{Resolve, UnresolvedPackageGroup};

const WORLDS: [&str; 4] =
    ["detector-plugin", "test-runner-plugin", "registry-auth-plugin", "deploy-hook-plugin"];

/// Reads files of a track by name, as those of another version of the package, so that both can be resolved together.
fn files(folder: &str, track: &str, version: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit").join(folder);
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let files = entries.filter(|path| path.extension().is_some_and(|end| end == "wit"));
    files
        .map(|path| {
            let text = fs::read_to_string(&path)
                .unwrap()
                .replace(&format!("@{track}"), &format!("@{version}"));
            (path.file_name().unwrap().to_str().unwrap().to_owned(), text)
        })
        .collect()
}

fn push(resolve: &mut Resolve, files: &BTreeMap<String, String>) -> wit_parser::PackageId {
    let mut sources = wit_parser::SourceMap::default();
    for (name, text) in files {
        sources.push_str(name, text);
    }
    let group: UnresolvedPackageGroup = sources.parse().map_err(|(_, error)| error).unwrap();
    resolve.push_group(group).unwrap()
}

fn fits(
    worlds: &[&str],
    frozen: &BTreeMap<String, String>,
    current: &BTreeMap<String, String>,
) -> Result<(), String> {
    for world in worlds.iter().copied() {
        let mut resolve = Resolve::default();
        let old = push(&mut resolve, frozen);
        let new = push(&mut resolve, current);
        let old = resolve.select_world(&[old], Some(world)).unwrap();
        let new = resolve.select_world(&[new], Some(world)).unwrap();
        semver_check(resolve, old, new).map_err(|error| format!("{world}: {error:#}"))?;
    }
    Ok(())
}

#[test]
fn what_was_built_for_0_1_0_fits_today() {
    let frozen = files("frozen/0.1.0", "0.1.0", "0.1.0-frozen");
    fits(&WORLDS, &frozen, &files("", "0.1.0", "0.1.0")).unwrap();
    // Changes that break them are found: a record's field, a function's parameter.
    for (file, from, to) in [
        ("detector.wit", "score: u8,", "score: u8, sure: bool,"),
        ("host.wit", "emit: func(level: level, message: string)", "emit: func(message: string)"),
        ("deploy-hook.wit", "wait-ms(u32)", "wait-ms(u32), forget"),
        ("registry-auth.wit", "authenticate: func", "sign-on: func"),
    ] {
        let mut current = files("", "0.1.0", "0.1.0");
        let text = current.get_mut(file).unwrap();
        assert!(text.contains(from), "{from}");
        *text = text.replace(from, to);
        fits(&WORLDS, &frozen, &current).unwrap_err();
    }
    // One more function breaks nothing.
    let mut current = files("", "0.1.0", "0.1.0");
    let text = current.get_mut("host.wit").unwrap();
    *text = text.replace("interface clock {", "interface clock { zone: func() -> string;");
    fits(&WORLDS, &frozen, &current).unwrap();
}

#[test]
fn what_was_built_for_0_2_0_fits_today() {
    let worlds = ["detector-plugin", "test-runner-plugin"];
    let frozen = files("frozen/0.2.0", "0.2.0", "0.2.0-frozen");
    fits(&worlds, &frozen, &files("0.2.0", "0.2.0", "0.2.0")).unwrap();
    for (file, from, to) in [
        ("detector.wit", "named: bool,", "named: bool, sure: bool,"),
        ("test-runner.wit", "none-yet: option<string>,", ""),
    ] {
        let mut current = files("0.2.0", "0.2.0", "0.2.0");
        let text = current.get_mut(file).unwrap();
        assert!(text.contains(from), "{from}");
        *text = text.replace(from, to);
        fits(&worlds, &frozen, &current).unwrap_err();
    }
}

/// A monorepo, where names of files and their text say which tree they are of.
fn monorepo() -> Monorepo {
    Monorepo::new(
        "apps/web",
        &[
            ("package.json", "the repository's"),
            ("apps/web/package.json", "the app's"),
            ("apps/web/src/page.js", ""),
            ("apps/web2/package.json", ""),
        ],
    )
}

/// Returns the answers about a tree, and all lines that were logged.
async fn logged(bench: &Bench, set: &Arc<PluginSet>, tree: &Monorepo) -> (Detections, Vec<String>) {
    let job = set.for_job("shop");
    let (answer, events) =
        bench.listening(async |recorder| job.detect(tree, &ALL, recorder).await).await;
    let line = |event: Event| match event {
        Event::Log { line, .. } => Some(line),
        _ => None,
    };
    (answer.unwrap(), events.into_iter().filter_map(line).collect())
}

/// Reads `package.json`, and logs its text and the first file that matched.
fn old() -> Vec<u8> {
    let detect = "
        (call $read (local.get $tree) (i32.const 4096) (i32.const 12) (i32.const 100) (i32.const 8192))
        (call $log (i32.const 1) (i32.load offset=8 (i32.const 8192)) (i32.load offset=12 (i32.const 8192)))
        (call $log (i32.const 1) (i32.load (local.get $matched)) (i32.load offset=4 (local.get $matched)))
        (call $drop (local.get $tree)) (i32.const 0)";
    let module = detector("(data (i32.const 4096) \"package.json\")", detect);
    component(&module, &manifest("old").replace("**", "**/package.json"))
}

/// Logs the app's folder, the first file that matched, and `package.json` as `stat` and `glob` have it.
fn new() -> Vec<u8> {
    let module = format!(
        "(module
          (import \"windlass:plugin/log@0.2.0\" \"emit\" (func $log (param i32 i32 i32)))
          (import \"windlass:plugin/workspace@0.2.0\" \"[method]tree.stat\"
            (func $stat (param i32 i32 i32 i32)))
          (import \"windlass:plugin/workspace@0.2.0\" \"[method]tree.glob\"
            (func $glob (param i32 i32 i32 i32 i32)))
          (import \"windlass:plugin/workspace@0.2.0\" \"[resource-drop]tree\"
            (func $drop (param i32)))
          (memory (export \"memory\") 4)
          {REALLOC}
          (data (i32.const 4096) \"package.json\")
          (data (i32.const 4112) \"**/*.js\")
          (data (i32.const 4128) \"\\10\\10\\00\\00\\07\\00\\00\\00\")
          (func (export \"windlass:plugin/detector@0.2.0#detect\")
            (param $tree i32) (param $app i32) (param $app_length i32)
            (param $matched i32) (param $count i32) (param i32 i32 i32 i32 i32) (result i32)
            (call $log (i32.const 1) (local.get $app) (local.get $app_length))
            (call $log (i32.const 1)
              (i32.load (local.get $matched)) (i32.load offset=4 (local.get $matched)))
            (call $stat (local.get $tree) (i32.const 4096) (i32.const 12) (i32.const 8192))
            (call $log (i32.const 1)
              (i32.load offset=16 (i32.const 8192)) (i32.load offset=20 (i32.const 8192)))
            (call $glob (local.get $tree) (i32.const 4128) (i32.const 1) (i32.const 9) (i32.const 8256))
            (call $log (i32.const 1)
              (i32.load (i32.load offset=4 (i32.const 8256)))
              (i32.load offset=4 (i32.load offset=4 (i32.const 8256))))
            (call $drop (local.get $tree)) (i32.const 0)))"
    );
    next_component(&module, &manifest("new").replace("**", "**/package.json"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_of_0_1_0_sees_the_apps_folder_alone() {
    let bench = Bench::new();
    let set = bench.load("old", &old()).await.unwrap();
    let (answer, lines) = logged(&bench, &set, &monorepo()).await;
    assert_eq!(answer, Detections::default(), "it is none of its own");
    assert_eq!(lines, ["info: the app's", "info: package.json"]);
}

/// `matched` is relative to the app, whose name a neighbour's begins with. The tree is the whole repository.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_of_0_2_0_sees_the_repository_and_its_matches_are_the_apps() {
    for isolation in [Isolation::Sandbox, Isolation::Process] {
        let bench = Bench::isolated(isolation);
        let set = bench.load("new", &new()).await.unwrap();
        let (answer, lines) = logged(&bench, &set, &monorepo()).await;
        assert_eq!(answer, Detections::default(), "it is none of its own");
        let page = "info: apps/web/src/page.js";
        assert_eq!(lines, ["info: apps/web", "info: package.json", "info: package.json", page]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn components_of_both_tracks_answer() {
    let bench = Bench::new();
    let file = |name: &str, bytes: Vec<u8>| {
        let path = bench.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        Source { path, ..Source::default() }
    };
    let go = build::plugins().unwrap().join("detect-go.wasm");
    let sources = [file("old.wasm", old()), Source { path: go, ..Source::default() }];
    let set = Arc::new(PluginSet::load(bench.host.clone(), &of(&sources)).await.unwrap());
    let files = [
        ("package.json", "both"),
        ("go.mod", "module example.com/shop\n\ngo 1.24\n"),
        ("main.go", "package main\n\nfunc main() {}\n"),
    ];
    let (answer, lines) = logged(&bench, &set, &Monorepo::new("", &files)).await;
    assert!(lines.contains(&"info: both".to_owned()), "{lines:?}");
    let [recipe] = &*answer.recipes else { panic!("{answer:?}") };
    assert_eq!((&*recipe.language, &*recipe.context), ("go", ""));
}

/// Components that were built for 0.1.0, before there was another track.
fn frozen(name: &str) -> Source {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plugins/frozen/0.1.0");
    let path: PathBuf = folder.join(format!("{name}.wasm"));
    Source { path, ..Source::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plugins_of_0_1_0_still_plan() {
    let bench = Bench::new();
    let sources = ["detect-go", "detect-node", "test-pytest"].map(frozen);
    let set = Arc::new(PluginSet::load(bench.host.clone(), &of(&sources)).await.unwrap());
    let files = [
        ("apps/web/go.mod", "module example.com/shop\n"),
        ("apps/web/main.go", "package main\n"),
        ("apps/web/package.json", "{ \"private\": true }"),
        ("apps/web/test_shop.py", "def test_shop():\n    pass\n"),
    ];
    let tree = Monorepo::new("apps/web", &files);
    let (answer, _) = logged(&bench, &set, &tree).await;
    let [recipe] = &*answer.recipes else { panic!("{answer:?}") };
    assert_eq!((&*recipe.detector, &*recipe.context, recipe.score), ("go", "apps/web", 80));
    let [refusal] = &*answer.refusals else { panic!("{answer:?}") };
    assert_eq!((&*refusal.detector, &*refusal.language, refusal.score), ("node", "node", 0));
    let job = set.for_job("shop");
    let python = Recipe { language: "python".into(), ..Recipe::default() };
    let plan = bench.listening(async |recorder| job.plan(&tree, &python, "/app", recorder).await);
    let plan = plan.await.0.unwrap().unwrap();
    assert_eq!(plan.command[..3], ["python", "-m", "unittest"], "{plan:?}");
}
