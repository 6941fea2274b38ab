//! `package.json` as far as sites without a known framework are concerned by it.

use crate::site::refused;
use windlass_plugin_sdk::{App, Refusal, commands, js::Package};

/// Dependencies that serve by themselves.
const SERVERS: &[&str] =
    &["express", "fastify", "koa", "hono", "@hapi/hapi", "polka", "h3", "ws", "socket.io"];

/// Programs that serve the files beside them, as the host's server does.
const FILE_SERVERS: &[&str] = &["serve", "http-server", "live-server", "lite-server", "sirv"];

/// Returns whether the app's package starts a program that is neither a development server nor one of files.
///
/// # Errors
/// `package.json` cannot be parsed.
pub(crate) fn starts(app: &App<'_>) -> Result<bool, Refusal> {
    let Some(package) = Package::read(app)? else { return Ok(false) };
    let script = package.script("start");
    let serves = SERVERS.iter().any(|name| package.dependency(name).is_some());
    let is_program = |script: &str| {
        let mut words = script.split_whitespace().skip_while(|word| matches!(*word, "npx" | "-y"));
        let is_of_files = words.next().is_some_and(|word| FILE_SERVERS.contains(&word));
        !is_of_files && commands::is_development(script).is_none()
    };
    Ok(serves || script.is_some_and(is_program))
}

/// Refuses a site that a build script makes where nothing names the folder that the script writes.
///
/// # Errors
/// `package.json` has a build script of no known tool, or cannot be parsed.
pub(crate) fn built_by_nothing_known(app: &App<'_>) -> Result<(), Refusal> {
    let Some(package) = Package::read(app)? else { return Ok(()) };
    let Some(script) = package.script("build") else { return Ok(()) };
    Err(refused(
        format!(
            "{}: nothing says which folder `{script}` writes",
            package.source(&["scripts", "build"])
        ),
        "commit a file `Staticfile` with the folder: `root: dist`",
    ))
}
