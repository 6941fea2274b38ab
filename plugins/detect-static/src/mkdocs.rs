//! MkDocs sites.

use crate::site::{LANGUAGE, STAGE, Site, below, in_stage, refused};
use windlass_plugin_sdk::{
    App, File, Found, Refusal, StageExt, StepExt,
    read::{self, Node},
    run, score, stage,
    versions::{self, Chain, Grammar, Runtime},
};

/// Themes and plugins by the names that `mkdocs.yml` gives them, and their packages. An empty package means that
/// MkDocs or its Material theme brings it.
const PACKAGES: &[(&str, &str)] = &[
    ("mkdocs", ""),
    ("readthedocs", ""),
    ("search", ""),
    ("tags", ""),
    ("blog", ""),
    ("meta", ""),
    ("privacy", ""),
    ("offline", ""),
    ("group", ""),
    ("info", ""),
    ("material", "mkdocs-material"),
    ("awesome-pages", "mkdocs-awesome-pages-plugin"),
    ("autorefs", "mkdocs-autorefs"),
    ("exclude", "mkdocs-exclude"),
    ("gen-files", "mkdocs-gen-files"),
    ("glightbox", "mkdocs-glightbox"),
    ("include-markdown", "mkdocs-include-markdown-plugin"),
    ("literate-nav", "mkdocs-literate-nav"),
    ("macros", "mkdocs-macros-plugin"),
    ("mermaid2", "mkdocs-mermaid2-plugin"),
    ("minify", "mkdocs-minify-plugin"),
    ("mkdocstrings", "mkdocstrings[python]"),
    ("redirects", "mkdocs-redirects"),
    ("section-index", "mkdocs-section-index"),
];

/// Files of requirements that may name MkDocs, in order.
const REQUIREMENTS: &[&str] = &[
    "requirements.txt",
    "docs/requirements.txt",
    "requirements-docs.txt",
    "requirements/docs.txt",
    "docs-requirements.txt",
];

/// Folder of pip's downloads.
const CACHE: &str = "/root/.cache/pip";

/// Returns the plan of a MkDocs site. `None` means that the app has no `mkdocs.yml`.
///
/// # Errors
/// The site is a package's documentation, or a theme or plugin is of no known package.
pub(crate) fn site(app: &App<'_>) -> Found {
    let file = match app.read("mkdocs.yml")? {
        Some(file) => Some(file),
        None => app.read("mkdocs.yaml")?,
    };
    let Some(file) = file else { return Ok(None) };
    if let (Some(manifest), false) = (documents(app), app.named) {
        return Err(Refusal::new(
            format!("{}: docs only: the documentation of the package of {manifest}", file.path),
            "write `recipe = \"static\"` below `[build]`, if the documentation is what is deployed",
        )
        .of(LANGUAGE, score::TOOLS));
    }
    let config = read::yaml(&file)?;
    let folder = match config.get("site_dir") {
        Some(node) => {
            let source = format!("{}:{} site_dir", file.path, node.line);
            below(node.want_text(&file.path, "site_dir")?, &source)?
        }
        None => "site".to_owned(),
    };
    let python = Chain::of(app, Runtime::Python)
        .first(versions::file(app, ".python-version", Grammar::Pep440)?)
        .first(versions::file(app, "runtime.txt", Grammar::Pep440)?)
        .choose()?;
    let site = Site {
        folder: in_stage(&folder),
        is_built: true,
        has_index: true,
        not_found: Some("404.html".to_owned()),
        ..Site::default()
    };
    let mut detection = site.plan(app);
    detection.tool("python", &python);
    detection.decide("framework", "MkDocs", file.path.clone());
    detection.because(format!("{}: MkDocs", file.path));
    let mut build = stage(STAGE, format!("python:{}-slim", python.version));
    if app.has("overrides") || config.get("plugins").is_some() {
        // Plugins that read the history ask for git; the others do not mind.
        build = build.packages(&["git"]);
    }
    if let Some(requirements) = requirements(app)? {
        let name = requirements.name;
        detection.decide("manager", "pip", requirements.source.clone());
        let pip = run(&["pip", "install", "-r", name]).cached(&[CACHE]);
        build = if requirements.needs_tree {
            build.copy(&["."], "./").step(pip)
        } else {
            let folder =
                name.rsplit_once('/').map_or("./".into(), |(folder, _)| format!("./{folder}/"));
            build.copy(&[name], &folder).step(pip).copy(&["."], "./")
        };
    } else {
        let packages = packages(&config, &file)?;
        detection.warn(
            format!("{}: no file of requirements names MkDocs, so the newest is used", file.path),
            "commit requirements.txt with mkdocs and its theme and plugins",
        );
        let mut install = vec!["pip", "install"];
        install.extend(packages);
        build = build.step(run(&install).cached(&[CACHE])).copy(&["."], "./");
    }
    detection.image.stages = vec![build.run(&["mkdocs", "build"])];
    Ok(Some(detection))
}

/// Returns the manifest of the program or package that the site documents.
fn documents(app: &App<'_>) -> Option<&'static str> {
    let manifests = [
        "setup.py",
        "setup.cfg",
        "go.mod",
        "Cargo.toml",
        "pom.xml",
        "composer.json",
        "package.json",
    ];
    let found = manifests.into_iter().find(|name| app.has(name));
    found.or_else(|| (app.has("pyproject.toml") && app.has_dir("src")).then_some("pyproject.toml"))
}

struct Requirements {
    name: &'static str,
    source: String,
    needs_tree: bool,
}

/// Returns the first file of requirements that names MkDocs or something of its own.
fn requirements(app: &App<'_>) -> Result<Option<Requirements>, Refusal> {
    for name in REQUIREMENTS {
        let Some(file) = app.read(name)? else { continue };
        let named = file.lines().find(|(_, line)| line.trim().starts_with("mkdocs"));
        let Some((line, _)) = named else { continue };
        let needs_tree = file.text.lines().map(str::trim).any(|line| {
            [
                "-r",
                "-c",
                "-e",
                "--requirement",
                "--constraint",
                "--editable",
                "./",
                "../",
                "/",
                "file:",
            ]
            .iter()
            .any(|start| line.starts_with(start))
                || line.contains("@ file:")
        });
        return Ok(Some(Requirements {
            name,
            source: format!("{}:{line}", file.path),
            needs_tree,
        }));
    }
    Ok(None)
}

/// Returns the packages of MkDocs, its theme and its plugins.
fn packages(config: &Node, file: &File) -> Result<Vec<&'static str>, Refusal> {
    let theme = config.get("theme");
    let theme =
        theme.and_then(|node| if node.text().is_some() { Some(node) } else { node.get("name") });
    let mut names: Vec<(usize, &str)> = Vec::new();
    names.extend(theme.and_then(|node| Some((node.line, node.text()?))));
    if let Some(plugins) = config.get("plugins") {
        for plugin in plugins.list() {
            names.extend(plugin.text().map(|name| (plugin.line, name)));
            names.extend(plugin.map().first().map(|(name, _)| (plugin.line, name.as_str())));
        }
        names.extend(plugins.map().iter().map(|(name, node)| (node.line, name.as_str())));
    }
    let mut packages = vec!["mkdocs"];
    for (line, name) in names {
        let name = name.strip_prefix("material/").unwrap_or(name);
        let Some((_, package)) = PACKAGES.iter().find(|(own, _)| *own == name) else {
            return Err(refused(
                format!("{}:{line}: nothing says which package has `{name}`", file.path),
                "commit requirements.txt with mkdocs, its theme and its plugins",
            ));
        };
        if !package.is_empty() && !packages.contains(package) {
            packages.push(package);
        }
    }
    Ok(packages)
}
