//! YAML 1.2: the first document of a file, with the core schema's scalars and with merge keys.

use super::{DEEPEST, Node, Value, entries, refused, too_deep};
use crate::{file::File, refusal::Refusal};
use granit_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::HashMap;

/// Values that are read, with those that aliases repeat.
const MOST_NODES: usize = 200_000;

/// Aliases that are expanded.
const MOST_ALIASES: usize = 1_000;

/// Reads YAML.
///
/// # Errors
/// Names line and column of what is no YAML, or exceeds a limit.
pub fn yaml(file: &File) -> Result<Node, Refusal> {
    let mut loader = Loader {
        file,
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        aliases: 0,
        root: None,
    };
    let mut parser = Parser::new_from_str(&file.text);
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| {
            let at = error.marker();
            refused(file, at.line(), at.col() + 1, &error.info())
        })?;
        if matches!(event, Event::DocumentEnd | Event::StreamEnd) {
            break;
        }
        loader.take(event, span)?;
    }
    let empty = Node { line: 1, column: 1, value: Value::Map(Vec::new()) };
    Ok(loader.root.filter(|root| root.value != Value::Null).unwrap_or(empty))
}

/// A collection that has begun.
struct Open {
    line: usize,
    column: usize,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    /// The key waits for its value.
    Map(Vec<(Node, Node)>, Option<Node>),
}

struct Loader<'a> {
    file: &'a File,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    aliases: usize,
    root: Option<Node>,
}

impl Loader<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Refusal> {
        let (line, column) = (span.start.line(), span.start.col() + 1);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_ref().and_then(|tag| tag.core_suffix());
                let is_text = style != ScalarStyle::Plain || tag == Some("str");
                let value = if is_text { Value::Text(text.into_owned()) } else { scalar(&text) };
                self.count(1, line, column)?;
                self.complete(Node { line, column, value }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.begin(line, column, anchor, Content::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, _) => {
                self.begin(line, column, anchor, Content::Map(Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.expand(anchor, line, column),
            _ => Ok(()),
        }
    }

    /// Counts values against the limit.
    fn count(&mut self, nodes: usize, line: usize, column: usize) -> Result<(), Refusal> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MOST_NODES {
            let words = format!("more than {MOST_NODES} values");
            return Err(refused(self.file, line, column, &words));
        }
        Ok(())
    }

    fn begin(
        &mut self,
        line: usize,
        column: usize,
        anchor: usize,
        content: Content,
    ) -> Result<(), Refusal> {
        if self.open.len() >= DEEPEST {
            return Err(too_deep(self.file, line, column));
        }
        self.count(1, line, column)?;
        self.open.push(Open { line, column, anchor, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Refusal> {
        let Some(Open { line, column, anchor, content }) = self.open.pop() else { return Ok(()) };
        let value = match content {
            Content::List(list) => Value::List(list),
            Content::Map(pairs, _) => Value::Map(merged(pairs)),
        };
        self.complete(Node { line, column, value }, anchor)
    }

    /// Puts a whole value where it belongs.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), Refusal> {
        if anchor > 0 {
            let size = size(&node);
            self.count(size, node.line, node.column)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        self.put(node);
        Ok(())
    }

    fn put(&mut self, mut node: Node) {
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(list)) => list.push(node),
            Some(Content::Map(pairs, key)) => match key.take() {
                None => *key = Some(node),
                Some(key) => {
                    // A block begins on the line below its key, and people look for the key.
                    if matches!(node.value, Value::Map(_) | Value::List(_)) {
                        (node.line, node.column) = (key.line, key.column);
                    }
                    pairs.push((key, node));
                }
            },
        }
    }

    fn expand(&mut self, anchor: usize, line: usize, column: usize) -> Result<(), Refusal> {
        self.aliases += 1;
        if self.aliases > MOST_ALIASES {
            let words = format!("more than {MOST_ALIASES} aliases");
            return Err(refused(self.file, line, column, &words));
        }
        let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
            return Err(refused(self.file, line, column, "an alias within its own value"));
        };
        // A value is at most as deep as the limit, so that an alias at the bottom of another doubles it at most.
        if self.open.len() + depth(&node) > DEEPEST {
            return Err(too_deep(self.file, line, column));
        }
        self.count(size, line, column)?;
        self.put(Node { line, column, value: node.value });
        Ok(())
    }
}

/// Returns the number of values. Recursion is as deep as the limit of levels.
fn size(node: &Node) -> usize {
    let inner: usize = match &node.value {
        Value::List(list) => list.iter().map(size).sum(),
        Value::Map(map) => map.iter().map(|(_, node)| size(node)).sum(),
        _ => 0,
    };
    inner + 1
}

/// Returns the number of levels.
fn depth(node: &Node) -> usize {
    match &node.value {
        Value::List(list) => list.iter().map(depth).max().unwrap_or_default() + 1,
        Value::Map(map) => map.iter().map(|(_, node)| depth(node)).max().unwrap_or_default() + 1,
        _ => 0,
    }
}

/// Applies `<<`: a map's own keys win over those that are merged, earlier merged ones over later.
fn merged(pairs: Vec<(Node, Node)>) -> Vec<(String, Node)> {
    let (merges, own): (Vec<_>, Vec<_>) =
        pairs.into_iter().partition(|(key, _)| key.text() == Some("<<"));
    // A list or a map as a key has no name here.
    let named = own.into_iter().filter_map(|(key, node)| Some((name(&key)?, node)));
    let mut map = entries(named);
    for (_, node) in merges {
        let sources = match node.value {
            Value::List(list) => list,
            _ => vec![node],
        };
        for (key, node) in sources.iter().flat_map(Node::map) {
            if !map.iter().any(|(own, _)| own == key) {
                map.push((key.clone(), node.clone()));
            }
        }
    }
    map
}

fn name(key: &Node) -> Option<String> {
    match key.value {
        Value::Null => Some(String::new()),
        _ => key.scalar(),
    }
}

/// Reads a plain scalar by the core schema.
fn scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_number(text) => Value::Number(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    }
}

fn is_number(text: &str) -> bool {
    let is_all =
        |text: &str, is: fn(&char) -> bool| !text.is_empty() && text.chars().all(|c| is(&c));
    if let Some(digits) = text.strip_prefix("0x") {
        return is_all(digits, char::is_ascii_hexdigit);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return is_all(digits, |c| ('0'..='7').contains(c));
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    // Letters that Rust reads as numbers, such as `inf` and `nan`, are text here.
    unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.chars().all(|c| c.is_ascii_digit() || ".eE+-".contains(c))
        && text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File { path: "pnpm-workspace.yaml".into(), text: text.into() }
    }

    #[test]
    fn scalars_are_those_of_the_core_schema() {
        let text = "a: 22\nb: 3.10\nc: '22'\nd: yes\ne: ~\nf: 0x1F\ng: true\nh: 1.2.3\ni: !!str 5\nj: .inf\nk: 1e3";
        let node = yaml(&file(text)).unwrap();
        let value = |key: &str| node.get(key).unwrap().value.clone();
        assert_eq!(value("a"), Value::Number("22".into()));
        assert_eq!(value("b"), Value::Number("3.10".into()));
        assert_eq!(value("c"), Value::Text("22".into()));
        assert_eq!(value("d"), Value::Text("yes".into()));
        assert_eq!(value("e"), Value::Null);
        assert_eq!(value("f"), Value::Number("0x1F".into()));
        assert_eq!(value("g"), Value::Bool(true));
        assert_eq!(value("h"), Value::Text("1.2.3".into()));
        assert_eq!(value("i"), Value::Text("5".into()));
        assert_eq!(value("j"), Value::Text(".inf".into()));
        assert_eq!(value("k"), Value::Number("1e3".into()));
    }

    #[test]
    fn anchors_and_merge_keys_are_applied() {
        let text = "base: &base\n  a: 1\n  b: 2\nuse:\n  <<: *base\n  b: 3\nlist: [*base, *base]\n---\nsecond: 1\n";
        let node = yaml(&file(text)).unwrap();
        assert_eq!(node.at(&["use", "a"]).unwrap().scalar().as_deref(), Some("1"));
        let b = node.at(&["use", "b"]).unwrap();
        assert_eq!((b.scalar().as_deref(), b.line, b.column), (Some("3"), 6, 6));
        assert_eq!(node.get("list").unwrap().list().len(), 2);
        assert!(node.get("second").is_none());
    }

    #[test]
    fn aliases_that_multiply_are_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
        }
        let reason = yaml(&file(&text)).unwrap_err().reason;
        assert!(reason.contains("more than"), "{reason}");
    }

    #[test]
    fn an_error_names_line_and_column() {
        let refusal = yaml(&file("a: 1\nb: [1\n")).unwrap_err();
        assert!(refusal.reason.starts_with("`pnpm-workspace.yaml:"), "{}", refusal.reason);
        let refusal = yaml(&file("a: 'x\n")).unwrap_err();
        assert!(refusal.reason.starts_with("`pnpm-workspace.yaml:"), "{}", refusal.reason);
    }
}
