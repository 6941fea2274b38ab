//! Lines that tools print, without what moves a terminal's cursor.

use anstyle_parse::{DefaultCharAccumulator, Parser, Perform};

/// Returns a line without control characters. Of a progress bar, the last state remains.
#[must_use]
pub fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.trim_end_matches(['\n', '\r']);
    let line = line.rsplit('\r').next().unwrap_or_default();
    let mut shown = Shown(String::with_capacity(line.len()));
    let mut parser = Parser::<DefaultCharAccumulator>::new();
    for byte in line.bytes() {
        parser.advance(&mut shown, byte);
    }
    shown.0
}

/// Text that a terminal would show.
struct Shown(String);

impl Perform for Shown {
    fn print(&mut self, c: char) {
        if !c.is_control() {
            self.0.push(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        if byte == b'\t' {
            self.0.push('\t');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn lines_are_shown_without_what_moves_the_cursor() {
        assert_eq!(plain(b"\x1b[31mred\x1b[0m text\r\n"), "red text");
        assert_eq!(plain(b"10%\r50%\r100% done\n"), "100% done");
        assert_eq!(plain(b"\x1b(Bfonts [ok] \x1b)0done"), "fonts [ok] done");
        assert_eq!(plain(b"\x1b]0;title\x07after \x1b]8;;http://x\x1b\\link"), "after link");
        assert_eq!(plain("gr\u{fc}n \x1b[38;2;1;2;3m\u{2713}".as_bytes()), "gr\u{fc}n \u{2713}");
        assert_eq!(plain(b"bell\x07 tab\there"), "bell tab\there");
    }
}
