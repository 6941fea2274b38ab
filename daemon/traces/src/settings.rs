//! Settings of the operator.

use crate::headers;
use http::HeaderMap;
use std::path::PathBuf;
use url::Url;
use windlass_dial::is_loopback;

/// Path of traces below the address of a collector, by OTLP over HTTP.
const PATH: &str = "v1/traces";

/// Settings of the operator for traces.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// Address of the collector for traces.
    pub(crate) url: Url,
    pub(crate) headers_file: Option<PathBuf>,
    /// PEM file of certificate authorities, trusted beside the system's. `None` means the system's alone.
    pub(crate) ca: Option<PathBuf>,
}

impl TraceSettings {
    /// Checks and joins the settings. `endpoint` is the collector's address without `/v1/traces`.
    ///
    /// # Errors
    /// A sentence that begins with the key that is wrong.
    pub fn new(
        endpoint: &str,
        headers_file: Option<PathBuf>,
        ca: Option<PathBuf>,
    ) -> Result<Self, String> {
        let refuse = |why: &str| Err(format!("endpoint: `{endpoint}` {why}"));
        let Ok(base) = Url::parse(endpoint) else {
            return refuse("is no URL; expected one such as `http://127.0.0.1:4318`");
        };
        let is_tls = match base.scheme() {
            "https" => true,
            "http" => false,
            _ => {
                return refuse(
                    "must begin with `http://` or `https://`: traces are sent by OTLP over HTTP",
                );
            }
        };
        if !base.username().is_empty() || base.password().is_some() {
            // The value is not repeated: it holds a login.
            return Err("endpoint: holds a login; put it as a header into `headers-file`".into());
        }
        if base.query().is_some() || base.fragment().is_some() {
            return refuse("has a query or a fragment; give the address up to it");
        }
        if headers_file.is_some() && !is_tls && !is_loopback(&base) {
            return refuse("is without TLS, and `headers-file` may hold a token: use `https://`");
        }
        let mut url = base;
        let path = format!("{}/{PATH}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let settings = Self { url, headers_file, ca };
        settings.headers().map_err(|error| format!("headers-file: {error}"))?;
        Ok(settings)
    }

    /// Reads the headers of requests. They may be replaced while the daemon runs.
    pub(crate) fn headers(&self) -> Result<HeaderMap, String> {
        self.headers_file.as_deref().map_or_else(|| Ok(HeaderMap::new()), headers::read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn settings(endpoint: &str, headers: Option<&Path>) -> Result<TraceSettings, String> {
        TraceSettings::new(endpoint, headers.map(Path::to_path_buf), None)
    }

    #[test]
    fn traces_go_below_the_address_of_the_collector() {
        for (endpoint, url) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://collector.monitoring:4318/", "http://collector.monitoring:4318/v1/traces"),
            ("https://otlp.example/team/a/", "https://otlp.example/team/a/v1/traces"),
        ] {
            assert_eq!(settings(endpoint, None).unwrap().url.as_str(), url);
        }
    }

    #[test]
    fn an_address_that_cannot_be_is_refused_with_its_fault() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "authorization: Bearer one\n").unwrap();
        for (endpoint, expected) in [
            ("127.0.0.1:4318", "is no URL"),
            ("grpc://127.0.0.1:4317", "must begin with `http://`"),
            ("https://otlp.example/?key=1", "has a query"),
            ("http://otlp.example", "is without TLS"),
        ] {
            let error = settings(endpoint, Some(file.path())).unwrap_err();
            assert!(error.starts_with("endpoint: `") && error.contains(expected), "{error}");
        }
        let error = settings("https://me:hunter2@otlp.example", None).unwrap_err();
        assert!(error.starts_with("endpoint: holds a login") && !error.contains("hunter2"));
        settings("http://localhost:4318", Some(file.path())).unwrap();
        let error = settings("https://otlp.example", Some(Path::new("/nowhere/x"))).unwrap_err();
        assert!(error.starts_with("headers-file: /nowhere/x: "), "{error}");
    }
}
