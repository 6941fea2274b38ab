//! Reads `project.toml`, and writes it.

use super::{FILE, LONGEST_FILE, ProjectSpec, faults::fault};
use crate::spec::SpecError;
use serde_json::Value;

/// Changes between an unknown word and a known one that are taken for a typing error.
const NEAR: usize = 3;

impl ProjectSpec {
    /// Reads a project's file, and checks it.
    ///
    /// # Errors
    /// [`SpecError`] with the path and the line of the first text that is no TOML or no known key. For a file that can
    /// be read, one for each value that breaks a rule of [`ProjectSpec::check`].
    pub fn parse(text: &str) -> Result<Self, Vec<SpecError>> {
        if text.len() > LONGEST_FILE {
            let problem = format!(
                "has {} bytes; at most {LONGEST_FILE} are allowed: make several projects",
                text.len()
            );
            return Err(vec![fault(FILE, "", problem)]);
        }
        let document = toml::Deserializer::parse(text);
        let document = document.map_err(|error| vec![unreadable(text, "", &error)])?;
        let read: Result<Self, _> = serde_path_to_error::deserialize(document);
        let spec =
            read.map_err(|error| vec![unreadable(text, &error.path().to_string(), error.inner())])?;
        spec.check()?;
        Ok(spec)
    }

    /// Returns the project as a file. Keys are in the order of the reference, and names in that of the alphabet.
    #[must_use]
    pub fn to_toml(&self) -> String {
        // A checked project has nothing that TOML has not: see the rule for `installation`.
        toml::to_string(self)
            .unwrap_or_else(|error| format!("# This project cannot be written as TOML: {error}\n"))
    }

    /// Returns the JSON schema of the file, for editors.
    #[must_use]
    pub fn schema() -> Value {
        schemars::schema_for!(Self).to_value()
    }
}

/// Makes the fault of a text that cannot be read. `path` leads to the field; `.` and an empty one mean that none is
/// known. Of the line only the key is shown: values may be tokens.
fn unreadable(text: &str, path: &str, error: &toml::de::Error) -> SpecError {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.get(..start).map_or(0, |before| before.matches('\n').count()) + 1;
    let path = Some(path).filter(|path| !matches!(*path, "" | "."));
    let message = error.message();
    if let Some((key, _)) = after(message, "missing field `") {
        let field = path.map_or_else(|| key.to_owned(), |path| format!("{path}.{key}"));
        return fault(&field, "", format!("is missing in the table at line {line}"));
    }
    for (start, what) in [("unknown field `", "key"), ("unknown variant `", "word")] {
        if let Some((word, rest)) = after(message, start) {
            let problem = format!("is no known {what} (line {line}){}", expected(word, rest));
            return fault(path.unwrap_or(FILE), word, problem);
        }
    }
    let shown = text.lines().nth(line - 1).unwrap_or_default();
    let shown = shown.split('=').next().unwrap_or_default().trim();
    fault(path.unwrap_or(FILE), shown, format!("cannot be read at line {line}: {message}"))
}

/// Returns the name in backticks that follows the beginning of a message, and the rest.
fn after<'a>(message: &'a str, start: &str) -> Option<(&'a str, &'a str)> {
    message.strip_prefix(start)?.split_once('`')
}

/// Returns the nearest of the words that a message of serde lists, or all of them.
fn expected(word: &str, list: &str) -> String {
    let known: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    let word: String = word.chars().take(80).collect();
    let distance = |own: &&str| strsim::damerau_levenshtein(own, &word);
    match known.iter().min_by_key(|own| distance(own)).filter(|own| distance(own) <= NEAR) {
        Some(near) => format!(": did you mean `{near}`?"),
        None if known.is_empty() => String::new(),
        None => format!(": expected `{}`", known.join("` or `")),
    }
}

#[cfg(test)]
mod tests;
