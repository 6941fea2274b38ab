//! Who says which version: the first that says something.

use super::{
    Asked, Chosen, Grammar,
    resolve::{resolve, unasked},
    runtime::Runtime,
};
use crate::{
    app::App,
    file::File,
    host,
    paths::within,
    read::{self, Node, lines},
    refusal::Refusal,
    workspace::folders::upward,
};

/// Files of mise, in its own order.
const MISE: [&str; 3] = ["mise.toml", ".mise.toml", ".config/mise.toml"];

/// Names that people write before a version: `node-22`, `ruby-3.4.1`.
const NAMES: [&str; 11] =
    ["node", "nodejs", "python", "ruby", "go", "golang", "php", "java", "bun", "deno", "elixir"];

/// The user's word, then what is added by [`Chain::first`], then .tool-versions and mise, then what is added by
/// [`Chain::then`], then the default.
pub struct Chain<'a> {
    app: &'a App<'a>,
    runtime: Runtime,
    first: Vec<Asked>,
    then: Vec<Asked>,
}

impl<'a> Chain<'a> {
    /// Begins a chain.
    #[must_use]
    pub fn of(app: &'a App<'a>, runtime: Runtime) -> Self {
        Self { app, runtime, first: Vec::new(), then: Vec::new() }
    }

    /// Adds what counts before .tool-versions: the file of the language's own manager.
    #[must_use]
    pub fn first(mut self, asked: Option<Asked>) -> Self {
        self.first.extend(asked);
        self
    }

    /// Adds what counts after .tool-versions: the manifest, then the lock.
    #[must_use]
    pub fn then(mut self, asked: Option<Asked>) -> Self {
        self.then.extend(asked);
        self
    }

    /// Takes the release of the first that says something.
    ///
    /// # Errors
    /// Names source and text of what is no version, or of a file that cannot be read.
    pub fn choose(self) -> Result<Chosen, Refusal> {
        let Self { app, runtime, first, then } = self;
        let prefer = prefer(runtime);
        let prefer = prefer.as_deref();
        if let Some(text) = app.wish(runtime.name()) {
            return wished(runtime, text, prefer);
        }
        if let Some(asked) = first.first() {
            return resolve(runtime, asked, prefer);
        }
        if let Some(asked) = tool_versions(app, runtime)? {
            return resolve(runtime, &asked, prefer);
        }
        if let Some(asked) = mise(app, runtime)? {
            return resolve(runtime, &asked, prefer);
        }
        match then.first() {
            Some(asked) => resolve(runtime, asked, prefer),
            None => Ok(unasked(runtime, prefer)),
        }
    }
}

fn wished(runtime: Runtime, text: &str, prefer: Option<&str>) -> Result<Chosen, Refusal> {
    let asked = |grammar| Asked {
        text: text.to_owned(),
        source: format!("windlass.toml build.versions.{}", runtime.name()),
        grammar,
    };
    // Who writes `^3.11` for a runtime whose own grammar has no `^` means npm's.
    let own = resolve(runtime, &asked(runtime.grammar()), prefer);
    own.or_else(|refusal| resolve(runtime, &asked(Grammar::Npm), prefer).map_err(|_| refusal))
}

fn tool_versions(app: &App<'_>, runtime: Runtime) -> Result<Option<Asked>, Refusal> {
    // The nearest file that names the tool: one of the app's folder may leave the others to the root's.
    for folder in upward(app.folder) {
        let Some(file) = app.read_repo(&within(folder, ".tool-versions"))? else { continue };
        let tools = lines::tools(&file);
        let found = tools.into_iter().find(|(_, name, _)| runtime.tools().contains(&&**name));
        if let Some((line, name, text)) = found {
            return Ok(tool(runtime, &text, format!("{}:{line} {name}", file.path)));
        }
    }
    Ok(None)
}

fn mise(app: &App<'_>, runtime: Runtime) -> Result<Option<Asked>, Refusal> {
    let paths = upward(app.folder).flat_map(|folder| MISE.map(|name| within(folder, name)));
    for path in paths {
        let Some(file) = app.read_repo(&path)? else { continue };
        let root = read::toml(&file)?;
        let tools = root.get("tools").map(Node::map).unwrap_or_default();
        let found = tools.iter().find(|(key, _)| {
            let key = key.strip_prefix("core:").unwrap_or(key);
            runtime.tools().contains(&key)
        });
        let Some((key, node)) = found else { continue };
        // A version, a list whose others are fallbacks, or a table.
        let node = node.list().first().unwrap_or(node);
        let node = node.get("version").unwrap_or(node);
        let source = format!("{}:{} tools.{key}", file.path, node.line);
        if let Some(asked) = node.scalar().and_then(|text| tool(runtime, &text, source)) {
            return Ok(Some(asked));
        }
    }
    Ok(None)
}

/// Makes a version of a version manager's text. `None` means one that is not a release: a path, a branch.
fn tool(runtime: Runtime, text: &str, source: String) -> Option<Asked> {
    let text = text.trim();
    if text.starts_with("ref:") || text.starts_with("path:") || text == "system" {
        return None;
    }
    let text = match runtime {
        // Distributions stand before the version: `temurin-21.0.2+13`, `corretto-17`.
        // GraalVM's own number is not Java's: `graalvm-22.3.1+java17`.
        Runtime::Java => {
            let text = text.split_once("+java").map_or(text, |(_, release)| release);
            let version =
                text.split('-').find(|part| part.starts_with(|c: char| c.is_ascii_digit()));
            version.unwrap_or(text).split('+').next().unwrap_or_default()
        }
        // asdf builds of Elixir name the release of Erlang: `1.17.2-otp-27`.
        Runtime::Elixir => text.split("-otp").next().unwrap_or_default(),
        _ => text,
    };
    Some(Asked { text: text.to_owned(), source, grammar: runtime.grammar() })
}

/// Reads the file of a version manager: the first line that is a version, else the first that is no comment. The
/// file may be in a folder above the app's. `None` means that there is none, or that it is empty.
///
/// # Errors
/// The file is a symlink, too long, or no text.
pub fn file(app: &App<'_>, name: &str, grammar: Grammar) -> Result<Option<Asked>, Refusal> {
    let Some(file) = app.read_above(name)? else { return Ok(None) };
    Ok(line(&file).map(|(line, text)| Asked {
        text: text.to_owned(),
        source: format!("{}:{line}", file.path),
        grammar,
    }))
}

fn line(file: &File) -> Option<(usize, &str)> {
    let lines = || {
        file.lines()
            .map(|(number, line)| (number, line.split('#').next().unwrap_or_default().trim()))
            .filter(|(_, line)| !line.is_empty())
            .map(|(number, line)| (number, without_name(line)))
    };
    let is_version = |line: &str| line.starts_with(|c: char| c.is_ascii_digit());
    lines().find(|(_, line)| is_version(line)).or_else(|| lines().next())
}

/// Cuts `v` and the runtime's name before a version.
fn without_name(text: &str) -> &str {
    let is_version = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    if let Some(rest) = text.strip_prefix('v').filter(|rest| is_version(rest)) {
        return rest;
    }
    let named = text.split_once(['-', '@']).filter(|(name, _)| NAMES.contains(name));
    match named {
        Some((_, rest)) if is_version(rest.trim_start_matches('v')) => rest.trim_start_matches('v'),
        _ => text,
    }
}

/// Returns the version that a manifest's value asks for. `None` means that it is no text or number, or empty.
#[must_use]
pub fn at(node: &Node, file: &str, key: &str, grammar: Grammar) -> Option<Asked> {
    let text = node.scalar()?.trim().to_owned();
    let source = format!("{file}:{} {key}", node.line);
    (!text.is_empty()).then_some(Asked { text, source, grammar })
}

/// Returns the version that the operator's settings prefer: `{"prefer": {"node": "22"}}`.
#[must_use]
pub fn prefer(runtime: Runtime) -> Option<String> {
    let settings: serde_json::Value = serde_json::from_str(&host::config()).ok()?;
    let version = settings.get("prefer")?.get(runtime.name())?.as_str()?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Files;
    use crate::tree;

    fn choose(files: &Files, runtime: Runtime, first: &str, then: Option<Asked>) -> Chosen {
        files.run(&[], |app| {
            let grammar = runtime.grammar();
            Chain::of(app, runtime)
                .first(file(app, first, grammar).unwrap())
                .then(then)
                .choose()
                .unwrap()
        })
    }

    fn engines(text: &str) -> Option<Asked> {
        Some(Asked { text: text.into(), source: "package.json:2".into(), grammar: Grammar::Npm })
    }

    #[test]
    fn the_first_that_says_something_wins() {
        let mut files = tree! {
            ".nvmrc" => "lts/iron\n",
            ".tool-versions" => "nodejs 22.1.0\npython 3.12\n",
            "mise.toml" => "[tools]\nnode = ['24', '22']\nruby = { version = '3.3' }\n",
        };
        let node = |files: &Files| {
            let chosen = choose(files, Runtime::Node, ".nvmrc", engines("^18"));
            (chosen.version, chosen.source)
        };
        let is = |version: &str, source: &str| (version.to_owned(), source.to_owned());
        assert_eq!(node(&files), is("20", ".nvmrc:1"));
        files = files.without(".nvmrc");
        assert_eq!(node(&files), is("22.1.0", ".tool-versions:1 nodejs"));
        files = files.without(".tool-versions");
        assert_eq!(node(&files), is("24", "mise.toml:2 tools.node"));
        let ruby = choose(&files, Runtime::Ruby, ".ruby-version", None);
        assert_eq!((&*ruby.version, &*ruby.source), ("3.3", "mise.toml:3 tools.ruby"));
        files = files.without("mise.toml");
        assert_eq!(node(&files), is("18", "package.json:2"));
        files = files.wish("node", "22");
        assert_eq!(node(&files), is("22", "windlass.toml build.versions.node"));
    }

    #[test]
    fn files_of_version_managers_are_read_as_people_write_them() {
        for (name, text, runtime, expected, line) in [
            (".python-version", "# ours\n\npypy3.10\n3.12.4\n3.11\n", Runtime::Python, "3.12.4", 4),
            (".nvmrc", "\u{feff}v20 # why\r\n", Runtime::Node, "20", 1),
            (".node-version", "node-22.1.0\n", Runtime::Node, "22.1.0", 1),
            (".ruby-version", "ruby-3.3.4", Runtime::Ruby, "3.3.4", 1),
            ("runtime.txt", "python-3.11.4\n", Runtime::Python, "3.11.4", 1),
        ] {
            let files = tree! { name => text }.app("apps/web");
            let chosen = choose(&files, runtime, name, None);
            assert_eq!((&*chosen.version, chosen.source), (expected, format!("{name}:{line}")));
        }
    }

    #[test]
    fn a_file_of_the_apps_folder_leaves_other_tools_to_those_above() {
        let files = tree! {
            "apps/web/.tool-versions" => "python 3.12\n",
            "apps/web/mise.toml" => "[tools]\nruby = '3.3'\n",
            ".tool-versions" => "nodejs 22.1.0\n",
            "mise.toml" => "[tools]\nphp = '8.3'\n",
        };
        let files = files.app("apps/web");
        let node = choose(&files, Runtime::Node, ".nvmrc", engines("^18"));
        assert_eq!((&*node.version, &*node.source), ("22.1.0", ".tool-versions:1 nodejs"));
        let php = choose(&files, Runtime::Php, ".php-version", None);
        assert_eq!((&*php.version, &*php.source), ("8.3", "mise.toml:2 tools.php"));
    }

    #[test]
    fn managers_name_distributions_and_branches() {
        for (runtime, text, expected) in [
            (Runtime::Java, "temurin-21.0.2+13", Some("21.0.2")),
            (Runtime::Java, "openjdk-17", Some("17")),
            (Runtime::Java, "graalvm-22.3.1+java17", Some("17")),
            (Runtime::Java, "corretto-17.0.8.7.1", Some("17.0.8.7.1")),
            (Runtime::Elixir, "1.17.2-otp-27", Some("1.17.2")),
            (Runtime::Node, "ref:main", None),
            (Runtime::Python, "system", None),
        ] {
            let found = tool(runtime, text, "some".into()).map(|asked| asked.text);
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
