//! Generators that are recognised, and not planned: no official image has them with a tag that floats.

use crate::site::refused;
use windlass_plugin_sdk::{App, Found, read};

/// Refuses mdBook, Pelican and Zola, each with what builds it.
///
/// # Errors
/// The app is a site of one of these.
pub(crate) fn site(app: &App<'_>) -> Found {
    if app.has("book.toml") {
        return Err(refused(
            format!("{}: mdBook is not built by a detector", app.at("book.toml")),
            "commit a Dockerfile: `cargo install mdbook` on `rust:1-slim-bookworm`, then serve `book`",
        ));
    }
    if app.has("pelicanconf.py") {
        return Err(refused(
            format!("{}: Pelican is not built by a detector", app.at("pelicanconf.py")),
            "commit a Dockerfile: `pip install pelican[markdown]` on `python:3-slim`, `pelican content`, then serve `output`",
        ));
    }
    if let Some(file) = app.read("config.toml")?
        && let Ok(node) = read::toml(&file)
        && let Some(url) = node.get("base_url")
        && app.has_dir("content")
    {
        return Err(refused(
            format!("{}:{}: Zola is not built by a detector", file.path, url.line),
            "commit a Dockerfile on `ghcr.io/getzola/zola`: `zola build`, then serve `public`",
        ));
    }
    Ok(None)
}
