//! Clusters of a project's own: the settings that are no secret, and the operator's limits.

use crate::{
    address::{is_global, is_link_local},
    app::{App, NameError, label},
    cluster::{DEFAULT, PodSecurity},
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Clusters of one project's own, at most.
pub const MOST_CLUSTERS: usize = 20;

/// Bytes of the longest kubeconfig.
pub const LONGEST_KUBECONFIG: usize = 64 << 10;

/// Environments that one cluster names, at most.
pub const MOST_ENVIRONMENTS: usize = 50;

/// Words before a cluster's name, in the name of its sealed kubeconfig. No name of a secret has a blank.
pub const KUBECONFIG_OF: &str = "the kubeconfig of cluster ";

/// Characters of the longest name.
const LONGEST_NAME: usize = 30;

/// Characters of the longest name of an environment.
const LONGEST_ENVIRONMENT: usize = 20;

/// Settings of a cluster of a project's own. The credentials are sealed beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnCluster {
    /// Environments that are deployed there. Empty means all.
    pub environments: Vec<String>,
    /// Pod Security Standard of the namespaces that Windlass makes there.
    pub pod_security: PodSecurity,
    /// Address of the API server, as the kubeconfig has it.
    pub server: String,
}

impl OwnCluster {
    /// Returns the namespaces in which rights are reviewed: those of the environments, or that of `production` where
    /// all are meant.
    #[must_use]
    pub fn namespaces(&self, project: &str) -> Vec<String> {
        let namespace = |environment: &str| {
            let (project, environment) = (project.to_owned(), environment.to_owned());
            App { project, name: String::new(), environment }.namespace()
        };
        if self.environments.is_empty() {
            return vec![namespace("production")];
        }
        self.environments.iter().map(|environment| namespace(environment)).collect()
    }
}

/// Checks the name of a cluster of a project's own.
///
/// # Errors
/// [`NameError`] for a text that is no name, and for the name of a daemon's only cluster.
pub fn check_name(name: &str) -> Result<(), NameError> {
    label("name", name, LONGEST_NAME)?;
    if name == DEFAULT {
        let problem = "is the name of a daemon's only cluster; choose another".into();
        return Err(NameError { field: "name".into(), value: name.into(), problem });
    }
    Ok(())
}

/// Checks the environments of a cluster.
///
/// # Errors
/// [`NameError`] for the first that is no name or is named twice, and for too many.
pub fn check_environments(environments: &[String]) -> Result<(), NameError> {
    if environments.len() > MOST_ENVIRONMENTS {
        return Err(NameError {
            field: "environments".into(),
            value: environments.len().to_string(),
            problem: format!("are too many: at most {MOST_ENVIRONMENTS}"),
        });
    }
    for (index, environment) in environments.iter().enumerate() {
        let field = format!("environments[{index}]");
        label(&field, environment, LONGEST_ENVIRONMENT)?;
        if environments.iter().take(index).any(|before| before == environment) {
            let (value, problem) = (environment.clone(), "is named twice".into());
            return Err(NameError { field, value, problem });
        }
    }
    Ok(())
}

/// Servers that clusters of projects' own may have, by the operator's decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedClusters {
    hosts: Vec<HostPattern>,
    networks: Vec<IpNet>,
}

/// Hosts that the operator allows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Any,
    Exactly(String),
    /// The domain, with its first dot.
    Below(String),
}

impl AllowedClusters {
    /// Reads the keys `allow` and `private-addresses` of `[own-clusters]`.
    ///
    /// # Errors
    /// [`NameError`] for the first entry that is no pattern of hosts, or no network.
    pub fn parse(allow: &[String], private_addresses: &[String]) -> Result<Self, NameError> {
        let fault = |key: &str, index: usize, value: &str, problem: &str| NameError {
            field: format!("own-clusters.{key}[{index}]"),
            value: value.chars().take(80).collect(),
            problem: problem.into(),
        };
        let hosts = allow.iter().enumerate().map(|(index, text)| {
            let expected =
                "must be a host without a port, `*.` and a domain, or `*`, in lower case";
            host_pattern(text).ok_or_else(|| fault("allow", index, text, expected))
        });
        let networks = private_addresses.iter().enumerate().map(|(index, text)| {
            let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(Into::into));
            let expected = "must be a network such as `10.0.0.0/8`, or an address";
            network.map_err(|_| fault("private-addresses", index, text, expected))
        });
        Ok(Self {
            hosts: hosts.collect::<Result<_, _>>()?,
            networks: networks.collect::<Result<_, _>>()?,
        })
    }

    /// Returns whether the operator allows no host at all.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Returns whether a server may have this host, a name or an address without brackets.
    #[must_use]
    pub fn admits_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        self.hosts.iter().any(|pattern| match pattern {
            HostPattern::Any => true,
            HostPattern::Exactly(own) => own == host,
            HostPattern::Below(domain) => {
                host.len() > domain.len() && host.ends_with(domain.as_str())
            }
        })
    }

    /// Returns whether a connection may be made to an address: it is of the public internet, or in a network that the
    /// operator named. One at which a cloud serves credentials may be named by its own address alone.
    #[must_use]
    pub fn admits_address(&self, address: IpAddr) -> bool {
        let canonical = address.to_canonical();
        if is_link_local(address) {
            let is_named = |network: &IpNet| {
                network.prefix_len() == network.max_prefix_len() && network.contains(&canonical)
            };
            return self.networks.iter().any(is_named);
        }
        is_global(address) || self.networks.iter().any(|network| network.contains(&canonical))
    }
}

/// Reads a pattern. `None` means that it is none.
fn host_pattern(text: &str) -> Option<HostPattern> {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    if text == "*" {
        return Some(HostPattern::Any);
    }
    if let Some(domain) = text.strip_prefix("*.") {
        let is_domain = domain.split('.').all(is_label);
        return is_domain.then(|| HostPattern::Below(format!(".{domain}")));
    }
    let is_host = text.parse::<IpAddr>().is_ok() || text.split('.').all(is_label);
    is_host.then(|| HostPattern::Exactly(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    fn allowed(allow: &[&str], networks: &[&str]) -> AllowedClusters {
        AllowedClusters::parse(&strings(allow), &strings(networks)).unwrap()
    }

    #[test]
    fn hosts_are_allowed_by_name_domain_or_all() {
        assert!(allowed(&[], &[]).is_closed());
        for (allow, host, expected) in [
            (&[][..], "k8s.example.com", false),
            (&["k8s.example.com"][..], "k8s.example.com", true),
            (&["k8s.example.com"], "K8S.example.com.", true),
            (&["k8s.example.com"], "xk8s.example.com", false),
            (&["*.example.com"], "a.b.example.com", true),
            (&["*.example.com"], "example.com", false),
            (&["*.example.com"], ".example.com", false),
            (&["*.example.com"], "badexample.com", false),
            (&["127.0.0.1"], "127.0.0.1", true),
            (&["::1"], "::1", true),
            (&["*"], "10.0.0.1", true),
        ] {
            assert_eq!(allowed(allow, &[]).admits_host(host), expected, "{allow:?} {host}");
        }
    }

    #[test]
    fn private_addresses_are_named_and_those_of_a_clouds_credentials_one_by_one() {
        for (networks, address, expected) in [
            (&[][..], "1.1.1.1", true),
            (&[][..], "10.0.0.1", false),
            (&[][..], "::ffff:10.0.0.1", false),
            (&["10.0.0.0/8"][..], "10.0.0.1", true),
            (&["10.0.0.0/8"], "::ffff:10.0.0.1", true),
            (&["10.0.0.0/8"], "127.0.0.1", false),
            (&["127.0.0.1"], "127.0.0.1", true),
            (&["0.0.0.0/0"], "169.254.169.254", false),
            (&["0.0.0.0/0", "169.254.169.254"], "169.254.169.254", true),
            (&["fd00::/8"], "fd00::1", true),
            (&["fd00::/8"], "fd00:ec2::254", false),
        ] {
            let found = allowed(&["*"], networks).admits_address(address.parse().unwrap());
            assert_eq!(found, expected, "{networks:?} {address}");
        }
    }

    #[test]
    fn an_entry_that_allows_nothing_is_refused() {
        for bad in ["", "https://x", "a:6443", "K8s.example", "*.", "a.*.b", "**", "a..b"] {
            let error = AllowedClusters::parse(&strings(&["ok", bad]), &[]).unwrap_err();
            assert_eq!(error.field, "own-clusters.allow[1]", "{bad}");
        }
        for bad in ["", "10.0.0.0/99", "example.com"] {
            let error = AllowedClusters::parse(&[], &strings(&[bad])).unwrap_err();
            assert_eq!(error.field, "own-clusters.private-addresses[0]", "{bad}");
        }
    }

    #[test]
    fn names_and_environments_are_checked() {
        check_name("eu-1").unwrap();
        for bad in ["", "default", "Eu", &"a".repeat(31)] {
            assert_eq!(check_name(bad).unwrap_err().field, "name", "{bad}");
        }
        check_environments(&strings(&["production", "staging"])).unwrap();
        let error = check_environments(&strings(&["a", "a"])).unwrap_err();
        assert_eq!(error.to_string(), "environments[1]: `a` is named twice");
        let error = check_environments(&strings(&["a", "B"])).unwrap_err();
        assert_eq!(error.field, "environments[1]");
        let many: Vec<_> = (0..=MOST_ENVIRONMENTS).map(|number| format!("e{number}")).collect();
        assert_eq!(check_environments(&many).unwrap_err().field, "environments");
    }

    #[test]
    fn rights_are_reviewed_where_apps_will_be() {
        let own = |environments: &[&str]| OwnCluster {
            environments: strings(environments),
            ..OwnCluster::default()
        };
        assert_eq!(own(&[]).namespaces("shop"), ["shop--production"]);
        assert_eq!(own(&["a", "b"]).namespaces("shop"), ["shop--a", "shop--b"]);
    }
}
