//! The plan of a site, as all makers of sites begin it.

use windlass_plugin_sdk::{App, Detection, Refusal, StaticSite, score};

/// Language of all answers.
pub(crate) const LANGUAGE: &str = "static";

/// User of the host's file server.
const SERVER_USER: u32 = 101;

/// Name of the stage that builds.
pub(crate) const STAGE: &str = "build";

/// Folder of files, and how they are served.
#[derive(Default)]
pub(crate) struct Site {
    /// Folder in the build stage, or, where nothing is built, in the app's folder.
    pub(crate) folder: String,
    /// A stage builds the folder.
    pub(crate) is_built: bool,
    /// The folder surely has an `index.html`, so that `/` is a health path.
    pub(crate) has_index: bool,
    /// File that answers the paths of a client's router. `None` means that the site has no such router.
    pub(crate) fallback: Option<String>,
    /// Page of a missing file. `None` means the server's own.
    pub(crate) not_found: Option<String>,
    /// Folders whose files have a hash of their content in their names.
    pub(crate) immutable: Vec<String>,
}

impl Site {
    /// Returns the plan that serves this site, without stages.
    pub(crate) fn plan(self, app: &App<'_>) -> Detection {
        let mut detection = Detection::new(LANGUAGE, score::STATIC);
        detection.context = app.folder.to_owned();
        detection.image.user = SERVER_USER;
        detection.image.health = self.has_index.then(|| "/".to_owned());
        detection.serves = Some(StaticSite {
            stage: self.is_built.then(|| STAGE.to_owned()),
            folder: self.folder,
            fallback: self.fallback,
            not_found: self.not_found,
            immutable: self.immutable,
        });
        detection
    }
}

/// Returns a refusal of this detector.
pub(crate) fn refused(reason: impl Into<String>, hint: impl Into<String>) -> Refusal {
    Refusal::new(reason, hint).of(LANGUAGE, score::STATIC)
}

/// Gives this detector's language and band to a refusal of the readers that all detectors share.
pub(crate) fn own(refusal: Refusal) -> Refusal {
    let is_ours = !refusal.language.is_empty() || refusal.score > 0;
    if is_ours { refusal } else { refusal.of(LANGUAGE, score::STATIC) }
}

/// Returns the path of `folder`, which a file of the app names, below the app's folder; empty for the folder itself.
///
/// # Errors
/// `folder` leads out of the app's folder. `source` names who says so.
pub(crate) fn below(folder: &str, source: &str) -> Result<String, Refusal> {
    let outside = || {
        refused(
            format!("{source}: the folder `{folder}` is outside of the app's folder"),
            "name a folder below the app's folder",
        )
    };
    if folder.starts_with('/') || folder.contains(['\\', '\n', '\r', '"']) {
        return Err(outside());
    }
    let parts: Vec<_> = folder.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") { Err(outside()) } else { Ok(parts.join("/")) }
}

/// Returns the absolute path of a folder of the build stage.
pub(crate) fn in_stage(folder: &str) -> String {
    format!("/app/{folder}").trim_end_matches('/').to_owned()
}

/// Returns `404.html` if the app's folder has it, for generators that copy files of its root.
pub(crate) fn own_not_found(app: &App<'_>) -> Option<String> {
    ["404.html", "404.md"].iter().any(|file| app.has(file)).then(|| "404.html".to_owned())
}
