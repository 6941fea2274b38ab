//! Go files of the app's folder, and the modules that they belong to.

use crate::layout::Layout;
use std::collections::BTreeMap;
use windlass_plugin_sdk::{App, workspace::folders::within};

/// Number of Go files, and of modules, that are looked at.
const MOST: u32 = 4_000;

/// Files and modules. All paths are relative to the app's folder.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Go files, by path.
    pub(crate) files: Vec<String>,
    /// Folders of all modules.
    pub(crate) modules: Vec<String>,
    /// Folders of the modules that are built here.
    pub(crate) built: Vec<String>,
    /// Last name of each module's path, by the module's folder.
    pub(crate) names: BTreeMap<String, String>,
    /// Path of each module, with its folder.
    pub(crate) paths: Vec<(String, String)>,
    is_cut: bool,
}

impl Found {
    /// Says that the list of files is cut. `None` means that it is not.
    pub(crate) fn cut(&self) -> Option<String> {
        let rest = "more than 4000 Go files: of the rest only those named main.go count";
        self.is_cut.then(|| rest.to_owned())
    }
}

/// Returns a file's text. A file that is no text, or too long to be read, belongs to no program.
pub(crate) fn text(app: &App<'_>, path: &str) -> Option<String> {
    app.read(path).ok().flatten().map(|file| file.text)
}

/// Searches the app's folder.
pub(crate) fn search(app: &App<'_>, layout: &Layout) -> Found {
    let mut files = app.glob(&["**/*.go"], MOST);
    // The list is cut. Programs' files mostly have this name.
    let is_cut = files.len() >= MOST as usize;
    if is_cut {
        files.extend(app.glob(&["**/main.go"], MOST));
    }
    files.sort();
    files.dedup();
    let folder = |path: &String| {
        let at = path.strip_suffix("go.mod")?;
        Some(at.trim_end_matches('/').to_owned())
    };
    let mut modules: Vec<String> =
        app.glob(&["**/go.mod"], MOST).iter().filter_map(folder).collect();
    // The app's folder may lie in a module, whose go.mod is above it.
    let is_above = layout.module != app.folder && holds(&layout.module, app.folder);
    if is_above && !modules.iter().any(String::is_empty) {
        modules.push(String::new());
    }
    modules.sort();
    let mut found = Found { files, modules, is_cut, ..Found::default() };
    for module in &layout.built {
        found.built.extend(here(app, module));
    }
    found.built.dedup();
    for (module, name) in layout.names() {
        if let Some(folder) = here(app, module) {
            found.names.insert(folder, name.to_owned());
        }
    }
    for (path, module) in layout.paths() {
        if let Some(folder) = here(app, module) {
            // Packages below the app's folder only.
            let inside = within(module, app.folder).filter(|inside| !inside.is_empty());
            let path = inside.map_or_else(|| path.to_owned(), |inside| format!("{path}/{inside}"));
            found.paths.push((path, folder));
        }
    }
    found
}

/// Returns a module's folder as the app's folder sees it: `""` where the module holds the app's folder.
fn here(app: &App<'_>, module: &str) -> Option<String> {
    if holds(module, app.folder) {
        return Some(String::new());
    }
    within(app.folder, module).map(str::to_owned)
}

fn holds(module: &str, folder: &str) -> bool {
    within(module, folder).is_some()
}
