//! `Staticfile`, as Cloud Foundry and Heroku's buildpacks read it: where nothing else says which folder is the site.

use crate::site::{below, refused};
use windlass_plugin_sdk::{App, Refusal, read};

/// Contents of a `Staticfile`.
pub(crate) struct Staticfile {
    /// Folder of the files, below the app's folder. Empty means the app's folder.
    pub(crate) root: String,
    /// Paths without a file are answered by `index.html`.
    pub(crate) is_routed: bool,
    /// File, line and key.
    pub(crate) source: String,
}

/// Reads the app's `Staticfile`. `None` means that there is none.
///
/// # Errors
/// The file cannot be parsed, or `root` leads out of the app's folder or names what is no text.
pub(crate) fn read(app: &App<'_>) -> Result<Option<Staticfile>, Refusal> {
    let Some(file) = app.read("Staticfile")? else { return Ok(None) };
    let node = read::yaml(&file)?;
    let (root, source) = match node.get("root") {
        Some(root) => {
            let source = format!("{}:{} root", file.path, root.line);
            let Some(text) = root.text() else {
                return Err(refused(
                    format!("{source}: a folder was expected"),
                    "write `root: dist`",
                ));
            };
            (below(text, &source)?, source)
        }
        None => (String::new(), format!("{}:1", file.path)),
    };
    let is_routed = node.get("pushstate").and_then(|value| value.scalar());
    let is_routed = is_routed.is_some_and(|word| matches!(&*word, "enabled" | "true"));
    Ok(Some(Staticfile { root, is_routed, source }))
}
