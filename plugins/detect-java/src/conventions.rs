//! Plugins that a build of Gradle has of its own: scripts in `buildSrc` and `build-logic`.

use windlass_plugin_sdk::{
    App, EntryKind, Refusal,
    jvm::gradle::{Catalog, Plugin, Script, script},
    workspace::folders::join,
};

/// Number of plugins that are looked at.
const MOST: usize = 50;

/// Folders of such builds.
const BUILDS: [&str; 3] = ["buildSrc", "build-logic", "build-logic/convention"];

/// Plugins of a project, and the scripts of the build's own plugins among them.
pub(crate) struct Applied {
    pub(crate) plugins: Vec<Plugin>,
    pub(crate) scripts: Vec<Script>,
}

/// Returns the plugins that a script applies, and those that the build's own plugins apply.
///
/// # Errors
/// A script is no text.
pub(crate) fn applied(
    app: &App<'_>,
    root: &str,
    script: &Script,
    catalog: &Catalog,
) -> Result<Applied, Refusal> {
    let mut plugins = script.plugins(catalog);
    let mut scripts = Vec::new();
    let builds: Vec<String> = BUILDS
        .iter()
        .filter_map(|build| join(root, build))
        .filter(|build| is_dir(app, build))
        .collect();
    let mut next = 0;
    while let Some(Plugin { line, id, .. }) = plugins.get(next).cloned() {
        next += 1;
        let Some(own) = own(app, &builds, &id)? else { continue };
        for inner in own.plugins(catalog) {
            // Each counts once, also where they apply one another.
            if plugins.len() < MOST && !plugins.iter().any(|known| known.id == inner.id) {
                plugins.push(Plugin { line, ..inner });
            }
        }
        scripts.push(own);
    }
    Ok(Applied { plugins, scripts })
}

/// Reads the script of a build's own plugin. `None` means that the plugin is another's.
fn own(app: &App<'_>, builds: &[String], id: &str) -> Result<Option<Script>, Refusal> {
    for build in builds {
        for language in ["kotlin", "groovy"] {
            let folder = format!("{build}/src/main/{language}");
            let (kotlin, groovy) = (format!("{id}.gradle.kts"), format!("{id}.gradle"));
            if let Some(found) = script(app, &folder, &[&kotlin, &groovy])? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

fn is_dir(app: &App<'_>, path: &str) -> bool {
    app.repo.stat(path).ok().flatten().is_some_and(|entry| entry.kind == EntryKind::Dir)
}
