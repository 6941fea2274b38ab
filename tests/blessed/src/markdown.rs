//! Reference of a TOML file for people, made from its schema.

#![allow(clippy::indexing_slicing, reason = "a key that is missing in JSON reads as null")]

use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write};

/// Returns the reference as Markdown: a head, the keys at the top, then each table once.
///
/// # Panics
/// A schema that refers to what it does not hold.
#[must_use]
pub fn markdown(head: &str, root: &Value) -> String {
    let mut reference =
        Reference { root, text: format!("{head}\n## Top level\n\n"), written: BTreeMap::new() };
    let top = Table { path: String::new(), is_list: false, description: "", schema: root };
    reference.table(&top);
    reference.text
}

/// Part of a path that stands for a name of the reader's choice.
const NAME: &str = "NAME";

/// One table of the file.
struct Table<'a> {
    /// Keys up to this table, parted by dots.
    path: String,
    /// True for a table in double brackets.
    is_list: bool,
    description: &'a str,
    schema: &'a Value,
}

/// The text as far as it is written, with the place of each shared definition in it.
struct Reference<'a> {
    root: &'a Value,
    text: String,
    written: BTreeMap<&'a str, String>,
}

impl<'a> Reference<'a> {
    /// Writes a table and those in it.
    fn table(&mut self, table: &Table<'a>) {
        let required: Vec<_> = list(&table.schema["required"]).iter().map(text).collect();
        let mut inner = Vec::new();
        for (key, property) in table.schema["properties"].as_object().into_iter().flatten() {
            let path = [&*table.path, key.as_str()].join(".").trim_start_matches('.').to_owned();
            let description = described(self.root, property);
            let kind = self.kind(property);
            let mut notes = vec![kind];
            if required.contains(&&**key) {
                notes.push("required".into());
            }
            notes.extend(default(&property["default"]));
            let line = description.replace('\n', " ");
            writeln!(self.text, "- `{key}` ({}): {line}", notes.join(", ")).unwrap();
            self.values(property);
            let schema = resolve(self.root, property);
            let items = resolve(self.root, &schema["items"]);
            let named = resolve(self.root, &schema["additionalProperties"]);
            let (nested, path) = if items["properties"].is_object() {
                (items, path)
            } else if named["properties"].is_object() {
                (named, format!("{path}.{NAME}"))
            } else {
                (schema, path)
            };
            if nested["properties"].is_object() {
                let is_list = schema["items"].is_object();
                inner.push((property, Table { path, is_list, description, schema: nested }));
            }
        }
        for (property, table) in inner {
            self.section(property, &table);
        }
    }

    /// Writes a heading and a table. A definition that was written before gets a reference to its place.
    fn section(&mut self, property: &'a Value, table: &Table<'a>) {
        let header =
            if table.is_list { format!("[[{}]]", table.path) } else { format!("[{}]", table.path) };
        let description = table.description.replace('\n', " ");
        write!(self.text, "\n## `{header}`\n\n{description}\n\n").unwrap();
        let own = definition(property).or_else(|| definition(&property["items"]));
        let own = own.or_else(|| definition(&property["additionalProperties"]));
        if let Some(before) = own.and_then(|name| self.written.get(name)) {
            writeln!(self.text, "The keys are those of `{before}`.").unwrap();
            return;
        }
        if let Some(name) = own {
            self.written.insert(name, header);
        }
        self.table(table);
    }

    /// Lists the values of an enumeration, each with its meaning.
    fn values(&mut self, property: &Value) {
        let schema = resolve(self.root, property);
        let items = resolve(self.root, &schema["items"]);
        let known = list(&schema["oneOf"]).iter().chain(list(&items["oneOf"]));
        for value in known.filter(|value| value["description"].is_string()) {
            let meaning = text(&value["description"]).replace('\n', " ");
            writeln!(self.text, "  - `{}`: {meaning}", text(&value["const"])).unwrap();
        }
    }

    /// Returns the form of a value.
    fn kind(&self, property: &Value) -> String {
        let schema = resolve(self.root, property);
        if !list(&schema["oneOf"]).is_empty() || !list(&schema["enum"]).is_empty() {
            // Those without a comment stand together in an `enum` of their own.
            let known = list(&schema["oneOf"]).iter().flat_map(|value| match &value["const"] {
                Value::Null => list(&value["enum"]),
                known => std::slice::from_ref(known),
            });
            let known = known.chain(list(&schema["enum"]));
            return known.map(|one| format!("`{}`", text(one))).collect::<Vec<_>>().join(" or ");
        }
        if !list(&schema["anyOf"]).is_empty() {
            let kinds = list(&schema["anyOf"]).iter().map(|one| self.kind(one));
            return kinds.collect::<Vec<_>>().join(" or ");
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.first().map(text).unwrap_or_default(),
            kind => text(kind),
        };
        match kind {
            "array" => format!("list, each {}", self.kind(&schema["items"])),
            "object" if schema["additionalProperties"].is_object() => {
                format!("table, each value {}", self.kind(&schema["additionalProperties"]))
            }
            // Settings of plugins have a schema of their own.
            "object" | "" => "table".into(),
            kind => kind.into(),
        }
    }
}

/// Follows a reference, and takes the schema of a value out of that of an optional one.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return root.pointer(reference.trim_start_matches('#')).unwrap();
    }
    match list(&schema["anyOf"]) {
        [one, absent] if absent["type"] == "null" => resolve(root, one),
        _ => schema,
    }
}

/// Returns the name of the definition that a property refers to.
fn definition(property: &Value) -> Option<&str> {
    let direct = property["$ref"].as_str();
    direct.or_else(|| list(&property["anyOf"]).iter().find_map(|one| one["$ref"].as_str()))
}

/// Returns the comment at the key, else that of its type.
fn described<'a>(root: &'a Value, property: &'a Value) -> &'a str {
    let schema = resolve(root, property);
    let all = [property, schema, resolve(root, &schema["items"])];
    all.iter().find_map(|value| value["description"].as_str()).unwrap_or_default()
}

/// Returns the note on a default. `None` means that there is none, or an empty one.
fn default(value: &Value) -> Option<String> {
    let is_shown = match value {
        Value::Null | Value::Object(_) => false,
        Value::Array(values) => !values.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    };
    is_shown.then(|| format!("default `{value}`"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
