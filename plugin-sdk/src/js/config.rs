//! Configuration files that are programs: options are searched as text, never run.

use crate::{App, File, Refusal};

/// Endings of configuration files that Node reads.
const ENDINGS: [&str; 6] = ["js", "mjs", "ts", "cjs", "mts", "cts"];

/// Reads `<stem>.js`, `.mjs`, `.ts`, `.cjs`, `.mts` or `.cts`, the first that is there.
pub(crate) fn config(app: &App<'_>, stem: &str) -> Result<Option<File>, Refusal> {
    for ending in ENDINGS {
        if let Some(file) = app.read(&format!("{stem}.{ending}"))? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Returns line and text of each option `key: …` that no comment holds. The text ends with the line.
fn options<'a>(file: &'a File, key: &str) -> impl Iterator<Item = (usize, &'a str)> {
    file.text.lines().enumerate().filter_map(move |(number, line)| {
        let trimmed = line.trim_start();
        if trimmed.starts_with("//") || trimmed.starts_with('*') || trimmed.starts_with("/*") {
            return None;
        }
        let mut rest = line;
        while let Some((before, after)) = rest.split_once(key) {
            let starts = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
            let value = after.trim_start_matches(['"', '\'']).trim_start();
            if let (true, Some(value)) = (starts, value.strip_prefix([':', '='])) {
                return Some((number + 1, value.trim_start()));
            }
            rest = after;
        }
        None
    })
}

/// Returns the text of `key: "…"`, and its line. `None` also means that the value is no plain text.
pub(crate) fn text<'a>(file: &'a File, key: &str) -> Option<(usize, &'a str)> {
    options(file, key).find_map(|(line, value)| {
        let quote = value.chars().next().filter(|c| ['"', '\'', '`'].contains(c))?;
        let (text, _) = value.strip_prefix(quote)?.split_once(quote)?;
        (!text.contains("${")).then_some((line, text))
    })
}

/// Returns the line where `key: word` stands.
pub(crate) fn word(file: &File, key: &str, word: &str) -> Option<usize> {
    options(file, key)
        .find(|(_, value)| {
            value
                .strip_prefix(word)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
        .map(|(line, _)| line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File { path: "x.config.js".into(), text: text.into() }
    }

    #[test]
    fn options_are_found_outside_of_comments_and_of_longer_names() {
        let found = file(
            "// output: 'a',\nexport default {\n  myoutput: 'b',\n  output: \"standalone\",\n}",
        );
        assert_eq!(text(&found, "output"), Some((4, "standalone")));
        let computed = file("export default { output: process.env.X ? 'export' : undefined }");
        assert_eq!(text(&computed, "output"), None, "a computed value is no text");
        assert_eq!(word(&file("{\n ssr: false }"), "ssr", "false"), Some(2));
        assert_eq!(word(&file("{ ssr: falsehood }"), "ssr", "false"), None);
        for broken in ["output", "output:", "output: '", "{output:'${x}'}", "\u{fc}output:\u{fc}"] {
            assert_eq!(text(&file(broken), "output"), None, "{broken}");
        }
    }
}
