//! Elixir: `mix.exs`, read as text, since it is a program.

use crate::{
    App, File, Refusal,
    read::lines,
    versions::{self, Asked, Chain, Chosen, Grammar, Runtime},
    within,
};

/// A `mix.exs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mix {
    /// Folder, from the repository's root.
    pub folder: String,
    /// Path, from the repository's root.
    pub path: String,
    /// Value of `app:`. `None` means an umbrella.
    pub app: Option<String>,
    /// Folder of an umbrella's apps, relative to its own.
    pub apps_path: Option<String>,
    /// Requirement of `elixir:`, and its line.
    pub requirement: Option<(String, usize)>,
    /// Names of dependencies.
    pub dependencies: Vec<String>,
    /// Paths of dependencies, relative to the folder, and their lines.
    pub paths: Vec<(String, usize)>,
    /// Names of releases.
    pub releases: Vec<String>,
    /// Names of aliases, such as `assets.deploy`.
    pub aliases: Vec<String>,
    /// The project starts an application: `mod:`.
    pub is_started: bool,
    /// The project is a part of an umbrella.
    pub is_part: bool,
}

impl Mix {
    /// Reads the `mix.exs` of a folder. `None` means that there is none.
    ///
    /// # Errors
    /// Names the file where it is no text.
    pub fn read(app: &App<'_>, folder: &str) -> Result<Option<Self>, Refusal> {
        let path = within(folder, "mix.exs");
        let Some(file) = app.read_repo(&path)? else { return Ok(None) };
        let mut mix = Self::of(&file);
        mix.folder = folder.to_owned();
        mix.path = path;
        Ok(Some(mix))
    }

    fn of(file: &File) -> Self {
        let mut mix = Self::default();
        // Lines of a function or a list that holds releases or aliases.
        let mut inside = "";
        for (number, line) in file.lines() {
            let line = code(line);
            let words = line.trim_start();
            if words.starts_with("def ") || words.starts_with("defp ") {
                inside = "";
            }
            for name in ["releases", "aliases"] {
                let opens = [format!("{name}: ["), format!("def {name}"), format!("defp {name}")];
                if opens.iter().any(|open| words.contains(open.as_str())) {
                    inside = name;
                }
            }
            if mix.app.is_none()
                && let Some(name) = after(line, "app: :")
            {
                mix.app = Some(identifier(name).to_owned());
            }
            if mix.apps_path.is_none()
                && let Some(path) = after(line, "apps_path: ").and_then(quoted)
            {
                mix.apps_path = Some(path.to_owned());
            }
            if mix.requirement.is_none()
                && let Some(text) = after(line, "elixir: ").and_then(quoted)
            {
                mix.requirement = Some((text.to_owned(), number));
            }
            mix.is_started |= line.contains("mod: {");
            mix.is_part |=
                line.contains("build_path: \"../../_build\"") || line.contains("in_umbrella: true");
            for dependency in line.split("{:").skip(1) {
                let name = identifier(dependency);
                let rest = dependency.get(name.len()..).unwrap_or_default().trim_start();
                if !name.is_empty() && rest.starts_with(',') {
                    mix.dependencies.push(name.to_owned());
                    if let Some(path) = after(rest, " path: ").and_then(quoted) {
                        mix.paths.push((path.to_owned(), number));
                    }
                }
            }
            mix.keys(inside, words);
            if !inside.is_empty() && (words == "]" || words == "end") {
                inside = "";
            }
        }
        mix
    }

    /// Takes the names that a line of releases or aliases begins.
    fn keys(&mut self, inside: &str, words: &str) {
        match inside {
            "releases" => {
                let words = after(words, "releases: [").unwrap_or(words).trim_start();
                let name = identifier(words.trim_start_matches('['));
                let rest = words.trim_start_matches('[').get(name.len()..).unwrap_or_default();
                let is_option = [
                    "include_executables_for",
                    "applications",
                    "steps",
                    "version",
                    "strip_beams",
                    "cookie",
                    "overlays",
                    "path",
                    "quiet",
                    "validate_compile_env",
                ];
                if rest.starts_with(": [") && !name.is_empty() && !is_option.contains(&name) {
                    self.releases.push(name.to_owned());
                }
            }
            "aliases" => {
                if let Some(name) = quoted(words)
                    && words.contains("\": ")
                {
                    self.aliases.push(name.to_owned());
                }
            }
            _ => {}
        }
    }

    /// Returns whether a dependency has this name.
    #[must_use]
    pub fn depends_on(&self, name: &str) -> bool {
        self.dependencies.iter().any(|dependency| dependency == name)
    }
}

/// Release of Elixir, and the one of Erlang where something names it.
#[derive(Clone, Debug)]
pub struct Version {
    /// Release of Elixir.
    pub elixir: Chosen,
    /// Major number of Erlang/OTP, and who names it. `None` means that the image has its own.
    pub otp: Option<(String, String)>,
}

impl Version {
    /// Returns the tag of an image: `1.17`, `1.17.2-otp-27`.
    #[must_use]
    pub fn tag(&self) -> String {
        let elixir = &self.elixir.version;
        match &self.otp {
            Some((otp, _)) => format!("{elixir}-otp-{otp}"),
            None => elixir.clone(),
        }
    }
}

/// Returns the release that an app asks for.
///
/// # Errors
/// Names file and line of what is no version.
pub fn version(app: &App<'_>, mix: &Mix) -> Result<Version, Refusal> {
    let mut otp = None;
    let mut chain = Chain::of(app, Runtime::Elixir);
    if let Some(asked) = versions::file(app, ".elixir-version", Grammar::Plain)? {
        let (asked, named) = split(asked);
        otp = named;
        chain = chain.first(Some(asked));
    }
    if let Some(file) = app.read("elixir_buildpack.config")? {
        let all = lines::properties(&file);
        let value = |name: &str| all.iter().find(|(_, key, _)| key == name);
        let asked = value("elixir_version").map(|(line, _, text)| Asked {
            text: unquoted(text).trim_start_matches('v').to_owned(),
            source: format!("{}:{line} elixir_version", file.path),
            grammar: Grammar::Plain,
        });
        chain = chain.first(asked);
        if let Some((line, _, text)) = value("erlang_version")
            && otp.is_none()
        {
            otp = major(unquoted(text), &format!("{}:{line} erlang_version", file.path));
        }
    }
    if let Some(file) = app.read_above(".tool-versions")? {
        let all = lines::tools(&file);
        let value = |name: &str| all.iter().find(|(_, tool, _)| tool == name);
        if let Some((line, _, text)) = value("elixir") {
            let asked = Asked {
                text: text.clone(),
                source: format!("{}:{line} elixir", file.path),
                grammar: Grammar::Plain,
            };
            let (asked, named) = split(asked);
            otp = otp.or(named);
            chain = chain.first(Some(asked));
        }
        if let Some((line, _, text)) = value("erlang")
            && otp.is_none()
        {
            otp = major(text, &format!("{}:{line} erlang", file.path));
        }
    }
    let required = mix.requirement.as_ref().map(|(text, line)| Asked {
        // Of alternatives the last one is the newest.
        text: text.rsplit(" or ").next().unwrap_or_default().replace(" and ", ", "),
        source: format!("{}:{line} elixir", mix.path),
        grammar: Grammar::Ruby,
    });
    let elixir = chain.then(required).choose()?;
    Ok(Version { elixir, otp })
}

/// Splits `1.17.2-otp-27` into both versions.
fn split(asked: Asked) -> (Asked, Option<(String, String)>) {
    let parts = asked.text.split_once("-otp-").map(|(elixir, otp)| (elixir.to_owned(), otp));
    let Some((elixir, otp)) = parts else { return (asked, None) };
    let otp = major(otp, &asked.source);
    (Asked { text: elixir, source: asked.source, grammar: asked.grammar }, otp)
}

/// Returns the major number of a release of Erlang, and its source.
fn major(version: &str, source: &str) -> Option<(String, String)> {
    let major = version.trim().split('.').next()?;
    let is_number = !major.is_empty() && major.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| (major.to_owned(), source.to_owned()))
}

/// Returns a line without its comment.
fn code(line: &str) -> &str {
    let mut is_text = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => is_text = !is_text,
            '#' if !is_text => return line.get(..at).unwrap_or(line),
            _ => {}
        }
    }
    line
}

fn after<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.split_once(start).map(|(_, rest)| rest)
}

/// Returns the text between the quotes that a line begins with.
fn quoted(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix('"')?.split_once('"').map(|(text, _)| text)
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

/// Returns the name that a text begins with.
fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(text: &str) -> Mix {
        Mix::of(&File { path: "mix.exs".into(), text: text.into() })
    }

    #[test]
    fn a_project_is_read_from_its_text() {
        let mix = mix(concat!(
            "defmodule Shop.MixProject do\n  use Mix.Project\n\n  def project do\n    [\n",
            "      app: :shop, # app: :other\n      elixir: \"~> 1.15\",\n      deps: deps(),\n",
            "      aliases: aliases(),\n      releases: [\n        shop_web: [\n",
            "          include_executables_for: [:unix]\n        ]\n      ]\n    ]\n  end\n\n",
            "  def application do\n    [mod: {Shop.Application, []}]\n  end\n\n  defp deps do\n    [\n",
            "      {:phoenix, \"~> 1.7\"},\n      {:money, path: \"../money\"}\n    ]\n  end\n\n",
            "  defp aliases do\n    [\n      \"assets.deploy\": [\"esbuild default\"]\n    ]\n  end\nend\n",
        ));
        assert_eq!(mix.app.as_deref(), Some("shop"));
        assert_eq!(mix.requirement, Some(("~> 1.15".into(), 7)));
        assert_eq!(mix.dependencies, ["phoenix", "money"]);
        assert_eq!(mix.paths, [("../money".to_owned(), 25)]);
        assert_eq!(mix.releases, ["shop_web"]);
        assert_eq!(mix.aliases, ["assets.deploy"]);
        assert!(mix.is_started && mix.apps_path.is_none());
    }

    #[test]
    fn versions_of_erlang_stand_beside_those_of_elixir() {
        let asked = Asked {
            text: "1.17.2-otp-27".into(),
            source: ".tool-versions:1".into(),
            grammar: Grammar::Plain,
        };
        let (asked, otp) = split(asked);
        assert_eq!(asked.text, "1.17.2");
        assert_eq!(otp, Some(("27".into(), ".tool-versions:1".into())));
        assert_eq!(major("banana", "x"), None);
    }
}
