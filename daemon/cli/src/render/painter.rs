//! Writes lines that stay, and under them lines that are redrawn.

use super::line::Line;
use std::io::{self, Write};

/// A destination of lines.
pub(crate) struct Painter<W> {
    out: W,
    colors: bool,
    /// Lines under the cursor's own that are drawn over.
    drawn: usize,
}

impl<W: Write> Painter<W> {
    pub(crate) fn new(out: W, colors: bool) -> Self {
        Self { out, colors, drawn: 0 }
    }

    /// Writes lines for good.
    pub(crate) fn keep(&mut self, lines: &[Line]) -> io::Result<()> {
        self.write(lines, 0)
    }

    /// Draws lines in the place of those that were drawn before.
    pub(crate) fn draw(&mut self, lines: &[Line]) -> io::Result<()> {
        self.write(lines, lines.len())
    }

    /// Removes the drawn lines.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.write(&[], 0)
    }

    /// Writes all in one call, or the terminal would show what is in between.
    fn write(&mut self, lines: &[Line], drawn: usize) -> io::Result<()> {
        let mut text = match self.drawn {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\r\x1b[J"),
        };
        // Terminals do not agree on the width of every character: a line that went on in the next one would
        // not be drawn over.
        if drawn > 0 {
            text.push_str("\x1b[?7l");
        }
        for line in lines {
            text.push_str(&line.show(self.colors));
            text.push('\n');
        }
        if drawn > 0 {
            text.push_str("\x1b[?7h");
        }
        self.drawn = drawn;
        if text.is_empty() {
            return Ok(());
        }
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::line::Look;

    #[test]
    fn what_stays_is_written_over_what_was_drawn() {
        let line = |text| Line::of(Look::Plain, text);
        let mut painter = Painter::new(Vec::new(), false);
        painter.draw(&[line("a"), line("b")]).unwrap();
        painter.keep(&[line("done")]).unwrap();
        painter.draw(&[line("c")]).unwrap();
        painter.clear().unwrap();
        painter.clear().unwrap();
        let text = String::from_utf8(painter.out).unwrap();
        let drawn = |lines: &str| format!("\x1b[?7l{lines}\x1b[?7h");
        let expected =
            format!("{}\x1b[2A\r\x1b[Jdone\n{}\x1b[1A\r\x1b[J", drawn("a\nb\n"), drawn("c\n"));
        assert_eq!(text, expected);
    }
}
