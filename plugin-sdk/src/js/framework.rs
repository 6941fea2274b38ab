//! Frameworks: by a dependency, and what their build leaves.

use super::package::Package;
use crate::{App, Refusal};

mod angular;
mod output;
mod server;
mod site;

pub use output::{Framework, Output};

/// Finds one framework or several.
type Finder = fn(&App<'_>, &Package) -> Result<Option<Framework>, Refusal>;

/// Finds the framework of an app: servers first, since a server's dependencies include those of static sites.
///
/// # Errors
/// A framework that is configured for another platform, or a file that cannot be read.
pub fn framework(app: &App<'_>, package: &Package) -> Result<Option<Framework>, Refusal> {
    let finders: [Finder; 11] = [
        server::next,
        server::nuxt,
        server::remix,
        server::svelte_kit,
        server::astro,
        server::nitro,
        server::nest,
        server::adonis,
        angular::angular,
        site::site,
        site::no_server,
    ];
    for find in finders {
        if let Some(found) = find(app, package)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
