//! Folders of files that a program reads while it runs.

use crate::packages::Reached;
use windlass_plugin_sdk::{App, workspace::folders::within};

/// Names that frameworks and people give such folders.
const NAMES: [&str; 12] = [
    "assets",
    "conf",
    "config",
    "configs",
    "locales",
    "migrations",
    "public",
    "static",
    "templates",
    "views",
    "web",
    "www",
];

/// Returns the folders that the program may read: those that hold other files than Go's, and are not embedded.
pub(crate) fn folders(app: &App<'_>, reached: &Reached) -> Vec<&'static str> {
    let is_read = |name: &&str| {
        let is_embedded = reached.embeds.iter().any(|path| within(name, path).is_some());
        !is_embedded && app.has_dir(name) && {
            let files = app.glob(&[&format!("{name}/**/*")], 500);
            files.iter().any(|file| !file.ends_with(".go"))
        }
    };
    NAMES.into_iter().filter(is_read).collect()
}
