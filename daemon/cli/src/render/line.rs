//! A line as it is shown: pieces of text, each with a look, cut to a width.

use anstyle::{AnsiColor, Style};
use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use windlass_model::text::{colored, readable};

/// Look of a piece of text, where there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Look {
    #[default]
    Plain,
    /// A text that the eye looks for.
    Strong,
    /// A text that the eye may skip.
    Faint,
    /// A success.
    Good,
    /// A failure.
    Bad,
    /// A text that deserves a look, such as a warning.
    Odd,
}

impl Look {
    fn style(self) -> Style {
        let color = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Good => color(AnsiColor::Green),
            Self::Bad => color(AnsiColor::Red).bold(),
            Self::Odd => color(AnsiColor::Yellow),
        }
    }
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line(Vec<(Look, String)>);

impl Line {
    /// Makes a line of one look.
    pub(crate) fn of(look: Look, text: &str) -> Self {
        Self::default().add(look, text)
    }

    /// Returns the line with more at its end.
    pub(crate) fn add(mut self, look: Look, text: &str) -> Self {
        let text = clean(text);
        if !text.is_empty() {
            self.0.push((look, text));
        }
        self
    }

    /// Returns the line with a text that a program printed at its end. The program's colours stay where there
    /// are colours.
    pub(crate) fn add_printed(mut self, text: &str) -> Self {
        let text = one_line(text, colored);
        if !text.is_empty() {
            self.0.push((Look::Plain, text));
        }
        self
    }

    /// Returns the line with another one's text before it.
    pub(crate) fn after(self, mut first: Self) -> Self {
        first.0.extend(self.0);
        first
    }

    /// Returns as much of the line as fits into so many columns.
    pub(crate) fn cut(&self, width: usize) -> Self {
        let whole: usize = self.0.iter().map(|(_, text)| uncolored(text).width()).sum();
        if whole <= width {
            return self.clone();
        }
        let mut left = width.saturating_sub(1);
        let mut cut = Vec::new();
        for (look, text) in &self.0 {
            let mut kept = String::new();
            for c in uncolored(text).chars() {
                let columns = c.width().unwrap_or_default();
                if columns > left {
                    kept.push('…');
                    cut.push((*look, kept));
                    return Self(cut);
                }
                left -= columns;
                kept.push(c);
            }
            cut.push((*look, kept));
        }
        Self(cut)
    }

    /// Returns the text, with escape sequences where there are colours.
    pub(crate) fn show(&self, colors: bool) -> String {
        let mut shown = String::new();
        for (look, text) in &self.0 {
            if colors && *look != Look::Plain {
                let style = look.style();
                shown.push_str(&format!("{style}{text}{style:#}"));
            } else if colors && text.contains('\u{1b}') {
                shown.push_str(&format!("{text}{}", anstyle::Reset.render()));
            } else {
                shown.push_str(&uncolored(text));
            }
        }
        if colors { shown } else { shown.trim_end().to_owned() }
    }
}

/// Returns a text without the colours of the program that printed it.
fn uncolored(text: &str) -> Cow<'_, str> {
    if text.contains('\u{1b}') { readable(text.to_owned()).into() } else { text.into() }
}

/// Returns a line with all that moves a terminal's cursor, or changes the direction of the text after it,
/// shown as text. Colours are left out.
pub(crate) fn clean(text: &str) -> String {
    one_line(text, readable)
}

/// Returns a line as `read` reads it, with blanks for a tab, and `\n` for a break within the line.
fn one_line(text: &str, read: fn(String) -> String) -> String {
    let line = text.trim_end_matches(['\r', '\n']);
    read(line.to_owned()).replace('\t', "    ").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_to_columns_and_not_to_bytes() {
        let line = Line::of(Look::Strong, "build").add(Look::Plain, "  日本語 ünïcode");
        assert_eq!(line.cut(40), line);
        assert_eq!(line.cut(10).show(false), "build  日…");
        assert_eq!(line.cut(1).show(false), "…");
    }

    #[test]
    fn nothing_that_a_tool_prints_moves_the_cursor() {
        let line = Line::of(Look::Plain, "\u{1b}[2J\u{1b}[31mred\u{1b}[0m\u{7}\tx\u{202e}y\r\n");
        assert_eq!(line.show(false), "\\u{1b}[2Jred\\u{7}    x\\u{202e}y");
        let two = Line::of(Look::Plain, "ok\nSUCCEEDED\r\n");
        assert_eq!(two.show(false), "ok\\nSUCCEEDED");
    }

    #[test]
    fn a_program_keeps_its_colours_alone() {
        let printed = "\u{1b}[32mGET\u{1b}[0m /\u{1b}[2K \u{1b}[8mhidden";
        let line = Line::of(Look::Faint, "web | ").add_printed(printed);
        assert_eq!(line.show(false), "web | GET /\\u{1b}[2K \\u{1b}[8mhidden");
        let shown = line.show(true);
        assert!(shown.contains("\u{1b}[32mGET\u{1b}[0m /\\u{1b}[2K"), "{shown:?}");
        assert!(shown.ends_with("hidden\u{1b}[0m"), "{shown:?}");
        assert_eq!(line.cut(8).show(true).matches('\u{1b}').count(), 2, "of our own alone");
    }

    #[test]
    fn colours_are_closed_and_left_out_where_there_are_none() {
        let line = Line::of(Look::Good, "ok").add(Look::Plain, " then");
        assert_eq!(line.show(true), "\u{1b}[32mok\u{1b}[0m then");
        assert_eq!(line.show(false), "ok then");
    }
}
