//! Hosts and addresses that the operator allows for registries of projects' own.

use crate::fault::Fault;
use ipnet::IpNet;
use std::{net::IpAddr, time::Duration};
use tokio::{net::lookup_host, time::timeout};
use url::{Host, Url};
use windlass_model::{
    address::{is_global, is_link_local},
    docker_hub,
};

/// Longest wait for the addresses of a name.
const RESOLVES: Duration = Duration::from_secs(5);

/// Host of Docker Hub's API.
const HUB_API: &str = "registry-1.docker.io";

/// Rules of the operator. The default allows no host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Hosts, `*.` and a domain, or `*`.
    allow: Vec<String>,
    private: Vec<IpNet>,
    /// Hosts with their ports that are asked without TLS.
    plain: Vec<String>,
}

impl Rules {
    /// Reads hosts that are allowed, networks of private addresses, and hosts that are asked without TLS.
    ///
    /// # Errors
    /// The key, the entry that cannot be read, and what is expected.
    pub fn parse(allow: &[String], private: &[String], plain: &[String]) -> Result<Self, String> {
        for entry in allow {
            let name = entry.strip_prefix("*.").unwrap_or(entry);
            if entry != "*" && !is_host(name) {
                return Err(format!(
                    "allow: `{entry}` is no host; expected one such as `ghcr.io` or `registry.corp:5000` in lower case, `*.` and a domain, or `*`"
                ));
            }
        }
        for entry in plain {
            if !is_host(entry) {
                return Err(format!(
                    "plain-http: `{entry}` is no host; expected one such as `registry.corp:5000`, in lower case"
                ));
            }
        }
        let network = |entry: &String| {
            entry.parse::<IpNet>().map_err(|_| {
                format!(
                    "private-addresses: `{entry}` is no network; expected one such as `10.0.0.0/8`"
                )
            })
        };
        let private = private.iter().map(network).collect::<Result<_, _>>()?;
        Ok(Self { allow: allow.to_vec(), private, plain: plain.to_vec() })
    }

    /// Returns whether no host is allowed at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty()
    }

    /// Returns whether a host is allowed. An entry without a port stands for all ports of its host.
    #[must_use]
    pub fn allows(&self, host: &str) -> bool {
        let bare = match host.rsplit_once(':') {
            Some((bare, port)) if port.bytes().all(|c| c.is_ascii_digit()) => bare,
            _ => host,
        };
        self.allow.iter().any(|entry| match entry.strip_prefix("*.") {
            Some(domain) => is_below(host, domain) || is_below(bare, domain),
            None => entry == "*" || entry == host || entry == bare,
        })
    }

    /// Returns an address of a host that may not be connected to. `None` means that it has none now: the builder and the
    /// nodes may connect to any of them.
    ///
    /// # Errors
    /// A fault that says that the name does not resolve.
    pub async fn forbidden_address(&self, host: &str) -> Result<Option<IpAddr>, Fault> {
        let url = self.address(host)?;
        let found: Vec<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            Some(Host::Domain(name)) => {
                let port = url.port_or_known_default().unwrap_or_default();
                let found = timeout(RESOLVES, lookup_host((name, port))).await;
                let see = "see that the name is right, and that the daemon resolves it";
                let found = found.map_err(|_| {
                    let seconds = RESOLVES.as_secs();
                    Fault::new(format!("{host} does not resolve within {seconds} s"), see)
                })?;
                let found = found.map_err(|error| Fault::new(format!("{host}: {error}"), see))?;
                found.map(|address| address.ip()).collect()
            }
            None => Vec::new(),
        };
        let Some(named) = url.host().map(|host| host.to_owned()) else { return Ok(None) };
        Ok(found.into_iter().find(|address| !self.may(&named, *address)))
    }

    /// Returns whether an address of a host may be connected to. An address at which a cloud serves credentials is
    /// reached by no name.
    pub(crate) fn may(&self, host: &Host<String>, address: IpAddr) -> bool {
        if matches!(host, Host::Domain(_)) && is_link_local(address) {
            return false;
        }
        is_global(address)
            || self.private.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// Returns the URL at which a registry serves its API.
    pub(crate) fn address(&self, host: &str) -> Result<Url, Fault> {
        let scheme = if self.is_plain(host) { "http" } else { "https" };
        let api = if host == docker_hub::HOST { HUB_API } else { host };
        Url::parse(&format!("{scheme}://{api}/v2/")).map_err(|error| {
            Fault::new(format!("{host} is no host: {error}"), "name the host as images name it")
        })
    }

    /// Returns whether a host with its port is asked without TLS.
    pub(crate) fn is_plain(&self, host: &str) -> bool {
        self.plain.iter().any(|entry| entry == host)
    }
}

/// Returns whether a host is below a domain.
fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|before| before.len() > 1 && before.ends_with('.'))
}

/// Returns whether a text is a host, perhaps with a port, as a URL writes it.
fn is_host(text: &str) -> bool {
    let url = Url::parse(&format!("http://{text}/"));
    url.is_ok_and(|url| {
        let host = url.host_str().unwrap_or_default();
        let port =
            |rest: &str| rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        !text.contains('*')
            && text.strip_prefix(host).is_some_and(|rest| rest.is_empty() || port(rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(allow: &[&str], private: &[&str], plain: &[&str]) -> Result<Rules, String> {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        Rules::parse(&owned(allow), &owned(private), &owned(plain))
    }

    #[test]
    fn hosts_are_allowed_by_name_by_domain_or_all() {
        for (allow, host, expected) in [
            ("ghcr.io", "ghcr.io", true),
            ("ghcr.io", "ghcr.io:5000", true),
            ("ghcr.io:5000", "ghcr.io", false),
            ("ghcr.io:5000", "ghcr.io:5000", true),
            ("ghcr.io", "evil-ghcr.io", false),
            ("ghcr.io", "ghcr.io.evil", false),
            ("*.example.com", "a.b.example.com:5000", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("*.example.com", "evilexample.com", false),
            ("*", "anything.example", true),
        ] {
            assert_eq!(rules(&[allow], &[], &[]).unwrap().allows(host), expected, "{allow} {host}");
        }
        assert!(!Rules::default().allows("ghcr.io") && Rules::default().is_empty());
    }

    #[test]
    fn an_entry_that_names_nothing_is_refused_with_its_key() {
        for bad in ["", "https://ghcr.io", "ghcr.io/acme", "GHCR.io", "*.", "**", "a.*.io", "a:b"] {
            let error = rules(&[bad], &[], &[]).unwrap_err();
            assert!(error.starts_with("allow: `") && error.contains(bad), "{error}");
        }
        assert!(rules(&[], &["10.0.0.1/99"], &[]).unwrap_err().starts_with("private-addresses: "));
        assert!(rules(&[], &[], &["*"]).unwrap_err().starts_with("plain-http: "));
    }

    #[test]
    fn private_addresses_are_those_that_the_operator_names() {
        let own = rules(&[], &["10.0.0.0/8", "169.254.0.0/16"], &[]).unwrap();
        let name = Host::Domain("r.example".to_owned());
        for (address, expected) in [
            ("1.1.1.1", true),
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("192.168.0.1", false),
            ("127.0.0.1", false),
            // A name must not lead to a cloud's credentials.
            ("169.254.169.254", false),
        ] {
            assert_eq!(own.may(&name, address.parse().unwrap()), expected, "{address}");
        }
        let literal = Host::parse("169.254.1.1").unwrap();
        assert!(own.may(&literal, "169.254.1.1".parse().unwrap()));
    }

    #[tokio::test]
    async fn each_address_of_a_host_is_checked() {
        let strict = Rules::default();
        let local: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!(strict.forbidden_address("127.0.0.1:5000").await.unwrap(), Some(local));
        let named = strict.forbidden_address("localhost:5000").await.unwrap();
        assert!(named.is_some_and(|address| address.is_loopback()), "{named:?}");
        assert_eq!(strict.forbidden_address("1.1.1.1").await.unwrap(), None);
        let open = rules(&[], &["127.0.0.0/8"], &[]).unwrap();
        assert_eq!(open.forbidden_address("127.0.0.1:5000").await.unwrap(), None);
        let fault = open.forbidden_address("nowhere.invalid").await.unwrap_err();
        assert!(fault.message.starts_with("nowhere.invalid"), "{fault}");
    }

    #[test]
    fn docker_hub_serves_elsewhere_and_plain_hosts_are_exact() {
        let own = rules(&[], &[], &["r.corp:5000"]).unwrap();
        for (host, url) in [
            ("docker.io", "https://registry-1.docker.io/v2/"),
            ("r.corp:5000", "http://r.corp:5000/v2/"),
            ("r.corp", "https://r.corp/v2/"),
        ] {
            assert_eq!(own.address(host).unwrap().as_str(), url);
        }
    }
}
