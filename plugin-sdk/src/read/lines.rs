//! Files of lines: names with values.

use crate::file::File;

/// Reads `name=value`, `name: value` or `name value`, as .properties, .env and .sdkmanrc files have them, each with its
/// line. Comments begin with `#` or `!`. A line that ends with a backslash goes on.
#[must_use]
pub fn properties(file: &File) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    let mut begun: Option<(usize, String)> = None;
    for (number, line) in file.lines() {
        let (number, text) = match begun.take() {
            Some((number, before)) => (number, before + line.trim_start()),
            None => (number, line.trim_start().to_owned()),
        };
        if text.starts_with(['#', '!']) || text.is_empty() {
            continue;
        }
        match text.strip_suffix('\\') {
            Some(part) => begun = Some((number, part.to_owned())),
            None => found.extend(property(number, &text)),
        }
    }
    if let Some((number, text)) = begun {
        found.extend(property(number, &text));
    }
    found
}

fn property(number: usize, text: &str) -> Option<(usize, String, String)> {
    let text = text.trim_end();
    let text = text.strip_prefix("export ").unwrap_or(text);
    let (name, value) = match text.find(['=', ':', ' ', '\t']) {
        Some(at) => text.split_at_checked(at)?,
        None => (text, ""),
    };
    let value = value.trim_start();
    let value = value.strip_prefix(['=', ':']).unwrap_or(value).trim();
    (!name.is_empty()).then(|| (number, name.to_owned(), unquoted(value).to_owned()))
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        let inner = value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner;
        }
    }
    value
}

/// Reads .tool-versions: line, tool, version. Of several versions, which are fallbacks, the first is returned.
#[must_use]
pub fn tools(file: &File) -> Vec<(usize, String, String)> {
    let tool = |(number, line): (usize, &str)| {
        let line = line.split_once('#').map_or(line, |(line, _)| line);
        let mut words = line.split_whitespace();
        Some((number, words.next()?.to_owned(), words.next()?.to_owned()))
    };
    file.lines().filter_map(tool).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File { path: "a".into(), text: text.into() }
    }

    #[test]
    fn properties_in_their_spellings() {
        let text = "# why\r\njava=17.0.9-tem\r\na : b c\n! no\nlong=one,\\\n   two\nexport X=\"y\"\nbare\n=x\nend=\\";
        let found = properties(&file(text));
        let found: Vec<_> =
            found.iter().map(|(line, name, value)| (*line, &**name, &**value)).collect();
        let expected = [
            (2, "java", "17.0.9-tem"),
            (3, "a", "b c"),
            (5, "long", "one,two"),
            (7, "X", "y"),
            (8, "bare", ""),
            (10, "end", ""),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_first_version_of_a_tool_counts() {
        let found = tools(&file("# tools\nnodejs 20.17.0 18.0.0 # why\n\npython 3.12\nruby\n"));
        let found: Vec<_> =
            found.iter().map(|(line, name, version)| (*line, &**name, &**version)).collect();
        assert_eq!(found, [(2, "nodejs", "20.17.0"), (4, "python", "3.12")]);
    }
}
