//! Scripts of Gradle, read as text: Groovy and Kotlin alike, without their comments.

use crate::{
    App, Refusal,
    read::{self, Node},
    workspace::folders::join,
};

/// Build script of a project.
#[derive(Clone, Debug)]
pub struct Script {
    /// Path from the repository's root.
    pub path: String,
    /// Text without comments; lines stay where they are.
    pub text: String,
}

/// Plugin that a script applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// Line of the plugin, from 1.
    pub line: usize,
    /// Identifier, such as `org.springframework.boot`.
    pub id: String,
    /// Version. `None` means that it is not written beside the identifier.
    pub version: Option<String>,
}

/// Reads the first script of these names in a folder of the repository. `None` means that there is none.
///
/// # Errors
/// The file is no text.
pub fn script(app: &App<'_>, folder: &str, names: &[&str]) -> Result<Option<Script>, Refusal> {
    for name in names {
        let path = join(folder, name).unwrap_or_default();
        if let Some(file) = app.read_repo(&path)? {
            return Ok(Some(Script { path, text: without_comments(&file.text) }));
        }
    }
    Ok(None)
}

/// Reads the build script of a project. `None` means that there is none.
///
/// # Errors
/// The file is no text.
pub fn build(app: &App<'_>, folder: &str) -> Result<Option<Script>, Refusal> {
    script(app, folder, &["build.gradle.kts", "build.gradle"])
}

/// Reads the settings of a build. `None` means that there are none.
///
/// # Errors
/// The file is no text.
pub fn settings(app: &App<'_>, folder: &str) -> Result<Option<Script>, Refusal> {
    script(app, folder, &["settings.gradle.kts", "settings.gradle"])
}

/// Plugins of a version catalog, by their aliases with dots.
#[derive(Clone, Debug, Default)]
pub struct Catalog(Vec<(String, String, Option<String>)>);

impl Catalog {
    /// Reads `gradle/libs.versions.toml` of a build's root.
    ///
    /// # Errors
    /// The file is no TOML.
    pub fn read(app: &App<'_>, root: &str) -> Result<Self, Refusal> {
        let path = join(root, "gradle/libs.versions.toml").unwrap_or_default();
        let Some(file) = app.read_repo(&path)? else { return Ok(Self::default()) };
        let catalog = read::toml(&file)?;
        let mut plugins = Vec::new();
        for (alias, plugin) in catalog.get("plugins").map(Node::map).unwrap_or_default() {
            let (id, version) = match plugin.text() {
                Some(text) => match text.split_once(':') {
                    Some((id, version)) => (id.to_owned(), Some(version.to_owned())),
                    None => (text.to_owned(), None),
                },
                None => {
                    let id = plugin.get("id").and_then(Node::text).unwrap_or_default();
                    let named = plugin.at(&["version", "ref"]).and_then(Node::text);
                    let named = named.and_then(|name| catalog.at(&["versions", name])?.text());
                    let version = plugin.get("version").and_then(Node::text).or(named);
                    (id.to_owned(), version.map(str::to_owned))
                }
            };
            plugins.push((alias.replace(['-', '_'], "."), id, version));
        }
        Ok(Self(plugins))
    }
}

impl Script {
    /// Returns the lines of the script, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// Returns the plugins that the script applies to its own project.
    #[must_use]
    pub fn plugins(&self, catalog: &Catalog) -> Vec<Plugin> {
        let mut plugins = Vec::new();
        let mut in_block = false;
        for (line, text) in self.lines() {
            let trimmed = text.trim();
            in_block |= trimmed.starts_with("plugins") && trimmed.contains('{');
            if !is_for_others(trimmed) {
                plugins.extend(of_line(line, trimmed, in_block, catalog));
            }
            in_block &= !trimmed.contains('}');
        }
        plugins
    }

    /// Returns the first text in quotes behind a word, with its line.
    #[must_use]
    pub fn quoted_after(&self, word: &str) -> Option<(usize, String)> {
        self.lines().find_map(|(line, text)| {
            let (_, rest) = text.split_once(word)?;
            Some((line, quoted(rest).next()?.to_owned()))
        })
    }

    /// Returns the release of Java that the script asks for, with its place: a toolchain's before a compiler's option.
    #[must_use]
    pub fn release(&self) -> Option<(String, String)> {
        const WORDS: [&str; 7] = [
            "JavaLanguageVersion.of",
            "jvmToolchain",
            "options.release",
            "JvmTarget.JVM_",
            "targetCompatibility",
            "sourceCompatibility",
            "jvmTarget",
        ];
        WORDS.iter().find_map(|word| {
            self.lines().find_map(|(line, text)| {
                let (_, rest) = text.split_once(word)?;
                // `1_8` of `JVM_1_8`.
                let release = super::release(rest.strip_prefix("1_").unwrap_or(rest))?;
                Some((release, format!("{}:{line} {word}", self.path)))
            })
        })
    }
}

/// Returns whether a line applies a plugin to no project, or to others.
fn is_for_others(line: &str) -> bool {
    line.contains("apply false") || line.contains("apply(false)")
}

fn of_line(line: usize, text: &str, in_block: bool, catalog: &Catalog) -> Vec<Plugin> {
    let mut plugins = Vec::new();
    let text =
        text.strip_prefix("plugins").map_or(text, |rest| rest.trim_start_matches([' ', '{']));
    let version = || {
        let (_, rest) = text.split_once("version")?;
        quoted(rest).next().map(str::to_owned)
    };
    let mut push = |id: &str, version: Option<String>| {
        if !id.is_empty() {
            plugins.push(Plugin { line, id: id.to_owned(), version });
        }
    };
    if let Some(rest) = text.strip_prefix("id").filter(|rest| rest.starts_with([' ', '(', '\t'])) {
        push(quoted(rest).next().unwrap_or_default(), version());
    } else if let Some(rest) = text.strip_prefix("apply") {
        if rest.contains("plugin") {
            push(quoted(rest).next().unwrap_or_default(), None);
        }
    } else if let Some(rest) = text.strip_prefix("kotlin(").filter(|_| in_block) {
        let part = quoted(rest).next().unwrap_or_default();
        push(&format!("org.jetbrains.kotlin.{part}"), version());
    } else if let Some(rest) = text.strip_prefix("alias") {
        let name = rest.trim_start_matches(['(', ' ']).split([')', ' ']).next().unwrap_or_default();
        let name = name.strip_prefix("libs.plugins.").unwrap_or(name);
        if let Some((_, id, version)) = catalog.0.iter().find(|(alias, _, _)| alias == name) {
            push(id, version.clone());
        } else if name == "ktorLibs.plugins.ktor" {
            // A catalog that Ktor publishes, under the name that its generator gives it.
            push("io.ktor.plugin", None);
        }
    } else if in_block {
        let word = text.trim_end_matches('}').trim().trim_matches('`');
        if ["application", "java", "java-library", "war", "groovy", "scala"].contains(&word) {
            push(word, None);
        }
    }
    plugins
}

/// Returns the texts in quotes of a line.
pub fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(['"', '\''])?;
        let quote = rest.get(start..)?.chars().next()?;
        let inner = rest.get(start + 1..)?;
        let (found, after) = inner.split_once(quote)?;
        rest = after;
        Some(found)
    })
}

/// Removes `//` and `/* */` outside of quotes. Line ends stay.
#[must_use]
pub fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut quote = None;
    while let Some(c) = letters.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                out.push(c);
                out.extend(letters.next());
            }
            // A text ends with its line, but for those in three quotes, whose middle is not looked at.
            (Some(open), c) if c == open || c == '\n' => {
                quote = None;
                out.push(c);
            }
            (None, '"' | '\'') => {
                quote = Some(c);
                out.push(c);
            }
            (None, '/') if letters.peek() == Some(&'/') => {
                while letters.next_if(|c| *c != '\n').is_some() {}
            }
            (None, '/') if letters.peek() == Some(&'*') => {
                let mut before = ' ';
                letters.next();
                for c in letters.by_ref() {
                    if c == '\n' {
                        out.push(c);
                    }
                    if before == '*' && c == '/' {
                        break;
                    }
                    before = c;
                }
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Script {
        Script { path: "build.gradle".into(), text: without_comments(text) }
    }

    #[test]
    fn comments_end_and_quotes_keep_theirs() {
        let text = "a // b\n/* c\nd */ e 'http://x' \"\\\"// y\"\n";
        assert_eq!(without_comments(text), "a \n\n e 'http://x' \"\\\"// y\"\n");
        assert_eq!(without_comments("/* open"), "");
    }

    #[test]
    fn plugins_of_both_languages_are_read() {
        let text = "plugins {\n  id 'org.springframework.boot' version '3.3.1'\n  id(\"a.b\") apply false\n  \
                    kotlin(\"jvm\") version \"2.0.0\"\n  application\n  // id 'c.d'\n  alias(libs.plugins.ktor.server)\n}\n\
                    apply plugin: 'war'\njava {\n}\n";
        let catalog = Catalog(vec![("ktor.server".into(), "io.ktor.plugin".into(), None)]);
        let plugins = script(text).plugins(&catalog);
        let ids: Vec<_> = plugins.iter().map(|plugin| (plugin.line, &*plugin.id)).collect();
        let expected = [
            (2, "org.springframework.boot"),
            (4, "org.jetbrains.kotlin.jvm"),
            (5, "application"),
            (7, "io.ktor.plugin"),
            (9, "war"),
        ];
        assert_eq!(ids, expected);
        assert_eq!(plugins[0].version.as_deref(), Some("3.3.1"));
    }

    #[test]
    fn the_plugin_of_ktor_s_own_catalog_is_known() {
        let text = "plugins {\n  alias(ktorLibs.plugins.ktor)\n  alias(other.plugins.ktor)\n}\n";
        let plugins = script(text).plugins(&Catalog::default());
        let ids: Vec<_> = plugins.iter().map(|plugin| (plugin.line, &*plugin.id)).collect();
        assert_eq!(ids, [(2, "io.ktor.plugin")]);
    }

    #[test]
    fn releases_are_read_as_they_are_written() {
        for (text, expected) in [
            ("java {\n  toolchain { languageVersion = JavaLanguageVersion.of(17) }\n}", "17"),
            ("kotlin { jvmToolchain(21) }", "21"),
            ("sourceCompatibility = '1.8'", "8"),
            ("sourceCompatibility JavaVersion.VERSION_1_8", "8"),
            ("targetCompatibility = JavaVersion.VERSION_11", "11"),
            ("tasks { options.release.set(17) }", "17"),
            ("compilerOptions { jvmTarget = JvmTarget.JVM_17 }", "17"),
            ("// sourceCompatibility = 8\nsourceCompatibility = 11", "11"),
        ] {
            let release = script(text).release().map(|(release, _)| release);
            assert_eq!(release.as_deref(), Some(expected), "{text}");
        }
        assert_eq!(script("sourceCompatibility = version").release(), None);
    }
}
