//! Languages of the second rank: a plan where one official image and one command surely build the app, else a refusal
//! that names the language and the base of a Dockerfile.

use windlass_plugin_sdk::{App, Found, detector, score};

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
mod native;
mod scala;
mod shell;
mod stack;
mod swift;

#[cfg(test)]
mod tests;

/// Asks each language, those with a manifest of their own first.
///
/// # Errors
/// A language is recognised, and its app cannot be planned.
pub fn detect(app: &App<'_>) -> Found {
    let languages: [(&str, fn(&App<'_>) -> Found); 10] = [
        ("clojure", clojure::app),
        ("gleam", gleam::app),
        ("haskell", haskell::app),
        ("dart", dart::app),
        ("swift", swift::app),
        ("crystal", crystal::app),
        ("scala", scala::app),
        ("others", named::app),
        ("cpp", cpp::app),
        ("shell", shell::app),
    ];
    for (name, language) in languages {
        // Refusals of the SDK's readers name no language.
        let found = language(app).map_err(|refusal| {
            if refusal.language.is_empty() { refusal.of(name, score::INFERRED) } else { refusal }
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

detector!(detect, language = "others");
