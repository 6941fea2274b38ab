//! Hugo sites.

use crate::site::{STAGE, Site, below, in_stage, refused};
use windlass_plugin_sdk::{
    App, Found, Refusal, StageExt,
    read::{self, Node, lines},
    stage,
};

/// Configurations of Hugo by names that are Hugo's alone.
const OWN: &[&str] = &[
    "hugo.toml",
    "hugo.yaml",
    "hugo.yml",
    "hugo.json",
    "config/_default/hugo.toml",
    "config/_default/hugo.yaml",
    "config/_default/hugo.yml",
];

/// Configurations of Hugo by names that other tools use, too.
const SHARED: &[&str] = &[
    "config.toml",
    "config.yaml",
    "config.yml",
    "config/_default/config.toml",
    "config/_default/config.yaml",
    "config/_default/config.yml",
];

/// Returns the plan of a Hugo site. `None` means that the app has no configuration of Hugo.
///
/// # Errors
/// The configuration cannot be read, or names a theme that is not there.
pub(crate) fn site(app: &App<'_>) -> Found {
    let Some((path, config)) = config(app)? else { return Ok(None) };
    themes(app, &path, &config)?;
    let folder = match find(&config, "publishDir") {
        Some(node) => {
            let source = format!("{path}:{} publishDir", node.line);
            below(node.want_text(&path, "publishDir")?, &source)?
        }
        None => "public".to_owned(),
    };
    let (tag, version, source) = version(app)?;
    let mut build = stage(STAGE, format!("hugomods/hugo:{tag}")).copy(&["."], "./");
    let history = find(&config, "enableGitInfo").filter(|node| node.bool() == Some(true));
    if history.is_some() {
        build = build.env("HUGO_ENABLEGITINFO", "false");
    }
    if app.has("package.json") {
        let install = if app.has("package-lock.json") { "ci" } else { "install" };
        build = build.run(&["npm", install]);
    }
    let build = build.run(&["hugo", "--minify"]);
    let site = Site {
        folder: in_stage(&folder),
        is_built: true,
        has_index: true,
        not_found: Some("404.html".to_owned()),
        ..Site::default()
    };
    let mut detection = site.plan(app);
    detection.decide("hugo", version, source);
    detection.decide("framework", "Hugo", path.clone());
    detection.because(format!("{path}: Hugo"));
    if let Some(node) = history {
        // Hugo fails where it is asked for the history and there is none.
        detection.warn(
            format!("{path}:{}: enableGitInfo is off: a build has no history", node.line),
            "write `lastmod` into the pages that show it",
        );
    }
    detection.image.stages = vec![build];
    Ok(Some(detection))
}

/// Returns Hugo's configuration and its path.
fn config(app: &App<'_>) -> Result<Option<(String, Node)>, Refusal> {
    for name in OWN.iter().chain(SHARED) {
        let Some(file) = app.read(name)? else { continue };
        let node = match name.rsplit_once('.') {
            Some((_, "toml")) => read::toml(&file),
            Some((_, "json")) => read::json(&file),
            _ => read::yaml(&file),
        };
        let is_shared = SHARED.contains(name);
        let node = match node {
            // What cannot be read under a name that others use is not known to be Hugo's.
            Err(_) if is_shared => continue,
            node => node?,
        };
        let has_folder = ["content", "archetypes", "themes", "layouts"];
        let is_hugo =
            find(&node, "baseURL").is_some() && has_folder.iter().any(|folder| app.has_dir(folder));
        if !is_shared || is_hugo {
            return Ok(Some((file.path, node)));
        }
    }
    Ok(None)
}

/// Returns a key of the configuration. Hugo reads keys in any case.
fn find<'a>(config: &'a Node, key: &str) -> Option<&'a Node> {
    let found = config.map().iter().find(|(own, _)| own.eq_ignore_ascii_case(key));
    found.map(|(_, node)| node)
}

/// Refuses a theme that is neither a folder of the repository nor a module.
fn themes(app: &App<'_>, path: &str, config: &Node) -> Result<(), Refusal> {
    let Some(node) = find(config, "theme") else { return Ok(()) };
    let themes = std::iter::once(node).chain(node.list());
    for (line, theme) in themes.filter_map(|one| Some((one.line, one.text()?))) {
        let is_module = theme.split('/').next().is_some_and(|host| host.contains('.'));
        if theme.is_empty() || is_module || app.has_dir(&format!("themes/{theme}")) {
            continue;
        }
        let theme_folder = app.at(&format!("themes/{theme}"));
        return Err(refused(
            format!("{path}:{line}: the theme `{theme}` is not in {theme_folder}"),
            format!("commit the theme: `git submodule add URL {theme_folder}`"),
        ));
    }
    Ok(())
}

/// Returns the image's tag, the version, and who says so. Tags have versions of three parts.
fn version(app: &App<'_>) -> Result<(String, String, String), Refusal> {
    let mut asked = app.wish("hugo").map(|wish| (wish.to_owned(), "[build] versions".to_owned()));
    if asked.is_none()
        && let Some(file) = app.read("netlify.toml")?
    {
        let node = read::toml(&file)?;
        let node = node
            .at(&["build", "environment", "HUGO_VERSION"])
            .or_else(|| node.at(&["context", "production", "environment", "HUGO_VERSION"]));
        asked = node.and_then(|node| {
            Some((node.scalar()?, format!("{}:{} HUGO_VERSION", file.path, node.line)))
        });
    }
    if asked.is_none()
        && let Some(file) = app.read_above(".tool-versions")?
    {
        let found = lines::tools(&file).into_iter();
        let mut found = found.filter(|(_, name, _)| matches!(&**name, "hugo" | "gohugo"));
        asked = found.next().map(|(line, _, version)| (version, format!("{}:{line}", file.path)));
    }
    let Some((text, source)) = asked else {
        return Ok(("exts".to_owned(), "latest".to_owned(), "default".to_owned()));
    };
    if text.trim() == "latest" {
        return Ok(("exts".to_owned(), "latest".to_owned(), source));
    }
    let version = text.trim().trim_start_matches('v').trim_start_matches("extended_");
    let parts: Vec<_> = version.split('.').collect();
    let is_number = |part: &&str| {
        !part.is_empty() && part.len() < 6 && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !parts.iter().all(is_number) || !matches!(parts.len(), 2 | 3) {
        return Err(refused(
            format!("{source}: `{text}` is no version of Hugo"),
            "write one such as `0.140.2`",
        ));
    }
    // Each release of two numbers begins with a third of 0, and has a tag by all three.
    let version = if parts.len() == 3 { version.to_owned() } else { format!("{version}.0") };
    Ok((format!("exts-{version}"), version, source))
}
