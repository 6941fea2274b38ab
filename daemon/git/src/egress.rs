//! Egress policy: hosts and addresses that the daemon may connect to on behalf of a job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};
use url::Url;
use windlass_model::{address::is_global, error::GitError, repository};

/// Addresses that the daemon may connect to for repositories. Public addresses over https are allowed, all
/// others only if they are named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Egress {
    /// `host` or `host:port`, as URLs name them. They may be private, and may be reached without TLS. A login is
    /// sent without TLS to this machine's own loopback addresses alone.
    pub allow: Vec<String>,
    /// PEM file with certificate authorities of internal servers. They are trusted beside the system's.
    pub ca: Option<PathBuf>,
}

impl Egress {
    /// Reads a repository's URL, and returns the one that is connected to, made from the parts that were read.
    /// Nothing is resolved.
    ///
    /// # Errors
    /// [`GitError::Address`] for a URL of a wrong form, [`GitError::Egress`] for a URL that no address makes right.
    pub fn read(&self, text: &str) -> Result<Url, GitError> {
        repository::check(text)
            .map_err(|error| GitError::Address { url: error.shown, message: error.problem })?;
        let url =
            Url::parse(text).map_err(|error| refuse(text, format!("it is no URL: {error}")))?;
        if url.host().is_none() {
            return Err(refuse(text, "it has no host"));
        }
        // The form above leaves no such part. A URL that has one is not what was checked.
        let is_plain = url.username().is_empty() && url.password().is_none();
        if !is_plain || url.query().is_some() || url.fragment().is_some() {
            return Err(refuse(text, "it has more than a host and a path"));
        }
        if !self.names(&url) && url.scheme() != "https" {
            return Err(refuse(
                text,
                "only https is allowed to hosts that the operator did not name",
            ));
        }
        Ok(url)
    }

    /// Checks all addresses of a URL's host: a connection may be made to any of them.
    ///
    /// # Errors
    /// [`GitError::Egress`] for a private address of a host that the operator did not name.
    pub fn admit(&self, url: &Url, addresses: &[SocketAddr]) -> Result<(), GitError> {
        if self.names(url) {
            return Ok(());
        }
        let private = addresses.iter().map(SocketAddr::ip).find(|address| !is_global(*address));
        let host = url.host_str().unwrap_or_default();
        match private {
            Some(address) => {
                Err(refuse(url.as_str(), format!("{host} is the private address {address}")))
            }
            None => Ok(()),
        }
    }

    /// Returns the first entry of `allow` that no URL's host can equal. `None` means that there is none.
    #[must_use]
    pub fn unusable(&self) -> Option<&str> {
        let is_usable = |entry: &str| {
            let url = Url::parse(&format!("http://{entry}/"));
            !entry.contains('*')
                && url.is_ok_and(|url| {
                    let host = url.host_str().unwrap_or_default();
                    entry == host || entry.strip_prefix(host).is_some_and(is_port)
                })
        };
        self.allow.iter().map(|entry| &**entry).find(|entry| !is_usable(entry))
    }

    /// Returns whether the operator named the host of a URL.
    fn names(&self, url: &Url) -> bool {
        let name = url.host_str().unwrap_or_default();
        let port = port(url);
        self.allow.iter().any(|allowed| *allowed == name || *allowed == format!("{name}:{port}"))
    }
}

/// Returns the port that a URL's server listens on.
pub(crate) fn port(url: &Url) -> u16 {
    // 9418 is that of git://.
    url.port_or_known_default().unwrap_or(9418)
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
}

fn refuse(url: &str, message: impl Into<String>) -> GitError {
    GitError::Egress { url: repository::shown(url), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_no_host_makes_right_are_refused() {
        let strict = Egress::default();
        for bad in ["http://1.1.1.1/x.git", "git://1.1.1.1/x.git"] {
            assert!(matches!(strict.read(bad), Err(GitError::Egress { .. })), "{bad}");
        }
        for bad in ["file:///etc", "ssh://git@1.1.1.1/x", "https://user:pass@1.1.1.1/x", "/etc"] {
            assert!(matches!(strict.read(bad), Err(GitError::Address { .. })), "{bad}");
        }
        strict.read("https://1.1.1.1/x.git").unwrap();
        let named = Egress { allow: vec!["127.0.0.1:8080".into()], ca: None };
        named.read("http://127.0.0.1:8080/x.git").unwrap();
        named.read("http://127.0.0.1:8081/x.git").unwrap_err();
    }

    /// The checked host is the one that is connected to, however it was written.
    #[test]
    fn what_may_be_connected_to_is_written_in_one_way() {
        let checked = Egress::default().read("HTTPS://0x01.1.1.1:443/a/../x.git").unwrap();
        assert_eq!(checked.as_str(), "https://1.1.1.1/x.git");
        let named = Egress { allow: vec!["127.0.0.1:18001".into()], ca: None };
        for bad in [
            "http://127.0.0.1:18001?@127.0.0.1:18002/internal/repo.git",
            "http://127.0.0.1:18001#@127.0.0.1:18002/internal/repo.git",
            "http://127.0.0.1:18001\\@127.0.0.1:18002/internal/repo.git",
        ] {
            assert!(matches!(named.read(bad), Err(GitError::Address { .. })), "{bad}");
        }
    }

    /// One private address among public ones refuses the host: a connection may be made to any of them.
    #[test]
    fn all_addresses_of_a_host_are_checked() {
        let url = Url::parse("https://git.example/x").unwrap();
        let at = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let strict = Egress::default();
        strict.admit(&url, &at(&["1.1.1.1:443", "[2606:4700::1111]:443"])).unwrap();
        for bad in [&["1.1.1.1:443", "10.0.0.1:443"][..], &["[::ffff:10.0.0.1]:443"]] {
            let error = strict.admit(&url, &at(bad)).unwrap_err();
            assert!(error.to_string().contains("git.example is the private"), "{error}");
        }
        let named = Egress { allow: vec!["git.example".into()], ca: None };
        named.admit(&url, &at(&["10.0.0.1:443"])).unwrap();
    }

    #[test]
    fn an_entry_that_matches_nothing_is_found() {
        let unusable = |entry: &str| {
            let egress = Egress { allow: vec![entry.into()], ca: None };
            egress.unusable().is_some()
        };
        for good in ["git.corp", "git.corp:8443", "10.0.0.1", "10.0.0.1:80", "[::1]:9418"] {
            assert!(!unusable(good), "{good}");
        }
        for bad in ["https://git.corp", "git.corp/x", "Git.Corp", "git.corp:x", "*.corp", ""] {
            assert!(unusable(bad), "{bad}");
        }
    }
}
