//! Go modules: one static binary, in an image without the toolchain.

use program::{Places, Program};
use windlass_plugin_sdk::{
    Detection, Error, ImagePlan, Toolchain, Tree, copy, copy_from, detector, exists,
    gomod::{directive, replaced, used},
    leads_out, run, run_cached, stage, unsupported,
};

mod program;
mod source;

/// Number of Go files, and of modules, that are looked at.
const MOST: u32 = 4_000;

/// List of the modules that a repository keeps copies of.
const VENDORED: &str = "vendor/modules.txt";

fn detect(repo: &Tree, _: Vec<String>) -> Result<Option<Detection>, Error> {
    let work = repo.read_text("go.work", 1 << 16)?;
    let module = repo.read_text("go.mod", 1 << 16)?;
    let (text, what) = match (&work, &module) {
        (Some(work), _) => (work, "go.work: a Go workspace"),
        (None, Some(module)) => (module, "go.mod: a Go module"),
        (None, None) => return Ok(None),
    };
    let mut evidence = vec![what.to_owned()];
    let version = directive(text, "go");
    let built = work.as_deref().map_or_else(|| vec![String::new()], used);
    // Go then builds from these files, and downloads no module (`go help modules`).
    let vendored = work.is_none() && exists(repo, VENDORED);
    let beside = if vendored { None } else { beside(repo, work.as_deref(), &built)? };
    let Program { package, evidence: why } = program(repo, &built)?;
    evidence.extend(why);
    let build = ["go", "build", "-trimpath", "-o", "/out/app", &*package];
    // Modules are a layer, not a cache mount: tests run in a container of this stage.
    let download = run(&["go", "mod", "download"]);
    let mut steps = if vendored {
        evidence.push(format!("{VENDORED}: nothing is downloaded"));
        vec![copy(&["."], ".")]
    } else if let Some(beside) = beside {
        evidence.push(format!("{beside}: all files are there before the download"));
        vec![copy(&["."], "."), download]
    } else {
        let sources: &[&str] =
            if exists(repo, "go.sum") { &["go.mod", "go.sum"] } else { &["go.mod"] };
        vec![copy(sources, "./"), download, copy(&["."], ".")]
    };
    steps.push(run_cached(&build, &["/root/.cache/go-build"]));
    let mut build = stage("build", "golang:1-bookworm", steps);
    build.env = vec![("CGO_ENABLED".into(), "0".into())];
    let serve =
        stage("run", "debian:bookworm-slim", vec![copy_from("build", "/out/app", "/app/app")]);
    Ok(Some(Detection {
        language: "go".into(),
        score: 80,
        toolchains: vec![Toolchain { name: "go".into(), version }],
        evidence,
        image: ImagePlan {
            stages: vec![build, serve],
            test_in: Some("build".into()),
            start: vec!["/app/app".into()],
            port: Some(8080),
            health: None,
            env: Vec::new(),
            user: 10001,
        },
        attrs: Vec::new(),
    }))
}

/// Names the reason for a download to read more than go.mod and go.sum: a workspace, or a module of the
/// tree itself.
///
/// # Errors
/// Names what leads out of the tree.
fn beside(repo: &Tree, work: Option<&str>, built: &[String]) -> Result<Option<String>, Error> {
    let mut named = Vec::new();
    if let Some(work) = work {
        named.extend(built.iter().map(|folder| ("go.work: use", folder.clone())));
        named.extend(replaced(work).into_iter().map(|folder| ("go.work: replace", folder)));
    }
    for folder in built.iter().filter(|folder| !leads_out(folder)) {
        let text = repo.read_text(&within(folder, "go.mod"), 1 << 16)?.unwrap_or_default();
        let all = replaced(&text).into_iter();
        named.extend(all.map(|path| ("go.mod: replace", within(folder, &path))));
    }
    match named.iter().find(|(_, path)| leads_out(path)) {
        Some((rule, path)) => Err(unsupported(
            format!("{rule} `{path}` is outside of the app's folder"),
            "name the folder that holds both in `source.directory`",
        )),
        None => Ok(named.first().map(|(rule, path)| format!("{rule} `./{path}`"))),
    }
}

/// Joins a folder and a path that is relative to it.
fn within(folder: &str, path: &str) -> String {
    if folder.is_empty() || path.starts_with('/') {
        return path.to_owned();
    }
    format!("{folder}/{path}")
}

fn program(repo: &Tree, built: &[String]) -> Result<Program, Error> {
    let mut files = repo.glob("**/*.go", MOST)?;
    let modules = repo.glob("**/go.mod", MOST)?;
    let folder =
        |path: &String| path.strip_suffix("go.mod").map(|at| at.trim_end_matches('/').into());
    let modules: Vec<String> = modules.iter().filter_map(folder).collect();
    // The list is cut: what is vendored may stand before `web`. Programs' files mostly have this name.
    let is_cut = files.len() >= MOST as usize;
    if is_cut {
        files.extend(repo.glob("**/main.go", MOST)?);
        files.sort();
        files.dedup();
    }
    let places = Places { files: &files, modules: &modules, built };
    // A file that is no text, or too long to be read, belongs to no program.
    let mut program = places.program(|file| repo.read_text(file, 1 << 20).ok().flatten())?;
    if is_cut {
        let rest = format!("more than {MOST} Go files: of the rest only those named main.go count");
        program.evidence.push(rest);
    }
    Ok(program)
}

detector!(detect);
