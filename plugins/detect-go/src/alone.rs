//! A program in no module that needs the standard library alone.

use crate::{
    beside,
    compile::compile,
    packages::Reached,
    source::{self, Source},
    version,
};
use windlass_plugin_sdk::{
    App, Detection, Found, StageExt, StepExt, assets, copy, procfile, run, score, stage,
    versions::{self, Chain, Grammar, Runtime},
};

/// First names of the standard library's packages.
const STANDARD: [&str; 48] = [
    "archive",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "weak",
];

/// Plans the program of the app's folder. `None` means that there is none, or that it needs other modules.
///
/// # Errors
/// The Procfile, or a file of versions, cannot be read.
pub(crate) fn program(app: &App<'_>) -> Found {
    if app.has_dir("vendor") || app.has("Gopkg.toml") || app.has("glide.yaml") {
        return Ok(None);
    }
    let mut main = None;
    let mut reached = Reached::default();
    for name in app.glob(&["*.go"], 500) {
        // Without all files nothing says which modules the program needs.
        let Ok(Some(file)) = app.read(&name) else { return Ok(None) };
        if name.ends_with("_test.go") {
            continue;
        }
        match source::read(&name, &file.text) {
            Some(Source { left_out: Some(_), .. }) => continue,
            Some(Source { package: "main", left_out: None }) => {}
            _ => return Ok(None),
        }
        let is_standard =
            |import: &str| import.split('/').next().is_some_and(|first| STANDARD.contains(&first));
        if !source::imports(&file.text).into_iter().all(is_standard) {
            return Ok(None);
        }
        reached.embeds.extend(source::embeds(&file.text).map(str::to_owned));
        if main.is_none() && source::has_main(&file.text) {
            main = Some(name);
        }
    }
    let Some(main) = main else { return Ok(None) };
    // A line of one word names the program; arguments are read in modules only.
    if procfile::read(app)?.iter().any(|line| line.name != "web" || line.command.len() != 1) {
        return Ok(None);
    }
    let chosen = Chain::of(app, Runtime::Go)
        .first(versions::file(app, ".go-version", Grammar::Go)?)
        .choose()?;
    let mut detection = Detection::new("go", score::STARTED);
    detection.context = app.folder.to_owned();
    detection.tool("go", &chosen);
    detection.because(format!("{main}: package main, which imports the standard library alone"));
    let init = run(&["go", "mod", "init", "app"]).why("no go.mod is committed: Go builds modules");
    let build = stage("build", version::image(&chosen.version))
        .env("CGO_ENABLED", "0")
        .step(copy(&["."], "."))
        .step(init)
        .step(assets())
        .step(compile("app", "."));
    let mut serve = stage("run", "debian:bookworm-slim")
        .packages(&["ca-certificates", "tzdata"])
        .copy_from("build", "/out/app", "/app/app");
    for folder in beside::folders(app, &reached) {
        detection.because(format!("{folder}/: files that the program may read, put beside it"));
        serve = serve.copy_from("build", &format!("/app/{folder}"), &format!("/app/{folder}"));
    }
    detection.image.stages = vec![build, serve];
    detection.image.test_in = Some("build".into());
    detection.image.start = vec!["/app/app".into()];
    Ok(Some(detection))
}

#[cfg(test)]
mod tests {
    use crate::detect;
    use windlass_plugin_sdk::{testing, tree};

    const MANIFEST: &str = include_str!("../plugin.toml");

    #[test]
    fn the_standard_library_needs_no_module() {
        let main = "package main\n\nimport (\n\t\"fmt\"\n\t\"net/http\"\n)\n\nfunc main() {}\n";
        let files = tree! { "main.go" => main, "templates/a.html" => "" };
        let plan = testing::detect(detect, MANIFEST, &files).plan();
        assert!(plan.runs().contains(&"go mod init app".to_owned()), "{:?}", plan.runs());
        assert_eq!(plan.start(), "/app/app");
        for import in ["github.com/gorilla/mux", "shop/money", "C"] {
            let other = files.clone().with("main.go", main.replace("fmt", import));
            let refusal = testing::detect(detect, MANIFEST, &other).refusal();
            assert_eq!(refusal.reason, "no go.mod: Go builds modules");
        }
    }
}
