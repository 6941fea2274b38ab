//! Requests after each forge's documentation, signed with one secret.

use http::{HeaderMap, HeaderName};
use std::{fs, path::PathBuf};
use windlass_model::forge::ForgeKind;

/// Secret of all of them.
pub(crate) const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Time at which GitLab signed.
pub(crate) const NOW_MS: u64 = 1_764_144_000_000;

/// A request.
pub(crate) struct Request {
    /// Folder and event: `github/push`.
    pub(crate) name: String,
    pub(crate) kind: ForgeKind,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Returns the request of a name.
pub(crate) fn request(name: &str) -> Request {
    let path = folder().join(name);
    let text = fs::read_to_string(path.with_extension("headers")).unwrap();
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    let kind = ForgeKind::parse(name.split('/').next().unwrap()).unwrap();
    let body = fs::read(path.with_extension("json")).unwrap();
    Request { name: name.to_owned(), kind, headers, body }
}

/// Returns all requests.
pub(crate) fn all() -> Vec<Request> {
    let mut found = Vec::new();
    for kind in ForgeKind::ALL {
        let mut names: Vec<_> = fs::read_dir(folder().join(kind.as_str()))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        found.extend(names.iter().map(|name| request(&format!("{kind}/{name}"))));
    }
    assert!(found.len() > 60, "fixtures are looked for in the wrong place");
    found
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}
