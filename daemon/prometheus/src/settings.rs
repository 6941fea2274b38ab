//! Settings of the operator for one Prometheus.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};
use url::Url;
use windlass_dial::is_loopback;
use windlass_model::secret::Secret;

/// Path of instant queries below the address of a Prometheus.
const PATH: &str = "api/v1/query";

/// Most bytes of the file with the token.
const LARGEST: u64 = 64 << 10;

/// Settings of the operator for one Prometheus.
#[derive(Clone, Debug)]
pub struct PrometheusSettings {
    /// Address as the operator wrote it.
    pub(crate) address: String,
    /// Address of instant queries.
    pub(crate) url: Url,
    /// File with a token. `None` means that requests have no login.
    token_file: Option<PathBuf>,
    /// PEM file of certificate authorities, trusted beside the system's. `None` means the system's alone.
    pub(crate) ca: Option<PathBuf>,
}

impl PrometheusSettings {
    /// Checks and joins the settings. `address` is the server's without `/api/v1/query`.
    ///
    /// # Errors
    /// A sentence that begins with the key that is wrong.
    pub fn new(
        address: &str,
        token_file: Option<PathBuf>,
        ca: Option<PathBuf>,
    ) -> Result<Self, String> {
        let refuse = |why: &str| Err(format!("address: `{address}` {why}"));
        let Ok(base) = Url::parse(address) else {
            return refuse("is no URL; expected one such as `https://prometheus.example.com`");
        };
        if !base.username().is_empty() || base.password().is_some() {
            // The value is not repeated: it holds a login.
            return Err("address: holds a login; put a token into `token-file`".into());
        }
        let is_tls = match base.scheme() {
            "https" => true,
            "http" => false,
            _ => return refuse("must begin with `http://` or `https://`"),
        };
        if base.query().is_some() || base.fragment().is_some() {
            return refuse("has a query or a fragment; give the address up to it");
        }
        if base.path().trim_end_matches('/').ends_with(PATH) {
            return refuse("ends with `/api/v1/query`, which is added to it; leave it out");
        }
        if token_file.is_some() && !is_tls && !is_loopback(&base) {
            return refuse(
                "is without TLS, and the token of `token-file` would travel in clear: use `https://`",
            );
        }
        let mut url = base;
        let path = format!("{}/{PATH}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let settings = Self { address: address.to_owned(), url, token_file, ca };
        settings.token()?;
        Ok(settings)
    }

    /// Reads the token. It may be replaced while the daemon runs. `None` means that requests have no login.
    ///
    /// # Errors
    /// A sentence that begins with the key. It does not repeat the token.
    pub(crate) fn token(&self) -> Result<Option<Secret>, String> {
        let Some(path) = &self.token_file else { return Ok(None) };
        let token = read(path).map_err(|why| format!("token-file: {}: {why}", path.display()))?;
        Ok(Some(token))
    }
}

fn read(path: &Path) -> Result<Secret, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    let length = read.map_err(|error| error.to_string())?;
    if u64::try_from(length).is_ok_and(|length| length > LARGEST) {
        return Err(format!("is longer than {} KiB", LARGEST >> 10));
    }
    let token = text.trim();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err("expected one token of letters, digits and signs, without spaces".into());
    }
    Ok(Secret::new(token.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(address: &str, token: Option<&Path>) -> Result<PrometheusSettings, String> {
        PrometheusSettings::new(address, token.map(Path::to_path_buf), None)
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn queries_go_below_the_address() {
        for (address, url) in [
            ("http://127.0.0.1:9090", "http://127.0.0.1:9090/api/v1/query"),
            (
                "http://prometheus.monitoring:9090/",
                "http://prometheus.monitoring:9090/api/v1/query",
            ),
            ("https://mimir.example/prometheus/", "https://mimir.example/prometheus/api/v1/query"),
        ] {
            assert_eq!(settings(address, None).unwrap().url.as_str(), url);
        }
    }

    #[test]
    fn an_address_that_cannot_be_is_refused_with_its_fault() {
        let token = file("one\n");
        for (address, expected) in [
            ("prometheus", "is no URL"),
            ("127.0.0.1:9090", "is no URL"),
            ("ftp://prometheus.example", "must begin with `http://`"),
            ("https://prometheus.example/?tenant=1", "has a query"),
            ("https://prometheus.example/api/v1/query", "leave it out"),
            ("http://prometheus.example", "is without TLS"),
        ] {
            let error = settings(address, Some(token.path())).unwrap_err();
            assert!(error.starts_with("address: `") && error.contains(expected), "{error}");
        }
        let error = settings("https://me:hunter2@prometheus.example", None).unwrap_err();
        assert!(error.starts_with("address: holds a login") && !error.contains("hunter2"));
        settings("http://localhost:9090", Some(token.path())).unwrap();
        settings("http://prometheus.example", None).unwrap();
    }

    #[test]
    fn a_token_is_one_word_and_is_not_repeated() {
        let at = "https://prometheus.example";
        let good = file("  hunter2.x-y_z=\r\n");
        let token = settings(at, Some(good.path())).unwrap().token().unwrap().unwrap();
        assert_eq!(token.reveal(), b"hunter2.x-y_z=");
        for text in ["", " \n", "hunter2 other", "hunter2\nother", "hunter2\u{7}", "hünter2"] {
            let error = settings(at, Some(file(text).path())).unwrap_err();
            assert!(error.starts_with("token-file: /") && error.contains("one token"), "{error}");
            assert!(!error.contains("nter"), "{error}");
        }
        let long = file(&"a".repeat(70_000));
        let error = settings(at, Some(long.path())).unwrap_err();
        assert!(error.ends_with("is longer than 64 KiB"), "{error}");
        let error = settings(at, Some(Path::new("/nowhere/x"))).unwrap_err();
        assert!(error.starts_with("token-file: /nowhere/x: "), "{error}");
    }
}
