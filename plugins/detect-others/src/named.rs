//! Languages that are recognised by name, and not planned.

use crate::answer::refused;
use windlass_plugin_sdk::{App, Found};

/// A language, and the base that a Dockerfile of it has.
struct Language {
    name: &'static str,
    shown: &'static str,
    markers: &'static [&'static str],
    base: &'static str,
}

const LANGUAGES: &[Language] = &[
    Language {
        name: "scala",
        shown: "Scala by Mill",
        markers: &["build.sc", "build.mill"],
        base: "`eclipse-temurin:21-jdk` with the build's `./mill`",
    },
    Language {
        name: "zig",
        shown: "Zig",
        markers: &["build.zig"],
        base: "`debian:bookworm-slim` with Zig's archive of your version",
    },
    Language {
        name: "perl",
        shown: "Perl",
        markers: &["cpanfile", "Makefile.PL", "app.psgi"],
        base: "`perl:5-slim`",
    },
    Language { name: "lua", shown: "Lua", markers: &["*.rockspec"], base: "`nickblah/lua:5.4`" },
    Language { name: "nim", shown: "Nim", markers: &["*.nimble"], base: "`nimlang/nim:2`" },
    Language {
        name: "ocaml",
        shown: "OCaml",
        markers: &["dune-project", "*.opam"],
        base: "`ocaml/opam:debian-12`",
    },
    Language {
        name: "erlang",
        shown: "Erlang",
        markers: &["rebar.config"],
        base: "`erlang:27`: `rebar3 as prod release`",
    },
    Language {
        name: "r",
        shown: "R",
        markers: &["app.R", "server.R", "plumber.R", "renv.lock"],
        base: "`rocker/r-ver:4`",
    },
    Language {
        name: "julia",
        shown: "Julia",
        markers: &["Project.toml", "JuliaProject.toml"],
        base: "`julia:1`",
    },
];

/// Refuses an app of one of these languages.
///
/// # Errors
/// The app's folder has a manifest of such a language.
pub(crate) fn app(app: &App<'_>) -> Found {
    for language in LANGUAGES {
        let plain = language.markers.iter().find(|marker| !marker.contains('*') && app.has(marker));
        let found = plain.map(|marker| (*marker).to_owned());
        let found = found.or_else(|| {
            let globs: Vec<_> =
                language.markers.iter().copied().filter(|marker| marker.contains('*')).collect();
            if globs.is_empty() { None } else { app.glob(&globs, 1).into_iter().next() }
        });
        if let Some(marker) = found {
            return Err(refused(
                language.name,
                format!("{}: {} is not built by a detector", app.at(&marker), language.shown),
                format!("commit a Dockerfile on {}", language.base),
            ));
        }
    }
    Ok(None)
}
