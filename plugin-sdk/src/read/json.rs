//! JSON, JSON with comments, and JSON5.

use super::{DEEPEST, Node, Places, Value, entries, refused, too_deep};
use crate::{file::File, refusal::Refusal};
use jsonc_parser::{
    CollectOptions, ParseOptions,
    ast::{self, ObjectPropName},
    common::Ranged,
    parse_to_ast,
};

/// Reads JSON (RFC 8259).
///
/// # Errors
/// Names line and column of what is no JSON.
pub fn json(file: &File) -> Result<Node, Refusal> {
    read(file, &strict())
}

/// Reads JSON with comments and trailing commas, as tsconfig.json and deno.jsonc are written.
///
/// # Errors
/// Names line and column.
pub fn jsonc(file: &File) -> Result<Node, Refusal> {
    read(file, &ParseOptions { allow_comments: true, allow_trailing_commas: true, ..strict() })
}

/// Reads JSON5.
///
/// # Errors
/// Names line and column.
pub fn json5(file: &File) -> Result<Node, Refusal> {
    read(file, &ParseOptions { allow_missing_commas: false, ..ParseOptions::default() })
}

fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn read(file: &File, options: &ParseOptions) -> Result<Node, Refusal> {
    // The parser's own recursion is bounded at eight times this depth, too deep for a component's stack.
    if let Some(at) = too_deep_at(&file.text) {
        let (line, column) = file.position(at);
        return Err(too_deep(file, line, column));
    }
    let parsed = parse_to_ast(&file.text, &CollectOptions::default(), options);
    let parsed = parsed.map_err(|error| {
        let words = lower(&error.kind().to_string());
        refused(file, error.line_display(), error.column_display(), &words)
    })?;
    let places = Places::of(&file.text);
    match parsed.value {
        None => Ok(Node { line: 1, column: 1, value: Value::Map(Vec::new()) }),
        Some(value) => Ok(node(value, &places)),
    }
}

/// Returns the byte where brackets nest too deeply. Those in strings and comments count as well until a string
/// that opened before them has ended.
fn too_deep_at(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), b'\\') => is_escaped = true,
            // No string of these dialects goes on in the next line, unless the line's end is escaped: an apostrophe
            // in a comment opens none.
            (Some(open), byte) if byte == open || byte == b'\n' => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'[' | b'{') => {
                depth += 1;
                if depth > DEEPEST {
                    return Some(at);
                }
            }
            (None, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// Makes a value. The depth was checked.
fn node(value: ast::Value<'_>, places: &Places<'_>) -> Node {
    let (line, column) = places.at(value.start());
    let value = match value {
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::BooleanLit(literal) => Value::Bool(literal.value),
        ast::Value::NumberLit(literal) => Value::Number(literal.value.to_owned()),
        ast::Value::StringLit(literal) => Value::Text(literal.value.into_owned()),
        ast::Value::Array(array) => {
            Value::List(array.elements.into_iter().map(|element| node(element, places)).collect())
        }
        ast::Value::Object(object) => {
            let pairs = object.properties.into_iter().map(|property| {
                let key = match property.name {
                    ObjectPropName::String(literal) => literal.value.into_owned(),
                    ObjectPropName::Word(literal) => literal.value.to_owned(),
                };
                (key, node(property.value, places))
            });
            Value::Map(entries(pairs))
        }
    };
    Node { line, column, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File { path: "package.json".into(), text: text.into() }
    }

    #[test]
    fn values_know_their_places_and_the_last_of_a_key_counts() {
        let text = "{\n  \"a\": { \"ü\": 1, \"b\": \"x\" },\r\n  \"a\": { \"b\": [true, 1e3] }\n}";
        let node = json(&file(text)).unwrap();
        let b = node.at(&["a", "b"]).unwrap();
        assert_eq!((b.line, b.column), (3, 15));
        assert_eq!(b.list().len(), 2);
        assert_eq!(b.list()[1].number(), Some(1000.0));
        assert_eq!(node.keys().collect::<Vec<_>>(), ["a"]);
        let refusal = b.want_text("package.json", "scripts.start").unwrap_err();
        assert_eq!(
            refusal.reason,
            "`package.json:3:15`: scripts.start must be text, and is a list"
        );
    }

    #[test]
    fn each_dialect_takes_what_its_tool_takes() {
        let comments = "{ // why\n \"a\": 1, /* it's */ }";
        let loose = "{ a: 'b', c: .5, }";
        assert!(json(&file(comments)).is_err());
        assert!(jsonc(&file(comments)).is_ok());
        assert!(jsonc(&file(loose)).is_err());
        assert!(json5(&file(loose)).is_ok());
    }

    #[test]
    fn an_error_names_line_and_column() {
        let refusal = json(&file("{\n  \"a\": 1\n  \"b\": 2\n}")).unwrap_err();
        assert!(refusal.reason.starts_with("`package.json:"), "{}", refusal.reason);
        assert!(!refusal.hint.is_empty());
    }
}
