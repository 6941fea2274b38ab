//! Name under which a file is imported.

use crate::source::imported;
use windlass_plugin_sdk::App;

/// A module, and the folder that it is imported from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Module {
    pub(crate) name: String,
    /// Below the app's folder. `None` means the app's folder itself.
    pub(crate) path: Option<String>,
}

/// Returns the module of a file: by what it imports itself, since only one of `app.main` and `main` finds that.
pub(crate) fn module(app: &App<'_>, file: &str, text: &str) -> Module {
    let stem = file.strip_suffix(".py").unwrap_or(file);
    let stem = stem.strip_suffix("/__init__").unwrap_or(stem);
    let dotted = |path: &str| path.replace('/', ".");
    let Some((folder, name)) = stem.rsplit_once('/') else {
        return Module { name: dotted(stem), path: None };
    };
    let top = folder.split('/').next().unwrap_or_default();
    let names = |package: &str| imported(text).any(|name| name == package);
    let is_relative = text.lines().any(|line| line.starts_with("from ."));
    let is_package = app.has(&format!("{top}/__init__.py"));
    let neighbour = imported(text).any(|name| {
        (app.has(&format!("{folder}/{name}.py"))
            || app.has(&format!("{folder}/{name}/__init__.py")))
            && !app.has(&format!("{name}.py"))
            && !app.has_dir(name)
    });
    if !is_relative && !names(top) && neighbour {
        return Module { name: name.to_owned(), path: Some(folder.to_owned()) };
    }
    match stem.strip_prefix("src/") {
        Some(rest) if !is_package && !names("src") => {
            Module { name: dotted(rest), path: Some("src".to_owned()) }
        }
        _ => Module { name: dotted(stem), path: None },
    }
}
