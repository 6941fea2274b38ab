//! Lines that tools print, without what moves a terminal's cursor.

/// Returns a line without control characters. Of a progress bar, the last state remains.
#[must_use]
pub fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.trim_end_matches(['\n', '\r']);
    let line = line.rsplit('\r').next().unwrap_or_default();
    let mut shown = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            // CSI sequences end with a letter.
            '\u{1b}' => {
                let _ = chars.by_ref().skip_while(|c| *c == '[').find(char::is_ascii_alphabetic);
            }
            '\t' => shown.push('\t'),
            c if c.is_control() => {}
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn lines_are_shown_without_what_moves_the_cursor() {
        assert_eq!(plain(b"\x1b[31mred\x1b[0m text\r\n"), "red text");
        assert_eq!(plain(b"10%\r50%\r100% done\n"), "100% done");
        assert_eq!(plain(b"bell\x07 tab\there"), "bell tab\there");
    }
}
