//! Port, and files that a server reads.

use crate::program::Target;
use windlass_plugin_sdk::{App, EntryKind, PORT, within};

/// Folders and files beside the program that a server reads.
const BESIDE: [&str; 14] = [
    "Rocket.toml",
    "templates",
    "static",
    "assets",
    "public",
    "migrations",
    "config",
    "configuration",
    "views",
    "locales",
    "i18n",
    "content",
    "www",
    "dist",
];

/// Number of source files that are searched.
const MOST: u32 = 60;

/// Port, its source, and an address that nothing else reaches.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Listens {
    pub(crate) port: Option<u16>,
    pub(crate) source: String,
    /// File and line that binds the loopback address alone.
    pub(crate) loopback: Option<String>,
}

/// Searches the program's sources for its port. `None` means that nothing in them listens.
pub(crate) fn listens(app: &App<'_>, target: &Target) -> Listens {
    let src = within(&target.package.folder, "src/**/*.rs");
    let mut files: Vec<String> = target.program.source.iter().cloned().collect();
    files.extend(app.repo.glob(&[&src], MOST).unwrap_or_default());
    let mut listens = Listens::default();
    if target.is_server {
        listens = Listens { port: Some(PORT), source: "default".into(), loopback: None };
    }
    let mut reads = None;
    let mut literal = None;
    for path in &files {
        let Ok(Some(text)) = app.repo.read_text(path, 1 << 18) else { continue };
        for (index, line) in text.lines().enumerate() {
            let at = || format!("{path}:{}", index + 1);
            if line.trim_start().starts_with("//") {
                continue;
            }
            if reads.is_none() && line.contains("\"PORT\"") {
                reads = Some(at());
            }
            if literal.is_none()
                && let Some((port, is_loopback)) = literal_of(line)
            {
                literal = Some((port, at()));
                listens.loopback = is_loopback.then(at);
            }
            if listens.port.is_none() && line.contains("TcpListener") {
                listens = Listens { port: Some(PORT), source: at(), ..listens };
            }
        }
    }
    match (reads, literal) {
        (Some(source), _) => {
            Listens { port: Some(PORT), source: format!("{source} reads PORT"), ..listens }
        }
        (None, Some((port, source))) => Listens { port: Some(port), source, ..listens },
        (None, None) => listens,
    }
}

/// Returns the port of an address that is written into a line, and whether it is the loopback's.
fn literal_of(line: &str) -> Option<(u16, bool)> {
    for (start, is_loopback) in [
        ("\"0.0.0.0:", false),
        ("\"[::]:", false),
        ("\"127.0.0.1:", true),
        ("\"localhost:", true),
        ("([0, 0, 0, 0], ", false),
        ("([127, 0, 0, 1], ", true),
        ("(\"0.0.0.0\", ", false),
        ("(\"127.0.0.1\", ", true),
    ] {
        let Some((_, rest)) = line.split_once(start) else { continue };
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let port = rest.get(..end).and_then(|digits| digits.parse::<u16>().ok());
        if let Some(port) = port.filter(|port| *port > 0) {
            return Some((port, is_loopback));
        }
    }
    None
}

/// Returns paths of the context, and names in the image, of what lies beside the program.
pub(crate) fn beside(app: &App<'_>, target: &Target, context: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for name in BESIDE {
        for folder in [target.package.folder.as_str(), context] {
            let path = within(folder, name);
            let Ok(Some(entry)) = app.repo.stat(&path) else { continue };
            let is_file = name.contains('.');
            if (entry.kind == EntryKind::File) == is_file && entry.kind != EntryKind::Symlink {
                found.push((relative(&path, context).to_owned(), name.to_owned()));
                break;
            }
        }
    }
    found
}

/// Returns a path of the repository as one of a folder that holds it.
pub(crate) fn relative<'a>(path: &'a str, folder: &str) -> &'a str {
    path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/')
}

#[cfg(test)]
mod tests {
    use super::literal_of;

    #[test]
    fn ports_are_read_from_addresses() {
        for (line, port) in [
            ("TcpListener::bind(\"0.0.0.0:3000\").await?;", Some((3000, false))),
            ("let addr = SocketAddr::from(([127, 0, 0, 1], 8081));", Some((8081, true))),
            (".bind((\"127.0.0.1\", 8080))?", Some((8080, true))),
            (".bind((\"0.0.0.0\", port))?", None),
            ("bind(\"0.0.0.0:0\")", None),
            ("bind(\"0.0.0.0:99999\")", None),
        ] {
            assert_eq!(literal_of(line), port, "{line}");
        }
    }
}
