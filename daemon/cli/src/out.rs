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

/// Writes a line of our own.
pub(crate) fn line(text: impl Display) -> Result<(), Failure> {
    writeln!(io::stdout().lock(), "{text}").map_err(|error| Failure::output(&error))
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

/// Returns a text's lines, without what moves a terminal's cursor.
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
        assert_eq!(shown, ["FROM a", "RUN x", "", "# end"]);
    }
}
