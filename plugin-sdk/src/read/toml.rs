//! TOML 1.0. A key that stands twice is an error, as everywhere.

use super::{DEEPEST, Node, Places, Value, refused, too_deep};
use crate::{file::File, refusal::Refusal};
use ::toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Reads TOML.
///
/// # Errors
/// Names line and column of what is no TOML.
pub fn toml(file: &File) -> Result<Node, Refusal> {
    let places = Places::of(&file.text);
    let table = DeTable::parse(&file.text).map_err(|error| {
        let (line, column) = places.at(error.span().map_or(0, |span| span.start));
        refused(file, line, column, error.message())
    })?;
    let map = entries(file, table.get_ref(), &places, 0)?;
    Ok(Node { line: 1, column: 1, value: Value::Map(map) })
}

/// Returns a table's entries in the order of the file, since the parser sorts them.
fn entries(
    file: &File,
    table: &DeTable<'_>,
    places: &Places<'_>,
    depth: usize,
) -> Result<Vec<(String, Node)>, Refusal> {
    let mut found = Vec::new();
    for (key, value) in table {
        found.push((
            key.span().start,
            key.get_ref().to_string(),
            node(file, value, places, depth)?,
        ));
    }
    found.sort_by_key(|(start, _, _)| *start);
    Ok(found.into_iter().map(|(_, key, node)| (key, node)).collect())
}

fn node(
    file: &File,
    value: &Spanned<DeValue<'_>>,
    places: &Places<'_>,
    depth: usize,
) -> Result<Node, Refusal> {
    let (line, column) = places.at(value.span().start);
    if depth >= DEEPEST {
        return Err(too_deep(file, line, column));
    }
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Number(number.to_string()),
        DeValue::Float(number) => Value::Number(number.to_string()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(date) => Value::Text(date.to_string()),
        DeValue::Array(array) => {
            let elements = array.iter().map(|element| node(file, element, places, depth + 1));
            Value::List(elements.collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => Value::Map(entries(file, table, places, depth + 1)?),
    };
    Ok(Node { line, column, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File { path: "pyproject.toml".into(), text: text.into() }
    }

    #[test]
    fn values_know_their_places() {
        let text =
            "[tool.poetry]\nname = \"ü\"\n\n[project]\nrequires-python = \">=3.12\"\nn = 3.10\n";
        let node = toml(&file(text)).unwrap();
        let python = node.at(&["project", "requires-python"]).unwrap();
        assert_eq!((python.text(), python.line, python.column), (Some(">=3.12"), 5, 19));
        // As it is written: 3.10 is not 3.1.
        assert_eq!(node.at(&["project", "n"]).unwrap().scalar().as_deref(), Some("3.10"));
        assert_eq!(node.keys().collect::<Vec<_>>(), ["tool", "project"]);
    }

    #[test]
    fn an_error_names_line_and_column() {
        let refusal = toml(&file("a = 1\nb = \n")).unwrap_err();
        assert!(refusal.reason.starts_with("`pyproject.toml:2:"), "{}", refusal.reason);
        assert!(toml(&file("a = 1\na = 2\n")).is_err());
    }
}
