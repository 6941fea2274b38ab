//! Where the daemon may connect to on behalf of a job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, ToSocketAddrs};
use url::{Host, Url};
use windlass_core::{address::is_global, ports::GitError};

/// Addresses that the daemon may connect to for repositories. Public addresses over https are allowed, all
/// others only if they are named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Egress {
    /// `host` or `host:port`, as URLs name them. They may be private, and may be reached without TLS.
    pub allow: Vec<String>,
}

impl Egress {
    /// Checks a repository's URL.
    ///
    /// # Errors
    /// Says which rule it breaks.
    pub fn check(&self, text: &str) -> Result<Url, GitError> {
        let refuse = |message: &str| GitError::Egress { url: text.into(), message: message.into() };
        let url = Url::parse(text).map_err(|error| refuse(&format!("it is no URL: {error}")))?;
        if !matches!(url.scheme(), "https" | "http" | "git") {
            return Err(refuse(&format!(
                "`{}` is not among https, http and git (ssh is not in this version)",
                url.scheme()
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it holds a user or password: use `source.credential`"));
        }
        let known = |c: char| c.is_ascii_alphanumeric() || "._~/-".contains(c);
        if !url.path().chars().all(known) || url.path().split('/').any(|part| part.starts_with('-'))
        {
            return Err(refuse("its path may hold only letters, digits and `._~/-`"));
        }
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
            "https://10.1.2.3/x.git",
            "https://169.254.169.254/latest",
            "https://[::ffff:10.0.0.1]/x",
            "https://[::1]/x",
            "http://1.1.1.1/x.git",
            "git://1.1.1.1/x.git",
            "file:///etc",
            "ext::sh -c evil",
            "ssh://git@1.1.1.1/x",
            "https://user:pass@1.1.1.1/x",
            "https://1.1.1.1/--upload-pack=x",
            "https://1.1.1.1/a;b",
            "/etc/passwd",
        ] {
            assert!(matches!(strict.check(bad), Err(GitError::Egress { .. })), "{bad}");
        }
        strict.check("https://1.1.1.1/x.git").unwrap();
        let named = Egress { allow: vec!["127.0.0.1:8080".into()] };
        named.check("http://127.0.0.1:8080/x.git").unwrap();
        named.check("http://127.0.0.1:8081/x.git").unwrap_err();
    }
}
