//! Names of hosts in asks and grants, matched label by label.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, net::Ipv6Addr};

/// Pattern of host names: `api.example.com`, `api.*.example.com` (`*`: one label), `**.example.com` (any
/// labels before), `127.0.0.1:5055`, or `*` alone for any host, which only an ask may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern {
    /// Lower case, without a port.
    name: String,
    /// `None` means the scheme's own.
    port: Option<u16>,
}

impl HostPattern {
    /// Returns whether the pattern names every host.
    pub(crate) fn is_any(&self) -> bool {
        self.name == "*"
    }

    /// Returns whether the pattern names a host and port. `host` is lower case and ASCII, as `url` gives it,
    /// and `default` the scheme's port.
    pub(crate) fn matches(&self, host: &str, port: u16, default: u16) -> bool {
        self.is_any() || self.port.unwrap_or(default) == port && labels(&self.name, host)
    }

    /// Returns whether the pattern names a host. Without a port it names all ports, since it may be a denial.
    pub(crate) fn covers(&self, host: &str, port: u16) -> bool {
        self.port.is_none_or(|own| own == port) && (self.is_any() || labels(&self.name, host))
    }

    /// Returns whether both patterns name a common host. A grant may be narrower than the ask, or wider.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.is_any()
            || other.is_any()
            || self.port == other.port
                && (labels(&self.name, &other.name) || labels(&other.name, &self.name))
    }
}

fn labels(pattern: &str, host: &str) -> bool {
    if let Some(rest) = pattern.strip_prefix("**.") {
        return host
            .strip_suffix(rest)
            .is_some_and(|before| before.len() > 1 && before.ends_with('.'));
    }
    let mut pattern = pattern.split('.');
    let mut host = host.split('.');
    loop {
        match (pattern.next(), host.next()) {
            (None, None) => return true,
            (Some(label), Some(own)) if label == own || label == "*" && !own.is_empty() => {}
            _ => return false,
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fail = |why: &str| Err(format!("`{text}`: {why}"));
        let (name, port) = match text.rsplit_once(':') {
            // An IPv6 address has its colons in brackets.
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                match port.parse() {
                    Ok(port) if port > 0 => (name, Some(port)),
                    _ => return fail("its port must be 1 to 65535"),
                }
            }
            _ => (&*text, None),
        };
        if name == "*" {
            return Ok(Self { name: name.into(), port });
        }
        let is_address = name.starts_with('[') && name.ends_with(']');
        let plain = name.strip_prefix("**.").unwrap_or(name);
        let label = |label: &str| {
            label == "*"
                || !label.is_empty()
                    && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        let is_address = is_address && name.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok();
        let is_mixed = plain.len() < name.len() && plain.contains('*');
        if name.len() > 253 || is_mixed || !is_address && !plain.split('.').all(label) {
            return fail(
                "must be a host such as `api.example.com`, `*.example.com` (one label) or `**.example.com`, perhaps with a port; no scheme and no path",
            );
        }
        // As URLs write it.
        let name = match name.trim_matches(['[', ']']).parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => name.to_ascii_lowercase(),
        };
        Ok(Self { name, port })
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> HostPattern {
        text.to_owned().try_into().unwrap()
    }

    #[test]
    fn wildcards_are_whole_labels() {
        for (text, host, port, matches) in [
            ("api.example.com", "api.example.com", 443, true),
            ("api.example.com", "api.example.com", 8443, false),
            ("api.example.com:8443", "api.example.com", 8443, true),
            ("*.example.com", "api.example.com", 443, true),
            ("*.example.com", "a.b.example.com", 443, false),
            ("*.example.com", "example.com", 443, false),
            ("*.example.com", ".example.com", 443, false),
            ("**.example.com", "a.b.example.com", 443, true),
            ("**.example.com", "evilexample.com", 443, false),
            ("**.example.com", "example.com", 443, false),
            ("api.ecr.*.amazonaws.com", "api.ecr.eu-central-1.amazonaws.com", 443, true),
            ("api.ecr.*.amazonaws.com", "api.ecr.eu.evil.com", 443, false),
            ("[::1]:80", "[::1]", 80, true),
            ("*", "anything.at.all", 1, true),
        ] {
            assert_eq!(pattern(text).matches(host, port, 443), matches, "{text} {host}:{port}");
        }
        for bad in [
            "https://a",
            "a/b",
            "",
            "a..b",
            "a:0",
            "a:99999",
            "a b",
            "ex*.com",
            "**",
            "a.**",
            "**.a.*.b",
            "[1.2.3]",
        ] {
            assert!(HostPattern::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_grant_may_be_narrower_or_wider_than_the_ask() {
        assert!(pattern("*").meets(&pattern("api.example.com")));
        assert!(pattern("api.*.a.com").meets(&pattern("api.eu.a.com")));
        assert!(pattern("api.eu.a.com").meets(&pattern("**.a.com")));
        assert!(!pattern("api.a.com").meets(&pattern("api.b.com")));
    }
}
