//! A text file of a tree, with its name.

/// A text file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path from the repository's root: what evidence and refusals name.
    pub path: String,
    /// Content without a byte order mark. Line ends are as they were committed.
    pub text: String,
}

impl File {
    /// Returns the line of the first occurrence of a text, from 1. 1 where it is not found.
    #[must_use]
    pub fn line_of(&self, needle: &str) -> usize {
        let at = self.text.find(needle).unwrap_or_default();
        self.position(at).0
    }

    /// Returns the lines with their numbers, from 1, without their ends.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Returns line and column of a byte, both from 1. The column counts characters.
    #[must_use]
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(self.text.as_str());
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(start..).unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

#[cfg(test)]
mod tests {
    use super::File;

    #[test]
    fn lines_and_columns_count_from_one() {
        let file = File { path: "a".into(), text: "one\r\nzwölf drei\n".into() };
        assert_eq!(file.line_of("drei"), 2);
        assert_eq!(file.line_of("nowhere"), 1);
        assert_eq!(file.position(file.text.find("drei").unwrap()), (2, 7));
        assert_eq!(file.position(10_000), (3, 1));
        assert_eq!(file.lines().collect::<Vec<_>>(), [(1, "one"), (2, "zwölf drei")]);
    }
}
