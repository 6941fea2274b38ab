//! Rows in columns as wide as their cells.

use super::line::{Line, Look};
use unicode_width::UnicodeWidthStr;

/// Lays rows out under their heads. The last column is not padded.
pub(crate) fn table(head: &[&str], rows: Vec<Vec<Line>>) -> Vec<Line> {
    if rows.is_empty() {
        return Vec::new();
    }
    let head: Vec<_> = head.iter().map(|name| Line::of(Look::Faint, name)).collect();
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.show(false).width()).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let line = |row: &Vec<Line>| {
        let mut line = Line::default();
        for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
            line = cell.clone().after(line);
            if index + 1 < row.len() {
                let rest = width - cell.show(false).width().min(*width);
                line = line.add(Look::Plain, &" ".repeat(rest + 2));
            }
        }
        line
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_without_rows_is_nothing() {
        assert!(table(&["NAME"], Vec::new()).is_empty());
        let cell = |text| Line::of(Look::Plain, text);
        let rows = vec![vec![cell("a"), cell("long")], vec![cell("longer"), cell("b")]];
        let shown: Vec<_> =
            table(&["NAME", "WHAT"], rows).iter().map(|line| line.show(false)).collect();
        assert_eq!(shown, ["NAME    WHAT", "a       long", "longer  b"]);
    }
}
