//! Extensions that a project requires and that its base has not.

use crate::read::Node;

/// Extensions of every image of PHP.
const BUNDLED: [&str; 32] = [
    "core",
    "ctype",
    "curl",
    "date",
    "dom",
    "fileinfo",
    "filter",
    "hash",
    "iconv",
    "json",
    "libxml",
    "mbstring",
    "openssl",
    "pcre",
    "pdo",
    "pdo_sqlite",
    "phar",
    "posix",
    "random",
    "readline",
    "reflection",
    "session",
    "simplexml",
    "sodium",
    "spl",
    "sqlite3",
    "standard",
    "tokenizer",
    "xml",
    "xmlreader",
    "xmlwriter",
    "zlib",
];

/// Returns extensions to install, each with what requires it. `opcache` is always among them.
#[must_use]
pub fn extensions(composer: Option<&Node>, lock: Option<&Node>) -> Vec<(String, String)> {
    let mut all = vec![("opcache".to_owned(), "always".to_owned())];
    let mut add = |required: &Node, file: &str| {
        for (name, node) in required.map() {
            let Some(name) = name.strip_prefix("ext-") else { continue };
            let name = name.to_ascii_lowercase().replace('-', "_");
            let name = match &*name {
                "zend_opcache" => "opcache",
                name => name,
            };
            let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let is_there = BUNDLED.contains(&name);
            if is_there || !name.chars().all(good) || all.iter().any(|(known, _)| known == name) {
                continue;
            }
            all.push((name.to_owned(), format!("{file}:{}", node.line)));
        }
    };
    if let Some(required) = composer.and_then(|root| root.get("require")) {
        add(required, "composer.json");
    }
    for package in lock.and_then(|root| root.get("packages")).map(Node::list).unwrap_or_default() {
        if let Some(required) = package.get("require") {
            add(required, "composer.lock");
        }
    }
    all.sort();
    all
}
