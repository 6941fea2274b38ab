//! The reference of `windlassd.toml` for people, made from its schema.

use super::Config;
use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write};

/// The top of the file.
const HEAD: &str = "# windlassd.toml

<!-- Made from the types in daemon/src/config.rs. After a change there:
     WINDLASS_BLESS=1 cargo test -p windlassd config::reference -->

`windlassd` reads `/etc/windlass/windlassd.toml`, or the file of `--config`. `windlassd check` says what is
wrong with it and which part does not answer. An unknown key is refused with the nearest known one.

A key that is in no list can be set in the environment too, which overrides the file: `WINDLASSD_FORBID_ROOT=true` for `forbid-root`,
`WINDLASSD_LISTEN__TCP=127.0.0.1:7443` for `listen.tcp`. Variables of others do not count: those of the client, such as
`WINDLASS_TOKEN`, and those that Kubernetes sets for a `Service` named `windlass` or `windlassd`.

`windlassd schema` prints the same as a JSON schema, for editors; it is
[windlassd.schema.json](windlassd.schema.json). The guide is [deploy/README.md](../README.md).
";

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
            let nested = if items["properties"].is_object() { items } else { schema };
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
        for value in list(&schema["oneOf"]).iter().chain(list(&items["oneOf"])) {
            let meaning = text(&value["description"]).replace('\n', " ");
            writeln!(self.text, "  - `{}`: {meaning}", text(&value["const"])).unwrap();
        }
    }

    /// Returns the form of a value.
    fn kind(&self, property: &Value) -> String {
        let schema = resolve(self.root, property);
        if !list(&schema["oneOf"]).is_empty() || !list(&schema["enum"]).is_empty() {
            let known = list(&schema["oneOf"]).iter().map(|value| &value["const"]);
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

fn markdown(root: &Value) -> String {
    let mut reference =
        Reference { root, text: format!("{HEAD}\n## Top level\n\n"), written: BTreeMap::new() };
    let top = Table { path: String::new(), is_list: false, description: "", schema: root };
    reference.table(&top);
    reference.text
}

/// Compares a text with a published file. `WINDLASS_BLESS=1` writes it.
fn compare(name: &str, made: &str) {
    let file = windlass_blessed::reference(name);
    assert!(
        windlass_blessed::holds(&file, made),
        "{} is not of this code: WINDLASS_BLESS=1 writes it",
        file.display()
    );
}

#[test]
fn the_published_reference_is_of_this_code() {
    compare("windlassd.md", &markdown(&Config::schema()));
}

#[test]
fn the_published_schema_is_of_this_code() {
    compare("windlassd.schema.json", &format!("{:#}\n", Config::schema()));
}

#[test]
fn each_key_has_a_sentence() {
    let text = markdown(&Config::schema());
    let bare: Vec<_> = text.lines().filter(|line| line.ends_with("): ")).collect();
    assert!(bare.is_empty(), "no comment at: {bare:#?}");
}
