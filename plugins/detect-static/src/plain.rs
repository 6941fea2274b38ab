//! Plain files: HTML that is served as it is committed.

use crate::{
    foreign, package, secrets,
    site::{Site, refused},
    staticfile,
};
use windlass_plugin_sdk::{App, Detection, Found, Refusal};

/// Folders that may hold a site where the app's folder has no `index.html`, the likeliest first.
const FOLDERS: &[&str] = &["public", "dist", "docs", "www", "site", "static"];

/// Returns the plan that serves the files of `Staticfile`'s root, the app's folder, or a folder below it.
///
/// # Errors
/// `Staticfile` names a folder without `index.html`, a file of secrets or a program's sources would be public, or
/// `package.json` builds the files and nothing says where.
pub(crate) fn site(app: &App<'_>) -> Found {
    if let Some(named) = staticfile::read(app)? {
        let folder = named.root.as_str();
        if !has_index(app, folder) {
            return Err(refused(
                format!("{}: `{}` has no index.html", named.source, shown(folder)),
                "commit the folder's index.html, or name another folder as `root`",
            ));
        }
        let fallback = named.is_routed.then(|| "index.html".to_owned());
        return plan(app, folder, fallback, named.source.clone()).map(Some);
    }
    if has_index(app, "") {
        let program = foreign::program(app);
        let program = if package::starts(app)? { Some("package.json".to_owned()) } else { program };
        // Where the program's own detector refuses it, its sources would be published in its place.
        if let Some(manifest) = program.filter(|_| !app.named) {
            return Err(refused(
                format!(
                    "{}: a program, whose sources would be served beside index.html",
                    app.at(&manifest)
                ),
                "write `recipe = \"static\"` below `[build]`, if its files are the whole site",
            ));
        }
        package::built_by_nothing_known(app)?;
        let mut detection = plan(app, "", None, format!("{}: plain files", app.at("index.html")))?;
        if let Some(manifest) = foreign::manifest(app) {
            detection.warn(
                format!("only the files are served: `{manifest}` is not used"),
                "name another detector by `[build] recipe`, or commit a Dockerfile, if the app has a program",
            );
        }
        return Ok(Some(detection));
    }
    let Some(folder) = FOLDERS.iter().find(|folder| has_index(app, folder)) else {
        return Ok(None);
    };
    // `public/` of a program is the program's, and `docs/` its documentation.
    if !app.named && (foreign::manifest(app).is_some() || package::starts(app)?) {
        return Ok(None);
    }
    package::built_by_nothing_known(app)?;
    let source = format!("{}: plain files", app.at(&format!("{folder}/index.html")));
    plan(app, folder, None, source).map(Some)
}

fn plan(
    app: &App<'_>,
    folder: &str,
    fallback: Option<String>,
    source: String,
) -> Result<Detection, Refusal> {
    let page = format!("{folder}/404.html");
    let not_found = app.has(page.trim_start_matches('/')).then(|| "404.html".to_owned());
    secrets::keeps(app, folder)?;
    let site = Site {
        folder: shown(folder).to_owned(),
        has_index: true,
        // A router in the client answers missing paths itself.
        not_found: if fallback.is_some() { None } else { not_found },
        fallback,
        ..Site::default()
    };
    let mut detection = site.plan(app);
    detection.decide("folder", shown(folder), source.clone());
    detection.because(source);
    Ok(detection)
}

fn has_index(app: &App<'_>, folder: &str) -> bool {
    app.has(format!("{folder}/index.html").trim_start_matches('/'))
}

/// Returns a folder as a path that is not empty.
fn shown(folder: &str) -> &str {
    if folder.is_empty() { "." } else { folder }
}
