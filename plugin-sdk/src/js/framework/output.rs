//! A framework, and the result of its build.

use crate::{
    App, File, Refusal,
    js::{config::config, package::Package},
};

/// A framework that builds an app.
#[derive(Clone, Debug)]
pub struct Framework {
    /// Name, as its makers write it.
    pub name: &'static str,
    /// Result of the build.
    pub output: Output,
    /// File, line and key that says so.
    pub source: String,
}

/// Result of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A server of Node.
    Server {
        /// The start, in the app's folder. Empty means that the framework has none of its own.
        start: Vec<String>,
        /// Paths of the build stage, absolute for an app in `/app`, and where they go in the image, relative to the
        /// app's folder. Empty means all of the app's folder.
        copies: Vec<(String, String)>,
        /// The start reads `node_modules`.
        needs_modules: bool,
    },
    /// Files for any server.
    Static {
        /// Folder, relative to the app's.
        folder: String,
        /// File that answers paths without one. `None` means that there is no router in the client.
        fallback: Option<String>,
        /// Page of a missing file.
        not_found: Option<String>,
        /// Paths whose files have a hash in their names; each begins and ends with `/`.
        immutable: Vec<String>,
    },
    /// Neither: a program for a desktop or a phone.
    None,
}

impl Framework {
    /// Returns variables that the server needs to listen on all addresses.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        let name = match (self.name, &self.output) {
            ("Next", Output::Server { .. }) => "HOSTNAME",
            (
                "Nuxt" | "AdonisJS" | "Astro" | "Nitro" | "SolidStart" | "TanStack Start",
                Output::Server { .. },
            ) => "HOST",
            _ => return Vec::new(),
        };
        vec![(name.to_owned(), "0.0.0.0".to_owned())]
    }

    /// Returns the tool and arguments of the build, for a package.json without `scripts.build`. `None` means that
    /// nothing certain is known.
    #[must_use]
    pub fn build(&self) -> Option<&'static [&'static str]> {
        let argv: &'static [&'static str] = match self.name {
            "Next" => &["next", "build"],
            "Nuxt" if matches!(self.output, Output::Static { .. }) => &["nuxt", "generate"],
            "Nuxt" => &["nuxt", "build"],
            "Remix" => &["remix", "vite:build"],
            "React Router" => &["react-router", "build"],
            "SvelteKit" | "Vite" => &["vite", "build"],
            "Astro" => &["astro", "build"],
            "NestJS" => &["nest", "build"],
            "AdonisJS" => &["node", "ace", "build"],
            "Angular" => &["ng", "build"],
            "Gatsby" => &["gatsby", "build"],
            "Docusaurus" => &["docusaurus", "build"],
            "Eleventy" => &["eleventy"],
            "Hexo" => &["hexo", "generate"],
            "Create React App" => &["react-scripts", "build"],
            "Vue CLI" => &["vue-cli-service", "build"],
            "Ember" => &["ember", "build", "--environment=production"],
            _ => return None,
        };
        Some(argv)
    }
}

/// Makes the framework of a dependency. `None` means that the app has no such dependency.
pub(super) fn of(
    package: &Package,
    dependency: &str,
    name: &'static str,
    output: Output,
) -> Option<Framework> {
    let source = package.dependency_source(dependency)?;
    Some(Framework { name, output, source })
}

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// Returns a server that runs in the app's folder, with its modules.
pub(super) fn server(start: &[&str]) -> Output {
    Output::Server { start: words(start), copies: Vec::new(), needs_modules: true }
}

/// Returns a server whose build has all that it needs in one folder.
pub(super) fn bundle(folder: &str, start: &[&str]) -> Output {
    let copies = vec![(format!("/app/{folder}"), format!("./{folder}"))];
    Output::Server { start: words(start), copies, needs_modules: false }
}

/// Returns files of pages: a missing one is answered with the generator's own page.
pub(super) fn pages(folder: impl Into<String>, immutable: &[&str]) -> Output {
    Output::Static {
        folder: folder.into(),
        fallback: None,
        not_found: Some("404.html".into()),
        immutable: words(immutable),
    }
}

/// Returns files of an app that routes in the client.
pub(super) fn client(folder: impl Into<String>, immutable: &[&str]) -> Output {
    Output::Static {
        folder: folder.into(),
        fallback: Some("index.html".into()),
        not_found: None,
        immutable: words(immutable),
    }
}

/// Returns a folder as configuration writes it, without `./` and `/` at its ends. `None` means that it leads out.
pub(super) fn folder(text: &str) -> Option<String> {
    let text = text.trim_start_matches("./").trim_matches('/');
    (!text.is_empty() && !crate::leads_out(text)).then(|| text.to_owned())
}

/// Reads the first of several configuration files.
pub(super) fn first(app: &App<'_>, stems: &[&str]) -> Result<Option<File>, Refusal> {
    for stem in stems {
        if let Some(file) = config(app, stem)? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}
