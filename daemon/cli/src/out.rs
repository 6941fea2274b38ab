//! Standard output, whose reader may leave before the end.

use crate::{
    args::{Args, Output},
    failure::Failure,
    render::{self, Line, Look},
};
use serde_json::Value;
use std::{
    fmt::Display,
    io::{self, Write},
};
use windlass_model::text::is_obeyed;

/// Writes a line of our own.
pub(crate) fn line(text: impl Display) -> Result<(), Failure> {
    let text = escaped(text.to_string());
    writeln!(io::stdout().lock(), "{text}").map_err(|error| Failure::output(&error))
}

/// Returns JSON with all that a terminal would obey as JSON's own escapes: a writer of JSON escapes ASCII
/// alone.
fn escaped(json: String) -> String {
    if !json.contains(is_obeyed) {
        return json;
    }
    json.chars().fold(String::new(), |mut escaped, c| {
        if is_obeyed(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(c);
        }
        escaped
    })
}

/// Writes lines for people.
pub(crate) fn lines(lines: &[Line], args: &Args) -> Result<(), Failure> {
    render::print(lines, args.color).map_err(|error| Failure::output(&error))
}

/// Writes lines for people, or an object a line.
pub(crate) fn either(args: &Args, people: &[Line], values: &[Value]) -> Result<(), Failure> {
    match args.output {
        Output::Json => values.iter().try_for_each(line),
        Output::Text => lines(people, args),
    }
}

/// Writes a text for people, which may quote repositories and tools, or an object.
pub(crate) fn text(args: &Args, people: &str, value: &Value) -> Result<(), Failure> {
    either(args, &plain(people), std::slice::from_ref(value))
}

/// Returns a text's lines. What would move a terminal's cursor is shown.
pub(crate) fn plain(text: &str) -> Vec<Line> {
    text.lines().map(|line| Line::of(Look::Plain, line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_repository_says_moves_no_cursor() {
        let dockerfile = "FROM a\n\u{1b}]52;c;cm0=\u{7}RUN x\u{1b}[1A\u{1b}[2K\r\n\n# \u{202e}end";
        let shown: Vec<_> = plain(dockerfile).iter().map(|line| line.show(false)).collect();
        let obeyed = "\\u{1b}]52;c;cm0=\\u{7}RUN x\\u{1b}[1A\\u{1b}[2K";
        assert_eq!(shown, ["FROM a", obeyed, "", "# \\u{202e}end"]);
    }

    #[test]
    fn what_is_printed_as_json_moves_no_cursor_either() {
        let value = Value::from("\u{1b}\u{9b}2J\u{7f}\u{202e}\u{e0041}é");
        let shown = escaped(value.to_string());
        assert_eq!(shown, r#""\u001b\u009b2J\u007f\u202e\udb40\udc41é""#);
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
    }
}
