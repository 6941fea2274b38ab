//! Static sites: folders of files that the host's own server serves, as they are or as a generator makes them.

use windlass_plugin_sdk::{App, Found, detector};

mod foreign;
mod hugo;
mod jekyll;
mod members;
mod mkdocs;
mod package;
mod plain;
mod published;
mod rules;
mod secrets;
mod site;
mod spa;
mod staticfile;
mod unsupported;
mod webpack;

#[cfg(test)]
mod tests;

/// Finds the site of the app's folder: a build of packages first, then generators, then plain files.
///
/// # Errors
/// A generator is recognised, and its site cannot be built as it is committed.
pub fn detect(app: &App<'_>) -> Found {
    let makers: [fn(&App<'_>) -> Found; 6] =
        [spa::site, hugo::site, jekyll::site, mkdocs::site, unsupported::site, plain::site];
    for maker in makers {
        if let Some(mut detection) = maker(app).map_err(site::own)? {
            rules::warn(app, &mut detection).map_err(site::own)?;
            return Ok(Some(detection));
        }
    }
    Ok(None)
}

detector!(detect, language = "static");
