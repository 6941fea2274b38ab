//! Places that messages may go to beside public addresses over https.

use ipnet::IpNet;
use std::net::IpAddr;
use thiserror::Error;
use url::{Host, Url};
use windlass_model::address::{is_global, is_link_local};

/// Places that the operator allows: they may be private, and may be reached without TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow(Vec<Rule>);

/// An entry that names no place.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "`{0}` names no place: expected a host as URLs write it (`hooks.corp`), a host with a port \
     (`hooks.corp:8080`), or a network (`10.0.0.0/8`)"
)]
pub struct AllowError(pub String);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// A host. `None` means any port.
    Host(String, Option<u16>),
    Network(IpNet),
}

impl Allow {
    /// Reads entries: `host`, `host:port`, or a network as `10.0.0.0/8`.
    ///
    /// # Errors
    /// [`AllowError`] for the first entry that is none of them.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self, AllowError> {
        entries.iter().map(|entry| rule(entry.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Returns whether a message may go to an address of a host. An address at which a cloud serves credentials is
    /// reached by no name.
    pub(crate) fn may(
        &self,
        host: &Host<String>,
        port: u16,
        is_tls: bool,
        address: IpAddr,
    ) -> bool {
        let is_name = matches!(host, Host::Domain(_));
        if is_name && is_link_local(address) {
            return false;
        }
        let name = host.to_string();
        let is_allowed = self.0.iter().any(|rule| match rule {
            Rule::Host(own, own_port) => *own == name && own_port.is_none_or(|own| own == port),
            Rule::Network(network) => network.contains(&address.to_canonical()),
        });
        is_allowed || is_tls && is_global(address)
    }
}

fn rule(entry: &str) -> Result<Rule, AllowError> {
    if let Ok(network) = entry.parse::<IpNet>() {
        return Ok(Rule::Network(network));
    }
    let fail = || AllowError(entry.chars().take(80).collect());
    let url = Url::parse(&format!("http://{entry}/")).map_err(|_| fail())?;
    let host = url.host_str().filter(|host| !host.contains('*')).ok_or_else(fail)?;
    let rest = entry.strip_prefix(host).ok_or_else(fail)?;
    if rest.is_empty() {
        return Ok(Rule::Host(host.to_owned(), None));
    }
    let port = rest.strip_prefix(':').and_then(|port| port.parse().ok()).ok_or_else(fail)?;
    Ok(Rule::Host(host.to_owned(), Some(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries stand between blanks.
    fn may(allow: &str, url: &str, address: &str) -> bool {
        let allow: Vec<_> = allow.split_whitespace().collect();
        let url = Url::parse(url).unwrap();
        let host = url.host().unwrap().to_owned();
        let port = url.port_or_known_default().unwrap();
        let is_tls = url.scheme() == "https";
        Allow::parse(&allow).unwrap().may(&host, port, is_tls, address.parse().unwrap())
    }

    #[test]
    fn public_addresses_over_https_are_allowed_and_all_others_are_named() {
        for (allow, url, address, expected) in [
            ("", "https://hooks.example/", "1.1.1.1", true),
            ("", "http://hooks.example/", "1.1.1.1", false),
            ("hooks.example", "http://hooks.example/", "1.1.1.1", true),
            ("", "https://hooks.example/", "10.0.0.1", false),
            ("", "https://hooks.example/", "::ffff:10.0.0.1", false),
            ("10.0.0.0/8", "https://hooks.example/", "10.9.9.9", true),
            ("10.0.0.0/8", "http://10.9.9.9/", "10.9.9.9", true),
            ("10.0.0.0/8", "https://hooks.example/", "::ffff:10.0.0.1", true),
            ("10.0.0.0/8", "https://hooks.example/", "192.168.0.1", false),
            ("hooks.corp:8080", "http://hooks.corp:8080/", "192.168.0.1", true),
            ("hooks.corp:8080", "http://hooks.corp/", "192.168.0.1", false),
            ("127.0.0.1:80", "http://127.0.0.1/", "127.0.0.1", true),
            ("[::1]", "http://[::1]:3000/", "::1", true),
            // A name that leads to a cloud's credentials, whatever is allowed.
            ("hooks.corp 169.254.0.0/16", "https://hooks.corp/", "169.254.169.254", false),
        ] {
            assert_eq!(may(allow, url, address), expected, "{allow} {url} {address}");
        }
    }

    #[test]
    fn an_entry_that_names_no_place_is_refused() {
        for bad in
            ["", "https://hooks.corp", "hooks.corp/x", "*.corp", "Hooks.Corp", "a:b", "10.0.0.0/99"]
        {
            assert_eq!(Allow::parse(&[bad]), Err(AllowError(bad.to_owned())), "{bad}");
        }
    }
}
