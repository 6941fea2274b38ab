//! Dependencies of each manifest: pyproject.toml, Pipfile, setup.cfg, setup.py.

use super::dependency::{Dependency, canonical};
use crate::{
    File,
    read::{Node, Value},
};

/// Extras and groups that are for development.
const DEVELOPMENT: [&str; 9] =
    ["dev", "develop", "development", "test", "tests", "testing", "lint", "docs", "typing"];

/// Names of extras that hold what tests need, the nearest first.
pub(super) const TESTS: [&str; 6] = ["test", "tests", "testing", "dev", "develop", "development"];

/// A path that a manifest names, relative to the app, with its source.
pub(super) type Local = (String, String);

/// Dependencies of a manifest, and paths among them.
#[derive(Clone, Debug, Default)]
pub(super) struct Declared {
    pub(super) dependencies: Vec<Dependency>,
    pub(super) local: Vec<Local>,
}

/// Reads the tables of a pyproject.toml that declare dependencies.
pub(super) fn pyproject(root: &Node) -> Declared {
    let mut all = Declared::default();
    let texts = |all: &mut Declared, list: Option<&Node>, dev: bool| {
        for node in list.map(Node::list).unwrap_or_default() {
            let source = format!("pyproject.toml:{}", node.line);
            let read = node.text().and_then(|text| Dependency::parse(text, &source, dev));
            all.dependencies.extend(read);
        }
    };
    texts(&mut all, root.at(&["project", "dependencies"]), false);
    for (name, list) in map(root.at(&["project", "optional-dependencies"])) {
        if DEVELOPMENT.contains(&&**name) {
            texts(&mut all, Some(list), true);
        }
    }
    for (_, list) in map(root.get("dependency-groups")) {
        texts(&mut all, Some(list), true);
    }
    for (_, list) in map(root.at(&["tool", "pdm", "dev-dependencies"])) {
        texts(&mut all, Some(list), true);
    }
    texts(&mut all, root.at(&["tool", "uv", "dev-dependencies"]), true);
    poetry(root.at(&["tool", "poetry", "dependencies"]), false, &mut all);
    poetry(root.at(&["tool", "poetry", "dev-dependencies"]), true, &mut all);
    for (_, group) in map(root.at(&["tool", "poetry", "group"])) {
        poetry(group.get("dependencies"), true, &mut all);
    }
    for (name, source) in map(root.at(&["tool", "uv", "sources"])) {
        if let Some(path) = source.get("path").and_then(Node::text) {
            all.local.push((path.to_owned(), format!("pyproject.toml:{} {name}", source.line)));
        }
    }
    // `money @ file:///${PROJECT_ROOT}/libs/money`, of pdm.
    let named = all.dependencies.iter().filter_map(|dependency| {
        let (_, path) = dependency.text.split_once("file:///${PROJECT_ROOT}/")?;
        Some((path.to_owned(), dependency.source.clone()))
    });
    let named: Vec<Local> = named.collect();
    all.local.extend(named);
    all
}

/// Reads the tables of a Pipfile.
pub(super) fn pipfile(root: &Node) -> Declared {
    let mut all = Declared::default();
    for (table, dev) in [("packages", false), ("dev-packages", true)] {
        table_of(root.get(table), "Pipfile", dev, &mut all);
    }
    all
}

fn poetry(table: Option<&Node>, dev: bool, all: &mut Declared) {
    table_of(table, "pyproject.toml", dev, all);
}

/// Reads a table of names: `flask = "^3"`, `money = { path = "../money" }`.
fn table_of(table: Option<&Node>, file: &str, dev: bool, all: &mut Declared) {
    for (name, node) in map(table) {
        if name == "python" {
            continue;
        }
        let source = format!("{file}:{}", node.line);
        let one = match &node.value {
            Value::List(list) => list.first().unwrap_or(node),
            _ => node,
        };
        let extras = one.get("extras").map(Node::list).unwrap_or_default();
        let extras: Vec<_> = extras.iter().filter_map(Node::text).collect();
        if let Some(path) = one.get("path").and_then(Node::text) {
            all.local.push((path.to_owned(), format!("{source} {name}")));
        }
        let is_git = one.get("git").is_some();
        if one.get("optional").and_then(Node::bool) == Some(true) {
            continue;
        }
        all.dependencies.push(Dependency {
            name: canonical(name),
            extras: extras.iter().map(|extra| extra.to_ascii_lowercase()).collect(),
            source,
            dev,
            text: if is_git { format!("{name} @ git+") } else { name.clone() },
        });
    }
}

/// Reads `install_requires` of setup.cfg.
pub(super) fn setup_cfg(file: &File) -> Declared {
    let mut all = Declared::default();
    let mut open = false;
    let mut table = "";
    for (number, line) in numbered(file) {
        if let Some(name) = line.strip_prefix('[') {
            table = name.split(']').next().unwrap_or_default();
            open = false;
            continue;
        }
        let is_more = line.starts_with([' ', '\t']);
        let value = if is_more {
            if open { line } else { continue }
        } else {
            let Some((key, value)) = line.split_once('=') else { continue };
            open = table == "options" && key.trim() == "install_requires";
            value
        };
        if open {
            let source = format!("setup.cfg:{number}");
            all.dependencies.extend(Dependency::parse(value, &source, false));
        }
    }
    all
}

/// Returns a key of a table of setup.cfg, with its line.
pub(super) fn setup_cfg_value(file: &File, table: &str, key: &str) -> Option<(usize, String)> {
    let mut at = "";
    for (number, line) in numbered(file) {
        if let Some(name) = line.strip_prefix('[') {
            at = name.split(']').next().unwrap_or_default();
        } else if at == table
            && let Some((name, value)) = line.split_once('=')
            && name.trim() == key
        {
            return Some((number, value.trim().to_owned()));
        }
    }
    None
}

/// Reads literals of `install_requires = [...]` in setup.py. A list that is computed is not read.
pub(super) fn setup_py(file: &File) -> Declared {
    let mut all = Declared::default();
    let Some((before, rest)) = file.text.split_once("install_requires") else { return all };
    let Some(list) = rest.trim_start().strip_prefix('=').map(str::trim_start) else { return all };
    let Some(list) = list.strip_prefix('[').and_then(|list| list.split_once(']')) else {
        return all;
    };
    let first = before.matches('\n').count() + 1;
    for (index, line) in list.0.lines().enumerate() {
        let source = format!("setup.py:{}", first + index);
        let mut rest = line.split('#').next().unwrap_or_default();
        while let Some((text, after)) = quoted(rest) {
            all.dependencies.extend(Dependency::parse(text, &source, false));
            rest = after;
        }
    }
    all
}

/// Returns the literal of a keyword in setup.py, with its line.
pub(super) fn setup_py_value(file: &File, key: &str) -> Option<(usize, String)> {
    for (number, line) in numbered(file) {
        let Some((_, rest)) = line.split_once(key) else { continue };
        let Some(value) = rest.trim_start().strip_prefix('=') else { continue };
        let value = value.trim_start();
        if !value.starts_with(['"', '\'']) {
            continue;
        }
        let Some((text, _)) = quoted(value) else { continue };
        return Some((number, text.to_owned()));
    }
    None
}

/// Returns the first literal of a line, and what follows it.
fn quoted(line: &str) -> Option<(&str, &str)> {
    let start = line.find(['"', '\''])?;
    let quote = line.get(start..)?.chars().next()?;
    line.get(start + 1..)?.split_once(quote)
}

fn numbered(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let lines = file.text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with(['#', ';']) && !line.trim().is_empty())
}

fn map(node: Option<&Node>) -> &[(String, Node)] {
    node.map(Node::map).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    fn names(declared: &Declared) -> Vec<(&str, &str)> {
        declared.dependencies.iter().map(|one| (&*one.name, &*one.source)).collect()
    }

    #[test]
    fn requirements_of_setuptools_are_read_where_they_are_literal() {
        let cfg = file(
            "setup.cfg",
            "[options]\npython_requires = >=3.9\ninstall_requires =\n    Flask>=3\n    # x\n    gunicorn\n\n\
             [options.extras_require]\ntest = pytest\n",
        );
        assert_eq!(
            names(&setup_cfg(&cfg)),
            [("flask", "setup.cfg:4"), ("gunicorn", "setup.cfg:6")]
        );
        assert_eq!(
            setup_cfg_value(&cfg, "options", "python_requires"),
            Some((2, ">=3.9".to_owned()))
        );
        let py = file(
            "setup.py",
            "setup(\n    python_requires='>=3.8',\n    install_requires=[\n        'flask', \"Redis>=5\",\n    ],\n)\n",
        );
        assert_eq!(names(&setup_py(&py)), [("flask", "setup.py:4"), ("redis", "setup.py:4")]);
        assert_eq!(setup_py_value(&py, "python_requires"), Some((2, ">=3.8".to_owned())));
        let computed = file("setup.py", "setup(install_requires=read('requirements.txt'))\n");
        assert_eq!(names(&setup_py(&computed)), []);
    }
}
