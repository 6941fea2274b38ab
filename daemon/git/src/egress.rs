//! Egress policy: hosts and addresses that the daemon may connect to on behalf of a job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, ToSocketAddrs};
use url::{Host, Url};
use windlass_model::{address::is_global, error::GitError, repository};

/// Addresses that the daemon may connect to for repositories. Public addresses over https are allowed, all
/// others only if they are named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Egress {
    /// `host` or `host:port`, as URLs name them. They may be private, and may be reached without TLS.
    pub allow: Vec<String>,
}

impl Egress {
    /// Checks a repository's URL, and returns the one to connect to: the text may mean another host
    /// to another parser.
    ///
    /// # Errors
    /// [`GitError::Address`] for a URL of a wrong form, [`GitError::Egress`] for a host that is not allowed,
    /// [`GitError::Unreachable`] for a name that does not resolve.
    pub fn check(&self, text: &str) -> Result<Url, GitError> {
        repository::check(text)
            .map_err(|error| GitError::Address { url: error.shown, message: error.problem })?;
        let refuse = |message: &str| GitError::Egress { url: text.into(), message: message.into() };
        let url = Url::parse(text).map_err(|error| refuse(&format!("it is no URL: {error}")))?;
        let host = url.host().ok_or_else(|| refuse("it has no host"))?;
        let port = url.port_or_known_default().unwrap_or(9418);
        let name = host.to_string();
        if self.allow.iter().any(|allowed| *allowed == name || *allowed == format!("{name}:{port}"))
        {
            return Ok(url);
        }
        if url.scheme() != "https" {
            return Err(refuse("only https is allowed to hosts that the operator did not name"));
        }
        let addresses: Vec<IpAddr> = match host {
            Host::Ipv4(address) => vec![address.into()],
            Host::Ipv6(address) => vec![address.into()],
            Host::Domain(domain) => match (domain, port).to_socket_addrs() {
                Ok(found) => found.map(|address| address.ip()).collect(),
                Err(error) => {
                    let message = format!("its name does not resolve: {error}");
                    return Err(GitError::Unreachable { repository: text.into(), message });
                }
            },
        };
        match addresses.into_iter().find(|address| !is_global(*address)) {
            Some(address) => Err(refuse(&format!("{name} is the private address {address}"))),
            None => Ok(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_places_are_refused_unless_named() {
        let strict = Egress::default();
        for bad in [
            "https://127.0.0.1/x.git",
            "https://0x7f.1/x.git",
            "https://10.1.2.3/x.git",
            "https://169.254.169.254/latest",
            "https://[::ffff:10.0.0.1]/x",
            "https://[::1]/x",
            "http://1.1.1.1/x.git",
            "git://1.1.1.1/x.git",
        ] {
            assert!(matches!(strict.check(bad), Err(GitError::Egress { .. })), "{bad}");
        }
        for bad in ["file:///etc", "ssh://git@1.1.1.1/x", "https://user:pass@1.1.1.1/x", "/etc"] {
            assert!(matches!(strict.check(bad), Err(GitError::Address { .. })), "{bad}");
        }
        strict.check("https://1.1.1.1/x.git").unwrap();
        let named = Egress { allow: vec!["127.0.0.1:8080".into()] };
        named.check("http://127.0.0.1:8080/x.git").unwrap();
        named.check("http://127.0.0.1:8081/x.git").unwrap_err();
    }

    /// The checked host is the one that is connected to, however it was written.
    #[test]
    fn what_may_be_connected_to_is_written_in_one_way() {
        let checked = Egress::default().check("HTTPS://0x01.1.1.1:443/a/../x.git").unwrap();
        assert_eq!(checked.as_str(), "https://1.1.1.1/x.git");
        let named = Egress { allow: vec!["127.0.0.1:18001".into()] };
        for bad in [
            "http://127.0.0.1:18001?@127.0.0.1:18002/internal/repo.git",
            "http://127.0.0.1:18001#@127.0.0.1:18002/internal/repo.git",
            "http://127.0.0.1:18001\\@127.0.0.1:18002/internal/repo.git",
        ] {
            assert!(matches!(named.check(bad), Err(GitError::Address { .. })), "{bad}");
        }
    }
}
