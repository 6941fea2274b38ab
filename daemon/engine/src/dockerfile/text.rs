//! Parts of lines: comments, variables, argv.

use std::fmt::Write;

/// Longest comment, in characters.
const LONGEST_COMMENT: usize = 200;

/// Writes a line of its own.
pub(super) fn instruction(text: &mut String, line: &str) {
    text.push('\n');
    text.push_str(line);
}

/// Returns one line of a comment, whatever the text holds.
pub(super) fn comment(text: &str) -> String {
    let plain = |c: char| if c.is_control() || is_line_end(c) { ' ' } else { c };
    let text: String = text.chars().take(LONGEST_COMMENT).map(plain).collect();
    format!("# {}", text.trim())
}

/// Returns whether a character ends a line for some readers, and is no control character.
fn is_line_end(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Returns id and variable of a secret mount: `VARIABLE`, or `id=VARIABLE`.
pub(super) fn secret(entry: &str) -> (String, &str) {
    match entry.split_once('=') {
        Some((id, variable)) => (id.to_owned(), variable),
        None => (entry.to_ascii_lowercase().replace('_', "-"), entry),
    }
}

/// Writes variables as one `ENV`.
pub(super) fn environment(text: &mut String, env: &[(String, String)]) {
    for (index, (name, value)) in env.iter().enumerate() {
        let lead = if index == 0 { "\nENV " } else { " \\\n    " };
        let _ = write!(text, "{lead}{name}={}", quoted(value));
    }
}

/// Returns argv in exec form, which no shell reads.
pub(crate) fn exec(argv: &[String]) -> String {
    let parts: Vec<_> =
        argv.iter().map(|part| serde_json::Value::from(&**part).to_string()).collect();
    format!("[{}]", parts.join(", "))
}

/// Quotes a value, and escapes what Dockerfile's own expansion would read.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}
