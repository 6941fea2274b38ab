//! The project's own detectors, as components, on trees that distinguish them.

use crate::harness::{Bench, Folder, of};
use std::{fs, sync::Arc};
use windlass_bed::build;
use windlass_engine::ports::{Detections, Detectors};
use windlass_model::recipe::BuildStep;
use windlass_plugin_host::{PluginSet, Source};

/// The three detectors, in the order of a daemon's configuration.
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

    /// Asks the detectors about a tree of files.
    async fn asked(&self, files: &[(&str, &str)]) -> Detections {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let tree = Folder(folder.path().to_owned());
        let job = self.set.for_job("shop");
        self.bench.listening(async |recorder| job.detect(&tree, recorder).await).await.0.unwrap()
    }
}

/// Returns the detectors with a recipe, each with the score, and those that refuse.
fn sides(detected: &Detections) -> (Vec<(&str, u8)>, Vec<&str>) {
    let recipes = detected.recipes.iter().map(|recipe| (&*recipe.detector, recipe.score));
    let refusals = detected.refusals.iter().map(|refusal| &*refusal.plugin);
    (recipes.collect(), refusals.collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_tools_make_no_app_of_their_language() {
    let ours = Ours::load().await;
    let tools =
        ("package.json", "{ \"private\": true, \"devDependencies\": { \"husky\": \"9\" } }");
    let python =
        [tools, ("requirements.txt", "flask\n"), ("app.py", "if __name__ == '__main__':\n")];
    let python = ours.asked(&python).await;
    assert_eq!(sides(&python), (vec![("python", 80)], vec!["node"]));
    assert_eq!(python.recipes[0].image.start, ["python", "app.py"]);
    assert_eq!(python.refusals[0].hint.as_deref(), Some("add `scripts.start` to package.json"));
    let go = [tools, ("go.mod", "module example.com/shop\n"), ("main.go", "package main\n")];
    assert_eq!(sides(&ours.asked(&go).await), (vec![("go", 80)], vec!["node"]));
    let node = [
        ("package.json", "{ \"scripts\": { \"start\": \"node server.js\" } }"),
        ("server.js", ""),
        ("requirements.txt", "mkdocs\n"),
    ];
    assert_eq!(sides(&ours.asked(&node).await), (vec![("node", 80)], vec!["python"]));
}

/// Returns the sources of the first copy.
fn copied(detected: &Detections) -> &[String] {
    let steps = detected.recipes[0].image.stages[0].steps.iter();
    let mut copies = steps.filter_map(|step| match step {
        BuildStep::Copy { sources, .. } => Some(&**sources),
        BuildStep::Run { .. } => None,
    });
    copies.next().unwrap()
}

/// A lock file of another manager is no reason to install without any.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_app_that_npm_cannot_install_is_refused_by_name() {
    let ours = Ours::load().await;
    let start = ("package.json", "{ \"scripts\": { \"start\": \"node server.js\" } }");
    // Longer than what is ever read of it, and no text.
    let long = "\0".repeat(1 << 20);
    for file in ["pnpm-lock.yaml", "yarn.lock", "bun.lockb"] {
        let detected = ours.asked(&[start, (file, &*long)]).await;
        let [refusal] = &*detected.refusals else { panic!("{detected:?}") };
        assert!(refusal.message.starts_with(file), "{refusal}");
        assert!(detected.recipes.is_empty() && refusal.hint.is_some());
    }
    let locked = ours.asked(&[start, ("npm-shrinkwrap.json", "{}")]).await;
    assert_eq!(copied(&locked), ["package.json", "npm-shrinkwrap.json"]);
    let keyed = ours.asked(&[start, (".npmrc", "registry=https://npm.example.com\n")]).await;
    assert_eq!(copied(&keyed), ["."]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_python_app_is_installed_with_all_that_it_names_or_refused_by_name() {
    let ours = Ours::load().await;
    let app = ("app.py", "if __name__ == '__main__':\n");
    let plain = ours.asked(&[app, ("requirements.txt", "flask\n")]).await;
    assert_eq!(copied(&plain), ["requirements.txt"]);
    let local = ("requirements.txt", "-r requirements/base.txt\n./libs/money\n");
    assert_eq!(copied(&ours.asked(&[app, local]).await), ["."]);
    let outside = ours.asked(&[app, ("requirements.txt", "../money\n")]).await;
    assert!(outside.refusals[0].message.contains("`../money`"), "{outside:?}");
    let project = ("pyproject.toml", "[project]\nname = \"shop\"\n");
    for file in ["poetry.lock", "pdm.lock", "uv.lock", "Pipfile.lock"] {
        let refused = ours.asked(&[app, project, (file, "x")]).await;
        assert!(refused.refusals[0].message.starts_with(file), "{refused:?}");
        let exported = ours.asked(&[app, project, (file, "x"), ("requirements.txt", "x\n")]).await;
        assert_eq!(sides(&exported), (vec![("python", 80)], vec![]));
    }
    let alone = ours.asked(&[app, ("Pipfile", "[packages]\nflask = \"*\"\n")]).await;
    assert!(alone.refusals[0].message.starts_with("Pipfile:"), "{alone:?}");
}

/// Returns the package that is built, and the sources of the first copy.
fn built(detected: &Detections) -> (&str, &[String]) {
    let steps = &detected.recipes[0].image.stages[0].steps;
    let Some(BuildStep::Run { argv, .. }) = steps.last() else { panic!("{detected:?}") };
    assert_eq!(argv[..2], ["go", "build"]);
    (argv.last().unwrap().as_str(), copied(detected))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn go_modules_that_lie_beside_each_other() {
    let ours = Ours::load().await;
    let main = "package main\n";
    let money = "package money\n";
    let module = "module example.com/shop\n\ngo 1.24\n";
    let plain = ours.asked(&[("go.mod", module), ("go.sum", "x"), ("main.go", main)]).await;
    assert_eq!(built(&plain), (".", &["go.mod".to_owned(), "go.sum".to_owned()][..]));
    let replace = format!("{module}\nreplace example.com/shop/money => ./money\n");
    let inside = [("money/go.mod", "module m\n"), ("money/money.go", money), ("main.go", main)];
    let replaced = ours.asked(&[&inside[..], &[("go.mod", &*replace)]].concat()).await;
    assert_eq!(built(&replaced), (".", &[".".to_owned()][..]));
    let work = "go 1.24\n\nuse (\n\t./api\n\t./money\n)\n";
    let files = [
        ("go.work", work),
        ("api/go.mod", "module example.com/api\n\nreplace m => ../money\n"),
        ("api/main.go", main),
        ("money/go.mod", "module m\n"),
        ("money/money.go", money),
    ];
    let workspace = ours.asked(&files).await;
    assert_eq!(built(&workspace), ("./api", &[".".to_owned()][..]));
    assert!(workspace.recipes[0].evidence.contains(&"go.work: a Go workspace".to_owned()));
    for (file, text) in [
        ("go.mod", "module a\n\nreplace m => ../money\n"),
        ("go.work", "use (\n\t.\n\t../money\n)\n"),
    ] {
        let files = [("go.mod", module), ("main.go", main), (file, text)];
        let outside = ours.asked(&files).await;
        let message = &outside.refusals[0].message;
        assert!(message.starts_with(file) && message.contains("../money"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_package_main_that_are_no_program() {
    let ours = Ours::load().await;
    let tagged = |tag: &str| format!("//go:build {tag}\n\npackage main\n\nfunc main() {{}}\n");
    let mage = tagged("mage");
    let ignored = tagged("ignore");
    let mut files = vec![
        ("go.mod", "module example.com/shop\n"),
        ("magefile.go", &*mage),
        ("shop.go", "// Package shop is a library.\npackage shop\n"),
        ("internal/rates/gen.go", &*ignored),
        ("internal/rates/rates.go", "package rates\n"),
        ("testdata/sample/main.go", "package main\n"),
    ];
    let none = ours.asked(&files).await;
    let message = &none.refusals[0].message;
    assert!(message.contains("magefile.go (`//go:build mage`)"), "{message}");
    files.push(("cmd/shop/main.go", "package main\n"));
    assert_eq!(built(&ours.asked(&files).await).0, "./cmd/shop");
}
