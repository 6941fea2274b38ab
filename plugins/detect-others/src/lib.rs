//! Languages of the second rank: a plan where one official image and one command surely build the app, else a refusal
//! that names the language and the base of a Dockerfile.

use windlass_plugin_sdk::{App, Found, detector};

mod answer;
mod clojure;
mod cmake;
mod cpp;
mod crystal;
mod dart;
mod gleam;
mod haskell;
mod makefile;
mod named;
mod shell;
mod swift;

#[cfg(test)]
mod tests;

/// Asks each language, those with a manifest of their own first.
///
/// # Errors
/// A language is recognised, and its app cannot be planned.
pub fn detect(app: &App<'_>) -> Found {
    let languages: [fn(&App<'_>) -> Found; 9] = [
        clojure::app,
        gleam::app,
        haskell::app,
        dart::app,
        swift::app,
        crystal::app,
        named::app,
        cpp::app,
        shell::app,
    ];
    for language in languages {
        if let Some(detection) = language(app)? {
            return Ok(Some(detection));
        }
    }
    Ok(None)
}

detector!(detect, language = "others");
